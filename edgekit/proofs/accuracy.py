"""How right answers are where the truth is known: COCO's figures, those of each class, and the error of shares."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from ..values.answers import Detections
from ..values.codec import to_data
from ..values.spec import ModelSpec
from ..values.truth import Truth
from ..vision import metrics
from ..vision.counts import count
from ..vision.truth import asked, perfect

Rows = Sequence[tuple[Detections, Truth]]


@dataclass(frozen=True, kw_only=True)
class Accuracy:
    """figures: who → the twelve COCO figures. classes: who → label → average precision at an overlap of .5.

    shares: who → mean error of a group's share of the objects in a picture, in [0, 1]; empty without groups.
    """

    figures: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    classes: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    shares: Mapping[str, float] = field(default_factory=dict)


def measure(answers: Mapping[str, Rows], spec: ModelSpec, *, score: float) -> Accuracy:
    """The accuracy of several sources on the same pictures. score: from which an answer counts for a share."""
    found = {who: metrics.evaluate(rows) for who, rows in answers.items()}
    return Accuracy(
        figures={who: to_data(evaluation.figures) for who, evaluation in found.items()},
        classes={
            who: {spec.label(index): ap50 for index, (_, ap50) in evaluation.by_class.items()}
            for who, evaluation in found.items()
        },
        shares={who: _share_error(rows, spec, score) for who, rows in answers.items()} if spec.groups else {},
    )


def _share_error(rows: Rows, spec: ModelSpec, score: float) -> float:
    errors = []
    for answer, truth in rows:
        true = perfect(truth)
        counted = [count(one, spec).shares for one in (asked(answer.above(score), truth), true)]
        errors += [abs(found.by_count - wanted.by_count) for found, wanted in zip(*counted, strict=True)]
    return float(np.mean(errors)) if errors else 0.0
