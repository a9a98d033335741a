import random

import pytest

from edgekit.stats.paired import interleave, ratio


def test_launches_alternate_in_blocks_of_two():
    order = []
    pairs = interleave(lambda: order.append("a") or 1.0, lambda: order.append("b") or 2.0, launches=4)
    assert "".join(order) == "abbaabba"
    assert pairs == [(1.0, 2.0)] * 4


@pytest.mark.parametrize(
    ("launches", "rank", "confidence"),
    [(5, 4, 31 / 32), (8, 6, 247 / 256), (10, 8, 1013 / 1024), (20, 14, 0.9793)],
)
def test_bound_is_the_smallest_order_statistic_that_reaches_the_confidence(launches, rank, confidence):
    pairs = [(1.0 + 0.01 * i, 1.0) for i in range(launches)]
    bound = ratio(pairs)
    assert bound.upper == pytest.approx(1 + 0.01 * rank)
    assert bound.confidence == pytest.approx(confidence, abs=1e-4)


def test_bound_covers_the_median_as_often_as_it_says():
    rng = random.Random(0)
    covered = 0
    for _ in range(2000):
        pairs = [(rng.lognormvariate(0, 0.1), 1.0) for _ in range(11)]
        covered += ratio(pairs).upper >= 1.0
    # P(Bin(11, ½) ≤ 8) = .967; three standard errors of 2000 trials are .012
    assert abs(covered / 2000 - 0.967) < 0.012


@pytest.mark.parametrize("pairs", [[(1.0, 1.0)] * 4, [(1.0, 0.0)] * 9, [(float("nan"), 1.0)] * 9])
def test_figures_that_bear_no_bound_are_refused(pairs):
    with pytest.raises(ValueError, match=r"too few|positive"):
        ratio(pairs)
