"""A flat drawing of a shelf that remembers which product every pixel belongs to, and where its parts stay visible."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ...vision import opencv as cv2
from .bank import Sprite

Array = NDArray[np.float32]
Pixels = NDArray[np.uint8]
SOLID = 96  # alpha from which on a pixel belongs to a product
HIDDEN, PARTLY = 0.12, 0.65  # share of a product that must be visible to be annotated, and to be asked for
FACE = 0.5  # share of what tells its class that must be visible to be asked for
LEAST_SIDE, LEAST = 10.0, 3.0  # pixels at 192: sides below are not asked for; below the second not annotated
PIECE = 3  # pixels of a line that are taken for level
FIRST = 2  # numbers below are no products; product i has 2 i, its face 2 i + 1


@dataclass(frozen=True, kw_only=True, eq=False)
class Stamp:
    """A sprite at one size, ready to be placed many times. light: its colours; veil: what shows through, of 255."""

    light: Pixels
    veil: Pixels
    solid: NDArray[np.bool_]
    face: tuple[int, int, int, int]
    area: int
    face_area: int

    @property
    def shape(self) -> tuple[int, int]:
        return self.light.shape[0], self.light.shape[1]


def stamp(sprite: Sprite, height: int, width: int, *, lean: float = 0.0) -> Stamp:
    """lean: degrees that it leans to the right; its frame grows so that all of it is inside."""
    form = sprite.form(height)
    pixels = cv2.resize(form, (width, height), interpolation=cv2.INTER_LINEAR)
    left, top, right, bottom = sprite.face
    face = (round(left * width), round(top * height), round(right * width), round(bottom * height))
    if lean:
        pixels, face = _leaning(pixels, face, lean)
    alpha = cv2.extractChannel(pixels, 3)
    solid = alpha > SOLID
    x0, y0, x1, y1 = face
    return Stamp(
        light=cv2.cvtColor(pixels, cv2.COLOR_RGBA2RGB),
        veil=cv2.cvtColor(255 - alpha, cv2.COLOR_GRAY2RGB),
        solid=solid,
        face=face,
        area=int(np.count_nonzero(solid)),
        face_area=int(np.count_nonzero(solid[y0:y1, x0:x1])),
    )


def _leaning(pixels: Pixels, face: tuple[int, int, int, int], lean: float) -> tuple[Pixels, tuple[int, int, int, int]]:
    """Pixels and the frame of the face's middle after a turn."""
    height, width = pixels.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2 - 0.5, height / 2 - 0.5), -lean, 1)
    cosine, sine = abs(matrix[0, 0]), abs(matrix[0, 1])
    wide, high = int(height * sine + width * cosine + 1), int(height * cosine + width * sine + 1)
    matrix[:, 2] += (wide - width) / 2, (high - height) / 2
    turned = cv2.warpAffine(pixels, matrix, (wide, high), flags=cv2.INTER_LINEAR)
    x0, y0, x1, y1 = face
    corners = matrix @ np.array([(x0, y0, 1), (x1, y0, 1), (x1, y1, 1), (x0, y1, 1)]).T
    low, high_corner = corners.min(1), corners.max(1)
    return turned, (max(0, int(low[0])), max(0, int(low[1])), int(high_corner[0]) + 1, int(high_corner[1]) + 1)


@dataclass(kw_only=True, eq=False)
class Canvas:
    """pixels: uint8 [h, w, 3]. owners: int16 [h, w], numbers as above. The lists have one entry a product."""

    pixels: Pixels
    owners: NDArray[np.int16]
    classes: list[int] = field(default_factory=list)
    areas: list[int] = field(default_factory=list)
    faces: list[int] = field(default_factory=list)

    @classmethod
    def blank(cls, height: int, width: int) -> Canvas:
        return cls(pixels=np.zeros((height, width, 3), np.uint8), owners=np.zeros((height, width), np.int16))

    @property
    def shape(self) -> tuple[int, int]:
        return self.owners.shape[0], self.owners.shape[1]

    def place(self, one: Stamp, left: int, top: int, label: int, gain: float = 1.0) -> None:
        """Put a product with its upper left corner there; what lies outside is cut off."""
        height, width = one.shape
        y0, x0 = max(0, -top), max(0, -left)
        y1, x1 = min(height, self.shape[0] - top), min(width, self.shape[1] - left)
        if y0 >= y1 or x0 >= x1:
            return
        part = self.pixels[top + y0 : top + y1, left + x0 : left + x1]
        cv2.multiply(part, one.veil[y0:y1, x0:x1], part, 1 / 255)
        cv2.add(part, cv2.convertScaleAbs(one.light[y0:y1, x0:x1], alpha=gain), part)
        number = FIRST + 2 * len(self.classes)
        owners, solid = self.owners[top + y0 : top + y1, left + x0 : left + x1], one.solid[y0:y1, x0:x1]
        np.copyto(owners, number, where=solid)
        fx0, fy0, fx1, fy1 = one.face
        fy, fx = slice(max(fy0 - y0, 0), max(fy1 - y0, 0)), slice(max(fx0 - x0, 0), max(fx1 - x0, 0))
        np.copyto(owners[fy, fx], number + 1, where=solid[fy, fx])
        self.classes.append(label)
        self.areas.append(one.area)
        self.faces.append(one.face_area)

    def dim(self, top: int, bottom: int, left: int, right: int, factor: float) -> None:
        """Darken a rectangle."""
        part = self.pixels[max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)]
        if part.size:
            cv2.convertScaleAbs(part, part, factor)

    def cover(self, top: int, bottom: int, left: int, right: int) -> Pixels:
        """The pixels of a rectangle, for something in front of the products there."""
        y0, x0 = max(top, 0), max(left, 0)
        self.owners[y0 : max(bottom, 0), x0 : max(right, 0)] = 0
        return self.pixels[y0 : max(bottom, 0), x0 : max(right, 0)]


