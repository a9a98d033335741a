"""A GraphDef that can be walked: nodes by name, who uses what, and the part that an output needs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ...errors import SourceError
from .proto import GraphDef, NodeDef, make_graph

# Ops that hand their first input on unchanged at inference.
PASSING = frozenset(
    {"Identity", "StopGradient", "CheckNumerics", "PlaceholderWithDefault", "PreventGradient", "Snapshot"}
)


def producer(reference: str) -> str:
    """Name of the node behind an input such as 'a', 'a:1' or '^a'."""
    return reference.lstrip("^").partition(":")[0]


@dataclass(frozen=True)
class Graph:
    """nodes: by name, in the file's order. consumers: name → nodes that take any of its outputs as data."""

    message: GraphDef
    nodes: Mapping[str, NodeDef]
    consumers: Mapping[str, tuple[NodeDef, ...]]

    @classmethod
    def of(cls, message: GraphDef, name: str = "The graph") -> Graph:
        """Raises SourceError for duplicate names and for inputs that no node produces."""
        nodes: dict[str, NodeDef] = {}
        for node in message.node:
            if node.name in nodes or not node.name or not node.op:
                why = f"two nodes are called {node.name!r}" if node.name in nodes else "a node has no name or no op"
                raise _damaged(name, why)
            nodes[node.name] = node
        consumers: dict[str, list[NodeDef]] = {key: [] for key in nodes}
        for node in message.node:
            for reference in node.input:
                if (source := producer(reference)) not in nodes:
                    raise _damaged(name, f"{node.name!r} takes {source!r}, which no node produces")
                if not reference.startswith("^"):
                    consumers[source].append(node)
        return cls(message, nodes, {key: tuple(users) for key, users in consumers.items()})

    def inputs(self, node: NodeDef) -> list[NodeDef]:
        """Nodes that feed data into this one, in order."""
        return [self.nodes[producer(reference)] for reference in node.input if not reference.startswith("^")]

    def input(self, node: NodeDef, index: int) -> NodeDef | None:
        """The node behind the index-th data input, seen through nodes that change nothing; None if there is none."""
        sources = self.inputs(node)
        return self.resolve(sources[index]) if index < len(sources) else None

    def resolve(self, node: NodeDef) -> NodeDef:
        """The node itself, or what stands before it where it only hands its input on."""
        seen = {node.name}
        while node.op in PASSING and (sources := self.inputs(node)) and sources[0].name not in seen:
            node = sources[0]
            seen.add(node.name)
        return node

    def of_op(self, *ops: str) -> Iterator[NodeDef]:
        return (node for node in self.message.node if node.op in ops)

    def op_counts(self) -> dict[str, int]:
        """How often each op occurs, the most frequent first."""
        return dict(Counter(node.op for node in self.message.node).most_common())

    def ancestors(self, names: Sequence[str]) -> set[str]:
        """Names of all nodes that these need, themselves included."""
        found: set[str] = set()
        stack = [producer(name) for name in names]
        while stack:
            name = stack.pop()
            if name not in found:
                found.add(name)
                stack.extend(producer(reference) for reference in self.nodes[name].input)
        return found

    def cut(self, names: Sequence[str]) -> Graph:
        """The part of the graph that these outputs need, in the file's order. Raises SourceError for unknown names."""
        if unknown := [name for name in names if producer(name) not in self.nodes]:
            raise SourceError(
                f"The graph has no node {', '.join(unknown)}.", fix="`edgekit inspect` lists what it has."
            )
        wanted = self.ancestors(names)
        message = make_graph([node for node in self.message.node if node.name in wanted])
        message.versions.CopyFrom(self.message.versions)
        message.library.CopyFrom(self.message.library)
        return Graph.of(message)

    def ordered(self) -> list[NodeDef]:
        """Every node after what it needs; nodes in a loop, and those behind one, are left out."""
        waiting = {name: len({producer(r) for r in node.input}) for name, node in self.nodes.items()}
        users: dict[str, set[str]] = {name: set() for name in self.nodes}
        for name, node in self.nodes.items():
            for reference in node.input:
                users[producer(reference)].add(name)
        ready = [name for name, count in waiting.items() if not count]
        order = []
        while ready:
            name = ready.pop()
            order.append(self.nodes[name])
            for user in users[name]:
                waiting[user] -= 1
                if not waiting[user]:
                    ready.append(user)
        return order


def _damaged(name: str, why: str) -> SourceError:
    return SourceError(
        f"{name} is not a sound TensorFlow graph: {why}.",
        cause="The file is damaged, or was edited by hand.",
        fix="Export it again.",
    )
