"""The twelve figures of the COCO detection evaluation; https://cocodataset.org/#detection-eval defines them.

Precision is averaged over 101 recalls, ten overlaps (.50 to .95) and all classes that truth has. Boxes in a crowd
region, and boxes outside the range of areas that is asked for, count neither for nor against a model.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..values.answers import Detections
from ..values.truth import Truth
from .matching import intersections

OVERLAPS = np.linspace(0.5, 0.95, 10)
RECALLS = np.linspace(0, 1, 101)
AREAS = ((0, 1e10), (0, 32**2), (32**2, 96**2), (96**2, 1e10))  # square pixels: all, small, medium, large
ALL, SMALL, MEDIUM, LARGE = range(4)
MOST = 100  # detections looked at in a picture, for each class

Flags = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class CocoFigures:
    """Each in [0, 1], or −1 where truth has nothing that it could be measured on.

    ap: average precision. ar: average recall with at most 1, 10 or 100 detections a class and picture.
    small, medium, large: objects below 32², up to 96², and above 96² pixels; with 100 detections.
    """

    ap: float
    ap50: float
    ap75: float
    ap_small: float
    ap_medium: float
    ap_large: float
    ar1: float
    ar10: float
    ar100: float
    ar_small: float
    ar_medium: float
    ar_large: float


@dataclass(frozen=True, kw_only=True, eq=False)
class _Evaluated:
    """Detections of one picture against its truth, best first.

    ranks: place among the detections of the same class. matched, ignored: (area ranges, overlaps, n).
    true_classes: class of each object; counted: (area ranges, objects), whether it must be found.
    """

    scores: NDArray[np.float32]
    classes: NDArray[np.int64]
    ranks: NDArray[np.intp]
    matched: Flags
    ignored: Flags
    true_classes: NDArray[np.int64]
    counted: Flags


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """figures: over all classes. by_class: class → (AP, AP at an overlap of .5), of the classes that truth has."""

    figures: CocoFigures
    by_class: Mapping[int, tuple[float, float]]


def evaluate(pictures: Iterable[tuple[Detections, Truth]]) -> Evaluation:
    """The twelve figures over all pictures, what was found in each and its truth; and the precision of each class."""
    evaluated = [_evaluate(found, truth) for found, truth in pictures]
    present = np.unique(np.concatenate([picture.true_classes for picture in evaluated] or [np.empty(0, np.int64)]))
    precision = np.full((len(present), len(AREAS), len(OVERLAPS), len(RECALLS)), -1.0)
    recall = {most: np.full((len(present), len(AREAS), len(OVERLAPS)), -1.0) for most in (1, 10, MOST)}
    joined = _joined(evaluated, present)
    for place, rows in enumerate(joined):
        for area in range(len(AREAS)):
            for most, table in recall.items():
                curve = _curve(rows, area, most)
                if curve is not None:
                    precision[place, area], table[place, area] = curve
    figures = CocoFigures(
        ap=_mean(precision[:, ALL]),
        ap50=_mean(precision[:, ALL, 0]),
        ap75=_mean(precision[:, ALL, 5]),
        ap_small=_mean(precision[:, SMALL]),
        ap_medium=_mean(precision[:, MEDIUM]),
        ap_large=_mean(precision[:, LARGE]),
        ar1=_mean(recall[1][:, ALL]),
        ar10=_mean(recall[10][:, ALL]),
        ar100=_mean(recall[MOST][:, ALL]),
        ar_small=_mean(recall[MOST][:, SMALL]),
        ar_medium=_mean(recall[MOST][:, MEDIUM]),
        ar_large=_mean(recall[MOST][:, LARGE]),
    )
    by_class = {
        int(index): (_mean(precision[place, ALL]), _mean(precision[place, ALL, 0]))
        for place, index in enumerate(present)
    }
    return Evaluation(figures=figures, by_class=by_class)


def _mean(table: NDArray[np.float64]) -> float:
    measured = table[table > -1]
    return float(measured.mean()) if measured.size else -1.0


def _evaluate(found: Detections, truth: Truth) -> _Evaluated:
    order = np.argsort(-found.scores, kind="stable")
    ranks = _ranks(found.classes[order])
    order, ranks = order[ranks < MOST], ranks[ranks < MOST]
    classes = found.classes[order]
    pixels = np.asarray([truth.width, truth.height] * 2, np.float64)
    shared, areas, true_areas = intersections(found.boxes[order] * pixels, truth.boxes * pixels)
    # A crowd region is no object: what lies inside it is not measured against its whole area.
    union = np.where(truth.crowd, areas[:, None], areas[:, None] + true_areas - shared)
    overlaps = np.divide(shared, union, out=np.zeros_like(shared), where=shared > 0)
    overlaps[classes[:, None] != truth.classes] = 0
    uncounted = np.stack([truth.crowd | (truth.areas < low) | (truth.areas > high) for low, high in AREAS])
    matched, ignored = _match(overlaps, uncounted, truth.crowd)
    outside = np.stack([(areas < low) | (areas > high) for low, high in AREAS])
    return _Evaluated(
        scores=found.scores[order],
        classes=classes,
        ranks=ranks,
        matched=matched,
        ignored=np.where(matched, ignored, outside[:, None]),
        true_classes=truth.classes,
        counted=~uncounted,
    )


def _ranks(classes: NDArray[np.int64]) -> NDArray[np.intp]:
    """Place of each item among the items of its class."""
    order = np.argsort(classes, kind="stable")
    ordered = classes[order]
    ranks = np.empty(len(classes), np.intp)
    ranks[order] = np.arange(len(classes)) - np.searchsorted(ordered, ordered)
    return ranks


def _match(overlaps: NDArray[np.float64], uncounted: Flags, crowd: Flags) -> tuple[Flags, Flags]:
    """Greedy, best score first: whether a detection has a partner, and whether that one is not counted.

    Of the partners left, a counted one is preferred, then the largest overlap, then the last. Both results are
    (area ranges, overlaps, detections). A crowd region takes any number.
    """
    shape = (len(AREAS), len(OVERLAPS), len(overlaps))
    matched, ignored = np.zeros(shape, bool), np.zeros(shape, bool)
    free = np.ones((len(AREAS), len(OVERLAPS), overlaps.shape[1]), bool)
    for detection in np.flatnonzero((overlaps >= OVERLAPS[0]).any(axis=1)):
        near = np.flatnonzero(overlaps[detection] >= OVERLAPS[0])
        near = near[np.argsort(overlaps[detection, near], kind="stable")]
        usable = (overlaps[detection, near] >= OVERLAPS[:, None]) & (free[..., near] | crowd[near])
        # 2 where counted, 1 where not, 0 where no partner; the last of the largest is the best of its kind
        kind = usable * (2 - uncounted[:, None, near])
        chosen = len(near) - 1 - kind[..., ::-1].argmax(axis=-1)
        best = np.take_along_axis(kind, chosen[..., None], axis=-1)[..., 0]
        matched[..., detection], ignored[..., detection] = best > 0, best == 1
        area, level = np.nonzero(best)
        free[area, level, near[chosen[area, level]]] = False
    return matched, ignored


@dataclass(frozen=True, kw_only=True, eq=False)
class _Rows:
    """Detections of one class in all pictures, best first; needed: objects to be found, by area range."""

    ranks: NDArray[np.intp]
    matched: Flags
    ignored: Flags
    needed: NDArray[np.intp]


def _joined(pictures: Sequence[_Evaluated], present: NDArray[np.int64]) -> list[_Rows]:
    if not pictures:
        return []
    scores = np.concatenate([p.scores for p in pictures])
    classes = np.concatenate([p.classes for p in pictures])
    ranks = np.concatenate([p.ranks for p in pictures])
    matched = np.concatenate([p.matched for p in pictures], axis=-1)
    ignored = np.concatenate([p.ignored for p in pictures], axis=-1)
    true_classes = np.concatenate([p.true_classes for p in pictures])
    counted = np.concatenate([p.counted for p in pictures], axis=-1)
    result = []
    for index in present:
        rows = np.flatnonzero(classes == index)
        rows = rows[np.argsort(-scores[rows], kind="stable")]
        needed = counted[:, true_classes == index].sum(axis=-1)
        result.append(_Rows(ranks=ranks[rows], matched=matched[..., rows], ignored=ignored[..., rows], needed=needed))
    return result


def _curve(rows: _Rows, area: int, most: int) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """Precision (overlaps, 101) at each recall, and the last recall (overlaps,); None where nothing is to be found."""
    if rows.needed[area] == 0:
        return None
    looked = rows.ranks < most
    matched, counted = rows.matched[area][:, looked], ~rows.ignored[area][:, looked]
    right = np.cumsum(matched & counted, axis=1, dtype=np.float64)
    wrong = np.cumsum(~matched & counted, axis=1, dtype=np.float64)
    recalls = right / rows.needed[area]
    precisions = right / (right + wrong + np.spacing(1))
    best_from_here = np.maximum.accumulate(precisions[:, ::-1], axis=1)[:, ::-1]
    at_recalls = np.zeros((len(OVERLAPS), len(RECALLS)))
    for level, recall in enumerate(recalls):
        places = np.searchsorted(recall, RECALLS, side="left")
        reached = places < len(recall)
        at_recalls[level, reached] = best_from_here[level, places[reached]]
    return at_recalls, recalls[:, -1] if recalls.shape[1] else np.zeros(len(OVERLAPS))
