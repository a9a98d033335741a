"""What is promised, and how far a run is from it."""

from dataclasses import dataclass

from edgekit.stats.paired import Ratio


@dataclass(frozen=True)
class Bar:
    """figure: what was measured. limit: what its bound must not pass, None where nothing is promised; aim: what we
    would like.
    """

    figure: str
    against: str
    limit: float | None
    ratio: Ratio
    aim: float | None = None

    @property
    def held(self) -> bool:
        return self.limit is None or self.ratio.upper <= self.limit


@dataclass(frozen=True)
class Unmeasured:
    """A figure that this machine cannot measure, or to which the other side has no right answer."""

    figure: str
    against: str
    why: str


HEADER = """| figure | against | median | upper bound | limit | aim | launches | |
|---|---|---|---|---|---|---|---|"""


def row(bar: Bar | Unmeasured) -> str:
    """The bar as a row of a Markdown table under HEADER."""
    if isinstance(bar, Unmeasured):
        return f"| {bar.figure} | {bar.against} | | | | | | not measured: {' '.join(bar.why.split())} |"
    limit = "" if bar.limit is None else f"{bar.limit:.3g}"
    aim = f"{bar.aim:g}" if bar.aim else ""
    bound = f"{_number(bar.ratio.upper)} ({bar.ratio.confidence:.0%})"
    return (
        f"| {bar.figure} | {bar.against} | {_number(bar.ratio.median)} | {bound} | {limit} | {aim} "
        f"| {bar.ratio.launches} | {_verdict(bar)} |"
    )


def _verdict(bar: Bar) -> str:
    if bar.limit is None:
        return "reported"
    return "held" if bar.held else "**missed**"


def _number(value: float) -> str:
    return f"{value:.2f}" if value >= 0.5 else f"{value:.3f}"
