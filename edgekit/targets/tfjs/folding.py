"""Constants that are worked into the layers before them: batch norms, factors, offsets, bounds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...formats.graphdef.edit import copied, replaced
from ...formats.graphdef.graph import Graph
from ...formats.graphdef.proto import NodeDef, attribute, constant, make_constant, make_node

BATCH_NORMS = ("FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3")
DEPTHWISE = "DepthwiseConv2dNative"
CONVOLUTIONS = ("Conv2D", DEPTHWISE)
LAYERS = (*CONVOLUTIONS, "MatMul")
ADDITIONS = ("Add", "AddV2")
LAST_AXIS = b"NHWC"
FLOAT = np.dtype(np.float32)
Array = NDArray[Any]


@dataclass(frozen=True, kw_only=True)
class Folded:
    """A graph, and which constants were worked over: old name → new name."""

    graph: Graph
    changed: dict[str, str]


def batch_norms(graph: Graph) -> Folded:
    """Batch norms behind convolutions as weights and biases."""
    by: dict[str, list[NodeDef]] = {}
    changed: dict[str, str] = {}
    for norm in graph.of_op(*BATCH_NORMS):
        layer, before = graph.inputs(norm)[0], None
        if layer.op == "BiasAdd" and _only_user(graph, layer):
            layer, before = graph.inputs(layer)[0], _fixed(graph, layer, 1)
        weights = _weights(graph, layer, CONVOLUTIONS)
        parts = [_fixed(graph, norm, index) for index in range(1, 5)]
        if weights is None or not _only_user(graph, layer) or attribute(norm, "is_training").b:
            continue
        if any(part is None or not part.size for part in parts):
            continue
        gamma, beta, mean, variance = (np.asarray(part, np.float64) for part in parts)
        factor = gamma / np.sqrt(variance + attribute(norm, "epsilon").f)
        offset = beta + ((0 if before is None else before.astype(np.float64)) - mean) * factor
        new = f"{layer.name}/folded_weights"
        changed[weights.name] = new
        by[layer.name] = _scaled(layer, weights, factor, new, layer.name)
        by[norm.name] = _biased(norm.name, layer, offset)
    return Folded(graph=replaced(graph, by), changed=changed)


def factors(graph: Graph) -> Folded:
    """Constant factors of a convolution's channels as its weights."""
    by: dict[str, list[NodeDef]] = {}
    changed: dict[str, str] = {}
    for product in graph.of_op("Mul"):
        layer, factor = _layer_and_constant(graph, product)
        weights = _weights(graph, layer, CONVOLUTIONS)
        if layer is None or weights is None or factor is None or not _only_user(graph, layer):
            continue
        channels = _channels(layer, weights)
        if not _of_channels(factor, channels) and factor.size != 1:
            continue
        new = f"{layer.name}/scaled_weights"
        changed[weights.name] = new
        by[product.name] = _scaled(layer, weights, np.broadcast_to(factor.reshape(-1), channels), new, product.name)
    return Folded(graph=replaced(graph, by), changed=changed)


def biases(graph: Graph) -> Graph:
    """Constants that are added to a layer's channels as biases of rank 1."""
    by: dict[str, list[NodeDef]] = {}
    for addition in graph.of_op(*ADDITIONS):
        layer, offset = _layer_and_constant(graph, addition)
        weights = _weights(graph, layer, LAYERS)
        if layer is None or weights is None or offset is None:
            continue
        if _of_channels(offset, _channels(layer, weights)):
            by[addition.name] = _biased(addition.name, layer, offset)
    return replaced(graph, by)


def clips(graph: Graph) -> Graph:
    """A lower and an upper bound, one behind the other, as one op."""
    by: dict[str, list[NodeDef]] = {}
    for upper in graph.of_op("Minimum"):
        lower = graph.inputs(upper)[0]
        bounds: dict[str, Array | None] = {"low": np.zeros(()), "high": _fixed(graph, upper, 1)}
        if lower.op == "Maximum":
            bounds["low"] = _fixed(graph, lower, 1)
        elif lower.op != "Relu":
            continue
        if not _only_user(graph, lower) or any(value is None or value.size != 1 for value in bounds.values()):
            continue
        constants = [
            make_constant(f"{upper.name}/{end}", np.float32(value.item()))
            for end, value in bounds.items()
            if value is not None
        ]
        inputs = [lower.input[0], *(bound.name for bound in constants)]
        by[upper.name] = [*constants, make_node(upper.name, "ClipByValue", inputs, T=FLOAT)]
    return replaced(graph, by)


def _fixed(graph: Graph, node: NodeDef, index: int) -> Array | None:
    """The constant behind an input; None where there is none."""
    source = graph.input(node, index)
    return constant(source) if source is not None and source.op == "Const" else None


def _weights(graph: Graph, layer: NodeDef | None, ops: tuple[str, ...]) -> NodeDef | None:
    """The constant node that holds a layer's weights; None for other ops, and where channels are not the last axis."""
    if layer is None or layer.op not in ops or (attribute(layer, "data_format").s or LAST_AXIS) != LAST_AXIS:
        return None
    source = graph.input(layer, 1)
    return source if source is not None and source.op == "Const" and not attribute(layer, "transpose_b").b else None


def _only_user(graph: Graph, node: NodeDef) -> bool:
    return len(graph.consumers[node.name]) == 1


def _layer_and_constant(graph: Graph, node: NodeDef) -> tuple[NodeDef | None, Array | None]:
    """The two operands of a sum or a product, whichever comes first."""
    sources = graph.inputs(node)
    for index, source in enumerate(sources):
        if source.op in LAYERS:
            return source, _fixed(graph, node, 1 - index)
    return None, None


def _channels(layer: NodeDef, weights: NodeDef) -> int:
    shape = constant(weights).shape
    return int(shape[2] * shape[3] if layer.op == DEPTHWISE else shape[-1])


def _of_channels(value: Array, channels: int) -> bool:
    """Whether a constant has one number for each of the last axis, and is the same everywhere else."""
    return value.ndim > 0 and value.size == value.shape[-1] == channels


def _scaled(layer: NodeDef, weights: NodeDef, factor: Array, new: str, name: str) -> list[NodeDef]:
    """A layer under another name, and its weights times a factor for each channel, under a new name."""
    value = constant(weights).astype(np.float64)
    by_channel = factor.reshape(value.shape[2:]) if layer.op == DEPTHWISE else factor
    other = copied(layer)
    other.name, other.input[1] = name, new
    return [make_constant(new, (value * by_channel).astype(np.float32)), other]


def _biased(name: str, layer: NodeDef, offset: Array) -> list[NodeDef]:
    """A bias behind a layer."""
    bias = f"{name}/bias"
    value = np.ascontiguousarray(offset.reshape(-1), np.float32)
    return [
        make_constant(bias, value),
        make_node(name, "BiasAdd", [layer.name, bias], T=FLOAT, data_format=LAST_AXIS),
    ]
