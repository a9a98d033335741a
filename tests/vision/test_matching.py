import numpy as np
import pytest

from edgekit.values.answers import Detections
from edgekit.vision.matching import iou, match


def answer(*rows):
    """Rows of (box, score, class)."""
    return Detections(
        boxes=np.array([row[0] for row in rows], np.float32).reshape(-1, 4),
        scores=np.array([row[1] for row in rows], np.float32),
        classes=np.array([row[2] for row in rows], np.int64),
    )


A = (0, 0, 0.4, 0.4)
SHIFTED = (0.1, 0, 0.5, 0.4)  # overlaps A by .3 × .4 of .5 × .4
FAR = (0.6, 0.6, 0.9, 0.9)


def test_iou():
    overlaps = iou(np.array([A, FAR]), np.array([A, SHIFTED, (0.2, 0.2, 0.2, 0.3), (0.4, 0.4, 0, 0)]))
    np.testing.assert_allclose(overlaps, [[1, 0.6, 0, 0], [0, 0, 0, 0]])


@pytest.mark.parametrize(
    ("first", "second", "pairs"),
    [
        (answer(), answer((A, 0.9, 0)), ()),
        (answer((A, 0.9, 0)), answer(), ()),
        (answer((A, 0.9, 0)), answer((FAR, 0.9, 0), (SHIFTED, 0.5, 0)), ((0, 1),)),
        (answer((A, 0.9, 0)), answer((A, 0.9, 1)), ()),  # another class
        (answer((SHIFTED, 0.8, 0), (A, 0.9, 0)), answer((A, 0.9, 0)), ((1, 0),)),  # the better score chooses first
        (answer((A, 0.9, 0), (A, 0.8, 0)), answer((A, 0.9, 0), (A, 0.8, 0)), ((0, 0), (1, 1))),
        (answer((A, 0.9, 0)), answer((SHIFTED, 0.9, 0), (A, 0.1, 0)), ((0, 1),)),  # the larger overlap is taken
    ],
)
def test_match(first, second, pairs):
    assert match(first, second, iou=0.5) == pairs


def test_overlap_below_the_limit_is_no_pair():
    assert match(answer((A, 0.9, 0)), answer((SHIFTED, 0.9, 0)), iou=0.61) == ()
