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


def table(bars: list[Bar]) -> str:
    """The bars as a Markdown table."""
    lines = [
        "| figure | against | median | upper bound | limit | aim | launches | |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for bar in bars:
        aim = f"{bar.aim:g}" if bar.aim else ""
        lines.append(
            f"| {bar.figure} | {bar.against} | {bar.ratio.median:.2f} | {bar.ratio.upper:.2f} "
            f"({bar.ratio.confidence:.0%}) | {bar.limit:g} | {aim} | {bar.ratio.launches} "
            f"| {'held' if bar.held else '**missed**'} |"
        )
    return "\n".join(lines)
