"""Errors of tensors, summed over samples."""

import numpy as np
import pytest

from edgekit.errors import VerificationError
from edgekit.proofs.tensors import compare, tensor_error


def test_error_of_one_step_in_a_range_of_a_hundred() -> None:
    reference = np.linspace(0, 100, 101)
    error = tensor_error("x", [compare("x", reference, reference + 1)])
    assert error.largest == pytest.approx(1)
    assert error.relative == pytest.approx(0.01)
    assert error.snr == pytest.approx(10 * np.log10(np.square(reference).sum() / 101))


def test_samples_are_summed_as_if_they_were_one() -> None:
    rng = np.random.default_rng(0)
    reference, candidate = rng.normal(size=(2, 7, 11))
    parts = tensor_error("x", [compare("x", r, c) for r, c in zip(reference, candidate, strict=True)])
    whole = tensor_error("x", [compare("x", reference, candidate)])
    assert parts.largest == whole.largest
    assert parts.relative == pytest.approx(whole.relative)
    assert parts.snr == pytest.approx(whole.snr)


def test_equal_tensors_have_no_ratio() -> None:
    error = tensor_error("x", [compare("x", np.ones(3), np.ones(3))])
    assert (error.largest, error.relative, error.snr) == (0.0, 0.0, None)


def test_a_reference_of_zeros_still_gives_finite_figures() -> None:
    error = tensor_error("x", [compare("x", np.zeros(3), np.full(3, 0.5))])
    assert error.largest == error.relative == 0.5
    assert error.snr == pytest.approx(-200)


@pytest.mark.parametrize(
    ("reference", "candidate", "said"),
    [
        (np.zeros((1, 3)), np.zeros((1, 4)), r"shape \[1, 4\] in the artifact, \[1, 3\]"),
        (np.zeros(2), np.array([0, np.nan]), "artifact holds numbers that are not finite"),
        (np.array([np.inf, 0]), np.zeros(2), "source holds numbers that are not finite"),
    ],
)
def test_what_cannot_be_compared_is_said(reference: np.ndarray, candidate: np.ndarray, said: str) -> None:
    with pytest.raises(VerificationError, match=said):
        compare("x", reference, candidate)
