"""Graphs written node by node: what reads graphs finds in them what was written."""

import numpy as np
import pytest

from edgekit.formats.graphdef import proto
from edgekit.formats.graphdef.fakequant import Coverage, coverage
from edgekit.formats.graphdef.graph import Graph
from edgekit.formats.graphdef.shapes import shapes
from edgekit.formats.graphdef.writer import ANCHORS, BOXES, INPUT, POSTPROCESS, SCORES, Writer
from edgekit.values.spec import Selection

KERNEL = np.random.default_rng(0).normal(size=(3, 3, 3, 4)).astype(np.float32)
SELECTION = Selection(score=0.25, iou=0.5, max_detections=7, max_classes_per_detection=2, regular=True)


@pytest.fixture
def graph() -> Graph:
    """A picture of 9 × 7, a convolution in both kinds, two heads of 80 anchors, the post-processing."""
    writer = Writer()
    weights = writer.quantise("w_quant", writer.constant("w", KERNEL), (-3.0, 3.0), narrow=True)
    seen = writer.convolve("conv", writer.image(9, 7), weights, stride=2)
    active = writer.quantise("act_quant", writer.real("relu", "Relu6", seen), (0.0, 6.0))
    deep = writer.convolve("deep", active, writer.constant("d", KERNEL[:, :, :1].swapaxes(2, 3)), depthwise=True)
    flat = writer.reshape("flat", deep, (1, 20, 4))
    boxes = writer.concat("concat", [flat] * 4)
    inputs = writer.heads(boxes, writer.real("scores", "Sigmoid", boxes), np.ones((80, 4), np.float32))
    assert inputs == (BOXES, SCORES, ANCHORS)
    assert writer.postprocess(inputs, SELECTION, (8.0, 9.0, 4.0, 5.0), 3) == POSTPROCESS
    return Graph.of(proto.read(proto.write(proto.make_graph(writer.nodes))))


def test_shapes_follow(graph: Graph) -> None:
    found = shapes(graph)
    expected = {INPUT: (1, 9, 7, 3), "conv": (1, 5, 4, 4), "deep": (1, 5, 4, 4), "flat": (1, 20, 4)}
    expected |= {BOXES: (1, 80, 4), SCORES: (1, 80, 4), ANCHORS: (80, 4)}
    assert {name: found[name] for name in expected} == expected


def test_ranges_are_found(graph: Graph) -> None:
    assert coverage(graph) == Coverage(
        count=2, layers=2, missing_weights=("deep",), missing_activations=("deep",), asymmetric=()
    )
    quant = graph.nodes["w_quant/FakeQuantWithMinMaxVars"]
    assert [proto.plain(quant.attr[name]) for name in ("num_bits", "narrow_range")] == [8, True]
    assert [proto.constant(graph.nodes[name]) for name in quant.input[1:]] == [-3, 3]
    np.testing.assert_array_equal(proto.constant(graph.nodes["w"]), KERNEL)


def test_the_last_node_says_what_is_selected(graph: Graph) -> None:
    node = graph.nodes[POSTPROCESS]
    said = {key: proto.plain(value) for key, value in node.attr.items()}
    expected = {
        "nms_score_threshold": 0.25,
        "nms_iou_threshold": 0.5,
        "max_detections": 7,
        "max_classes_per_detection": 2,
        "detections_per_class": 100,
        "use_regular_nms": True,
        "num_classes": 3,
        **dict(zip(("y_scale", "x_scale", "h_scale", "w_scale"), (8, 9, 4, 5), strict=True)),
        "_output_quantized": True,
        "_support_output_type_float_in_quantized_op": True,
    }
    assert {key: said[key] for key in expected} == expected
