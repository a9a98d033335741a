import numpy as np
import pytest

from edgekit.values.answers import Detections
from edgekit.vision.draw import colour, draw

GREY = np.full((300, 400, 3), 128, np.uint8)


def found(boxes, scores=None, classes=None):
    boxes = np.asarray(boxes, np.float32).reshape(-1, 4)
    return Detections(
        boxes=boxes,
        scores=np.asarray(np.linspace(0.9, 0.1, len(boxes)) if scores is None else scores, np.float32),
        classes=np.asarray(np.zeros(len(boxes)) if classes is None else classes, np.int64),
    )


def test_nothing_found_changes_nothing_and_the_picture_is_left_alone():
    before = GREY.copy()
    assert (draw(GREY, found([])) == GREY).all()
    drawn = draw(GREY, found([[0.2, 0.2, 0.8, 0.8]]), lambda _: "cat")
    assert (before == GREY).all()
    assert (drawn != GREY).any()


def test_frame_and_label_are_where_they_should_be():
    drawn = draw(GREY, found([[0.25, 0.5, 0.75, 0.9]]), lambda _: "cat")
    changed = (drawn != GREY).any(axis=2)
    rows, columns = np.flatnonzero(changed.any(axis=1)), np.flatnonzero(changed.any(axis=0))
    assert (columns[0], columns[-1], rows[-1]) == (100, 299, 269)
    assert 130 < rows[0] < 150  # the label stands above the box
    assert (drawn[150, 100:300] == colour(0)).all()
    assert not changed[160:260, 110:290].any()


@pytest.mark.parametrize(
    "box", [[-2, -2, 3, 3], [0.9, 0.9, 1.5, 1.5], [0.99, 0, 1, 1], [0, 0, 1, 0.001], [0.5, 0.5, 0.5, 0.5]]
)
def test_boxes_at_and_beyond_the_edges(box):
    drawn = draw(GREY, found([box]), lambda _: "a label that is rather long for this picture, and then some more of it")
    assert drawn.shape == GREY.shape
    assert (drawn != GREY).any()


@pytest.mark.parametrize("box", [[1.1, 0, 1.2, 1], [0, -2, 1, -1], [np.nan, 0, 1, 1], [0, 0, np.inf, 1]])
def test_boxes_outside_are_not_drawn(box):
    assert (draw(GREY, found([box])) == GREY).all()


@pytest.mark.parametrize("shape", [(1, 1), (2, 300), (300, 2)])
def test_tiny_pictures(shape):
    assert draw(np.zeros((*shape, 3), np.uint8), found([[0, 0, 1, 1]]), lambda _: "cat").shape == (*shape, 3)


def test_the_label_is_that_of_the_class():
    boxes = found([[0.2, 0.3, 0.8, 0.8]], classes=[7])
    numbered, named, other = draw(GREY, boxes), draw(GREY, boxes, {7: "7"}.__getitem__), draw(GREY, boxes, hex)
    assert (numbered == named).all()
    assert (numbered != other).any()


def test_five_hundred_boxes_leave_their_pictures_visible():
    rng = np.random.default_rng(0)
    corner = np.stack(np.meshgrid(np.arange(25), np.arange(20)), axis=-1).reshape(-1, 2) / [25, 20]
    boxes = np.concatenate([corner, corner + np.array([0.036, 0.045])], axis=1)
    pixels = np.full((1500, 2000, 3), 128, np.uint8)
    answer = found(boxes, rng.random(500), rng.integers(0, 20, 500))
    changed = (draw(pixels, answer, "product {}".format) != pixels).any(axis=2)
    shares = [
        changed[int(top * 1500) : int(bottom * 1500), int(left * 2000) : int(right * 2000)].mean()
        for left, top, right, bottom in boxes
    ]
    assert max(shares) < 0.5
    assert min(shares) > 0.1  # more than its frame: each one has a label


def test_labels_do_not_cover_each_other():
    # Two equal boxes: both names can be read, so one of them stands in another place.
    one, two = (draw(GREY, found([[0.3, 0.4, 0.8, 0.8]] * count), lambda _: "cat") for count in (1, 2))
    assert ((one != GREY).any(axis=2).sum()) * 1.2 < (two != GREY).any(axis=2).sum()


def test_colours_are_steady_and_distinct():
    colours = [colour(index) for index in range(20)]
    assert colours == [colour(index) for index in range(20)]
    table = np.array(colours, int)
    distance = np.abs(table[:, None] - table).sum(axis=2) + 1000 * np.eye(20, dtype=int)
    assert distance.min() > 25
    assert np.diag(distance, 1).min() > 120  # neighbours
