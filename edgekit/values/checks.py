"""The smallest piece of a verdict: one question, its answer, and a sentence that says both."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import ClassVar

from .show import Shown
from .spec import expect

OUTCOMES = ("pass", "fail", "unsure")


def overall(outcomes: Collection[str]) -> str:
    """fail when one failed; unsure when one could not be answered; else pass."""
    return next((outcome for outcome in ("fail", "unsure") if outcome in outcomes), "pass")


@dataclass(frozen=True, kw_only=True)
class Check(Shown):
    """name: short and stable. value, limit: in ``unit``; None where the question has no number."""

    brief: ClassVar[tuple[str, ...]] = ("name", "outcome", "sentence")

    name: str
    outcome: str
    sentence: str
    value: float | None = None
    limit: float | None = None
    unit: str = ""

    def __post_init__(self) -> None:
        expect(self.outcome in OUTCOMES, "outcome", f"one of {', '.join(OUTCOMES)}", self.outcome)
