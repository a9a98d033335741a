"""The numpy decoder against the operator itself, on inputs full of equal scores."""

import time

import numpy as np
import pytest

from edgekit.errors import SourceError
from edgekit.values.answers import Classification, Detections
from edgekit.values.spec import ClassHead, Encoding, FinalHead, ImageInput, ModelSpec, RawHead, Selection
from edgekit.vision import decode
from edgekit.vision.preprocess import real

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
    data = one_op.model(len(boxes), scores.shape[1], num_classes, selection, coder, width=boxes.shape[1])
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


@pytest.mark.parametrize("regular", [False, True])
def test_crowded_heads_of_real_size(regular):
    rng = np.random.default_rng(3)
    selection = Selection(max_detections=100, max_classes_per_detection=2, regular=regular)
    assert_same_as_kernel(heads(rng, 1917, 91, 256), selection, 90)


def test_boxes_without_area_and_beyond_the_picture():
    rng = np.random.default_rng(4)
    boxes, scores, anchors = heads(rng, 120, 3, 5, spread=3.0)
    anchors[::4, 2] = 0
    anchors[1::4, 3] = 0
    found = assert_same_as_kernel((boxes, scores, anchors), Selection(max_detections=50, iou=0.1), 3)
    assert found.boxes.max() > 1.5


@pytest.mark.parametrize("regular", [False, True])
def test_numbers_that_are_none(regular):
    rng = np.random.default_rng(5)
    for columns in (1, 2, 4):
        boxes, scores, anchors = heads(rng, 60, 4, 4)
        scores[rng.random(scores.shape) < 0.2] = np.nan
        boxes[::5, 2] = np.nan
        boxes[1::5, 3] = 1e6  # exp of it is infinite
        selection = Selection(max_detections=40, max_classes_per_detection=columns, iou=0.3, regular=regular)
        data = one_op.model(60, 4, 4, selection, CODER)
        want = one_op.run(data, boxes, scores, anchors)
        got = decode.postprocess(boxes, scores, anchors, CODER, selection, 4)
        rows = got.found if regular else got.found * columns
        assert got.found == want[3][0]
        for mine, kernel in zip((got.boxes, got.classes, got.scores), want[:3], strict=True):
            np.testing.assert_array_equal(mine[:rows], kernel[:rows])


def test_scores_below_the_threshold_are_not_answers():
    boxes, scores, anchors = heads(np.random.default_rng(6), 30, 2, 0)
    assert assert_same_as_kernel((boxes, scores, anchors), Selection(score=1.0), 2).found == 0
    exact = np.full_like(scores, np.float32(0.3))
    assert assert_same_as_kernel((boxes, exact, anchors), Selection(score=0.3), 2).found > 0


def test_encodings_may_be_longer_than_a_box():
    boxes, scores, anchors = heads(np.random.default_rng(7), 30, 3, 4)
    keypoints = np.concatenate([boxes, boxes], axis=1)
    assert_same_as_kernel((keypoints, scores, anchors), Selection(), 2)


def test_quantised_heads_mean_their_real_numbers():
    rng = np.random.default_rng(8)
    encodings = [Encoding(dtype="uint8", scale=scale, zero_point=zero) for scale, zero in
                 ((0.07, 131), (1 / 256, 0), (0.0041, 3))]  # fmt: skip
    selection = Selection(max_detections=30, max_classes_per_detection=2)
    stored = [rng.integers(0, 256, shape, np.uint8) for shape in ((80, 4), (80, 6), (80, 4))]
    stored[2][:, 2:] = np.maximum(stored[2][:, 2:], 3)
    data = one_op.model(80, 6, 5, selection, CODER, encodings=encodings)
    want_boxes, want_classes, want_scores, want_count = one_op.run(data, *stored)
    boxes, scores, anchors = (real(value, encoding) for value, encoding in zip(stored, encodings, strict=True))
    got = decode.postprocess(boxes, scores, anchors, CODER, selection, 5)
    rows = got.found * 2
    assert got.found == want_count[0]
    np.testing.assert_array_equal(got.classes[:rows], want_classes[:rows])
    np.testing.assert_array_equal(got.scores[:rows], want_scores[:rows])
    np.testing.assert_array_max_ulp(got.boxes[:rows], want_boxes[:rows], maxulp=1)


@pytest.mark.parametrize("side", [2, 3])
def test_inverted_boxes_are_refused_as_the_kernel_does(side):
    boxes, scores, anchors = heads(np.random.default_rng(9), 10, 2, 0)
    anchors[4, side] = -0.1
    with pytest.raises(SourceError, match="anchor 4") as caught:
        decode.postprocess(boxes, scores, anchors, CODER, Selection(), 2)
    assert caught.value.exit_code == 3
    with pytest.raises(RuntimeError):
        one_op.run(one_op.model(10, 2, 2, Selection(), CODER), boxes, scores, anchors)


@pytest.mark.parametrize(
    ("boxes", "scores", "anchors"),
    [((5, 4), (5, 5), (5, 4)), ((5, 4), (5, 2), (5, 4)), ((4, 4), (5, 3), (5, 4)), ((5, 3), (5, 3), (5, 4)),
     ((5, 4), (5, 3), (5, 3)), ((5, 4), (5,), (5, 4))],
)  # fmt: skip
def test_shapes_that_do_not_fit(boxes, scores, anchors):
    arrays = (np.zeros(shape, np.float32) for shape in (boxes, scores, anchors))
    with pytest.raises(SourceError, match="for 3 classes"):
        decode.postprocess(*arrays, CODER, Selection(), 3)


