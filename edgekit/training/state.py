"""Where a training stands: enough to go on after a kill as if nothing had happened."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from ..errors import EdgekitError
from ..formats import checkpoint
from ..system import write_file
from ..values.codec import from_data, to_data
from .progress import FLOAT, Progress

Array = NDArray[Any]


@dataclass(frozen=True, kw_only=True)
class Counters:
    """What a state says besides arrays. step: done of this phase; taken: of all phases.

    best: AP of the best look; waited: looks since.
    """

    key: str
    phase: str = FLOAT
    step: int = 0
    taken: int = 0
    best: float = -1.0
    waited: int = 0
    seconds: float = 0.0
    history: tuple[Progress, ...] = ()


@dataclass(kw_only=True)
class State:
    """counters, and arrays by path: of the network, at its best look, of its optimiser, of the float phase's end."""

    counters: Counters
    network: dict[str, Array] = field(default_factory=dict)
    best: dict[str, Array] = field(default_factory=dict)
    optimiser: dict[str, Array] = field(default_factory=dict)
    floats: dict[str, Array] = field(default_factory=dict)

    def save(self, path: Path) -> None:
        """Replace the stored state; the old one stays where the new cannot be written."""
        arrays = {f"{part}:{name}": value for part in _PARTS for name, value in getattr(self, part).items()}
        write_file(path, checkpoint.encode(arrays, to_data(self.counters)))


_PARTS = ("network", "best", "optimiser", "floats")


def restore(path: Path, key: str) -> State:
    """The stored state of the training that ``key`` stands for, a fresh one where there is none that can be read."""
    try:
        arrays, about = checkpoint.read(path)
        counters = from_data(Counters, about)
    except (EdgekitError, ValueError):
        return State(counters=Counters(key=key))
    if counters.key != key:
        return State(counters=Counters(key=key))
    parts: dict[str, dict[str, Array]] = {part: {} for part in _PARTS}
    for name, value in arrays.items():
        part, _, rest = name.partition(":")
        parts[part][rest] = value
    return State(counters=counters, **parts)
