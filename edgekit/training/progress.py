"""What a training says while it runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..vision.metrics import CocoFigures

FLOAT, QUANTISED = "float", "quantised"


@dataclass(frozen=True, kw_only=True)
class Progress:
    """After some steps. step, steps: of both phases together. seconds_left: as the last steps went.

    classification, localisation: mean losses since the last of these. figures: where pictures were looked at.
    """

    phase: str
    step: int
    steps: int
    classification: float
    localisation: float
    rate: float
    pictures_per_second: float
    seconds_left: float
    figures: CocoFigures | None = None
    best: bool = False


@dataclass(frozen=True, kw_only=True)
class Note:
    """Something worth knowing, as a sentence."""

    sentence: str


@dataclass(frozen=True, kw_only=True)
class Saved:
    """A state to go on from has been written."""


@dataclass(frozen=True, kw_only=True)
class Trained:
    """The end. figures: of validation, by phase; by_class: phase → class → (AP, AP@.5).
    display_score: from which answers of the last network are best shown."""

    steps: int
    seconds: float
    figures: Mapping[str, CocoFigures]
    by_class: Mapping[str, Mapping[int, tuple[float, float]]]
    display_score: float
    history: tuple[Progress, ...]


Event = Progress | Note | Saved | Trained
