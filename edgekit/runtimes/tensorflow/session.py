"""A frozen graph run by TensorFlow in the worker: the reference that a converted model is held against."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from ...errors import UsageError
from .frozen import FrozenGraph, read_graph
from .worker import Worker

if TYPE_CHECKING:
    from numpy.typing import NDArray


class TensorflowSession:
    """A FrozenGraph in the worker. Names are those of its nodes; the first axis may hold several pictures."""

    def __init__(self, worker: Worker, graph: FrozenGraph) -> None:
        self._worker = worker
        self._graph = graph
        self._inputs: NDArray[Any] | None = None
        self._outputs: dict[str, NDArray[Any]] = {}

    def feed(self, inputs: Mapping[str, NDArray[Any]]) -> None:
        """Raises UsageError for another name than that of the graph's input."""
        for name, value in inputs.items():
            if name != self._graph.input:
                raise UsageError(f"The graph has no input {name!r}.", fix=f"It has: {self._graph.input}.")
            self._inputs = value

    def invoke(self) -> None:
        self._outputs = self._worker.run(run_frozen, self._graph, self._inputs)

    def read(self) -> dict[str, NDArray[Any]]:
        return self._outputs


def run_frozen(graph: FrozenGraph, pictures: NDArray[Any]) -> dict[str, NDArray[Any]]:
    """The outputs of a graph for float32 pictures [n, height, width, channels], by node name. A job for the worker."""
    import numpy as np

    run = _prepared(graph)
    # A graph cut for one picture has its batch size in its reshapes, so pictures go through one by one.
    rows = [run(picture[None]) for picture in pictures]
    return {name: np.concatenate([row[i] for row in rows]) for i, name in enumerate(graph.outputs)}


@lru_cache(maxsize=4)  # a graph for each treatment: simulated or clipped, with symmetric weights or without
def _prepared(graph: FrozenGraph) -> Callable[[NDArray[Any]], list[NDArray[Any]]]:
    import tensorflow as tf

    with tf.Graph().as_default() as imported:
        tf.import_graph_def(read_graph(graph), name="")
    session = tf.compat.v1.Session(graph=imported)
    run: Callable[[NDArray[Any]], list[NDArray[Any]]] = session.make_callable(
        [f"{name}:0" for name in graph.outputs], [f"{graph.input}:0"]
    )
    return run
