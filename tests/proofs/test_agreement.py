"""Whether two sets of answers say the same, and what suppression may flip without being wrong."""

from dataclasses import replace

import numpy as np
import pytest

from edgekit.proofs.agreement import Judged, Pool, Tolerance, agreement, cut, full, judge, judge_classes
from edgekit.values.answers import Classification, Detections
from edgekit.values.spec import Selection

SELECTION = Selection(score=0.01, iou=0.6, max_detections=10)
TIGHT = Tolerance(score=0.02, iou=0.98)
BOX = (0.1, 0.1, 0.4, 0.4)
SHIFTED = (0.13, 0.1, 0.43, 0.4)  # IoU with BOX: .27 / .33 = .818
BESIDE = (0.1, 0.1, 0.4, 0.28)  # IoU with BOX: .6 exactly, give or take a rounding
FAR = (0.6, 0.6, 0.9, 0.9)


def answers(*rows: tuple[tuple[float, ...], float, int]) -> Detections:
    return Detections(
        boxes=np.array([box for box, _, _ in rows], np.float32).reshape(-1, 4),
        scores=np.array([score for _, score, _ in rows], np.float32),
        classes=np.array([index for _, _, index in rows], np.int64),
    )


def pool(*rows: tuple[tuple[float, ...], tuple[float, float]]) -> Pool:
    return Pool(
        boxes=np.array([box for box, _ in rows], np.float32),
        scores=np.array([scores for _, scores in rows], np.float32),
    )


ONE = pool((BOX, (0.9, 0.0)), (FAR, (0.0, 0.5)))


def test_equal_answers_agree_without_ties() -> None:
    both = answers((BOX, 0.9, 0), (FAR, 0.5, 1))
    judged = judge(both, both, ONE, SELECTION, TIGHT)
    assert judged == Judged(asked=2, ties=0, differences=(0.0, 0.0), overlaps=(1.0, 1.0))


def test_a_lost_detection_is_lost() -> None:
    judged = judge(answers((BOX, 0.9, 0), (FAR, 0.5, 1)), answers((BOX, 0.9, 0)), ONE, SELECTION, TIGHT)
    assert (judged.asked, len(judged.differences)) == (2, 1)


@pytest.mark.parametrize("change", [(BOX, 0.9, 1), (FAR, 0.9, 0)], ids=["class", "box"])
def test_another_class_or_place_is_no_match(change: tuple[tuple[float, ...], float, int]) -> None:
    judged = judge(answers((BOX, 0.9, 0)), answers(change), ONE, SELECTION, TIGHT)
    assert (judged.asked, judged.differences) == (1, ())


def test_a_pair_that_strays_counts_as_found_with_its_difference() -> None:
    judged = judge(answers((BOX, 0.9, 0)), answers((SHIFTED, 0.7, 0)), ONE, SELECTION, TIGHT)
    assert judged.ties == 0
    assert judged.differences == pytest.approx((0.2,))
    assert judged.overlaps == pytest.approx((0.27 / 0.33,))


def test_the_rival_of_a_tie_stands_in() -> None:
    """Two boxes of one object score .90 and .89; after rounding the other one survives."""
    sees = pool((BOX, (0.90, 0.0)), (SHIFTED, (0.89, 0.0)))
    judged = judge(answers((BOX, 0.90, 0)), answers((SHIFTED, 0.895, 0)), sees, SELECTION, TIGHT)
    assert judged.ties == 1
    assert judged.differences == pytest.approx((0.005,), abs=1e-6)
    assert judged.overlaps == pytest.approx((1.0,))


def test_a_rival_that_the_other_side_does_not_see_is_no_tie() -> None:
    sees = pool((BOX, (0.90, 0.0)), (SHIFTED, (0.5, 0.0)))
    judged = judge(answers((BOX, 0.90, 0)), answers((SHIFTED, 0.895, 0)), sees, SELECTION, TIGHT)
    assert judged.ties == 0
    assert judged.overlaps == pytest.approx((0.27 / 0.33,))


