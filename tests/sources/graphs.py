"""Changes to graphs that the tests make."""

from collections.abc import Mapping
from typing import Any

from edgekit.formats.graphdef import proto
from edgekit.formats.graphdef.graph import producer


def copy_of(graph: Any) -> Any:
    return proto.read(proto.write(graph))


def without(graph: Any, *names: str) -> Any:
    """The graph without nodes that hand their first input on: whoever took them takes that."""
    for name in names:
        source = next(node.input[0] for node in graph.node if node.name == name)
        graph = dropped(graph, name)
        for node in graph.node:
            node.input[:] = [source if producer(reference) == name else reference for reference in node.input]
    return graph


def dropped(graph: Any, *names: str) -> Any:
    """The graph without nodes that nobody takes."""
    kept = proto.make_graph([node for node in copy_of(graph).node if node.name not in names])
    kept.versions.CopyFrom(graph.versions)
    return kept


def renamed(graph: Any, names: Mapping[str, str]) -> Any:
    graph = copy_of(graph)
    for node in graph.node:
        node.name = names.get(node.name, node.name)
        node.input[:] = [names.get(reference, reference) for reference in node.input]
    return graph


def anonymous(graph: Any, *kept: str) -> Any:
    """The graph with names that say nothing, but for those kept."""
    names = {node.name: f"n{index}" for index, node in enumerate(graph.node) if node.name not in kept}
    return renamed(graph, names)
