"""The smallest piece of a verdict: one question, its answer, and a sentence that says both."""

from dataclasses import dataclass

from .spec import expect

OUTCOMES = ("pass", "fail", "unsure")


@dataclass(frozen=True, kw_only=True)
class Check:
    """name: short and stable. value, limit: in ``unit``; None where the question has no number."""

    name: str
    outcome: str
    sentence: str
    value: float | None = None
    limit: float | None = None
    unit: str = ""

    def __post_init__(self) -> None:
        expect(self.outcome in OUTCOMES, "outcome", f"one of {', '.join(OUTCOMES)}", self.outcome)
