"""Anchors: their order, sizes fitted to boxes, and the rule of the Object Detection API."""

import math

import numpy as np
import pytest

from edgekit.vision.anchors import SPAN, Grid, cluster, spread, ssd_sizes, table

PLANTED = ((0.05, 0.1), (0.2, 0.1), (0.3, 0.6))  # height, width; smallest area first


def scattered(*, each: int = 60, noise: float = 0.05) -> np.ndarray:
    random = np.random.default_rng(1)
    boxes = np.repeat(PLANTED, each, axis=0) * np.exp(random.normal(0, noise, (each * len(PLANTED), 2)))
    return boxes[random.permutation(len(boxes))]


def test_a_table_goes_by_map_row_column_and_size() -> None:
    grids = (Grid(rows=1, columns=2, sizes=((0.5, 0.25), (1.0, 1.5))), Grid(rows=2, columns=1, sizes=((0.1, 0.2),)))
    assert [grid.count for grid in grids] == [4, 2]
    rows = table(grids)
    assert rows.dtype == np.float32
    expected = [
        [0.5, 0.25, 0.5, 0.25],
        [0.5, 0.25, 1.0, 1.5],
        [0.5, 0.75, 0.5, 0.25],
        [0.5, 0.75, 1.0, 1.5],
        [0.25, 0.5, 0.1, 0.2],
        [0.75, 0.5, 0.1, 0.2],
    ]
    np.testing.assert_allclose(rows, expected, rtol=1e-6)


@pytest.mark.parametrize("seed", range(5))
def test_planted_sizes_are_found_smallest_first(seed: int) -> None:
    found, reached = cluster(scattered(), len(PLANTED), seed=seed)
    np.testing.assert_allclose(found, PLANTED, rtol=0.05)
    assert 0.85 < reached < 1


def test_more_sizes_reach_more_and_the_same_seed_the_same() -> None:
    boxes = scattered(noise=0.3)
    reached = [cluster(boxes, count, seed=0)[1] for count in (1, 3, 9)]
    assert reached == sorted(set(reached))
    assert cluster(boxes, 5, seed=3) == cluster(boxes, 5, seed=3)


def test_fewer_sizes_than_asked_for_where_boxes_have_fewer() -> None:
    found, reached = cluster(np.repeat(PLANTED, 4, axis=0), 9, seed=0)
    np.testing.assert_allclose(found, PLANTED)
    assert reached == pytest.approx(1)


@pytest.mark.parametrize("seed", range(20))
def test_every_map_has_a_size_and_no_size_is_lost(seed: int) -> None:
    random = np.random.default_rng(seed)
    sizes = [tuple(size) for size in np.exp(random.uniform(np.log(0.02), 0, (int(random.integers(1, 8)), 2)))]
    strides = (4, 8, 16, 32)[: int(random.integers(1, 5))]
    places = spread(sizes, strides, 200, 300)
    assert len(places) == len(strides)
    assert all(places)
    assert {size for place in places for size in place} == set(sizes)


@pytest.mark.parametrize(
    ("spans", "place"),
    [
        ((1, 1), 0),  # smaller than any map can hold: the finest
        ((7.9, 90), 0),
        ((8, 90), 1),  # the shorter side counts
        ((16.1, 16.1), 2),
        ((90, 90), 2),
    ],
)
def test_a_size_goes_to_the_coarsest_map_that_can_hold_it(spans: tuple[float, float], place: int) -> None:
    size, *others = ((SPAN * y / 128, SPAN * x / 256) for y, x in (spans, (4.5, 4.5), (8.5, 8.5), (16.5, 16.5)))
    places = spread([size, *others], (4, 8, 16), 128, 256)
    assert [index for index, found in enumerate(places) if size in found] == [place]


def test_an_empty_map_takes_the_nearest_size() -> None:
    small, large = (4 / 100, 4 / 100), (60 / 100, 60 / 100)
    assert spread([small, large], (2, 8, 16), 100, 100) == ((small,), (large,), (large,))


def test_the_1917_anchors_of_ssd_300() -> None:
    sizes = ssd_sizes(6)
    cells = (19, 10, 5, 3, 2, 1)
    grids = [Grid(rows=n, columns=n, sizes=one) for n, one in zip(cells, sizes, strict=True)]
    rows = table(grids)
    assert len(rows) == 1917
    root = math.sqrt(2)
    np.testing.assert_allclose(rows[0], [0.5 / 19, 0.5 / 19, 0.1, 0.1], rtol=1e-6)
    np.testing.assert_allclose(rows[1], [0.5 / 19, 0.5 / 19, 0.2 / root, 0.2 * root], rtol=1e-6)
    np.testing.assert_allclose(rows[1083], [0.05, 0.05, 0.35, 0.35], rtol=1e-6)
    np.testing.assert_allclose(rows[1083 + 3], [0.05, 0.05, 0.35 / math.sqrt(3), 0.35 * math.sqrt(3)], rtol=1e-6)
    between = math.sqrt(0.35 * 0.5)
    np.testing.assert_allclose(rows[1083 + 5], [0.05, 0.05, between, between], rtol=1e-6)
    np.testing.assert_allclose(rows[-1], [0.5, 0.5, math.sqrt(0.95), math.sqrt(0.95)], rtol=1e-6)


def test_the_rule_with_other_numbers() -> None:
    assert ssd_sizes(1, scales=(0.4,), ratios=(4.0,), interpolated=0, reduce_lowest=False) == (((0.2, 0.8),),)
    (one,) = ssd_sizes(1, scales=(0.25,), ratios=(1.0,), reduce_lowest=False, base=(0.5, 1.0))
    np.testing.assert_allclose(one, [(0.125, 0.25), (0.25, 0.5)])
