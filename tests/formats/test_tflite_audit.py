"""What is integer and what is not, on models whose types and work are known."""

import numpy as np
import pytest

from edgekit.formats.tflite import PostprocessOptions, attach, read
from edgekit.formats.tflite.audit import Audit, audit
from edgekit.values.spec import Selection

from .tflite_models import Builder, anchors, raw_detector

# Both heads of the small detector: 4 × 4 pixels, 3 channels in, 4 channels out.
HEAD_MACS = 4 * 4 * 3 * 4


def looked_at(builder, inputs, outputs):
    return audit(read(builder.build(inputs, outputs)))


def rows(found: Audit):
    return [(row.operator, row.inputs, row.weights, row.outputs, row.kind, row.count, row.macs) for row in found.rows]


def test_a_float_model_has_no_integer_work():
    found = audit(read(raw_detector("float32")))
    assert rows(found) == [
        ("CONV_2D", ("float32",), "float32", ("float32",), "float", 2, 2 * HEAD_MACS),
        ("RESHAPE", ("float32",), "", ("float32",), "float", 2, 0),
    ]
    assert (found.integer_operator_share, found.integer_mac_share) == (0, 0)
    assert [item.output for item in found.floats] == ["boxes", "raw/boxes", "scores", "raw/scores"]


@pytest.mark.parametrize(("dtype", "version"), [("uint8", 1), ("int8", 3)])
def test_an_integer_model_is_integer_but_for_its_postprocessing(dtype, version):
    options = PostprocessOptions(selection=Selection(), num_classes=3)
    data = attach(raw_detector(dtype), options=options, anchors=anchors(), boxes="raw/boxes", scores="raw/scores")
    found = audit(read(data))
    dequantised = {"uint8": 1, "int8": 2}[dtype]
    assert (found.operators, found.integer_operators) == (5 + dequantised, 4)
    assert (found.macs, found.integer_macs) == (2 * HEAD_MACS, 2 * HEAD_MACS)
    assert found.integer_mac_share == 1
    kinds = [(item.operator, item.kind) for item in found.floats]
    assert kinds == [("DEQUANTIZE", "boundary")] * dequantised + [("TFLite_Detection_PostProcess", "float")]
    assert (found.rows[0].operator, found.rows[0].version, found.rows[0].custom) == ("CONV_2D", version, False)
    assert found.rows[-1].custom or found.rows[-2].custom


def convolution(weights, *, unpack=False):
    """One convolution of float activations whose weights are stored in this type."""
    builder = Builder()
    image = builder.tensor("image", [1, 8, 8, 2])
    stored = builder.tensor("weights", [5, 3, 3, 2], weights, scale=0.1, value=np.zeros((5, 3, 3, 2), weights))
    used = stored
    if unpack:
        used = builder.tensor("unpacked", [5, 3, 3, 2])
        builder.operator("DEQUANTIZE", [stored], [used], version=3)
    out = builder.tensor("out", [1, 8, 8, 5])
    builder.operator("CONV_2D", [image, used, -1], [out])
    return looked_at(builder, [image], [out])


def test_integer_weights_alone_do_not_make_an_operator_integer():
    found = convolution("int8")
    assert rows(found) == [("CONV_2D", ("float32",), "int8", ("float32",), "hybrid", 1, 8 * 8 * 5 * 3 * 3 * 2)]
    assert found.integer_mac_share == 0
    assert [(item.kind, item.output) for item in found.floats] == [("hybrid", "out")]


def test_weights_are_what_the_file_stores():
    found = convolution("float16", unpack=True)
    assert found.rows[0].weights == "float16"
    assert (found.rows[0].operator, found.rows[0].kind) == ("CONV_2D", "float")
    # Unpacking weights is no boundary of integer arithmetic: both sides are floating point.
    assert [(row.operator, row.kind) for row in found.rows[1:]] == [("DEQUANTIZE", "float")]


@pytest.mark.parametrize(
    ("operator", "left", "right", "out", "macs"),
    [
        ("CONV_2D", [1, 8, 8, 4], [6, 3, 3, 4], [1, 4, 4, 6], 4 * 4 * 6 * 3 * 3 * 4),
        ("CONV_2D", [1, 8, 8, 4], [6, 3, 3, 2], [1, 4, 4, 6], 4 * 4 * 6 * 3 * 3 * 2),  # two groups
        ("DEPTHWISE_CONV_2D", [1, 8, 8, 4], [1, 3, 3, 8], [1, 8, 8, 8], 8 * 8 * 8 * 3 * 3),
        ("FULLY_CONNECTED", [7, 10], [5, 10], [7, 5], 7 * 5 * 10),
        ("BATCH_MATMUL", [2, 3, 4], [2, 4, 5], [2, 3, 5], 2 * 3 * 4 * 5),
        ("BATCH_MATMUL", [2, 4, 3], [2, 4, 5], [2, 3, 5], 2 * 3 * 4 * 5),  # the left one transposed
        ("CONV_2D", [1, 8, 8, 4], [6], [1, 4, 4, 6], 0),
        ("FULLY_CONNECTED", [7, 10], [5, 10], [], 0),
        ("BATCH_MATMUL", [4], [4], [4], 0),
        ("ADD", [1, 8], [1, 8], [1, 8], 0),
    ],
)
def test_multiply_adds_follow_from_the_shapes(operator, left, right, out, macs):
    builder = Builder()
    names = [builder.tensor(name, shape, "int8") for name, shape in (("a", left), ("b", right), ("c", out))]
    builder.operator(operator, names[:2], names[2:])
    found = looked_at(builder, names[:1], names[2:])
    assert (found.macs, found.integer_macs) == (macs, macs)


def test_a_transposed_convolution_works_on_its_third_input():
    builder = Builder()
    shape = builder.tensor("shape", [4], "int32", value=np.array([1, 16, 16, 6], "<i4"))
    weights, image = builder.tensor("w", [6, 3, 3, 4], "int8"), builder.tensor("x", [1, 8, 8, 4], "int8")
    out = builder.tensor("y", [1, 16, 16, 6], "int8")
    builder.operator("TRANSPOSE_CONV", [shape, weights, image], [out])
    assert looked_at(builder, [image], [out]).macs == 8 * 8 * 4 * 6 * 3 * 3


def test_operators_with_missing_ports_are_counted_without_work():
    builder = Builder()
    image = builder.tensor("x", [1, 8, 8, 4], "int8")
    for inputs in ([], [-1], [image], [image, -1], [-1, -1, image]):
        builder.operator("CONV_2D", inputs, [image])
        builder.operator("TRANSPOSE_CONV", inputs, [])
        builder.operator("DEQUANTIZE", inputs, [image])
    found = looked_at(builder, [image], [image])
    assert (found.operators, found.macs, found.integer_mac_share) == (15, 0, None)


def test_a_file_without_operators_is_integer_without_work():
    builder = Builder()
    image = builder.tensor("x", [1])
    found = looked_at(builder, [image], [image])
    assert (found.integer_operator_share, found.integer_mac_share, found.rows) == (1, None, ())


@pytest.mark.real
def test_the_published_detector_is_integer_throughout(real):
    data = (real / "coco_ssd_mobilenet_v1" / "ssd_mobilenet_v1.tflite").read_bytes()
    found = audit(read(data))
    assert (found.operators, found.integer_operators, found.integer_mac_share) == (64, 63, 1)
    assert [item.operator for item in found.floats] == ["TFLite_Detection_PostProcess"]
    assert 700e6 < found.macs < 800e6
