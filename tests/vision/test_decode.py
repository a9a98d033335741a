"""The numpy decoder against the operator itself, on inputs full of equal scores."""

import numpy as np
import pytest

from edgekit.values.spec import Selection
from edgekit.vision import decode

from . import one_op

CODER = (10.0, 10.0, 5.0, 5.0)


def heads(rng, count, columns, levels, spread=1.0):
    """Random boxes, scores with ``levels`` different values (0: all different) and anchors."""
    boxes = rng.normal(0, 2, (count, 4)).astype(np.float32)
    scores = rng.random((count, columns), np.float32)
    if levels:
        scores = (np.floor(scores * levels) / np.float32(levels)).astype(np.float32)
    centres = rng.random((count, 2)) * spread
    anchors = np.concatenate([centres, rng.uniform(0.05, 0.5, (count, 2))], axis=1).astype(np.float32)
    return boxes, scores, anchors


def assert_same_as_kernel(inputs, selection, num_classes, coder=CODER):
    boxes, scores, anchors = inputs
    data = one_op.model(len(boxes), scores.shape[1], num_classes, selection, coder, boxes.shape[1])
    want_boxes, want_classes, want_scores, want_count = one_op.run(data, boxes, scores, anchors)
    got = decode.postprocess(boxes, scores, anchors, coder, selection, num_classes)
    assert got.found == want_count[0]
    columns = 1 if selection.regular else selection.max_classes_per_detection
    written = np.arange(got.found * columns)
    written = written[written % columns < num_classes]
    np.testing.assert_array_equal(got.classes[written], want_classes[written])
    np.testing.assert_array_equal(got.scores[written], want_scores[written])
    np.testing.assert_array_max_ulp(got.boxes[written], want_boxes[written], maxulp=1)
    if selection.regular:
        unused = slice(got.found, selection.max_detections)
        assert not want_boxes[unused].any()
        assert not want_scores[unused].any()
    return got


@pytest.mark.parametrize("regular", [False, True])
@pytest.mark.parametrize("background", [0, 1])
@pytest.mark.parametrize("levels", [0, 2, 5, 256])
def test_random_heads(regular, background, levels):
    rng = np.random.default_rng([regular, background, levels])
    for _ in range(25):
        classes = int(rng.integers(1, 12))
        selection = Selection(
            score=float(rng.choice([1e-8, 0.3, 0.5])),
            iou=float(rng.choice([0.1, 0.45, 0.6, 1.0])),
            max_detections=int(rng.integers(1, 30)),
            max_classes_per_detection=int(rng.integers(1, 5)),
            detections_per_class=int(rng.integers(1, 20)),
            regular=regular,
        )
        inputs = heads(rng, int(rng.integers(1, 200)), classes + background, levels)
        coder = tuple(float(c) for c in rng.uniform(1, 12, 4))
        assert_same_as_kernel(inputs, selection, classes, coder)
