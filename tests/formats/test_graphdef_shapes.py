"""Static shapes: by hand for single ops, and against TensorFlow for whole graphs."""

import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgekit.formats.graphdef import proto
from edgekit.formats.graphdef.graph import Graph
from edgekit.formats.graphdef.proto import make_constant, make_node
from edgekit.formats.graphdef.shapes import shapes

IMAGE = make_node("x", "Placeholder", shape=proto.Shape((-1, 7, 9, 4)))


def _ints(name: str, *values: int) -> Any:
    return make_constant(name, np.array(values, np.int32))


def _kernel(*shape: int) -> Any:
    return make_constant("k", np.zeros(shape, np.float32))


def _conv(padding: str, stride: int = 1, dilation: int = 1) -> Any:
    return make_node(
        "y", "Conv2D", ["x", "k"], padding=padding, strides=[1, stride, stride, 1], dilations=[1, dilation, dilation, 1]
    )


@pytest.mark.parametrize(
    ("nodes", "expected"),
    [
        ([_kernel(3, 3, 4, 8), _conv("SAME", 2)], (-1, 4, 5, 8)),
        ([_kernel(3, 3, 4, 8), _conv("VALID", 2)], (-1, 3, 4, 8)),
        ([_kernel(3, 3, 4, 8), _conv("VALID", 1, 2)], (-1, 3, 5, 8)),
        ([_kernel(3, 3, 4, 8), make_node("y", "Conv2D", ["x", "k"], data_format="NCHW")], None),
        (
            [
                _kernel(3, 3, 4, 2),
                make_node("y", "DepthwiseConv2dNative", ["x", "k"], padding="SAME", strides=[1, 1, 1, 1]),
            ],
            (-1, 7, 9, 8),
        ),
        ([make_node("y", "MaxPool", ["x"], padding="VALID", ksize=[1, 2, 2, 1], strides=[1, 2, 2, 1])], (-1, 3, 4, 4)),
        ([_ints("s", 2, -1, 4), make_node("y", "Reshape", ["x", "s"])], (2, -1, 4)),
        ([_ints("a", 1), make_node("y", "ConcatV2", ["x", "x", "a"])], (-1, 14, 9, 4)),
        ([_ints("a", -1), make_node("y", "ConcatV2", ["x", "x", "a"])], (-1, 7, 9, 8)),
        ([_ints("a", 2), make_node("y", "ExpandDims", ["x", "a"])], (-1, 7, 1, 9, 4)),
        ([_ints("p", 0, 3, 1, 2), make_node("y", "Transpose", ["x", "p"])], (-1, 4, 7, 9)),
        ([_ints("a", 1, 2), make_node("y", "Mean", ["x", "a"], keep_dims=False)], (-1, 4)),
        ([_ints("a", 1, 2), make_node("y", "Mean", ["x", "a"], keep_dims=True)], (-1, 1, 1, 4)),
        ([make_constant("c", np.zeros(4, np.float32)), make_node("y", "Add", ["x", "c"])], (-1, 7, 9, 4)),
        ([_ints("s", 14, 18), make_node("y", "ResizeBilinear", ["x", "s"])], (-1, 14, 18, 4)),
        ([make_node("y", "SomethingElse", ["x"])], None),
        ([make_node("u", "SomethingElse", ["x"]), make_node("y", "Relu", ["u"])], None),
        ([_ints("s", 0), make_node("y", "Reshape", ["x", "s"])], (0,)),
        ([_ints("p", 0, 9), make_node("y", "Transpose", ["x", "p"])], None),
        ([make_node("y", "Relu")], None),
    ],
)
def test_shapes_of_single_ops(nodes: list[Any], expected: tuple[int, ...] | None) -> None:
    assert shapes(Graph.of(proto.make_graph([IMAGE, *nodes])))["y"] == expected


def test_a_reshape_whose_target_is_computed() -> None:
    """tf.reshape(x, [tf.shape(x)[0], -1, 4]) as graphs hold it, with a fixed batch."""
    nodes = [
        make_node("x", "Placeholder", shape=proto.Shape((1, 6, 5, 8))),
        make_node("shape", "Shape", ["x"]),
        *(_ints(name, value) for name, value in (("zero", 0), ("one", 1))),
        make_node("batch", "StridedSlice", ["shape", "zero", "one", "one"], shrink_axis_mask=1),
        make_constant("rest", np.int32(-1)),
        make_constant("four", np.int32(4)),
        make_node("target", "Pack", ["batch", "rest", "four"]),
        make_node("y", "Reshape", ["x", "target"]),
    ]
    assert shapes(Graph.of(proto.make_graph(nodes)))["y"] == (1, 60, 4)


LIMITED = """
import resource, sys
from edgekit.formats.graphdef import proto
from edgekit.formats.graphdef.graph import Graph
from edgekit.formats.graphdef.shapes import shapes
resource.setrlimit(resource.RLIMIT_AS, (2 * 2**30, 2 * 2**30))
print(shapes(Graph.of(proto.read(sys.stdin.buffer.read())))["y"])
"""


@pytest.mark.skipif(sys.platform != "linux", reason="needs a limit on the address space")
@pytest.mark.parametrize(
    ("op", "inputs"),
    [("ExpandDims", ["{before}", "axis"]), ("ConcatV2", ["{before}", "{before}", "axis"])],
    ids=["ranks that grow", "sizes that double"],
)
def test_a_small_file_cannot_unfold_into_shapes_that_fill_the_memory(op: str, inputs: list[str]) -> None:
    names = ["x", *(str(place) for place in range(40_000)), "y"]
    nodes = [make_node(name, op, [one.format(before=before) for one in inputs]) for before, name in pairwise(names)]
    data = proto.write(proto.make_graph([IMAGE, _ints("axis", 1), *nodes]))
    done = subprocess.run([sys.executable, "-c", LIMITED], input=data, capture_output=True, check=True, timeout=120)
    assert done.stdout == b"None\n"


def test_one_node_of_many_inputs_is_read_once() -> None:
    many = 100_000  # looked up one by one they would take an hour
    nodes = [IMAGE, _ints("axis", 1), make_node("y", "ConcatV2", ["x"] * many + ["axis"])]
    nodes.append(make_node("z", "Pack", ["axis"] * many))
    assert shapes(Graph.of(proto.make_graph(nodes)))["y"] == (-1, 7 * many, 9, 4)


def test_the_heads_of_the_handmade_graph(contrib: bytes) -> None:
    known = shapes(Graph.of(proto.read(contrib)))
    assert known["raw_outputs/box_encodings"] == (1, 640, 4)
    assert known["raw_outputs/class_predictions"] == (1, 640, 4)


@pytest.mark.slow
@pytest.mark.real
def test_tensorflow_agrees(contrib: bytes, real: Path) -> None:
    tensorflow = pytest.importorskip("tensorflow")
    for data in (contrib, (real / "coco_ssd_mobilenet_v1" / "tflite_graph.pb").read_bytes()):
        graph = Graph.of(proto.read(data)).cut(["raw_outputs/box_encodings", "raw_outputs/class_predictions"])
        known = shapes(graph)
        definition = tensorflow.compat.v1.GraphDef.FromString(proto.write(graph.message))
        with tensorflow.Graph().as_default() as judge:
            tensorflow.import_graph_def(definition, name="")
        for operation in judge.get_operations():
            assert known[operation.name] == tuple(operation.outputs[0].shape.as_list()), operation.name
