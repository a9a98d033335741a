"""Two things compared side by side, so that a machine's mood falls on both alike.

Launches alternate in blocks of two (AB, BA). Each launch gives one ratio, a / b; the verdict is a bound on their
median that holds for any distribution: an order statistic whose confidence is a binomial sum (David and Nagaraja,
Order Statistics, 3rd edition, section 7.1).
"""

import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Ratio:
    """How a compares with b. upper: one-sided bound of the median ratio at ``confidence``."""

    median: float
    upper: float
    confidence: float
    launches: int


def interleave(a: Callable[[], T], b: Callable[[], T], *, launches: int) -> list[tuple[T, T]]:
    """Measure both ``launches`` times, in the order AB BA AB …; each call returns its own measurement."""
    pairs = []
    for launch in range(launches):
        if launch % 2 == 0:
            first, second = a(), b()
        else:
            second, first = b(), a()
        pairs.append((first, second))
    return pairs


def ratio(pairs: Sequence[tuple[float, float]], *, confidence: float = 0.95) -> Ratio:
    """Median of a / b and its upper bound. Figures are positive; at least 5 pairs for 95 %.

    Raises ValueError where there are too few pairs for the confidence, or a figure is not positive.
    """
    if any(not (a > 0 and b > 0) for a, b in pairs):
        raise ValueError("figures must be positive")
    ratios = sorted(a / b for a, b in pairs)
    for rank in range(len(ratios)):
        reached = _confidence(len(ratios), rank)
        if reached >= confidence:
            return Ratio(median=statistics.median(ratios), upper=ratios[rank], confidence=reached, launches=len(ratios))
    raise ValueError(f"{len(ratios)} pairs are too few for a bound at {confidence:.0%}")


def _confidence(n: int, rank: int) -> float:
    """Probability that the median lies at or below the order statistic of this 0-based rank: P(Bin(n, ½) ≤ rank)."""
    return float(sum(math.comb(n, k) for k in range(rank + 1)) / 2**n)
