"""Anchors of SSD detectors: grids over feature maps, sized by true boxes or by the Object Detection API's rule."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Size = tuple[float, float]  # height, width; the picture is 1 × 1

ROUNDS = 100  # of k-means; it ends earlier when nothing moves
SPAN = 2.5  # an anchor's shorter side covers at least so many cells, where a finer map could hold it


@dataclass(frozen=True, kw_only=True)
class Grid:
    """The anchors of one feature map: each of ``sizes`` in the centre of each of rows × columns cells."""

    rows: int
    columns: int
    sizes: tuple[Size, ...]

    @property
    def count(self) -> int:
        return self.rows * self.columns * len(self.sizes)


def table(grids: Sequence[Grid]) -> NDArray[np.float32]:
    """float32 [N, 4] of (y centre, x centre, height, width), the picture being [0, 1]: by map, row, column, size."""
    parts = []
    for grid in grids:
        centres = np.zeros((grid.rows, grid.columns, len(grid.sizes), 4))
        centres[..., 0] = ((np.arange(grid.rows) + 0.5) / grid.rows)[:, None, None]
        centres[..., 1] = ((np.arange(grid.columns) + 0.5) / grid.columns)[:, None]
        centres[..., 2:] = grid.sizes
        parts.append(centres.reshape(-1, 4))
    return np.concatenate(parts).astype(np.float32)


def cluster(sizes: Floats, count: int, *, seed: int) -> tuple[tuple[Size, ...], float]:
    """At most ``count`` sizes that many boxes overlap well, smallest area first; and the mean overlap they reach.

    sizes: (n, 2) of (height, width), above 0. k-means whose distance is 1 − IoU of concentric boxes (Redmon and
    Farhadi, YOLO9000, 2017), begun as k-means++ begins. Fewer sizes than ``count`` come back where boxes have fewer.
    """
    random = np.random.default_rng(seed)
    distinct = len(np.unique(sizes, axis=0))
    centres = sizes[random.integers(len(sizes))][None]
    while len(centres) < min(count, distinct):
        far = 1 - overlaps(sizes, centres).max(axis=1)
        chance = far**2 / (far**2).sum()
        centres = np.concatenate([centres, sizes[random.choice(len(sizes), p=chance)][None]])
    for _ in range(ROUNDS):
        nearest = overlaps(sizes, centres).argmax(axis=1)
        moved = np.stack(
            [sizes[nearest == i].mean(axis=0) if (nearest == i).any() else c for i, c in enumerate(centres)]
        )
        if np.array_equal(moved, centres):
            break
        centres = moved
    ordered = centres[np.argsort(centres.prod(axis=1), kind="stable")]
    reached = float(overlaps(sizes, ordered).max(axis=1).mean())
    return tuple((float(height), float(width)) for height, width in ordered), reached


def spread(sizes: Sequence[Size], strides: Sequence[int], height: int, width: int) -> tuple[tuple[Size, ...], ...]:
    """Sizes for each map (strides in pixels, rising): each goes to the coarsest map on which it still spans cells.

    A map that none would go to takes the size that comes nearest to it, so every map has an anchor.
    """
    places: list[list[Size]] = [[] for _ in strides]
    for size in sizes:
        shorter = min(size[0] * height, size[1] * width)
        places[max((i for i, stride in enumerate(strides) if shorter >= SPAN * stride), default=0)].append(size)
    for place, stride in zip(places, strides, strict=True):
        if not place:
            wanted = 2 * SPAN * stride
            place.append(min(sizes, key=lambda size: abs(math.log(min(size[0] * height, size[1] * width) / wanted))))
    return tuple(map(tuple, places))


def ssd_sizes(
    layers: int,
    *,
    scales: Sequence[float] = (),
    smallest: float = 0.2,
    largest: float = 0.95,
    ratios: Sequence[float] = (1.0, 2.0, 0.5, 3.0, 1 / 3),
    interpolated: float = 1.0,
    reduce_lowest: bool = True,
    base: Size = (1.0, 1.0),
) -> tuple[tuple[Size, ...], ...]:
    """Sizes for each of ``layers`` maps as the Object Detection API's ssd_anchor_generator gives them.

    scales: explicit ones instead of ``smallest`` to ``largest``. interpolated: aspect ratio of the extra anchor between
    two scales, 0 for none. base: (height, width) that scale 1 means. Source of the rule:
    object_detection/anchor_generators/multiple_grid_anchor_generator.py, create_ssd_anchors.
    """
    steps = max(layers - 1, 1)
    given = list(scales) or [smallest + (largest - smallest) * i / steps for i in range(layers)]
    given = [*given, 1.0]
    result = []
    for layer in range(layers):
        if layer == 0 and reduce_lowest:
            pairs = [(0.1, 1.0), (given[0], 2.0), (given[0], 0.5)]
        else:
            pairs = [(given[layer], ratio) for ratio in ratios]
            if interpolated > 0:
                pairs.append((math.sqrt(given[layer] * given[layer + 1]), interpolated))
        result.append(tuple((s / math.sqrt(ratio) * base[0], s * math.sqrt(ratio) * base[1]) for s, ratio in pairs))
    return tuple(result)


def overlaps(sizes: Floats, centres: Floats) -> Floats:
    """IoU (n, k) of boxes (height, width), (n, 2) and (k, 2), with the same centre."""
    shared = np.minimum(sizes[:, None], centres).prod(axis=-1)
    overlap: Floats = shared / (sizes.prod(axis=-1)[:, None] + centres.prod(axis=-1) - shared)
    return overlap
