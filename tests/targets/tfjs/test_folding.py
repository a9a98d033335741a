"""What is worked into a layer leaves its result as it was; what may not be, stays."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from edgekit.formats.graphdef import proto
from edgekit.formats.graphdef.graph import Graph
from edgekit.formats.graphdef.proto import make_constant, make_node
from edgekit.runtimes.tensorflow import Worker, tensorflow_worker
from edgekit.targets.tfjs import folding

from . import graphs
from .graphs import CHANNELS, FLOAT, batch_norm, convolution, graph, values

KINDS = ["Conv2D", "DepthwiseConv2dNative"]


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    with tensorflow_worker() as running:
        yield running


def ops(graph: Graph) -> set[str]:
    return {node.op for node in graph.message.node} - {"Const", "Placeholder"}


def with_factor(kind: str, factor: np.ndarray) -> Graph:
    product = make_node("product", "Mul", ["layer", "factor"], T=FLOAT)
    return graph([*convolution(kind), make_constant("factor", factor), product])


def with_offset(offset: np.ndarray) -> Graph:
    return graph(
        [*convolution(), make_constant("offset", offset), make_node("sum", "AddV2", ["offset", "layer"], T=FLOAT)]
    )


def bounded(lower: str) -> Graph:
    nodes = [graphs.picture(), make_constant("low", np.float32(-0.5)), make_constant("high", np.float32(0.75))]
    inputs = ["image", "low"] if lower == "Maximum" else ["image"]
    return graph(
        [*nodes, make_node("lower", lower, inputs, T=FLOAT), make_node("upper", "Minimum", ["lower", "high"], T=FLOAT)]
    )


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_batch_norms_become_weights_and_biases(worker: Worker, kind: str) -> None:
    before = graph([*convolution(kind), *batch_norm()])
    folded = folding.batch_norms(before)
    assert folded.changed == {"weights": "layer/folded_weights"}
    assert ops(folded.graph.cut(["norm"])) == {kind, "BiasAdd"}
    expect_same(worker, before, folded.graph, "norm")


@pytest.mark.slow
def test_a_bias_before_a_batch_norm_is_taken_along(worker: Worker) -> None:
    bias = [make_constant("bias", values(CHANNELS, seed=9)), make_node("biased", "BiasAdd", ["layer", "bias"], T=FLOAT)]
    before = graph([*convolution(), *bias, *batch_norm("biased")])
    folded = folding.batch_norms(before)
    assert len(list(folded.graph.cut(["norm"]).of_op("BiasAdd"))) == 1
    expect_same(worker, before, folded.graph, "norm")


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", [(CHANNELS,), (1, 1, 1, CHANNELS), ()])
def test_factors_of_channels_become_weights(worker: Worker, kind: str, shape: tuple[int, ...]) -> None:
    before = with_factor(kind, values(*shape, seed=4))
    folded = folding.factors(before)
    assert folded.changed == {"weights": "layer/scaled_weights"}
    assert ops(folded.graph.cut(["product"])) == {kind}
    expect_same(worker, before, folded.graph, "product")


@pytest.mark.slow
@pytest.mark.parametrize("shape", [(CHANNELS,), (1, 1, 1, CHANNELS)])
def test_offsets_of_channels_become_biases_of_rank_1(worker: Worker, shape: tuple[int, ...]) -> None:
    before = with_offset(values(*shape, seed=5))
    after = folding.biases(before).cut(["sum"])
    assert ops(after) == {"Conv2D", "BiasAdd"}
    assert graphs.constants(after)["sum/bias"].shape == (CHANNELS,)
    expect_same(worker, before, after, "sum")


@pytest.mark.slow
@pytest.mark.parametrize("lower", ["Maximum", "Relu"])
def test_two_bounds_become_one_op(worker: Worker, lower: str) -> None:
    before = bounded(lower)
    after = folding.clips(before).cut(["upper"])
    assert ops(after) == {"ClipByValue"}
    expect_same(worker, before, after, "upper")


def test_a_factor_of_another_axis_stays() -> None:
    before = with_factor("Conv2D", values(1, 8, 1, 1))
    assert folding.factors(before).graph.op_counts() == before.op_counts()


def test_an_offset_of_a_whole_map_stays() -> None:
    before = with_offset(values(1, 8, 8, CHANNELS))
    assert folding.biases(before).op_counts() == before.op_counts()


def test_a_layer_that_others_use_too_stays() -> None:
    twice = graph([*convolution(), *batch_norm(), make_node("other", "Relu", ["layer"], T=FLOAT)])
    assert not folding.batch_norms(twice).changed


def test_a_batch_norm_that_still_learns_stays() -> None:
    nodes = [*convolution(), *batch_norm()]
    nodes[-1].attr["is_training"].b = True
    assert not folding.batch_norms(graph(nodes)).changed


def expect_same(worker: Worker, before: Graph, after: Graph, output: str) -> None:
    image = values(*graphs.PICTURE, seed=8)
    found = [
        worker.run(graphs.evaluated, proto.write(one.cut([output]).message), [output], image)[output]
        for one in (before, after)
    ]
    np.testing.assert_allclose(found[1], found[0], rtol=0, atol=1e-5 * float(np.ptp(found[0])))
