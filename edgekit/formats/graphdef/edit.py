"""Graphs with some nodes replaced: every function gives a new graph and leaves the old one as it was."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from .graph import Graph, producer
from .proto import NodeDef, make_graph


def rebuilt(graph: Graph, nodes: Iterable[NodeDef]) -> Graph:
    """A graph of these nodes, with the versions and functions of another."""
    message = make_graph(list(nodes))
    message.versions.CopyFrom(graph.message.versions)
    message.library.CopyFrom(graph.message.library)
    return Graph.of(message)


def replaced(graph: Graph, by: Mapping[str, Sequence[NodeDef]]) -> Graph:
    """The graph with nodes replaced, each by nodes of which one has its name."""
    return rebuilt(graph, (new for node in graph.message.node for new in by.get(node.name, [node])))


def renamed(graph: Graph, names: Mapping[str, str]) -> Graph:
    """The graph with other names for some of its nodes."""

    def follow(reference: str) -> str:
        old = producer(reference)
        return reference.replace(old, names[old], 1) if old in names else reference

    return _mapped(graph, follow, lambda name: names.get(name, name))


def bypassed(graph: Graph, names: Mapping[str, str]) -> Graph:
    """The graph whose nodes take, instead of some nodes' first outputs, what stands before those."""

    def follow(reference: str) -> str:
        while (name := reference.removesuffix(":0")) in names:
            reference = names[name]
        return reference

    return _mapped(graph, follow, lambda name: name)


def copied(node: NodeDef) -> NodeDef:
    """A node of its own that can be changed."""
    other = type(node)()
    other.CopyFrom(node)
    return other


def _mapped(graph: Graph, reference: Callable[[str], str], name: Callable[[str], str]) -> Graph:
    nodes = []
    for node in graph.message.node:
        other = copied(node)
        other.name = name(node.name)
        other.input[:] = map(reference, node.input)
        nodes.append(other)
    return rebuilt(graph, nodes)
