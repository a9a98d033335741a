"""Which layers lack a range: fake-quants are taken out of a complete graph, and must be missed by name."""

from typing import Any

import numpy as np
import pytest

from edgekit.formats.graphdef import proto
from edgekit.formats.graphdef.fakequant import coverage, fixed_nodes
from edgekit.formats.graphdef.graph import Graph
from edgekit.formats.graphdef.proto import make_constant, make_node
from tests.sources.graphs import without

BACKBONE = "FeatureExtractor/MobilenetV1/MobilenetV1"
QUANT = "FakeQuantWithMinMaxVars"


def test_a_complete_graph_lacks_nothing(contrib: bytes) -> None:
    found = coverage(Graph.of(proto.read(contrib)))
    assert (found.count, found.layers, found.missing) == (32, 15, ())
    assert found.asymmetric


@pytest.mark.parametrize(
    ("gone", "weights", "activations"),
    [
        (f"{BACKBONE}/Conv2d_0/weights_quant/{QUANT}", (f"{BACKBONE}/Conv2d_0/Conv2D_Fold",), ()),
        (f"{BACKBONE}/Conv2d_3_depthwise/act_quant/{QUANT}", (), (f"{BACKBONE}/Conv2d_3_depthwise/depthwise_Fold",)),
        # behind a head stands the range of the concat, which the converter takes back to it
        (f"BoxPredictor_0/ClassPredictor/act_quant/{QUANT}", (), ()),
    ],
)
def test_a_missing_range_is_named(
    contrib: bytes, gone: str, weights: tuple[str, ...], activations: tuple[str, ...]
) -> None:
    found = coverage(Graph.of(without(proto.read(contrib), gone)))
    assert (found.missing_weights, found.missing_activations) == (weights, activations)


def test_no_range_behind_a_concat_means_both_heads_lack_one(contrib: bytes) -> None:
    graph = proto.read(contrib)
    for name in (
        "concat_1/act_quant",
        "BoxPredictor_0/ClassPredictor/act_quant",
        "BoxPredictor_1/ClassPredictor/act_quant",
    ):
        graph = without(graph, f"{name}/{QUANT}")
    found = coverage(Graph.of(graph))
    assert found.missing_activations == tuple(f"BoxPredictor_{i}/ClassPredictor/Conv2D" for i in (0, 1))


def _weights_within(low: Any, high: Any, *, narrow: bool, op: str = QUANT) -> tuple[str, ...]:
    """Asymmetric weight ranges of one convolution whose weights have this range."""
    nodes = [
        make_node("x", "Placeholder", shape=proto.Shape((1, 4, 4, 1))),
        make_constant("w", np.zeros((1, 1, 1, 2), np.float32)),
        make_constant("low", np.float32(low)),
        make_constant("high", np.float32(high)),
        make_node("w_quant", op, ["w", "low", "high"], narrow_range=narrow, num_bits=8),
        make_node("conv", "Conv2D", ["x", "w_quant"]),
    ]
    return coverage(Graph.of(proto.make_graph(nodes))).asymmetric


@pytest.mark.parametrize(
    ("low", "high", "narrow", "symmetric"),
    [
        (-1.27, 1.27, True, True),
        (-1.28, 1.27, False, True),
        (-1.27, 1.28, True, True),  # a fifth of a step beside the middle
        (-1.27, 1.31, True, False),  # two steps
        (-1.0, 1.5, True, False),
        (0.0, 1.0, True, False),
        (1.0, -1.0, True, False),
    ],
)
def test_symmetric_means_that_zero_falls_on_the_middle_of_the_grid(
    low: float, high: float, narrow: bool, symmetric: bool
) -> None:
    assert (_weights_within(low, high, narrow=narrow) == ()) is symmetric


def test_a_placeholder_with_a_default_is_no_constant() -> None:
    nodes = [
        make_constant("default", np.zeros((1, 4, 4, 1), np.float32)),
        make_node("image", "PlaceholderWithDefault", ["default"]),
        make_node("out", "Relu", ["image"]),
    ]
    assert fixed_nodes(Graph.of(proto.make_graph(nodes))) == {"default"}


def test_each_channel_counts() -> None:
    op = f"{QUANT}PerChannel"
    assert _weights_within([-1.27, -2.54], [1.27, 2.54], narrow=True, op=op) == ()
    assert _weights_within([-1.27, -2.54], [1.27, 1.0], narrow=True, op=op) == ("w_quant",)
