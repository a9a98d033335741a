"""Pictures changed at random: boxes follow the pixels."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from edgekit.vision.augment import GREY, HIDDEN, KEPT, Augmentation, View, view
from edgekit.vision.resize import resize

NOTHING = Augmentation(horizontal=0, vertical=0, crop=0, brightness=0, contrast=0, saturation=0, cast=0)
MOVED = replace(NOTHING, horizontal=0.5, vertical=0.5, crop=0.9, smallest=0.5, largest=1.6, stretch=0.4)
COLOUR, BACKGROUND = (250, 20, 30), (10, 30, 60)


def shown(pixels: np.ndarray, boxes: Any = (), *, crowd: Any = None, seed: int = 0, **options: Any) -> View:
    rows = np.array(boxes, np.float32).reshape(-1, 4)
    flags = np.zeros(len(rows), bool) if crowd is None else np.array(crowd, bool)
    size = options.pop("size", (60, 90))
    augmentation = options.pop("augmentation", None) or replace(NOTHING, **options)
    random = np.random.default_rng(seed)
    return view(pixels, rows, np.arange(len(rows)), flags, size=size, augmentation=augmentation, random=random)


def scene(random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """A picture with a rectangle of a colour, and where it is."""
    height, width = random.integers(40, 300, 2)
    x, y = np.sort(random.integers(0, width + 1, 2)), np.sort(random.integers(0, height + 1, 2))
    pixels = np.full((height, width, 3), BACKGROUND, np.uint8)
    pixels[y[0] : y[1], x[0] : x[1]] = COLOUR
    return pixels, np.array([x[0] / width, y[0] / height, x[1] / width, y[1] / height])


def edges(pixels: np.ndarray) -> np.ndarray:
    """xmin, ymin, xmax, ymax in pixels of what is more of COLOUR than of anything else."""
    like = (pixels[..., 0].astype(int) > 160) & (pixels[..., 1] < 90)
    columns, rows = np.flatnonzero(like.any(axis=0)), np.flatnonzero(like.any(axis=1))
    return np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1])


@pytest.mark.parametrize("augmentation", [NOTHING, MOVED], ids=["resized", "moved"])
def test_boxes_follow_the_pixels(augmentation: Augmentation) -> None:
    looked_at = 0
    for seed in range(300):
        pixels, box = scene(np.random.default_rng(seed))
        found = shown(pixels, [box], seed=seed, augmentation=augmentation)
        scale = np.array([90, 60, 90, 60])
        if len(found.boxes) and ((found.boxes[0, 2:] - found.boxes[0, :2]) * scale[:2]).min() > 3:
            looked_at += 1
            assert np.abs(edges(found.pixels) - found.boxes[0] * scale).max() <= 1
    assert looked_at > 150


def test_every_change_happens_and_no_other() -> None:
    pixels = np.arange(8 * 8 * 3, dtype=np.uint8).reshape(8, 8, 3)
    size = (8, 8)
    box = [0.0, 0.25, 0.5, 0.5]
    cases = (
        ({"horizontal": 1.0}, pixels[:, ::-1], [0.5, 0.25, 1.0, 0.5]),
        ({"vertical": 1.0}, pixels[::-1], [0.0, 0.5, 0.5, 0.75]),
        ({}, pixels, box),
    )
    for options, expected, moved in cases:
        found = shown(pixels, [box], size=size, **options)
        assert np.abs(found.pixels.astype(int) - expected).max() <= 1
        np.testing.assert_allclose(found.boxes, [moved], atol=1e-6)


def test_zooming_out_puts_grey_around() -> None:
    white = np.full((50, 50, 3), 255, np.uint8)
    found = shown(white, [[0, 0, 1, 1]], size=(100, 100), crop=1.0, smallest=2.0, largest=2.0, stretch=0.0)
    xmin, ymin, xmax, ymax = (found.boxes[0] * 100).round().astype(int)
    assert (xmax - xmin, ymax - ymin) == (50, 50)
    assert (found.pixels[ymin + 2 : ymax - 2, xmin + 2 : xmax - 2] == 255).all()
    outside = np.ones((100, 100), bool)
    outside[max(ymin - 2, 0) : ymax + 2, max(xmin - 2, 0) : xmax + 2] = False
    assert (found.pixels[outside] == GREY).all()


@pytest.mark.parametrize(("shape", "size"), [((100, 140), (64, 64)), ((33, 57), (192, 160)), ((64, 64), (64, 64))])
def test_without_changes_it_is_the_one_resize(shape: tuple[int, int], size: tuple[int, int]) -> None:
    y, x = np.mgrid[: shape[0], : shape[1]]
    pixels = np.stack([127 + 120 * np.sin(x / 9), 127 + 120 * np.cos(y / 7), (x + y) % 256 * 0.9], -1).astype(np.uint8)
    found = shown(pixels, size=size).pixels
    assert np.abs(found.astype(int) - resize(pixels, *size)).max() <= 1


def test_a_box_is_asked_for_by_what_is_left_of_it() -> None:
    """A window over the middle half of a picture: each box is cut at the window's left side."""
    pixels = np.zeros((40, 40, 3), np.uint8)
    seen: dict[bool | None, list[float]] = {True: [], False: [], None: []}
    for seed in range(200):
        found = shown(pixels, [[0.1, 0.4, 0.5, 0.6]], seed=seed, crop=1.0, smallest=0.5, largest=0.5, stretch=0.0)
        whole = np.array([0.8, 0.4])  # its sides in the window
        left = float(((found.boxes[0, 2:] - found.boxes[0, :2]) / whole).prod()) if len(found.boxes) else 0.0
        seen[bool(found.crowd[0]) if len(found.boxes) else None].append(left)
    assert all(seen.values())
    assert min(seen[False]) >= KEPT - 1e-5 > max(seen[True]) - 2e-5
    assert min(seen[True]) >= HIDDEN - 1e-5


