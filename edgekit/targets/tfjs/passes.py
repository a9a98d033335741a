"""The way from a cut graph to what TensorFlow.js runs fast: one list, a reason a line.

All of them leave a graph that TensorFlow runs too, so that what is written can be held against it. Only the fusing
comes after them: TensorFlow does not know those nodes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path

from ...formats.graphdef import proto
from ...formats.graphdef.edit import bypassed, copied, rebuilt, renamed, replaced
from ...formats.graphdef.graph import Graph
from ...formats.graphdef.proto import NodeDef
from ...runtimes.tensorflow.grappler import optimise
from ...runtimes.tensorflow.treat import Grid, clip_activations, freeze_weights
from ...system import read_file
from . import folding


@dataclass(frozen=True, kw_only=True)
class Draft:
    """A graph on its way. names: its own names of input and outputs → those that they are to have.

    rounded: whether activations are to be rounded as their fake-quants do it. grids: constants whose values all lie on
    the grid of a fake-quant. moved: those that did, before something was folded into them.
    """

    graph: Graph
    names: Mapping[str, str]
    rounded: bool = False
    grids: Mapping[str, Grid] = field(default_factory=dict)
    moved: tuple[str, ...] = ()

    @property
    def ports(self) -> list[str]:
        return list(self.names)

    def became(self, graph: Graph) -> Draft:
        """With another graph, of which only what the ports need stays."""
        return replace(self, graph=graph.cut(self.ports))

    def folded(self, result: folding.Folded) -> Draft:
        """With constants worked over: they have left their grids."""
        moved = tuple(new for old, new in result.changed.items() if old in self.grids)
        return replace(self.became(result.graph), moved=(*self.moved, *moved))


def prune(draft: Draft) -> Draft:
    nodes = []
    for node in draft.graph.cut(draft.ports).message.node:
        plain = copied(node)
        plain.input[:] = [reference for reference in node.input if not reference.startswith("^")]
        plain.device = ""
        nodes.append(plain)
    return draft.became(rebuilt(draft.graph, nodes))


def freeze(draft: Draft) -> Draft:
    frozen = freeze_weights(draft.graph)
    return replace(draft.became(frozen.graph), grids=frozen.grids)


def fold_batch_norms(draft: Draft) -> Draft:
    return draft.folded(folding.batch_norms(draft.graph))


def simplify(draft: Draft) -> Draft:
    return draft.became(optimise(draft.graph, draft.ports))


def clip(draft: Draft) -> Draft:
    return draft.became(clip_activations(draft.graph, rounded=draft.rounded))


def join_clips(draft: Draft) -> Draft:
    return draft.became(folding.clips(draft.graph))


def bypass(draft: Draft) -> Draft:
    idle = {node.name: node.input[0] for node in draft.graph.of_op("Identity") if node.name not in draft.names}
    graph = bypassed(draft.graph, idle)
    by: dict[str, list[NodeDef]] = {}
    for port in graph.of_op("Identity"):  # what stands before one may take its name, where nothing else asks for it
        source = graph.inputs(port)[0]
        alone = len(graph.consumers[source.name]) == 1 and source.name not in draft.names
        if alone and source.op not in ("Placeholder", "Const") and port.input[0].removesuffix(":0") == source.name:
            by[port.name] = [copied(source)]
            by[port.name][0].name = port.name
    return draft.became(replaced(graph, by))


def scale_weights(draft: Draft) -> Draft:
    return draft.folded(folding.factors(draft.graph))


def flatten_biases(draft: Draft) -> Draft:
    return draft.became(folding.biases(draft.graph))


def name_ports(draft: Draft) -> Draft:
    taken = {name: f"{name}/inner" for name in draft.names.values() if name in draft.graph.nodes}
    free = {name: other for name, other in taken.items() if name not in draft.names}
    graph = renamed(draft.graph, {**free, **draft.names})
    return replace(draft, graph=graph, names={name: name for name in draft.names.values()})


PASSES: tuple[Callable[[Draft], Draft], ...] = (
    prune,  # training and post-processing have no kernels in a browser
    freeze,  # of a fake-quantised weight only its integers and their grid have to travel
    fold_batch_norms,  # before grappler makes Mul and Add of them, which no fused kernel takes
    simplify,  # what depends on no picture is worked out once, here
    clip,  # after grappler, which would push the factors of rounding into weights, off their grids
    join_clips,  # one kernel instead of two
    bypass,  # a node that does nothing still costs a call
    scale_weights,  # Keras 3 writes a batch norm as Mul and Add
    flatten_biases,  # the fused kernels take a bias of rank 1 only
    name_ports,  # the same names for every model, whoever made it
)


@dataclass(frozen=True, kw_only=True)
class Order:
    """What is to be taken through the passes. path: a stored GraphDef. names, rounded: as in a Draft."""

    path: Path
    names: tuple[tuple[str, str], ...]
    rounded: bool = False


@dataclass(frozen=True, kw_only=True)
class Passed:
    """What came of it. graph: a GraphDef's bytes. grids, moved: as in a Draft."""

    graph: bytes
    grids: Mapping[str, Grid]
    moved: tuple[str, ...]


@lru_cache(maxsize=4)  # recipes of one command differ in how weights are stored, which comes later
def run(order: Order) -> Passed:
    """All passes, in their order. A job for TensorFlow's process."""
    draft = Draft(
        graph=Graph.of(proto.read(read_file(order.path), order.path.name)),
        names=dict(order.names),
        rounded=order.rounded,
    )
    for one in PASSES:
        draft = one(draft)
    return Passed(graph=proto.write(draft.graph.message), grids=draft.grids, moved=draft.moved)
