"""In which type each constant of a graph travels: what the recipe asks for, as far as the weight stands it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...errors import ConversionError
from ...formats.graphdef.graph import Graph
from ...formats.graphdef.proto import NodeDef, constant, dtype_name
from ...formats.tfjs.layers import channels
from ...formats.tfjs.quantise import Stored, exact, half, plain
from ...formats.tfjs.recast import Recast, recast
from ...formats.tfjs.rules import Rules
from ...runtimes.tensorflow.treat import Grid
from ...values.support import name_some

TYPES = ("float32", "float64", "int32", "int64", "uint8", "int8", "int16", "bool")
INTEGER = "uint8"


@dataclass(frozen=True, kw_only=True)
class Wish:
    """weights: the recipe's type. rules: types that the user gave some weights. grids, moved: as in a Draft."""

    weights: str
    rules: Rules
    grids: Mapping[str, Grid]
    moved: tuple[str, ...]

    def of(self, name: str) -> str:
        """The type that a weight would have if it stands it."""
        return self.rules.of(name) or self.weights


def store(graph: Graph, topology: Mapping[str, Any], wish: Wish) -> Recast:
    """The constants of a graph as they travel, in its order. topology: the same graph in JSON.

    Raises ConversionError for types that browsers do not compute with and for what is no number, UsageError for a rule
    without use.
    """
    weights = [_known(node, wish) for node in graph.of_op("Const")]
    wish.rules.expect_used(one.name for one in weights if one.weight.dtype == "float32")
    moved = [name for name in wish.moved if wish.of(name) == INTEGER and not wish.rules.of(name)]
    wider = {one.name: half(one.name, one.data) for one in weights if one.name in moved}
    rest = recast([one for one in weights if one.name not in wider], wish.weights, wish.rules, channels(topology))
    made = wider | {one.name: one for one in rest.stored}
    note = f"Left in float16, because something was folded into them after their fake-quant: {name_some(moved)}."
    return Recast(stored=tuple(made[one.name] for one in weights), notes=rest.notes + ((note,) if moved else ()))


def _known(node: NodeDef, wish: Wish) -> Stored:
    """A constant with its values as they are: the integers of its grid where it has one, and is to be stored so."""
    kind = dtype_name(node)
    if kind not in TYPES:
        raise ConversionError(
            f"The constant {node.name!r} is of type {kind or 'unknown'}, which TensorFlow.js does not compute with.",
            fix="Export the graph from its picture to its heads only.",
        )
    value = constant(node)
    if value.dtype.kind == "f" and not np.isfinite(value).all():
        raise ConversionError(
            f"The constant {node.name!r} holds numbers that are not finite.",
            cause="The training ran away, or the file is damaged.",
            fix="Convert from a sound checkpoint.",
        )
    grid = wish.grids.get(node.name) if wish.of(node.name) == INTEGER else None
    return exact(node.name, value, grid.scale, grid.zero_point) if grid else plain(node.name, value)
