"""Figures, classes and shares against answers whose rightness is known."""

from pathlib import Path

import numpy as np
import pytest

from edgekit.proofs.accuracy import measure
from edgekit.values.answers import Detections
from edgekit.values.spec import FinalHead, ImageInput, ModelSpec, Selection
from edgekit.values.truth import Truth
from edgekit.vision.truth import perfect

LABELS = ("cola", "tonic", "rival")
SPEC = ModelSpec(
    name="shelf",
    task="detection",
    input=ImageInput(name="image", height=8, width=8, mean=(127.5,), std=(127.5,)),
    head=FinalHead(),
    selection=Selection(),
    num_classes=len(LABELS),
    labels=LABELS,
    groups={"ours": ("cola", "tonic"), "theirs": ("rival",)},
)


def truth(classes: list[int], *, crowd: tuple[int, ...] = ()) -> Truth:
    """Objects side by side, those at the places in ``crowd`` not asked for."""
    n = len(classes)
    left = np.arange(n) / n
    boxes = np.stack([left, np.full(n, 0.1), left + 0.9 / n, np.full(n, 0.9)], axis=1).astype(np.float32)
    return Truth(
        path=Path("shelf.png"),
        width=100,
        height=100,
        boxes=boxes,
        classes=np.array(classes, np.int64),
        crowd=np.isin(np.arange(n), crowd),
        areas=np.full(n, 100.0, np.float32),
    )


def renamed(answer: Detections, classes: list[int]) -> Detections:
    return Detections(boxes=answer.boxes, scores=answer.scores, classes=np.array(classes, np.int64))


def test_a_perfect_answer_has_no_error() -> None:
    true = truth([0, 1, 2, 2])
    found = measure({"artifact": [(perfect(true), true)]}, SPEC, score=0.5)
    assert found.shares == {"artifact": 0}
    assert found.classes == {"artifact": dict.fromkeys(LABELS, pytest.approx(1))}
    assert found.figures["artifact"]["ap50"] == pytest.approx(1)


@pytest.mark.parametrize(
    ("answered", "error"),
    [
        ([0, 1, 2, 2], 0.0),
        ([0, 0, 2, 2], 0.0),  # another product of the same group
        ([0, 2, 2, 2], 0.25 * 2 / 3),  # one of four to the other group; the third, 'other', is right
        ([2, 2, 2, 2], 0.5 * 2 / 3),
    ],
)
def test_the_error_of_shares_is_that_of_groups(answered: list[int], error: float) -> None:
    true = truth([0, 1, 2, 2])
    found = measure({"artifact": [(renamed(perfect(true), answered), true)]}, SPEC, score=0.5)
    assert found.shares["artifact"] == pytest.approx(error)


def test_what_is_found_in_a_crowd_counts_for_no_share() -> None:
    """Truth neither asks for the second object nor denies it."""
    true = truth([0, 2, 0, 2], crowd=(1,))
    everything = Detections(boxes=true.boxes, scores=np.ones(4, np.float32), classes=true.classes)
    found = measure({"artifact": [(everything, true)], "silent": [(everything.above(2), true)]}, SPEC, score=0.5)
    assert found.shares["artifact"] == 0
    assert found.shares["silent"] > 0.3


def test_faint_answers_count_for_figures_only() -> None:
    true = truth([0, 2])
    faint = Detections(boxes=true.boxes, scores=np.array([0.9, 0.2], np.float32), classes=true.classes)
    found = measure({"artifact": [(faint, true)]}, SPEC, score=0.5)
    assert found.figures["artifact"]["ap50"] == pytest.approx(1)
    assert found.shares["artifact"] == pytest.approx(0.5 * 2 / 3)
