"""What a topology says: GraphDefs in JSON, as ``json_format`` writes them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from .fields import a_list, a_text, an_object

INITIALIZER = "modelInitializer"  # key of a second graph, which fills look-up tables

Topology = Mapping[str, Any]
Node = Mapping[str, Any]


def expect_sound(topology: Any, where: str) -> None:
    """Raise ValueError for what TensorFlow.js could not walk: malformed nodes, names twice, inputs from nowhere."""
    graph = an_object(topology, where)
    names = _names(graph.get("node"), f"{where}.node")
    for node in graph["node"]:
        for reference in node.get("input", []):
            if producer(reference) not in names:
                raise ValueError(f"{where}: {node['name']!r} takes {reference!r}, which no node produces")
    for number, body in enumerate(_bodies(graph, where)):
        _names(body, f"{where}.library.function[{number}].nodeDef")


def _names(nodes: Any, where: str) -> set[str]:
    names = set()
    for number, node in enumerate(a_list(nodes, where)):
        place = f"{where}[{number}]"
        name = a_text(an_object(node, place).get("name"), f"{place}.name")
        a_text(node.get("op"), f"{place}.op")
        an_object(node.get("attr", {}), f"{place}.attr")
        for reference in a_list(node.get("input", []), f"{place}.input"):
            a_text(reference, f"{place}.input")
        if name in names:
            raise ValueError(f"{where}: two nodes are called {name!r}")
        names.add(name)
    return names


def _bodies(topology: Topology, where: str = "modelTopology") -> Iterator[list[Node]]:
    """Nodes of every function; a function without any has none in JSON."""
    library = an_object(topology.get("library", {}), f"{where}.library")
    for function in a_list(library.get("function", []), f"{where}.library.function"):
        if "nodeDef" in an_object(function, f"{where}.library.function"):
            yield function["nodeDef"]


def nodes(topology: Topology) -> Iterator[Node]:
    """All nodes, those of functions too."""
    yield from topology["node"]
    for body in _bodies(topology):
        yield from body


def constants(topology: Topology) -> list[str]:
    """Names of all constants, those of functions too."""
    return [node["name"] for node in nodes(topology) if node["op"] == "Const"]


def op_counts(topology: Topology) -> dict[str, int]:
    """How often each op occurs, the most frequent first."""
    return dict(Counter(node["op"] for node in nodes(topology)).most_common())


def producer(reference: str) -> str:
    """Name of the node behind an input such as 'a', 'a:1' or '^a'."""
    return reference.lstrip("^").partition(":")[0]


def bare(topology: Topology) -> dict[str, Any]:
    """The topology with its keys in order, without values of constants and without devices: both cost only bytes."""
    result = {**topology, "node": [_bare(node) for node in topology["node"]]}
    if functions := topology.get("library", {}).get("function"):
        bodies = [
            {**one, "nodeDef": [_bare(node) for node in one["nodeDef"]]} if "nodeDef" in one else one
            for one in functions
        ]
        result["library"] = {**topology["library"], "function": bodies}
    return {key: _ordered(value) for key, value in sorted(result.items())}


def _bare(node: Node) -> dict[str, Any]:
    kept = {key: value for key, value in node.items() if key != "device"}
    value = node.get("attr", {}).get("value") if node["op"] == "Const" else None
    tensor = value.get("tensor") if isinstance(value, dict) else None
    if isinstance(tensor, dict):
        told = {key: tensor[key] for key in ("dtype", "tensorShape") if key in tensor}
        kept["attr"] = {**node["attr"], "value": {"tensor": told}}
    return kept


def _ordered(data: Any) -> Any:
    """Objects by their keys, because protocol buffers keep maps in no order."""
    if isinstance(data, dict):
        return {key: _ordered(data[key]) for key in sorted(data)}
    return [_ordered(item) for item in data] if isinstance(data, list) else data
