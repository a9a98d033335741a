"""What follows from measured figures, above all where one side says nothing."""

import pytest

from edgekit.proofs.checks import agreement_checks
from edgekit.values.proof import SAME, TRAINED, Agreement
from edgekit.values.recipe import recipes

LIMITS = recipes()["tflite-uint8"].limits


def outcomes(
    reference: str, *, judged: int = 0, found: int = 0, extra_judged: int = 0, extra_found: int = 0
) -> dict[str, str]:
    agreement = Agreement(
        reference=reference,
        floor=0.0,
        judged=judged,
        found=found,
        ties=0,
        extra_judged=extra_judged,
        extra_found=extra_found,
        score=0.0,
        mean_score=0.0,
        iou=1.0 if found else None,
    )
    return {check.name: check.outcome for check in agreement_checks(agreement, LIMITS)}


@pytest.mark.parametrize("reference", [SAME, TRAINED])
def test_answers_that_a_silent_source_does_not_give_are_invented(reference: str) -> None:
    assert outcomes(reference, extra_judged=3) == {f"precision, {reference}": "fail"}
    assert outcomes(reference, extra_judged=3, extra_found=3) == {f"precision, {reference}": "pass"}


@pytest.mark.parametrize("reference", [SAME, TRAINED])
def test_a_silent_artifact_loses_every_answer(reference: str) -> None:
    assert outcomes(reference, judged=3) == {f"recall, {reference}": "fail"}


@pytest.mark.parametrize("reference", [SAME, TRAINED])
def test_silence_on_both_sides_proves_nothing(reference: str) -> None:
    assert outcomes(reference) == {f"recall, {reference}": "unsure"}


def test_pairs_are_judged_by_all_that_they_have() -> None:
    names = {"recall", "precision", "score", "overlap"}
    all_four = {f"{name}, {SAME}": "pass" for name in names}
    assert outcomes(SAME, judged=2, found=2, extra_judged=2, extra_found=2) == all_four
