"""What becomes of a graph's fake-quants before it is converted or run as a reference. Runs inside the worker.

A fake-quant clips to a range and rounds to a grid. Where the rounding is not wanted the clip must stay: it can be the
only clamp that an activation has.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import ConversionError
from ...formats.graphdef.edit import replaced
from ...formats.graphdef.fakequant import FAKE_QUANTS, fixed_nodes
from ...formats.graphdef.graph import Graph, producer
from ...formats.graphdef.proto import NodeDef, make_constant, make_node, write

Array = NDArray[np.float32]

BITS = 8  # of a fake-quant that does not say it, and of the integers that a browser's weights are stored in
ONE_GRID = ("FakeQuantWithMinMaxVars", "FakeQuantWithMinMaxArgs")  # not one for each channel
OTHER_QUANTS = "QuantizeAndDequantize"  # V2 to V4: their grids follow rules of their own
SIX_TOLERANCE = 1e-5  # ranges written as steps × scale miss 6 by a few units in the last place
KEPT_RANGES = {"Relu6": (0.0, 6.0), "Relu": (0.0, np.inf)}
FLOAT = np.dtype(np.float32)


def treat(graph: Graph, treatment: str) -> Graph:
    """A graph under a recipe's treatment.

    simulate: as it is. clip: weights become the constants that the fake-quants made of them, activations are clipped
    to the fake-quant's nudged range and no longer rounded. Raises ConversionError where a node has another grid.
    """
    if treatment == "simulate":
        return graph
    return clip_activations(freeze_weights(graph).graph)


@dataclass(frozen=True, kw_only=True)
class Grid:
    """The values that a fake-quant lets through: (q − zero_point) × scale for q of 0 … 255."""

    scale: float
    zero_point: int


@dataclass(frozen=True, kw_only=True)
class Frozen:
    """A graph whose weights are constants. grids: constant → the grid that all of its values lie on."""

    graph: Graph
    grids: Mapping[str, Grid]


def freeze_weights(graph: Graph) -> Frozen:
    """Weights as the constants that their fake-quants make of them, under the fake-quants' names."""
    weights, _ = _fake_quants(graph)
    one_grid = [node for node in weights if node.op in ONE_GRID and _bits(node) <= BITS]
    limits = [name for node in one_grid for name in _limits(node)]
    values = _evaluate(graph, [*(node.name for node in weights), *map(producer, limits)])
    return Frozen(
        graph=replaced(graph, {node.name: [_constant(node.name, values[node.name])] for node in weights}),
        grids={node.name: _grid(node, values) for node in one_grid},
    )


def clip_activations(graph: Graph, *, rounded: bool = False) -> Graph:
    """Fake-quants of activations as clips to their nudged ranges; rounded: to their grids too, in ordinary ops.

    Raises ConversionError where a node has another grid.
    """
    _, activations = _fake_quants(graph)
    if others := [node for node in graph.message.node if node.op.startswith(OTHER_QUANTS)]:
        raise ConversionError(
            f"The rounding of {others[0].name} cannot be taken out: it is a {others[0].op}.",
            cause="Only fake-quants (FakeQuantWithMinMax…) of activations can become clips.",
            fix="Convert to a recipe of whole integers, or export the graph with fake-quants.",
        )
    values = _evaluate(graph, [producer(name) for node in activations for name in _limits(node)])

    def clipped(node: NodeDef) -> list[NodeDef]:
        clip = _clip(node, _range(node, values), _kept_range(graph, node))
        return _rounded(clip, _steps(node, values)[0]) if rounded else clip

    return replaced(graph, {node.name: clipped(node) for node in activations})


def symmetric_weights(graph: Graph) -> Graph:
    """The same graph with every weight on a symmetric narrow grid, as int8 needs (zero point 0).

    Convolutions get a grid for each output channel, which int8 kernels take and which is finer than the trained one
    nearly everywhere. The weights are first rounded as in training: what is kept close is the network that was
    trained, not the float weights behind it.
    """
    weights, _ = _fake_quants(graph)
    values = _evaluate(graph, [node.name for node in weights])

    def symmetric(node: NodeDef) -> list[NodeDef]:
        return _symmetric(node, values[node.name], {user.op for user in graph.consumers[node.name]})

    return replaced(graph, {node.name: symmetric(node) for node in weights})


def nudge(low: Any, high: Any, *, bits: int, narrow: bool) -> tuple[Array, Array]:
    """The range that a fake-quant really clips to: moved so that 0 lies on the grid."""
    scale, zero = steps(low, high, bits=bits, narrow=narrow)
    return (np.float32(narrow) - zero) * scale, (np.float32(2**bits - 1) - zero) * scale


def steps(low: Any, high: Any, *, bits: int, narrow: bool) -> tuple[Array, Array]:
    """(scale, zero point) of a fake-quant's grid.

    Formula: tensorflow/core/kernels/fake_quant_ops_functor.h, in float32 as there.
    """
    low, high = np.asarray(low, np.float32), np.asarray(high, np.float32)
    first, last = np.float32(narrow), np.float32(2**bits - 1)
    scale = (high - low) / (last - first)
    return scale, np.clip(np.floor(first - low / scale + np.float32(0.5)), first, last)


def _fake_quants(graph: Graph) -> tuple[list[NodeDef], list[NodeDef]]:
    """Those of weights, whose values no picture changes, and those of activations."""
    fixed = fixed_nodes(graph)
    quants = list(graph.of_op(*FAKE_QUANTS))
    return [node for node in quants if node.name in fixed], [node for node in quants if node.name not in fixed]


