"""Layers become the nodes that TensorFlow.js has fused kernels for, with every word that those need."""

import pytest

from edgekit.formats.graphdef.proto import NodeDef, make_constant, make_node
from edgekit.targets.tfjs.fusing import fuse

from .graphs import CHANNELS, FLOAT, batch_norm, convolution, graph, values

BIAS = [make_constant("offset", values(CHANNELS)), make_node("biased", "BiasAdd", ["layer", "offset"], T=FLOAT)]


def relu6(source: str) -> NodeDef:
    return make_node("active", "Relu6", [source], T=FLOAT)


@pytest.mark.parametrize(
    ("kind", "fused"), [("Conv2D", "_FusedConv2D"), ("DepthwiseConv2dNative", "FusedDepthwiseConv2dNative")]
)
@pytest.mark.parametrize(
    ("tail", "name", "words", "biases"),
    [
        ([*BIAS, relu6("biased")], "active", [b"BiasAdd", b"Relu6"], 1),
        (BIAS, "biased", [b"BiasAdd"], 1),
        ([relu6("layer")], "active", [b"NoOp", b"Relu6"], 0),
    ],
)
def test_a_layer_takes_what_follows_it(
    kind: str, fused: str, tail: list[NodeDef], name: str, words: list[bytes], biases: int
) -> None:
    found = fuse(graph([*convolution(kind), *tail]), [name])
    node = found.nodes[name]
    assert node.op == fused
    assert list(node.attr["fused_ops"].list.s) == words
    assert node.attr["num_args"].i == biases
    assert list(node.input) == ["image", "weights", *["offset"] * biases]
    assert node.attr["padding"].s == b"SAME"
    assert len([one for one in found.message.node if one.op not in ("Const", "Placeholder")]) == 1


def test_a_port_keeps_its_node() -> None:
    found = fuse(graph([*convolution(), *BIAS, relu6("biased")]), ["biased", "active"])
    assert {node.name: node.op for node in found.message.node if node.name in ("biased", "active")} == {
        "biased": "_FusedConv2D",
        "active": "Relu6",
    }


def test_what_two_take_is_not_fused() -> None:
    other = make_node("other", "Sigmoid", ["biased"], T=FLOAT)
    found = fuse(graph([*convolution(), *BIAS, relu6("biased"), other]), ["active", "other"])
    assert found.nodes["biased"].op == "_FusedConv2D"
    assert (found.nodes["active"].op, found.nodes["other"].op) == ("Relu6", "Sigmoid")


def test_other_nodes_are_left_as_they_are() -> None:
    before = graph([*convolution(), *batch_norm()])
    assert fuse(before, ["norm"]).op_counts() == before.op_counts()


def test_nodes_come_in_running_order() -> None:
    found = fuse(graph([*BIAS, relu6("biased"), *convolution()]), ["active"])
    names = [node.name for node in found.message.node]
    assert names.index("active") == len(names) - 1
