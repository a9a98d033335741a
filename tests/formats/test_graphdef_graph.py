"""Walks over a graph."""

import pytest

from edgekit.errors import SourceError
from edgekit.formats.graphdef import proto
from edgekit.formats.graphdef.graph import Graph


def _graph(*nodes: tuple[str, str, tuple[str, ...]]) -> Graph:
    return Graph.of(proto.make_graph([proto.make_node(name, op, inputs) for name, op, inputs in nodes]))


DIAMOND = (
    ("x", "Placeholder", ()),
    ("same", "Identity", ("x",)),
    ("left", "Relu", ("same:0",)),
    ("right", "Relu", ("same", "^left")),
    ("sum", "Add", ("left", "right")),
    ("other", "Relu", ("x",)),
)


def test_inputs_consumers_and_counts() -> None:
    graph = _graph(*DIAMOND)
    assert [node.name for node in graph.inputs(graph.nodes["right"])] == ["same"]
    assert [node.name for node in graph.consumers["same"]] == ["left", "right"]
    assert graph.op_counts() == {"Relu": 3, "Placeholder": 1, "Identity": 1, "Add": 1}
    found = graph.input(graph.nodes["left"], 0)
    assert found is not None
    assert found.name == "x"
    assert graph.input(graph.nodes["left"], 1) is None


def test_a_cut_keeps_what_the_outputs_need_in_order() -> None:
    graph = _graph(*DIAMOND).cut(["sum:0"])
    assert list(graph.nodes) == ["x", "same", "left", "right", "sum"]


def test_a_cut_at_an_unknown_node_is_refused() -> None:
    with pytest.raises(SourceError, match="no node nowhere"):
        _graph(*DIAMOND).cut(["nowhere"])


def test_an_order_in_which_every_node_can_be_computed() -> None:
    names = [node.name for node in _graph(*DIAMOND).ordered()]
    assert len(names) == len(DIAMOND)
    for name, _, inputs in DIAMOND:
        assert all(names.index(source.strip("^").split(":")[0]) < names.index(name) for source in inputs)


def test_loops_are_left_out_of_the_order_and_end() -> None:
    graph = _graph(("x", "Placeholder", ()), ("a", "Merge", ("x", "b")), ("b", "NextIteration", ("a",)))
    assert [node.name for node in graph.ordered()] == ["x"]
    ring = _graph(("a", "Identity", ("b",)), ("b", "Identity", ("a",)))
    assert ring.resolve(ring.nodes["a"]).name in "ab"
    assert ring.ancestors(["a"]) == {"a", "b"}


def test_a_very_long_chain_needs_no_recursion() -> None:
    nodes = [("n0", "Placeholder", ())] + [(f"n{i}", "Identity", (f"n{i - 1}",)) for i in range(1, 30_000)]
    graph = _graph(*nodes)  # type: ignore[arg-type]
    assert len(graph.ordered()) == len(graph.cut(["n29999"]).nodes) == 30_000
    assert graph.resolve(graph.nodes["n29999"]).name == "n0"


@pytest.mark.parametrize(
    ("nodes", "why"),
    [
        ((("a", "Relu", ("b",)),), "'a' takes 'b', which no node produces"),
        ((("a", "Const", ()), ("a", "Const", ())), "two nodes are called 'a'"),
        ((("", "Const", ()),), "no name"),
        ((("a", "", ()),), "no op"),
    ],
)
def test_graphs_that_do_not_hold_together(nodes: tuple[tuple[str, str, tuple[str, ...]], ...], why: str) -> None:
    with pytest.raises(SourceError, match=why):
        _graph(*nodes)