def test_fast_suppression_is_faster_than_class_by_class():
    inputs = heads(np.random.default_rng(10), 1917, 91, 0)
    seconds = {True: [], False: []}
    for _ in range(5):
        for regular in seconds:
            start = time.perf_counter()
            decode.postprocess(*inputs, CODER, Selection(regular=regular), 90)
            seconds[regular].append(time.perf_counter() - start)
    assert min(seconds[False]) < min(seconds[True]) / 2  # one suppression instead of 90: about a sixth


def spec(head, selection=None, num_classes=3):
    return ModelSpec(
        name="model",
        task="classification" if selection is None else "detection",
        input=ImageInput(name="image", height=4, width=4, mean=(0.0,), std=(1.0,)),
        head=head,
        selection=selection,
        num_classes=num_classes,
    )


RAW = RawHead(boxes="b", scores="s", anchors="anchors.f32")


def test_raw_head():
    boxes, scores, anchors = heads(np.random.default_rng(11), 40, 4, 8)
    selection = Selection(max_detections=5)
    rows = decode.postprocess(boxes, scores, anchors, RAW.box_coder, selection, 3)
    found = decode.answer(spec(RAW, selection), {"b": boxes[None], "s": scores[None]}, anchors)
    assert isinstance(found, Detections)
    np.testing.assert_array_equal(found.boxes, rows.boxes[:, [1, 0, 3, 2]])
    np.testing.assert_array_equal(found.scores, rows.scores)
    np.testing.assert_array_equal(found.classes, rows.classes)


@pytest.mark.parametrize("activation", ["sigmoid", "softmax"])
def test_activation_comes_before_selection(activation):
    boxes, logits, anchors = heads(np.random.default_rng(12), 40, 4, 0)
    wide = logits.astype(np.float64)
    powers = np.exp(wide)
    scores = 1 / (1 + np.exp(-wide)) if activation == "sigmoid" else powers / powers.sum(axis=1, keepdims=True)
    head = RawHead(boxes="b", scores="s", anchors="anchors.f32", activation=activation)
    found = decode.answer(spec(head, Selection(score=0.3)), {"b": boxes[None], "s": logits[None]}, anchors)
    rows = decode.postprocess(boxes, scores.astype(np.float32), anchors, CODER, Selection(score=0.3), 3)
    np.testing.assert_allclose(found.scores, rows.scores[: rows.found], rtol=1e-6)


def test_activations_do_not_overflow():
    logits = np.array([[-1e4, 1e4, 0]], np.float32)
    assert decode.activate(logits, "sigmoid").tolist() == [[0, 1, 0.5]]
    assert decode.activate(logits, "softmax").tolist() == [[0, 1, 0]]


def final(boxes, classes, scores, count):
    return {
        "boxes": np.asarray(boxes, np.float32)[None],
        "classes": np.asarray([classes], np.float32),
        "scores": np.asarray([scores], np.float32),
        "count": np.asarray([count], np.float32),
    }


def test_final_head_counts_boxes_and_has_several_rows_a_box():
    boxes = np.arange(24).reshape(6, 4)
    outputs = final(boxes, [2, 0, 1, 2, 9, 9], [0.9, 0.2, 0.8, 0.7, 5, 5], 2)
    selection = Selection(max_detections=3, max_classes_per_detection=2)
    found = decode.answer(spec(FinalHead(), selection), outputs)
    assert found.scores.tolist() == pytest.approx([0.9, 0.8, 0.7, 0.2])  # best first
    assert found.classes.tolist() == [2, 1, 2, 0]
    assert found.boxes[0].tolist() == [1, 0, 3, 2]  # xmin, ymin, xmax, ymax


def test_rows_that_the_kernel_does_not_write_are_left_out():
    outputs = final(np.zeros((6, 4)), [0, 1, 77, 0, 1, 77], [0.9, 0.5, np.nan, 0.8, 0.4, np.nan], 2)
    selection = Selection(max_detections=2, max_classes_per_detection=3)
    found = decode.answer(spec(FinalHead(), selection, num_classes=2), outputs)
    assert found.classes.tolist() == [0, 0, 1, 1]


@pytest.mark.parametrize("count", [-1, 0, 2, 100])
def test_a_count_beyond_the_rows(count):
    outputs = final(np.zeros((2, 4)), [0, 1], [0.9, 0.8], count)
    assert len(decode.answer(spec(FinalHead(), Selection()), outputs)) == min(max(count, 0), 2)


def test_regular_suppression_has_one_row_a_box():
    outputs = final(np.zeros((4, 4)), [0, 1, 0, 0], [0.9, 0.8, 0, 0], 2)
    selection = Selection(max_detections=2, max_classes_per_detection=2, regular=True)
    assert decode.answer(spec(FinalHead(), selection), outputs).classes.tolist() == [0, 1]


def test_class_head():
    head = ClassHead(scores="probability")
    found = decode.answer(spec(head), {"probability": np.array([[0.2, 0.7, 0.2]], np.float32)})
    assert isinstance(found, Classification)
    assert found.classes.tolist() == [1, 0, 2]
    assert found.scores.tolist() == pytest.approx([0.7, 0.2, 0.2])


@pytest.mark.parametrize(
    ("model", "outputs", "message"),
    [
        (spec(ClassHead(scores="probability")), {"other": np.zeros(3)}, "no tensor probability"),
        (spec(RAW, Selection()), {"b": np.zeros((1, 2, 4)), "s": np.zeros((1, 2, 4))}, "no anchors"),
        (spec(FinalHead(), Selection()), final(np.zeros((2, 4)), [0], [0.5, 0.4], 1), "1 classes"),
        (spec(FinalHead(), Selection()), final(np.zeros((1, 4)), [0], [0.5], np.nan), "nan"),
    ],
)
def test_outputs_that_do_not_fit(model, outputs, message):
    with pytest.raises(SourceError, match=message):
        decode.answer(model, outputs)
