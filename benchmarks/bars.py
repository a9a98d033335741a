"""What is promised, and how far a run is from it."""

from dataclasses import dataclass

from edgekit.stats.paired import Ratio


@dataclass(frozen=True)
class Bar:
    """figure: what was measured. limit: what its bound must not pass; aim: what we would like."""

    figure: str
    against: str
    limit: float
    ratio: Ratio
    aim: float | None = None

    @property
    def held(self) -> bool:
        return self.ratio.upper <= self.limit


HEADER = """| figure | against | median | upper bound | limit | aim | launches | |
|---|---|---|---|---|---|---|---|"""


def row(bar: Bar) -> str:
    """The bar as a row of a Markdown table under HEADER."""
    aim = f"{bar.aim:g}" if bar.aim else ""
    bound = f"{_number(bar.ratio.upper)} ({bar.ratio.confidence:.0%})"
    verdict = "held" if bar.held else "**missed**"
    return (
        f"| {bar.figure} | {bar.against} | {_number(bar.ratio.median)} | {bound} | {bar.limit:.3g} | {aim} "
        f"| {bar.ratio.launches} | {verdict} |"
    )


def _number(value: float) -> str:
    return f"{value:.2f}" if value >= 0.5 else f"{value:.3f}"
