"""Which anchor is to predict which true box: the targets that a detector is trained on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..values.spec import expect
from .anchors import Grid, overlaps, table

LEAST = 0.1  # overlap below which an anchor is background whatever is asked for: windows would grow without end

Floats = NDArray[np.float32]
Indices = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Targets:
    """What the anchors of a batch are to say, as lists of places; every other anchor is background.

    anchors: int64 (p,), picture × N + anchor, of those that predict a box. classes: int64 (p,), 0-based.
    encodings: float32 (p, 4) of (ty, tx, th, tw). ignored: int64 (i,), places that are neither right nor wrong.
    """

    anchors: Indices
    classes: Indices
    encodings: Floats
    ignored: Indices


@dataclass(frozen=True, kw_only=True)
class Matching:
    """An anchor takes the box that it overlaps most: from ``positive`` IoU up it predicts it, below ``negative`` it
    is background, and between them neither. With ``force`` each box is also taken by the anchor that overlaps it most.
    """

    positive: float = 0.5
    negative: float = 0.4
    force: bool = True

    def __post_init__(self) -> None:
        got = (self.positive, self.negative)
        expect(LEAST <= self.negative <= self.positive <= 1, "match", f"{LEAST:g} ≤ negative ≤ positive ≤ 1", got)


class Assigner:
    """Finds targets for batches. Only cells near a box are looked at: the cost grows with boxes, not with anchors."""

    def __init__(self, grids: Sequence[Grid], matching: Matching, box_coder: Sequence[float]) -> None:
        self._grids = tuple(grids)
        self._matching = matching
        self._coder = np.asarray(box_coder, np.float32)
        self._table = table(grids)

    def assign(self, pictures: Sequence[tuple[NDArray[np.floating], Indices, NDArray[np.bool_]]]) -> Targets:
        """Targets of a batch. Each picture: boxes (n, 4) of (xmin, ymin, xmax, ymax) in [0, 1], classes, crowd.

        A crowd box is predicted by no anchor. Those that overlap it as they would one they are to predict are ignored,
        and where it is a region that no anchor fits, those with half of their area inside.
        """
        boxes = np.concatenate([np.asarray(p[0], np.float32).reshape(-1, 4) for p in pictures])
        classes = np.concatenate([p[1] for p in pictures]).astype(np.int64)
        crowd = np.concatenate([p[2] for p in pictures]).astype(bool)
        offset = np.repeat(np.arange(len(pictures)), [len(p[1]) for p in pictures]) * len(self._table)
        anchor, box, overlap, best, most = self._candidates(boxes, ~crowd & self._matching.force)
        place = anchor + offset[box]
        near = overlap >= self._matching.negative
        ignored = place[near & (crowd[box] | (overlap < self._matching.positive))]
        taken = (overlap >= self._matching.positive) & ~crowd[box]
        chosen_place, chosen_box = place[taken], box[taken]
        order = np.argsort(overlap[taken], kind="stable")  # of several boxes the last written wins: the best
        chosen_place, chosen_box = chosen_place[order], chosen_box[order]
        if self._matching.force:
            asked = np.flatnonzero(~crowd & (best >= 0))
            asked = asked[np.argsort(most[asked], kind="stable")]
            chosen_place = np.concatenate([chosen_place, best[asked] + offset[asked]])
            chosen_box = np.concatenate([chosen_box, asked])
        regions = np.flatnonzero(crowd & (most < self._matching.positive))
        covered, owner = self._covered(boxes[regions])
        chosen_place, last = np.unique(chosen_place[::-1], return_index=True)
        chosen_box = chosen_box[::-1][last]
        return Targets(
            anchors=chosen_place,
            classes=classes[chosen_box],
            encodings=self._encode(boxes[chosen_box], self._table[chosen_place % len(self._table)]),
            ignored=np.setdiff1d(np.concatenate([ignored, covered + offset[regions[owner]]]), chosen_place),
        )

    def _covered(self, regions: Floats) -> tuple[Indices, Indices]:
        """Pairs (anchor, region) of anchors that have half of their area or more in a region."""
        first, anchors, owners = 0, [np.empty(0, np.int64)], [np.empty(0, np.int64)]
        areas = (regions[:, 2:] - regions[:, :2]).prod(axis=1)
        for grid in self._grids:
            rows, columns = _centres(np.arange(grid.rows), grid.rows), _centres(np.arange(grid.columns), grid.columns)
            for index, size in enumerate(grid.sizes):
                half = np.float32(size[0] * size[1] / 2)
                large = np.flatnonzero(areas >= half)
                down = _shared(regions[large, 1], regions[large, 3], rows, size[0])
                across = _shared(regions[large, 0], regions[large, 2], columns, size[1])
                inside = np.flatnonzero(down[:, :, None] * across[:, None] >= half)
                place, cell = np.divmod(inside, grid.rows * grid.columns)
                anchors.append(first + cell * len(grid.sizes) + index)
                owners.append(large[place])
            first += grid.count
        return np.concatenate(anchors), np.concatenate(owners)

    def _candidates(self, boxes: Floats, forced: NDArray[np.bool_]) -> tuple[Indices, Indices, Floats, Indices, Floats]:
        """Pairs (anchor, box, IoU) of all that overlap by ``negative`` or more; each box's best anchor, and its IoU.

        Anchors of a size that even with the same centre overlaps less are not looked at, unless a box that has no
        better is ``forced`` to have one.
        """
        found = _Found(len(boxes))
        sizes = (boxes[:, [3, 2]] - boxes[:, [1, 0]]).astype(np.float64)
        shapes = np.array([size for grid in self._grids for size in grid.sizes])
        alike = overlaps(np.maximum(sizes, 1e-9), shapes) >= self._matching.negative
        self._look(boxes, alike, found)
        left = forced & (found.most < self._matching.negative)
        self._look(boxes, left[:, None] & ~alike, found)
        anchors, owners = np.concatenate(found.anchors), np.concatenate(found.owners)
        return anchors, owners, np.concatenate(found.overlaps), found.best, found.most

    def _look(self, boxes: Floats, wanted: NDArray[np.bool_], found: _Found) -> None:
        """Add what anchors of the wanted (box, size) pairs overlap."""
        first, column = 0, 0
        for grid in self._grids:
            for index, size in enumerate(grid.sizes):
                chosen = np.flatnonzero(wanted[:, column])
                column += 1
                if len(chosen):
                    cells, overlap = self._near(boxes[chosen], grid, size)
                    found.add(chosen, first + cells * len(grid.sizes) + index, overlap, self._matching.negative)
            first += grid.count

    def _near(self, boxes: Floats, grid: Grid, size: tuple[float, float]) -> tuple[Indices, Floats]:
        """For each box the cells (n, k) in a window around it, and the IoU there of anchors of one size."""
        down, rows = _axis(boxes[:, 1], boxes[:, 3], grid.rows, size[0], self._matching.negative)
        across, columns = _axis(boxes[:, 0], boxes[:, 2], grid.columns, size[1], self._matching.negative)
        shared = down[:, :, None] * across[:, None]
        areas = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
        overlap = shared / (areas[:, None, None] + np.float32(size[0] * size[1]) - shared)
        cells = rows[:, :, None] * grid.columns + columns[:, None]
        return cells.reshape(len(boxes), -1), overlap.reshape(len(boxes), -1)

    def _encode(self, boxes: Floats, anchors: Floats) -> Floats:
        """(ty, tx, th, tw) of boxes for their anchors: the inverse of ``decode.decode_boxes``."""
        low, high = boxes[:, [1, 0]], boxes[:, [3, 2]]
        offset = ((low + high) / 2 - anchors[:, :2]) / anchors[:, 2:]
        size = np.log(np.maximum(high - low, np.float32(1e-6)) / anchors[:, 2:])
        return np.concatenate([offset, size], axis=1) * self._coder


class _Found:
    """Pairs that overlap, and the best anchor of each box; −1 where none overlaps it at all."""

    def __init__(self, boxes: int) -> None:
        self.anchors: list[Indices] = [np.empty(0, np.int64)]
        self.owners: list[Indices] = [np.empty(0, np.int64)]
        self.overlaps: list[Floats] = [np.empty(0, np.float32)]
        self.best, self.most = np.full(boxes, -1, np.int64), np.zeros(boxes, np.float32)

    def add(self, boxes: Indices, anchors: Indices, overlaps: Floats, least: float) -> None:
        """boxes: (m,). anchors, overlaps: (m, k), near each of them."""
        rows, place = np.arange(len(boxes)), overlaps.argmax(axis=1)
        most = overlaps[rows, place]
        better = most > self.most[boxes]
        self.best[boxes[better]], self.most[boxes[better]] = anchors[rows, place][better], most[better]
        owner, column = np.nonzero(overlaps >= least)
        self.anchors.append(anchors[owner, column])
        self.owners.append(boxes[owner])
        self.overlaps.append(overlaps[owner, column])


def _axis(low: Floats, high: Floats, cells: int, side: float, least: float) -> tuple[Floats, Indices]:
    """Lengths (n, k) that boxes share with anchors along one axis, in the k cells around each box; and those cells.

    For an IoU of t the shared length is at least t of the longer side. So a box of at most 1 / t of the anchor's side
    is centred no further from it than the larger of (1 / t − 1) / 2 and 1 − t of that side.
    """
    reach = int(np.ceil(min(max((1 / least - 1) / 2, 1 - least) * side, 1) * cells))
    middle = np.floor((low + high) / 2 * cells).astype(np.int64)
    cell = middle[:, None] + np.arange(-reach, reach + 1)
    shared = np.where((cell >= 0) & (cell < cells), _shared(low, high, _centres(cell, cells), side), 0)
    return shared.astype(np.float32), np.clip(cell, 0, cells - 1)


def _centres(cell: Indices, cells: int) -> Floats:
    return ((cell + 0.5) / cells).astype(np.float32)


def _shared(low: Floats, high: Floats, centres: Floats, side: float) -> Floats:
    """Lengths (n, k) that boxes share along one axis with anchors around centres (k,) or (n, k)."""
    half = np.float32(side / 2)
    shared: Floats = np.minimum(high[:, None], centres + half) - np.maximum(low[:, None], centres - half)
    return np.maximum(shared, 0)