def boxes(
    canvas: Canvas, view: NDArray[np.float64], height: int, width: int
) -> tuple[Array, NDArray[np.int64], NDArray[np.bool_]]:
    """Boxes of what is visible, in [0, 1], classes and crowd, of the picture height × width that ``view`` makes.

    view: 3 × 3 homography from the canvas to the picture, in edges of pixels: (0, 0) is the upper left corner.
    """
    runs = _runs(canvas.owners)
    edges = _edges(view, runs)
    whole = (edges[:2] >= 0).all(0) & (edges[2] <= width) & (edges[3] <= height)
    touching = (edges[2:] > 0).all(0) & (edges[0] < width) & (edges[1] < height)
    inside = np.flatnonzero(whole)
    # The slope of a long run says little of the part of it that is inside
    pieces = _pieces(runs.take(np.flatnonzero(touching & ~whole), 1))
    edges = np.hstack([edges.take(inside, 1), _edges(view, pieces)])
    numbers, _, starts, ends = np.hstack([runs.take(inside, 1), pieces])
    low, high = edges[:2].clip(0), edges[2:].clip(None, [[width], [height]])
    extent, full = np.maximum(high - low, 0), edges[2:] - edges[:2]
    shown = extent[0] * extent[1] / (full[0] * full[1]) * (ends - starts)
    order = np.argsort(numbers.astype(np.int16), kind="stable")
    order = order[shown[order] > 0]
    if not len(order):
        return np.zeros((0, 4), np.float32), np.zeros(0, np.int64), np.zeros(0, np.bool_)
    owner = (numbers[order] - FIRST) >> 1
    first = np.flatnonzero(np.diff(owner, prepend=-1))
    who, shown = owner[first], shown[order]
    low = np.minimum.reduceat(low.take(order, 1), first, axis=1)
    high = np.maximum.reduceat(high.take(order, 1), first, axis=1)
    share = np.add.reduceat(shown, first) / np.array(canvas.areas)[who]
    face = np.add.reduceat(shown * (numbers[order] & 1), first) / np.maximum(np.array(canvas.faces)[who], 1)
    side = (high - low).min(0) * 192 / min(height, width)
    crowd = (share < PARTLY) | (face < FACE) | (side < LEAST_SIDE)
    listed = (share >= HIDDEN) & (side >= LEAST)
    found = np.concatenate([low, high]).T / [width, height, width, height]
    return found[listed].astype(np.float32), np.array(canvas.classes, np.int64)[who[listed]], crowd[listed]


def _runs(owners: NDArray[np.int16]) -> NDArray[np.int32]:
    """Stretches of one product in one line, [4, n]: its number, the line, where it starts and where it ends."""
    height, width = owners.shape
    framed = np.zeros((height, width + 1), np.int16)  # a column that is nobody's ends each line
    framed[:, :width] = owners
    line = framed.ravel()
    breaks = np.flatnonzero(line[1:] != line[:-1]) + 1  # the last run is nobody's, so every product's has its end
    keep = np.flatnonzero(line[breaks] >= FIRST)
    starts, ends = breaks[keep], breaks[np.minimum(keep + 1, len(breaks) - 1)]
    if line[0] >= FIRST:
        starts, ends = np.append(starts, 0), np.append(ends, breaks[0])
    rows = starts // (width + 1)
    offset = rows * (width + 1)
    return np.stack([line[starts], rows, starts - offset, ends - offset]).astype(np.int32)


def _pieces(runs: NDArray[np.int32]) -> NDArray[np.int32]:
    """The same runs, cut into pieces of at most PIECE pixels."""
    counts = -((runs[2] - runs[3]) // PIECE)
    cut = runs.take(np.repeat(np.arange(runs.shape[1]), counts), 1)
    ends = cut[3]
    index = np.arange(cut.shape[1]) - np.repeat(np.cumsum(counts) - counts, counts)
    cut[2] += PIECE * index.astype(np.int32)
    np.minimum(cut[2] + PIECE, ends, out=ends)
    return cut


def _edges(view: NDArray[np.float64], runs: NDArray[np.int32]) -> Array:
    """Boxes around runs in the picture, [4, n]."""
    _, lines, starts, ends = runs.astype(np.float32)
    x, y = np.stack([starts, ends, starts, ends]), np.stack([lines, lines, lines + 1, lines + 1])
    m = view.astype(np.float32)
    depth = m[2, 0] * x + m[2, 1] * y + m[2, 2]
    across, down = (m[0, 0] * x + m[0, 1] * y + m[0, 2]) / depth, (m[1, 0] * x + m[1, 1] * y + m[1, 2]) / depth
    return np.stack([across.min(0), down.min(0), across.max(0), down.max(0)])
