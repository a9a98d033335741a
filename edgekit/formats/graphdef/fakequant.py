"""Which tensors of a graph have a quantisation range, and whether its weight ranges suit int8."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ...errors import SourceError
from .graph import PASSING, Graph
from .proto import NodeDef, attribute, constant

FAKE_QUANTS = (
    "FakeQuantWithMinMaxVars",
    "FakeQuantWithMinMaxArgs",
    "FakeQuantWithMinMaxVarsPerChannel",
    "QuantizeAndDequantizeV2",
)
WEIGHTED = (
    "Conv2D",
    "DepthwiseConv2dNative",
    "Conv2DBackpropInput",
    "Conv3D",
    "MatMul",
    "BatchMatMul",
    "BatchMatMulV2",
)
# Between a convolution and its range: what the converter fuses, or what leaves the scale as it is.
FUSED = ("BiasAdd", "Relu", "Relu6", "ReluN1To1", "Maximum", "Minimum")
SAME_SCALE = ("Reshape", "Squeeze", "ExpandDims", "ConcatV2", "MaxPool", "Transpose", "Pad", "StridedSlice", "Slice")
ARITHMETIC = ("Add", "AddV2", "Sub", "Mul")  # fused where one operand is fixed


@dataclass(frozen=True, kw_only=True)
class Coverage:
    """Fake-quants of a graph.

    count: all of them. layers: convolutions and products with weights. missing_weights, missing_activations: names
    of those layers that lack a range. asymmetric: weight fake-quants whose int8 zero point would not be 0.
    """

    count: int
    layers: int
    missing_weights: tuple[str, ...]
    missing_activations: tuple[str, ...]
    asymmetric: tuple[str, ...]

    @property
    def missing(self) -> tuple[str, ...]:
        """Layers that lack any range, in the graph's order without repetition."""
        return tuple(dict.fromkeys((*self.missing_weights, *self.missing_activations)))


def coverage(graph: Graph) -> Coverage:
    """Look at every layer with weights: does a fake-quant stand before its weights, and one behind its result?"""
    fixed = fixed_nodes(graph)
    layers = list(graph.of_op(*WEIGHTED))
    weights = {node.name: _weight_quant(graph, node, fixed) for node in layers}
    found = {quant.name: quant for quant in weights.values() if quant is not None}
    return Coverage(
        count=sum(1 for _ in graph.of_op(*FAKE_QUANTS)),
        layers=len(layers),
        missing_weights=tuple(name for name, quant in weights.items() if quant is None),
        missing_activations=tuple(node.name for node in layers if not _result_has_range(graph, node, fixed)),
        asymmetric=tuple(name for name, quant in found.items() if not _is_symmetric(graph, quant)),
    )


def fixed_nodes(graph: Graph) -> set[str]:
    """Names of nodes whose value depends on constants alone; a placeholder's default is none, it can be fed."""
    fixed: set[str] = set()
    for node in graph.ordered():
        sources = graph.inputs(node) if node.op != "PlaceholderWithDefault" else []
        if node.op == "Const" or (sources and all(source.name in fixed for source in sources)):
            fixed.add(node.name)
    return fixed


def _weight_quant(graph: Graph, layer: NodeDef, fixed: set[str]) -> NodeDef | None:
    """The fake-quant before a layer's weights, seen through nodes that only move them."""
    node = graph.input(layer, 0 if layer.op.startswith("MatMul") and _first_is_weight(graph, layer, fixed) else 1)
    while node is not None and node.op in SAME_SCALE and node.name in fixed:
        node = graph.input(node, 0)
    return node if node is not None and node.op in FAKE_QUANTS and node.name in fixed else None


def _first_is_weight(graph: Graph, layer: NodeDef, fixed: set[str]) -> bool:
    names = [source.name for source in graph.inputs(layer)]
    return len(names) == 2 and names[0] in fixed and names[1] not in fixed


def _result_has_range(graph: Graph, layer: NodeDef, fixed: set[str]) -> bool:
    """Whether every way onwards from the layer meets a fake-quant before anything that calculates."""
    seen, stack = {layer.name}, [layer]
    while stack:
        node = stack.pop()
        users = graph.consumers[node.name]
        if not users:
            return False
        for user in users:
            if user.op in FAKE_QUANTS or user.name in seen:
                continue
            if not _carries_on(graph, user, fixed):
                return False
            seen.add(user.name)
            stack.append(user)
    return True


def _carries_on(graph: Graph, node: NodeDef, fixed: set[str]) -> bool:
    if node.op in PASSING or node.op in FUSED or node.op in SAME_SCALE:
        return True
    return node.op in ARITHMETIC and any(source.name in fixed for source in graph.inputs(node))


def _is_symmetric(graph: Graph, quant: NodeDef) -> bool:
    """Whether zero falls on the middle of the signed grid, in every channel: int8 kernels know no weight zero point."""
    ends = list(_range(graph, quant))
    if len(ends) != 2:
        return False
    low, high = ends
    bits = attribute(quant, "num_bits").i or 8
    narrow = attribute(quant, "narrow_range").b
    if bits != 8 or low.shape != high.shape or not bool(np.all(low < high)):
        return False
    first = -127 if narrow else -128
    scale = (high - low) / (127 - first)
    return bool(np.all(np.abs(first - low / scale) < 0.5))


def _range(graph: Graph, quant: NodeDef) -> Iterator[np.ndarray[tuple[int, ...], np.dtype[np.float64]]]:
    """Lower and upper end; nothing where they are no constants."""
    if quant.op == "FakeQuantWithMinMaxArgs":
        for name, default in (("min", -6.0), ("max", 6.0)):
            yield np.array([attribute(quant, name).f if name in quant.attr else default])
        return
    for index in (1, 2):
        node = graph.input(quant, index)
        if node is not None and node.op == "Const":
            try:
                yield constant(node).astype(np.float64)
            except SourceError:
                return
