"""Pictures of shelves: made from numbers alone, with boxes that are true."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from edgekit.datasets.shelf import GROUPS, LABELS, Picture, Shelf, stream
from edgekit.datasets.shelf.bank import bank, rng
from edgekit.datasets.shelf.camera import canvas_size, look, view
from edgekit.datasets.shelf.canvas import Canvas, boxes, stamp
from edgekit.datasets.shelf.scene import Plan, compose, surround
from edgekit.errors import UsageError

cv2 = pytest.importorskip("cv2", reason="extra 'video' is not installed")

MANY = 300
BANK = 1
SIDE = 192
STRAIGHT = np.eye(3)


@pytest.fixture(scope="module")
def shelf() -> Shelf:
    return Shelf(sprites=BANK)


@pytest.fixture(scope="module")
def many(shelf: Shelf) -> list[Picture]:
    return [shelf.picture(seed) for seed in range(MANY)]


def test_a_number_gives_the_same_bytes_and_another_gives_others(shelf: Shelf) -> None:
    first = [shelf.picture(seed) for seed in (7, 8)]
    bank.cache_clear()
    again = [Shelf(sprites=BANK).picture(seed) for seed in (7, 8)]
    for one, other in zip(first, again, strict=True):
        for name in ("pixels", "boxes", "classes", "crowd"):
            np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    assert (first[0].pixels != first[1].pixels).any()


def test_another_bank_has_other_packs(shelf: Shelf) -> None:
    ours, others = bank(BANK)[0][0][0].forms[0], bank(BANK + 1)[0][0][0].forms[0]
    assert ours.shape != others.shape or (ours != others).any()
    assert (shelf.picture(7).pixels != Shelf(sprites=BANK + 1).picture(7).pixels).any()


def test_a_stream_counts_on_from_its_seed(shelf: Shelf) -> None:
    for number, picture in zip((3, 4), itertools.islice(stream(seed=3, sprites=BANK), 2), strict=True):
        np.testing.assert_array_equal(picture.pixels, shelf.picture(number).pixels)


@pytest.mark.parametrize(("height", "width"), [(96, 96), (240, 320), (300, 200)])
def test_pictures_have_the_size_that_was_asked_for(height: int, width: int) -> None:
    picture = Shelf(sprites=BANK, height=height, width=width).picture(5)
    assert (picture.pixels.shape, picture.pixels.dtype) == ((height, width, 3), np.uint8)
    assert len(picture.classes) > 0


@pytest.mark.parametrize(("height", "width"), [(95, 192), (192, 0), (192, 1025), (-192, 192)])
def test_sizes_without_sense_are_refused(height: int, width: int) -> None:
    with pytest.raises(UsageError, match=f"{width} × {height} pixels cannot be made"):
        Shelf(sprites=BANK, height=height, width=width)


def test_boxes_lie_in_the_picture(many: list[Picture]) -> None:
    for picture in many:
        assert (picture.boxes.dtype, picture.classes.dtype, picture.crowd.dtype) == (np.float32, np.int64, np.bool_)
        assert picture.boxes.min(initial=0) >= 0
        assert picture.boxes.max(initial=0) <= 1
        assert (picture.boxes[:, 2:] > picture.boxes[:, :2]).all()
        assert set(picture.classes.tolist()) <= set(range(len(LABELS)))


def test_what_is_asked_for_is_large_enough_to_be_told(many: list[Picture]) -> None:
    sides = np.concatenate([(one.boxes[:, 2:] - one.boxes[:, :2])[~one.crowd] for one in many]) * SIDE
    assert sides.min() >= 10
    assert np.percentile(sides[:, 0], 5) >= 10.5
    assert np.percentile(sides[:, 1], 5) >= 16


def test_shelves_are_from_nearly_empty_to_crowded(many: list[Picture]) -> None:
    counts = np.array([len(picture.classes) for picture in many])
    assert np.percentile(counts, 5) <= 8
    assert 0.01 <= (counts > 100).mean() <= 0.1
    assert counts.max() >= 180


def test_no_class_is_rare(many: list[Picture]) -> None:
    counts = np.bincount(np.concatenate([one.classes[~one.crowd] for one in many]), minlength=len(LABELS))
    assert counts.min() > 0.6 * counts.mean()
    assert counts.max() < 1.6 * counts.mean()


def test_groups_hold_every_label_once() -> None:
    assert sorted(label for members in GROUPS.values() for label in members) == sorted(LABELS)


@pytest.mark.parametrize("seed", [0, 5, 11])
def test_boxes_are_those_of_the_visible_pixels(shelf: Shelf, seed: int) -> None:
    """Of what is asked for; the numbers of the products are seen through the same camera eight times as finely."""
    random = rng(f"tight/{seed}")
    plan = Plan.of(random)
    canvas = compose(bank(BANK), plan, random, *canvas_size(SIDE, SIDE), 1.0)
    surround(canvas, plan, random, 1.0)
    matrix = view(random, SIDE, SIDE)
    found, classes, crowd = boxes(canvas, matrix, SIDE, SIDE)
    assert (~crowd).any()
    fine = 8
    enlarge = np.diag([fine, fine, 1.0]) @ matrix
    half = np.array([(1, 0, -0.5), (0, 1, -0.5), (0, 0, 1)])
    centred = half @ enlarge @ np.linalg.inv(half)
    owners = cv2.warpPerspective(
        canvas.owners, centred, (SIDE * fine, SIDE * fine), flags=cv2.INTER_NEAREST, borderValue=0
    )
    brute = {}
    for index, label in enumerate(canvas.classes):
        rows, columns = np.nonzero((owners >> 1) == index + 1)
        if len(rows):
            edges = np.array([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]) / fine
            brute[index] = (label, edges)
    for box, label in zip(found[~crowd] * SIDE, classes[~crowd].tolist(), strict=True):
        nearest = min(np.abs(edges - box).max() for other, edges in brute.values() if other == label)
        assert nearest <= 1 / 3


@pytest.mark.parametrize("seed", range(4))
def test_boxes_lie_where_the_camera_shows_the_pack(shelf: Shelf, seed: int) -> None:
    """A white rectangle's edges, read from the pixels' brightness, are those of its box."""
    rows, columns = canvas_size(SIDE, SIDE)
    canvas = Canvas.blank(rows, columns)
    pack = next(one[0] for one in bank(BANK)[6] if one[0].forms[0][..., 3].min() == 255)  # a box fills its frame
    canvas.place(stamp(pack, 60, 40), 90, 80, 6)
    canvas.pixels[80:140, 90:130] = 255
    matrix = np.array([(0.93, 0, -9.3 + 0.31 * seed), (0, 0.93, -5.2 - 0.27 * seed), (0, 0, 1)])
    found, _, _ = boxes(canvas, matrix, SIDE, SIDE)
    shown = look(canvas.pixels, matrix, SIDE, SIDE)[..., 0] / 255
    left, top, right, bottom = found[0] * SIDE
    middle_row, middle_column = shown[round((top + bottom) / 2)], shown[:, round((left + right) / 2)]
    for line, start, end in ((middle_row, left, right), (middle_column, top, bottom)):
        assert line.sum() == pytest.approx(end - start, abs=0.05)
        assert (line * (np.arange(SIDE) + 0.5)).sum() / line.sum() == pytest.approx((start + end) / 2, abs=0.05)


@pytest.mark.parametrize(
    ("covered", "expected"),
    [(0.0, [False]), (0.3, [False]), (0.45, [True]), (0.93, [])],
    ids=["free", "partly hidden", "half hidden", "hidden"],
)
def test_what_is_hidden_is_not_asked_for(covered: float, expected: list[bool]) -> None:
    canvas = Canvas.blank(SIDE, SIDE)
    pack = next(one[0] for one in bank(BANK)[6] if one[0].face == (0, 0, 1, 1))
    canvas.place(stamp(pack, 60, 40), 50, 80, 6)
    canvas.cover(140 - round(60 * covered), 140, 0, SIDE)
    _, classes, crowd = boxes(canvas, STRAIGHT, SIDE, SIDE)
    assert crowd.tolist() == expected
    assert classes.tolist() == [6] * len(expected)


@pytest.mark.parametrize(("width", "expected"), [(10, [False]), (9, [True]), (5, [True]), (2, [])])
def test_what_is_small_is_not_asked_for(width: int, expected: list[bool]) -> None:
    canvas = Canvas.blank(SIDE, SIDE)
    canvas.place(stamp(bank(BANK)[2][0][0], 40, width), 50, 80, 2)
    assert boxes(canvas, STRAIGHT, SIDE, SIDE)[2].tolist() == expected


def test_a_bottle_without_its_label_is_not_asked_for() -> None:
    canvas = Canvas.blank(SIDE, SIDE)
    bottle = bank(BANK)[1][0][0]
    canvas.place(stamp(bottle, 100, 34), 50, 60, 1)
    assert boxes(canvas, STRAIGHT, SIDE, SIDE)[2].tolist() == [False]
    _, top, _, bottom = bottle.face
    canvas.cover(60 + round(100 * top), 60 + round(100 * bottom), 0, SIDE)
    assert boxes(canvas, STRAIGHT, SIDE, SIDE)[2].tolist() == [True]


def test_what_the_edge_of_the_picture_cuts_off_is_hidden_too() -> None:
    canvas = Canvas.blank(SIDE, SIDE)
    for left in (-4, -28):
        canvas.place(stamp(bank(BANK)[2][0][0], 60, 40), left, 80 + left, 2)
    found, _, crowd = boxes(canvas, STRAIGHT, SIDE, SIDE)
    assert crowd.tolist() == [False, True]
    assert found[:, 0].tolist() == [0, 0]


def test_an_empty_drawing_has_no_boxes() -> None:
    found, classes, crowd = boxes(Canvas.blank(SIDE, SIDE), STRAIGHT, SIDE, SIDE)
    assert (found.shape, classes.shape, crowd.shape) == ((0, 4), (0,), (0,))
