"""One artifact against its references: what is seen on each sample, and what follows from all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..values.answers import Answer, Classification, Detections
from ..values.proof import SAME, TRAINED, Agreement, Found, Pair, TensorError
from ..values.recipe import Limits
from ..values.spec import ModelSpec, RawHead
from ..vision.decode import answer, decode_boxes
from . import agreement, tensors
from .agreement import Judged, Pool, Tolerance, judge, judge_classes

Heads = Mapping[str, NDArray[Any]]  # 'boxes' and activated 'scores', or 'scores' alone, in real numbers


@dataclass(frozen=True, kw_only=True)
class Observation:
    """What one sample showed. By reference name: errors of the raw heads, answers asked for there and back."""

    pair: Pair
    errors: Mapping[str, Mapping[str, tensors.Sums]]
    there: Mapping[str, Judged]
    back: Mapping[str, Judged]
    full: bool


@dataclass(frozen=True, kw_only=True, eq=False)
class Judge:
    """What an artifact is judged by: the source's specification and anchors, the recipe's limits.

    spec: with the artifact's selection, and a head whose scores need no activation any more.
    """

    spec: ModelSpec
    anchors: NDArray[np.float32] | None
    limits: Limits
    display_score: float

    @property
    def tolerances(self) -> Mapping[str, Tolerance]:
        """Tight for all answers of the same treatment; for those as trained only what an app would show counts."""
        limits = self.limits
        return {
            SAME: Tolerance(score=limits.score, iou=limits.iou),
            TRAINED: Tolerance(score=limits.trained_score, floor=self.display_score),
        }

    def observe(self, picture: Path, given: Answer, candidate: Heads, references: Mapping[str, Heads]) -> Observation:
        """Compare one sample. given: the artifact's own answer; candidate: its raw heads."""
        errors = {
            name: {role: tensors.compare(role, heads[role], candidate[role]) for role in heads}
            for name, heads in references.items()
        }
        answers = {name: self._answer(heads) for name, heads in references.items()}
        there, back = {}, {}
        for name, heads in references.items():
            tolerance = self.tolerances[name]
            there[name] = self._judge(answers[name], given, heads, tolerance)
            back[name] = self._judge(given, answers[name], candidate, tolerance)
        return Observation(
            pair=Pair(
                picture=picture,
                candidate=found(given),
                references={name: found(answer) for name, answer in answers.items()},
            ),
            errors=errors,
            there=there,
            back=back,
            full=self._full(given),
        )

    def _answer(self, heads: Heads) -> Answer:
        head = self.spec.head
        names = {head.scores: heads["scores"]}
        if isinstance(head, RawHead):
            names[head.boxes] = heads["boxes"]
        return answer(self.spec, names, self.anchors)

    def _judge(self, asked: Answer, given: Answer, heads: Heads, tolerance: Tolerance) -> Judged:
        if isinstance(asked, Classification) and isinstance(given, Classification):
            return judge_classes(asked, given, tolerance)
        assert isinstance(asked, Detections)
        assert isinstance(given, Detections)
        assert self.spec.selection is not None
        return judge(asked, given, self._pool(heads), self.spec.selection, tolerance)

    def _pool(self, heads: Heads) -> Pool:
        head = self.spec.head
        assert isinstance(head, RawHead)
        assert self.anchors is not None
        boxes = decode_boxes(heads["boxes"].reshape(len(self.anchors), -1), self.anchors, head.box_coder)
        scores = heads["scores"].reshape(len(self.anchors), -1)
        return Pool(boxes=boxes[:, [1, 0, 3, 2]], scores=scores[:, scores.shape[1] - self.spec.num_classes :])

    def _full(self, given: Answer) -> bool:
        """Whether a detection that an app would show may have had no room."""
        if not isinstance(given, Detections) or self.spec.selection is None:
            return False
        cut = agreement.cut(given, self.spec.selection)
        return agreement.full(given, self.spec.selection) and cut >= self.display_score


def found(answer: Answer) -> tuple[Found, ...]:
    """An answer as it is stored. Of a classification the best ten classes."""
    if isinstance(answer, Classification):
        best = zip(answer.classes[:10].tolist(), answer.scores[:10].tolist(), strict=True)
        return tuple(Found(index=index, score=score) for index, score in best)
    rows = zip(answer.classes.tolist(), answer.scores.tolist(), answer.boxes.tolist(), strict=True)
    return tuple(Found(index=index, score=score, box=tuple(box)) for index, score, box in rows)


def head_errors(observations: Sequence[Observation], reference: str) -> tuple[TensorError, ...]:
    """Errors of the raw heads over all samples."""
    roles = observations[0].errors[reference]
    return tuple(tensors.tensor_error(role, [o.errors[reference][role] for o in observations]) for role in roles)


def agreements(observations: Sequence[Observation], tolerances: Mapping[str, Tolerance]) -> tuple[Agreement, ...]:
    """How the answers fit, by reference."""
    return tuple(
        agreement.agreement(
            name,
            tolerances[name].floor,
            [observation.there[name] for observation in observations],
            [observation.back[name] for observation in observations],
        )
        for name in observations[0].there
    )
