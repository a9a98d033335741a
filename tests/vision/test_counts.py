import numpy as np
import pytest

from edgekit.values.answers import Detections
from edgekit.values.spec import FinalHead, ImageInput, ModelSpec, Selection
from edgekit.vision.counts import count


def spec(groups):
    return ModelSpec(
        name="shelf",
        task="detection",
        input=ImageInput(name="image", height=4, width=4, mean=(0.0,), std=(1.0,)),
        head=FinalHead(),
        selection=Selection(),
        num_classes=4,
        labels=("cola", "lemonade", "water", "tea"),
        groups=groups,
    )


def found(*rows):
    return Detections(
        boxes=np.array([box for box, _ in rows], np.float32).reshape(-1, 4),
        scores=np.ones(len(rows), np.float32),
        classes=np.array([index for _, index in rows], np.int64),
    )


ACME = {"Acme": ("cola", "lemonade"), "Spring": ("water",)}
ANSWER = found(
    ((0, 0, 0.5, 0.5), 1),
    ((0, 0, 0.5, 0.5), 0),
    ((-1, 0, 0.5, 0.5), 1),  # only the part inside the picture has a share
    ((0.5, 0.5, 1, 1), 2),
    ((0, 0, 1, 2), 3),
)


def test_counts_and_shares():
    counts = count(ANSWER, spec(ACME))
    assert counts.total == 5
    assert list(counts.classes.items()) == [("lemonade", 2), ("cola", 1), ("tea", 1), ("water", 1)]
    assert [(share.group, share.count) for share in counts.shares] == [("Acme", 3), ("Spring", 1), ("other", 1)]
    assert [share.by_count for share in counts.shares] == pytest.approx([0.6, 0.2, 0.2])
    assert [share.by_area for share in counts.shares] == pytest.approx([0.75 / 2, 0.25 / 2, 1 / 2])


def test_without_groups_there_are_no_shares():
    assert count(ANSWER, spec({})).shares == ()


def test_nothing_found():
    counts = count(found(), spec(ACME))
    assert (counts.total, dict(counts.classes)) == (0, {})
    assert [(share.by_count, share.by_area) for share in counts.shares] == [(0, 0)] * 3


def test_boxes_without_area():
    shares = count(found(((0.5, 0.5, 0.5, 0.9), 0), ((2, 2, 3, 3), 2)), spec(ACME)).shares
    assert [share.by_count for share in shares] == [0.5, 0.5, 0]
    assert [share.by_area for share in shares] == [0, 0, 0]


def test_a_group_may_be_called_other():
    shares = count(ANSWER, spec({"other": ("tea",), "Acme": ("cola", "lemonade")})).shares
    assert [(share.group, share.count) for share in shares] == [("other", 2), ("Acme", 3)]
