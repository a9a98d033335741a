"""Pictures changed at random for training, their boxes with them: crops, flips and light."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..values.spec import expect
from . import opencv as cv2

Pixels = NDArray[np.uint8]
Floats = NDArray[np.float32]

KEPT = 0.4  # a cropped box is still asked for when so much of it is left …
HIDDEN = 0.1  # … and below that, down to here, it is neither right nor wrong to find it
GREY = 128  # what lies outside the picture
SAME, GREYED = np.eye(3), np.tile((0.299, 0.587, 0.114), (3, 1))  # over channels; ITU-R BT.601


@dataclass(frozen=True, kw_only=True)
class Augmentation:
    """Chances and limits; each 0 where nothing of its kind is to happen.

    horizontal, vertical: chances of a flip. crop: chance of a window, whose sides are from ``smallest`` to ``largest``
    of the picture's (above 1: grey around it) and whose aspect ratio changes by up to ``stretch`` (0.1: a tenth).
    brightness: up to so many of 255. contrast, saturation, cast: up to so much of 1, cast for each channel.
    """

    horizontal: float = 0.5
    vertical: float = 0.0
    crop: float = 0.8
    smallest: float = 0.6
    largest: float = 1.1
    stretch: float = 0.15
    brightness: float = 25.0
    contrast: float = 0.2
    saturation: float = 0.25
    cast: float = 0.08

    def __post_init__(self) -> None:
        for name in ("horizontal", "vertical", "crop"):
            expect(0 <= getattr(self, name) <= 1, name, "a chance from 0 to 1", getattr(self, name))
        got = (self.smallest, self.largest)
        expect(0 < self.smallest <= self.largest < math.inf, "crop", "0 < smallest ≤ largest", got)

    @property
    def lit(self) -> bool:
        return any((self.brightness, self.contrast, self.saturation, self.cast))


@dataclass(frozen=True, kw_only=True, eq=False)
class View:
    """What a network is shown: pixels uint8 (height, width, 3), boxes float32 (n, 4) xyxy in [0, 1], classes, crowd."""

    pixels: Pixels
    boxes: Floats
    classes: NDArray[np.int64]
    crowd: NDArray[np.bool_]


def view(
    pixels: Pixels,
    boxes: Floats,
    classes: NDArray[np.int64],
    crowd: NDArray[np.bool_],
    *,
    size: tuple[int, int],
    augmentation: Augmentation,
    random: np.random.Generator,
) -> View:
    """One picture, changed at random, at ``size`` (height, width); boxes that are left of it too small are left out."""
    window = _window(augmentation, random)
    flips = random.random(2) < (augmentation.horizontal, augmentation.vertical)
    shown = _cut(pixels, window, flips, size)
    if augmentation.lit:
        shown = _light(shown, augmentation, random)
    moved = (boxes - window[[0, 1, 0, 1]]) / (window[2:] - window[:2])[[0, 1, 0, 1]]
    for axis in np.flatnonzero(flips):
        moved[:, [axis, axis + 2]] = 1 - moved[:, [axis + 2, axis]]
    inside = np.clip(moved, 0, 1)
    left = _areas(inside) / np.maximum(_areas(moved), 1e-12)
    seen = (left >= HIDDEN) | (crowd & (left > 0))
    return View(
        pixels=shown,
        boxes=inside[seen].astype(np.float32),
        classes=classes[seen],
        crowd=(crowd | (left < KEPT))[seen],
    )


def _window(augmentation: Augmentation, random: np.random.Generator) -> NDArray[np.float64]:
    """(xmin, ymin, xmax, ymax) of what is shown, the picture being [0, 1]."""
    if random.random() >= augmentation.crop:
        return np.array([0.0, 0.0, 1.0, 1.0])
    side = random.uniform(augmentation.smallest, augmentation.largest)
    aspect = np.exp(random.uniform(-augmentation.stretch, augmentation.stretch) / 2)
    sides = np.clip([side * aspect, side / aspect], 0.05, max(1.0, augmentation.largest))
    start = np.minimum(0, 1 - sides) + random.random(2) * np.abs(1 - sides)
    return np.concatenate([start, start + sides])


def _cut(pixels: Pixels, window: NDArray[np.float64], flips: NDArray[np.bool_], size: tuple[int, int]) -> Pixels:
    """A window, flipped, at another size: bilinear without antialias, as pictures are resized for inference."""
    picture, wanted = np.array(pixels.shape[1::-1]), np.array(size[::-1])
    corner, extent = window[:2] * picture, (window[2:] - window[:2]) * picture
    step = extent / wanted
    first = corner + step / 2 - 0.5  # where the centre of the first pixel lies, in the source's pixel centres
    first, step = np.where(flips, first + step * (wanted - 1), first), np.where(flips, -step, step)
    matrix = np.array([[step[0], 0, first[0]], [0, step[1], first[1]]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    border = {"borderMode": cv2.BORDER_REPLICATE}
    if (window[:2] < 0).any() or (window[2:] > 1).any():
        border = {"borderMode": cv2.BORDER_CONSTANT, "borderValue": (GREY,) * 4}
    # OpenCV gives the same pixels in less than half of the time where there are four channels
    four = cv2.warpAffine(
        cv2.cvtColor(pixels, cv2.COLOR_RGB2RGBA), matrix, tuple(map(int, wanted)), flags=flags, **border
    )
    result: Pixels = cv2.cvtColor(four, cv2.COLOR_RGBA2RGB)
    return result


def _light(pixels: Pixels, augmentation: Augmentation, random: np.random.Generator) -> Pixels:
    """Brightness, contrast, saturation and a colour cast, as one matrix over the channels."""
    contrast, saturation = 1 + random.uniform(-1, 1, 2) * (augmentation.contrast, augmentation.saturation)
    cast = 1 + random.uniform(-1, 1, 3) * augmentation.cast
    matrix = np.empty((3, 4))
    matrix[:, :3] = cast[:, None] * contrast * (saturation * SAME + (1 - saturation) * GREYED)
    matrix[:, 3] = GREY * (1 - contrast) + random.uniform(-1, 1) * augmentation.brightness
    result: Pixels = cv2.transform(pixels, matrix)
    return result


def _areas(boxes: NDArray[np.floating]) -> NDArray[np.floating]:
    areas: NDArray[np.floating] = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
    return areas
