"""Targets, against an assigner that looks at every anchor."""

import numpy as np
import pytest

from edgekit.vision.anchors import Grid, table
from edgekit.vision.assign import Assigner, Matching, Targets
from edgekit.vision.decode import decode_boxes
from edgekit.vision.matching import iou

CODER = (10.0, 10.0, 5.0, 5.0)
GRIDS = (
    Grid(rows=12, columns=16, sizes=((0.08, 0.06), (0.1, 0.2))),
    Grid(rows=3, columns=4, sizes=((0.3, 0.3), (0.9, 0.2), (0.7, 0.8))),
)
ANCHORS = table(GRIDS)
CORNERS = np.concatenate([ANCHORS[:, 1::-1] - ANCHORS[:, :1:-1] / 2, ANCHORS[:, 1::-1] + ANCHORS[:, :1:-1] / 2], axis=1)

NEAR = 1e-5  # overlaps that differ by rounding alone

Picture = tuple[np.ndarray, np.ndarray, np.ndarray]


def picture(boxes: object, *, crowd: object = ()) -> Picture:
    rows = np.array(boxes, np.float32).reshape(-1, 4)
    flags = np.zeros(len(rows), bool)
    flags[list(crowd)] = True  # type: ignore[call-overload]
    return rows, np.arange(len(rows)), flags


def random_picture(random: np.random.Generator) -> Picture:
    """Boxes of every size, some at borders, half of them near anchors."""
    count = int(random.integers(0, 9))
    sides = np.exp(random.uniform(np.log(0.004), 0.3, (count, 2)))
    border = random.random((count, 2)) < 0.3
    centres = np.where(border, random.integers(0, 2, (count, 2)), random.random((count, 2)))
    boxes = np.concatenate([centres - sides / 2, centres + sides / 2], axis=1)
    near = CORNERS[random.integers(0, len(CORNERS), count)] + random.normal(0, 0.01, (count, 4))
    boxes = np.clip(np.where(random.random((count, 1)) < 0.5, boxes, near), 0, 1)
    return boxes.astype(np.float32), random.integers(0, 5, count), random.random(count) < 0.2


def covers(regions: np.ndarray) -> np.ndarray:
    """(anchors, regions): how much of an anchor's area lies in a region."""
    low, high = (np.maximum(CORNERS[:, None, :2], regions[:, :2]), np.minimum(CORNERS[:, None, 2:], regions[:, 2:]))
    shares: np.ndarray = np.maximum(high - low, 0).prod(axis=-1) / ANCHORS[:, None, 2:].prod(axis=-1)
    return shares


def check(pictures: list[Picture], found: Targets, matching: Matching) -> None:
    """Every anchor of every picture, by what it overlaps. Where overlaps differ by rounding alone, any may be best."""
    for number, (boxes, classes, crowd) in enumerate(pictures):
        places = number * len(ANCHORS) + np.arange(len(ANCHORS))
        overlaps = iou(CORNERS, boxes)
        asked = np.where(crowd, 0, overlaps)
        best = (asked >= asked.max(axis=0) - NEAR) & (asked > 0) & matching.force  # anchors of each box
        forced = best & (best.sum(axis=0) == 1)
        most = asked.max(axis=1, initial=0)[:, None]
        mine = np.where(
            forced.any(axis=1)[:, None], forced, best | (asked >= np.maximum(most - NEAR, matching.positive))
        )
        taken = np.isin(places, found.anchors)
        assert taken[forced.any(axis=1) | (most[:, 0] >= matching.positive)].all()
        assert (best.any(axis=0) == (best & taken[:, None]).any(axis=0)).all()
        rows = np.isin(found.anchors, places)
        decoded = decode_boxes(found.encodings[rows], ANCHORS[taken], CODER)[:, [1, 0, 3, 2]]
        right = np.abs(decoded[:, None] - boxes).max(axis=-1) < 1e-4
        assert (right & mine[taken] & (found.classes[rows][:, None] == classes)).any(axis=1).all()
        near = overlaps.max(axis=1, initial=0) - matching.negative
        regions = boxes[crowd & (overlaps.max(axis=0) < matching.positive)]
        covered = covers(regions).max(axis=1, initial=0) - 0.5
        expected = ((near >= 0) | (covered >= 0)) & ~taken
        assert (np.isin(places, found.ignored) == expected)[np.minimum(np.abs(near), np.abs(covered)) > NEAR].all()


