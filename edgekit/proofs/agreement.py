"""Whether one set of answers says the same as another.

Suppression is not continuous: where two overlapping boxes score almost the same, a rounding decides which of them is
kept, and which others it then suppresses. So an answer also counts as given when the other side kept, in its place,
a box of equal rank, one that the asking side sees just so before its own suppression. Answers near the place where
the list is cut off are not asked for at all.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..values.answers import Classification, Detections
from ..values.proof import Agreement
from ..values.spec import Selection
from ..vision.matching import iou, match

MATCH = 0.5  # smallest overlap of a pair, as in the COCO and VOC evaluations
ODD = 0.01  # share of the pairs that may be further apart: a suppression decided by a rounding
SLACK = 0.1  # an overlap this close below the suppression threshold may have been above it on the other side


@dataclass(frozen=True, kw_only=True, eq=False)
class Pool:
    """What a model sees before suppression. boxes: (N, 4) as in Detections; scores: (N, classes), no background."""

    boxes: NDArray[np.float32]
    scores: NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class Tolerance:
    """score, iou: how far a pair may be apart and still be the same answer. floor: lower scores are not asked for."""

    score: float
    iou: float = MATCH
    floor: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Judged:
    """How many answers were asked for and given, ties among them, and each pair's score difference and overlap."""

    asked: int
    ties: int
    differences: tuple[float, ...]
    overlaps: tuple[float, ...]


def judge(asked: Detections, given: Detections, pool: Pool, selection: Selection, tolerance: Tolerance) -> Judged:
    """Look for every detection of ``asked`` in ``given``. pool: what the asking side saw before suppression."""
    least = max(cut(given, selection) + tolerance.score, tolerance.floor)
    partners = dict(match(asked, given, iou=MATCH))
    ties, differences, overlaps = 0, [], []
    wanted = [index for index in range(len(asked)) if asked.scores[index] > least]
    for index in wanted:
        pair = None
        if index in partners:
            other = partners[index]
            pair = (
                abs(float(asked.scores[index] - given.scores[other])),
                float(iou(asked.boxes[index : index + 1], given.boxes[other : other + 1])[0, 0]),
            )
        if pair is None or pair[0] > tolerance.score or pair[1] < tolerance.iou:
            tie = _stand_in(asked, index, given, pool, selection, tolerance)
            ties += tie is not None
            pair = tie or pair
        if pair is not None:
            differences.append(pair[0])
            overlaps.append(pair[1])
    return Judged(asked=len(wanted), ties=ties, differences=tuple(differences), overlaps=tuple(overlaps))


def cut(given: Detections, selection: Selection) -> float:
    """The score below which an answer had no room: the lowest kept where the list is full, else the threshold."""
    if not full(given, selection):
        return selection.score
    if selection.regular or selection.max_classes_per_detection == 1:
        return float(given.scores.min())
    _, box = np.unique(given.boxes, axis=0, return_inverse=True)  # here boxes compete with their best class
    return float(min(given.scores[box.reshape(-1) == i].max() for i in range(box.max() + 1)))


def full(given: Detections, selection: Selection) -> bool:
    """Whether there was no room for a further detection."""
    return len(given) >= (selection.max_detections if selection.regular else selection.rows)


def _stand_in(
    asked: Detections, index: int, given: Detections, pool: Pool, selection: Selection, tolerance: Tolerance
) -> tuple[float, float] | None:
    """Score difference and overlap of the box that was kept in the place of ``index``, where one of equal rank was.

    It has to overlap enough to suppress it, must not score lower, and the asking side has to see the very same box.
    """
    overlap = iou(asked.boxes[index : index + 1], given.boxes)[0]
    suppresses = overlap > selection.iou - min(1 - tolerance.iou, SLACK)
    rivals = suppresses & (given.scores >= asked.scores[index] - tolerance.score)
    if selection.regular:
        rivals &= given.classes == asked.classes[index]
    for rival in np.flatnonzero(rivals)[np.argsort(-overlap[rivals])]:
        seen = iou(given.boxes[rival : rival + 1], pool.boxes)[0]
        apart = np.abs(pool.scores[:, given.classes[rival]] - given.scores[rival])
        same = (seen >= tolerance.iou) & (apart <= tolerance.score)
        if same.any():
            best = int(np.argmax(np.where(same, seen, -1.0)))
            return float(apart[best]), float(seen[best])
    return None


def judge_classes(asked: Classification, given: Classification, tolerance: Tolerance) -> Judged:
    """Whether ``given`` ranks the same class first; a class that the asking side scores as high is of equal rank."""
    scores = dict(zip(asked.classes.tolist(), asked.scores.tolist(), strict=True))
    others = dict(zip(given.classes.tolist(), given.scores.tolist(), strict=True))
    first = int(asked.classes[0])
    differences = tuple(abs(score - others.get(index, 0.0)) for index, score in scores.items())
    winner = int(given.classes[0])
    tie = winner != first and scores.get(winner, 0.0) >= scores[first] - tolerance.score
    given_first = winner == first or tie
    return Judged(asked=1, ties=int(tie), differences=(max(differences),) if given_first else (), overlaps=())


def agreement(reference: str, floor: float, there: list[Judged], back: list[Judged]) -> Agreement:
    """Sum over samples. there: the reference's answers looked for in the artifact's; back: the other way round."""
    differences = [d for one in there for d in one.differences]
    overlaps = [o for one in there for o in one.overlaps]
    return Agreement(
        reference=reference,
        floor=floor,
        judged=sum(one.asked for one in there),
        found=len(differences),
        ties=sum(one.ties for one in there),
        extra_judged=sum(one.asked for one in back),
        extra_found=sum(len(one.differences) for one in back),
        score=float(np.quantile(differences, 1 - ODD, method="higher")) if differences else 0.0,
        mean_score=sum(differences) / len(differences) if differences else 0.0,
        iou=float(np.quantile(overlaps, ODD, method="lower")) if overlaps else None,
    )
