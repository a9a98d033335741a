"""How far a tensor strays from its reference, summed over samples without keeping them."""

import math
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import VerificationError
from ..values.proof import TensorError

ODD = (
    0.001  # share of the values that may stray further: one rounding early in a network can move a value by many steps
)
STEPS = 64  # of the histogram of errors, for each power of two: its upper edges are at most 1.1 % too high
LEAST, MOST = -40, 24  # powers of two between which it tells errors apart
FAINTEST = 1e-20  # −200 dB: a reference that is zero everywhere has no ratio, and JSON has no infinity


@dataclass(frozen=True, kw_only=True)
class Sums:
    """What has to be kept of one sample to know the error over all of them."""

    largest: float
    low: float
    high: float
    signal: float
    noise: float
    errors: NDArray[np.int64]  # how many values stray by so much, in steps of 1 / STEPS of a power of two

    def __add__(self, other: "Sums") -> "Sums":
        return Sums(
            largest=max(self.largest, other.largest),
            low=min(self.low, other.low),
            high=max(self.high, other.high),
            signal=self.signal + other.signal,
            noise=self.noise + other.noise,
            errors=self.errors + other.errors,
        )


def compare(name: str, reference: NDArray[Any], candidate: NDArray[Any]) -> Sums:
    """Compare two tensors of real numbers, the same input behind both.

    Raises VerificationError when their shapes differ or either holds a number that is not finite.
    """
    if reference.shape != candidate.shape:
        raise VerificationError(
            f"Tensor {name} has shape {list(candidate.shape)} in the artifact, {list(reference.shape)} in the source.",
            cause="The artifact was made from another model.",
            fix="Convert the source again, or name the right one with --against.",
        )
    for whose, array in (("source", reference), ("artifact", candidate)):
        if not np.isfinite(array).all():
            raise VerificationError(
                f"Tensor {name} of the {whose} holds numbers that are not finite.",
                cause="The weights are damaged, or an activation lost its clamp.",
            )
    exact = reference.astype(np.float64)
    error = candidate.astype(np.float64) - exact
    return Sums(
        errors=_histogram(np.abs(error)),
        largest=float(np.abs(error).max(initial=0.0)),
        low=float(exact.min(initial=0.0)),
        high=float(exact.max(initial=0.0)),
        signal=float(np.square(exact).sum()),
        noise=float(np.square(error).sum()),
    )


def tensor_error(name: str, samples: list[Sums]) -> TensorError:
    """The error over all samples. A tensor's range always holds zero, as its quantisation does."""
    total = reduce(lambda left, right: left + right, samples)
    span = total.high - total.low
    if total.noise == 0:
        return TensorError(name=name, largest=0.0, relative=0.0, snr=None)
    ratio = max(total.signal / total.noise, FAINTEST)
    return TensorError(
        name=name, largest=total.largest, relative=_usual(total) / (span or 1.0), snr=10 * math.log10(ratio)
    )


def _histogram(errors: NDArray[np.float64]) -> NDArray[np.int64]:
    with np.errstate(divide="ignore"):
        places = np.ceil((np.log2(errors) - LEAST) * STEPS)
    last = (MOST - LEAST) * STEPS
    return np.bincount(np.clip(places, 0, last).astype(np.int64).reshape(-1), minlength=last + 1)


def _usual(total: Sums) -> float:
    """What all values but ``ODD`` of them stray at most; where these are less than one, the largest error."""
    beyond = np.cumsum(total.errors[::-1])[::-1]  # how many stray by so much or more
    allowed = int(ODD * beyond[0])
    if not allowed:
        return total.largest
    place = int(np.flatnonzero(beyond > allowed)[-1])
    return min(float(2.0 ** (LEAST + place / STEPS)), total.largest)
