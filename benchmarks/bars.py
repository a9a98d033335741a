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
    bound = f"{bar.ratio.upper:.2f} ({bar.ratio.confidence:.0%})"
    verdict = "held" if bar.held else "**missed**"
    return (
        f"| {bar.figure} | {bar.against} | {bar.ratio.median:.2f} | {bound} | {bar.limit:g} | {aim} "
        f"| {bar.ratio.launches} | {verdict} |"
    )