def _evaluate(graph: Graph, names: Iterable[str]) -> dict[str, NDArray[Any]]:
    import tensorflow as tf

    wanted = sorted(set(names))
    if not wanted:
        return {}
    definition = tf.compat.v1.GraphDef.FromString(write(graph.cut(wanted).message))
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        tf.import_graph_def(definition, name="")
        return dict(zip(wanted, session.run([f"{name}:0" for name in wanted]), strict=True))


def _symmetric(node: NodeDef, trained: Array, users: set[str]) -> list[NodeDef]:
    """A symmetric fake-quant of a weight, the last node under its name."""
    if users <= {"Conv2D"}:
        return _symmetric_grid(node.name, trained, axes=(0, 1, 2))
    if users <= {"DepthwiseConv2dNative"}:
        # Output channels are pairs (input channel, multiplier); a fake-quant knows the last axis only.
        height, width, channels, multiplier = trained.shape
        flat = _symmetric_grid(f"{node.name}/flat", trained.reshape(height, width, channels * multiplier), axes=(0, 1))
        shape = make_constant(f"{node.name}/shape", np.asarray(trained.shape, np.int32))
        inputs = [flat[-1].name, shape.name]
        return [*flat, shape, make_node(node.name, "Reshape", inputs, T=FLOAT, Tshape=np.dtype(np.int32))]
    return _symmetric_grid(node.name, trained, axes=None)


def _symmetric_grid(name: str, trained: Array, axes: tuple[int, ...] | None) -> list[NodeDef]:
    """A fake-quant of ``trained`` whose ranges are the extremes over ``axes``: of each last index, or of all (None)."""
    bound = np.abs(trained).max(axis=axes)
    bound = np.where(bound > 0, bound, 1).astype(np.float32)  # an all-zero weight still needs a range
    parts = {"trained": trained, "low": -bound, "high": bound}
    op = "FakeQuantWithMinMaxVars" if axes is None else "FakeQuantWithMinMaxVarsPerChannel"
    inputs = [f"{name}/{part}" for part in parts]
    constants = [_constant(name, value) for name, value in zip(inputs, parts.values(), strict=True)]
    return [*constants, make_node(name, op, inputs, num_bits=8, narrow_range=True)]


def _bits(node: NodeDef) -> int:
    return int(node.attr["num_bits"].i or BITS)


def _limits(node: NodeDef) -> list[str]:
    """References to its range, where it is not written into the node itself."""
    return [] if node.op == "FakeQuantWithMinMaxArgs" else list(node.input[1:3])


def _range(node: NodeDef, values: Mapping[str, NDArray[Any]]) -> tuple[Array, Array]:
    return nudge(*_written(node, values), bits=_bits(node), narrow=node.attr["narrow_range"].b)


def _steps(node: NodeDef, values: Mapping[str, NDArray[Any]]) -> tuple[Array, Array]:
    return steps(*_written(node, values), bits=_bits(node), narrow=node.attr["narrow_range"].b)


def _written(node: NodeDef, values: Mapping[str, NDArray[Any]]) -> tuple[Any, Any]:
    """(low, high) as they stand in the graph."""
    if not _limits(node):
        return node.attr["min"].f, node.attr["max"].f
    low, high = (values[producer(name)] for name in _limits(node))
    return low, high


def _grid(node: NodeDef, values: Mapping[str, NDArray[Any]]) -> Grid:
    scale, zero = _steps(node, values)
    return Grid(scale=float(scale), zero_point=int(zero))


def _kept_range(graph: Graph, node: NodeDef) -> tuple[float, float]:
    source = graph.input(node, 0)
    return KEPT_RANGES.get(source.op if source else "", (-np.inf, np.inf))


def _clip(node: NodeDef, limits: tuple[Array, Array], kept: tuple[float, float]) -> list[NodeDef]:
    """Nodes that clip, the last under the fake-quant's own name; a bound that the input keeps anyway costs nothing."""
    low, high = limits
    name, source = node.name, node.input[0]
    raise_low = bool(np.any(low > kept[0]))
    cut_high = bool(np.any(high < kept[1] * (1 - SIX_TOLERANCE)))
    if raise_low and cut_high and not low.any() and bool(np.all(np.abs(high - 6) <= 6 * SIX_TOLERANCE)):
        return [make_node(name, "Relu6", [source], T=FLOAT)]
    bounds = []
    if raise_low:
        bounds.append(("Maximum", low) if low.any() else ("Relu", None))
    if cut_high:
        bounds.append(("Minimum", high))
    nodes = []
    for op, bound in bounds:
        inputs = [source]
        source = name if len(bounds) == 1 or op == "Minimum" else f"{name}/{op}"
        if bound is not None:
            inputs.append(f"{name}/{op}/bound")
            nodes.append(_constant(inputs[1], bound))
        nodes.append(make_node(source, op, inputs, T=FLOAT))
    return nodes or [make_node(name, "Identity", [source], T=FLOAT)]


def _rounded(clip: list[NodeDef], scale: Array) -> list[NodeDef]:
    """Clipping nodes, and behind them what rounds to multiples of ``scale``, the last under their name."""
    *before, last = clip
    name, inner = last.name, f"{last.name}/clipped"
    last.name = inner
    return [
        *before,
        last,
        _constant(f"{name}/steps", 1 / scale),
        make_node(f"{name}/scaled", "Mul", [inner, f"{name}/steps"], T=FLOAT),
        make_node(f"{name}/rounded", "Round", [f"{name}/scaled"], T=FLOAT),
        _constant(f"{name}/scale", scale),
        make_node(name, "Mul", [f"{name}/rounded", f"{name}/scale"], T=FLOAT),
    ]


def _constant(name: str, value: Any) -> NodeDef:
    return make_constant(name, np.asarray(value, np.float32))
