"""Which axes of a weight are the output channels of its layer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Topology = Mapping[str, Any]

# Axes of the second input; of all others the last is meant.
AXES = {
    "DepthwiseConv2dNative": (2, 3),
    "FusedDepthwiseConv2dNative": (2, 3),
    "Conv2DBackpropInput": (2,),
}
PRODUCTS = ("MatMul", "_FusedMatMul")


def channels(topology: Topology) -> dict[str, tuple[int, ...]]:
    """Name of a constant → axes of its output channels, where those are others than the last."""
    return dict(_found(topology))


def _found(topology: Topology) -> Iterator[tuple[str, tuple[int, ...]]]:
    for node in topology["node"]:
        if len(inputs := node.get("input", [])) < 2:
            continue
        name = inputs[1].partition(":")[0]
        if node["op"] in AXES:
            yield name, AXES[node["op"]]
        elif node["op"] in PRODUCTS and _flag(node, "transpose_b"):
            yield name, (0,)


def _flag(node: Mapping[str, Any], name: str) -> bool:
    value = node.get("attr", {}).get(name)
    return isinstance(value, dict) and value.get("b") is True