def test_an_overlap_at_the_threshold_of_suppression_may_flip() -> None:
    sees = pool((BOX, (0.90, 0.0)), (BESIDE, (0.80, 0.0)))
    judged = judge(answers((BOX, 0.90, 0), (BESIDE, 0.80, 0)), answers((BOX, 0.90, 0)), sees, SELECTION, TIGHT)
    assert (judged.asked, len(judged.differences), judged.ties) == (2, 2, 1)


def test_a_weaker_box_suppresses_nothing() -> None:
    sees = pool((BOX, (0.90, 0.0)), (SHIFTED, (0.60, 0.0)))
    judged = judge(answers((BOX, 0.90, 0)), answers((SHIFTED, 0.60, 0)), sees, SELECTION, replace(TIGHT, iou=0.9))
    assert judged.ties == 0
    assert judged.differences == pytest.approx((0.3,))


def test_regular_suppression_knows_no_rival_of_another_class() -> None:
    sees = pool((BOX, (0.90, 0.89)))
    asked, given = answers((BOX, 0.90, 0)), answers((BOX, 0.89, 1))
    assert judge(asked, given, sees, SELECTION, TIGHT).ties == 1
    assert judge(asked, given, sees, replace(SELECTION, regular=True), TIGHT).differences == ()


def test_what_lies_at_the_cut_is_not_asked_for() -> None:
    """The list is full at .50: an answer of .51 may have lost its place, one of .53 may not."""
    short = replace(SELECTION, max_detections=2)
    given = answers((BOX, 0.9, 0), (FAR, 0.50, 1))
    elsewhere = (0.5, 0.1, 0.8, 0.4)
    assert judge(answers((BOX, 0.9, 0), (elsewhere, 0.51, 1)), given, ONE, short, TIGHT).asked == 1
    assert judge(answers((BOX, 0.9, 0), (elsewhere, 0.53, 1)), given, ONE, short, TIGHT).asked == 2


def test_below_the_floor_nothing_is_asked_for() -> None:
    judged = judge(answers((BOX, 0.9, 0), (FAR, 0.3, 1)), answers(), ONE, SELECTION, replace(TIGHT, floor=0.5))
    assert (judged.asked, judged.differences) == (1, ())


def test_the_cut_of_several_classes_a_box_is_that_of_its_best() -> None:
    several = replace(SELECTION, max_detections=2, max_classes_per_detection=2)
    given = answers((BOX, 0.9, 0), (FAR, 0.5, 1), (BOX, 0.1, 1), (FAR, 0.05, 0))
    assert full(given, several)
    assert cut(given, several) == pytest.approx(0.5)
    assert cut(given, SELECTION) == SELECTION.score


@pytest.mark.parametrize(("second", "given"), [(0.89, 1), (0.5, 0)], ids=["tie", "lost"])
def test_a_class_of_equal_rank_may_come_first(second: float, given: int) -> None:
    asked = Classification(classes=np.array([3, 5]), scores=np.array([0.9, second], np.float32))
    other = Classification(classes=np.array([5, 3]), scores=np.array([0.9, 0.89], np.float32))
    judged = judge_classes(asked, other, TIGHT)
    assert (judged.asked, judged.ties, len(judged.differences)) == (1, given, given)


def test_agreements_are_summed_over_samples() -> None:
    there = [Judged(asked=2, ties=1, differences=(0.1, 0.3), overlaps=(0.9, 1.0))]
    there.append(Judged(asked=2, ties=0, differences=(0.2,), overlaps=(0.95,)))
    back = [Judged(asked=4, ties=0, differences=(0.0,), overlaps=(1.0,))]
    total = agreement("as trained", 0.5, there, back)
    assert (total.judged, total.found, total.ties, total.iou, total.score) == (4, 3, 1, 0.9, 0.3)
    assert total.mean_score == pytest.approx(0.2)
    assert (total.recall, total.precision) == (0.75, 0.25)