def test_a_crowd_stays_one_and_classes_stay_with_their_boxes() -> None:
    boxes = [[0.2, 0.2, 0.4, 0.4], [0.5, 0.5, 0.5, 0.9], [0.6, 0.6, 0.9, 0.9]]
    found = shown(np.zeros((30, 30, 3), np.uint8), boxes, crowd=[False, False, True])
    assert (found.classes.tolist(), found.crowd.tolist()) == ([0, 2], [False, True])  # one has no area


@pytest.mark.parametrize("change", ["brightness", "contrast", "saturation", "cast"])
def test_light_changes_pixels_and_nothing_else(change: str) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (60, 90, 3), dtype=np.uint8)
    box = [[0.1, 0.2, 0.3, 0.4]]
    found = shown(pixels, box, seed=3, **{change: 40.0 if change == "brightness" else 0.5})
    assert (found.pixels.shape, found.pixels.dtype) == (pixels.shape, np.uint8)
    assert (found.pixels != pixels).mean() > 0.5
    np.testing.assert_allclose(found.boxes, box, atol=1e-6)
    if change == "saturation":  # grey has none
        grey = pixels[..., :1].repeat(3, axis=-1)
        assert np.abs(shown(grey, seed=3, saturation=0.5).pixels.astype(int) - grey).max() <= 1


def test_the_same_seed_the_same_view() -> None:
    pixels, box = scene(np.random.default_rng(7))
    lit = replace(MOVED, brightness=20.0, contrast=0.2, saturation=0.2, cast=0.1)
    first, second, other = (shown(pixels, [box], seed=seed, augmentation=lit) for seed in (5, 5, 6))
    assert (first.pixels == second.pixels).all()
    assert (first.boxes == second.boxes).all()
    assert (first.pixels != other.pixels).any()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"horizontal": 1.5}, "horizontal: expected a chance"),
        ({"crop": -0.1}, "crop: expected a chance"),
        ({"smallest": 0.0}, "0 < smallest ≤ largest"),
        ({"smallest": 1.2, "largest": 1.1}, "0 < smallest ≤ largest"),
        ({"largest": float("inf")}, "0 < smallest ≤ largest"),
    ],
)
def test_limits_that_make_no_sense(wrong: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Augmentation(**wrong)