@pytest.mark.parametrize("limits", [(0.5, 0.4), (0.5, 0.5), (0.35, 0.1), (0.7, 0.2)])
@pytest.mark.parametrize("force", [True, False])
def test_as_if_every_anchor_had_been_looked_at(limits: tuple[float, float], force: bool) -> None:
    matching = Matching(positive=limits[0], negative=limits[1], force=force)
    assigner = Assigner(GRIDS, matching, CODER)
    counts = np.zeros(2, int)
    for seed in range(30):
        random = np.random.default_rng(seed)
        pictures = [random_picture(random) for _ in range(int(random.integers(1, 4)))]
        found = assigner.assign(pictures)
        check(pictures, found, matching)
        assert not set(found.anchors.tolist()) & set(found.ignored.tolist())
        counts += len(found.anchors), len(found.ignored)
    assert counts.min() > 20


def test_shapes_and_types() -> None:
    for pictures in ([picture([])], [picture([]), picture([[0.1, 0.1, 0.3, 0.4]])]):
        found = Assigner(GRIDS, Matching(), CODER).assign(pictures)
        count = len(found.anchors)
        assert (found.anchors.dtype, found.classes.dtype, found.encodings.dtype) == (np.int64, np.int64, np.float32)
        assert (found.classes.shape, found.encodings.shape, found.ignored.dtype) == ((count,), (count, 4), np.int64)
        assert bool(count) == (len(pictures) == 2)


def test_an_anchor_takes_the_box_that_it_overlaps_most() -> None:
    anchor = 12 * 16 * 2 + 6 * 3  # a 0.3 × 0.3 one in the middle row
    x0, y0, x1, y1 = CORNERS[anchor]
    exact, shifted = [x0, y0, x1, y1], [x0 + 0.05, y0, x1 + 0.05, y1]
    for boxes, number in (([exact, shifted], 0), ([shifted, exact], 1)):
        found = Assigner(GRIDS, Matching(force=False), CODER).assign([picture(boxes)])
        assert found.classes[found.anchors == anchor].tolist() == [number]
    np.testing.assert_allclose(found.encodings[found.anchors == anchor], [[0, 0, 0, 0]], atol=1e-5)


def test_a_box_that_nothing_overlaps_well_is_taken_by_force() -> None:
    tiny = picture([[0.501, 0.502, 0.504, 0.505]])
    assert len(Assigner(GRIDS, Matching(force=False), CODER).assign([tiny]).anchors) == 0
    found = Assigner(GRIDS, Matching(), CODER).assign([tiny])
    assert found.anchors.tolist() == [int(iou(CORNERS, tiny[0]).argmax())]


def test_a_box_without_area_asks_for_nothing() -> None:
    found = Assigner(GRIDS, Matching(), CODER).assign([picture([[0.5, 0.5, 0.5, 0.9]])])
    assert (len(found.anchors), len(found.ignored)) == (0, 0)


def test_a_crowd_is_predicted_by_nobody_and_held_against_nobody() -> None:
    anchor = 12 * 16 * 2 + 6 * 3
    found = Assigner(GRIDS, Matching(), CODER).assign([picture([CORNERS[anchor]], crowd=[0])])
    assert len(found.anchors) == 0
    assert anchor in found.ignored


def test_what_lies_in_a_region_that_no_anchor_fits_is_ignored() -> None:
    region = picture([[0.0, 0.45, 1.0, 0.65]], crowd=[0])
    found = Assigner(GRIDS, Matching(), CODER).assign([picture([]), region])
    assert len(found.anchors) == 0
    inside = np.flatnonzero(covers(region[0])[:, 0] >= 0.5)
    assert len(inside) > 10
    assert found.ignored.tolist() == (len(ANCHORS) + inside).tolist()


@pytest.mark.parametrize("limits", [(0.4, 0.5), (1.5, 0.4), (0.5, -0.1), (float("nan"), 0.1)])
def test_limits_that_make_no_sense(limits: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match="negative ≤ positive"):
        Matching(positive=limits[0], negative=limits[1])
