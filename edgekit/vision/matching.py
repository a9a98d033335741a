"""Which boxes of two answers are the same object."""

import numpy as np
from numpy.typing import NDArray

from ..values.answers import Detections


def iou(first: NDArray[np.floating], second: NDArray[np.floating]) -> NDArray[np.float64]:
    """Intersection over union (n, m) of boxes (n, 4) and (m, 4), all (xmin, ymin, xmax, ymax); 0 without area."""
    shared, areas, others = intersections(first, second)
    union = areas[:, None] + others - shared
    return np.divide(shared, union, out=np.zeros_like(shared), where=shared > 0)


def intersections(
    first: NDArray[np.floating], second: NDArray[np.floating]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Areas that boxes share (n, m), and each side's own areas (n,) and (m,); an inverted box has none."""
    a, b = first.astype(np.float64), second.astype(np.float64)
    sides = np.minimum(a[:, None, 2:], b[:, 2:]) - np.maximum(a[:, None, :2], b[:, :2])
    return np.maximum(sides, 0).prod(axis=-1), _areas(a), _areas(b)


def match(first: Detections, second: Detections, *, iou: float) -> tuple[tuple[int, int], ...]:
    """Pairs (index in first, index in second) of one class whose overlap is at least ``iou``, each index once.

    Greedy: the best score of ``first`` chooses first, and takes what overlaps most; of equals the earlier one.
    """
    overlaps = _iou(first.boxes, second.boxes)
    overlaps[first.classes[:, None] != second.classes] = -1
    pairs = []
    for index in np.argsort(-first.scores, kind="stable") if len(second) else ():
        other = int(overlaps[index].argmax())
        if overlaps[index, other] >= iou:
            pairs.append((int(index), other))
            overlaps[:, other] = -1
    return tuple(pairs)


_iou = iou  # the parameter of match has the same name, which reads best at its calls


def _areas(boxes: NDArray[np.float64]) -> NDArray[np.float64]:
    areas: NDArray[np.float64] = np.maximum(boxes[:, 2:] - boxes[:, :2], 0).prod(axis=-1)
    return areas
