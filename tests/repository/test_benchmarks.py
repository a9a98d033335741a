"""The benchmarks can be run: their modules import, and their table says what was held."""

from benchmarks import bars, feeding, finishing, processes, subjects, suites
from edgekit.stats.paired import ratio


def test_modules_hang_together() -> None:
    assert set(suites.SUITES) == {"start", "convert", "finish", "latency", "shelf", "train", "memory"}
    assert callable(subjects.subject)
    assert callable(finishing.finish_model)
    assert callable(feeding.spent)
    assert processes.python("pass")[-1] == "pass"


def test_a_missed_bar_is_said() -> None:
    slow = bars.Bar("a", "b", 1.5, ratio([(2.0, 1.0)] * 5))
    held = bars.Bar("a", "b", 2.0, ratio([(2.0, 1.0)] * 5), aim=1)
    assert [bar.held for bar in (slow, held)] == [False, True]
    assert "**missed**" in bars.row(slow)
    assert "missed" not in bars.row(held)
