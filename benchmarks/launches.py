"""Two models run in turn, in launches that each begin anew."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgekit.stats.paired import Ratio, ratio

RUNS, WARM_UP = 40, 5  # pairs of a launch; those that are left out before them

Pairs = NDArray[np.floating[Any]]  # (RUNS, 2): seconds of the first and of the second


def launched(launch: Callable[[Path, Path], Pairs], a: Path, b: Path, *, launches: int) -> Ratio:
    """Of the median ratios within so many launches, which begin with a and with b in turn."""
    ratios = []
    for number in range(launches):
        begins = number % 2 == 0
        first, second = launch(*((a, b) if begins else (b, a))).T
        within = float(np.exp(np.median(np.log(first / second))))
        ratios.append((within, 1.0) if begins else (1.0, within))
    return ratio(ratios)


def in_turn(run: Callable[[int, int], float]) -> Pairs:
    """Pairs of one launch, whose order is swapped each time. run: side (0, 1) and pair → seconds."""
    pairs = np.zeros((RUNS + WARM_UP, 2))
    for pair in range(len(pairs)):
        for side in (0, 1) if pair % 2 == 0 else (1, 0):
            pairs[pair, side] = run(side, pair)
    return pairs[WARM_UP:]
