"""The source of an artifact, run as a reference: a graph in TensorFlow, a .tflite file in LiteRT."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ..formats.graphdef import graph, proto
from ..runtimes.litert import LitertSession
from ..runtimes.packages import version
from ..runtimes.tensorflow import Worker, tensorflow_worker
from ..runtimes.tensorflow.frozen import FrozenGraph
from ..runtimes.tensorflow.session import TensorflowSession
from ..system import read_file
from ..values.model import Model
from ..values.spec import FinalHead, RawHead
from ..vision.decode import activate
from .tflite import inner_tensors

AS_TRAINED = "simulate"  # fake-quants run as they were in training
GRAPHS = (".pb", ".pbtxt")


@dataclass(frozen=True, kw_only=True)
class Treatment:
    """What becomes of a graph's fake-quants: simulate or clip; symmetric when weights were requantised for int8."""

    fake_quants: str = AS_TRAINED
    symmetric: bool = False

    def __str__(self) -> str:
        return f"{self.fake_quants}, symmetric weights" if self.symmetric else self.fake_quants


class Opened(Protocol):
    """A source that can be run. Tensors are real numbers [n, height, width, channels]."""

    engine: str

    def describe(self, asked: Treatment) -> str:
        """The treatment in words; a file without fake-quants has none."""

    def heads(self, asked: Treatment, tensor: NDArray[Any]) -> dict[str, NDArray[Any]]:
        """Raw heads by role: 'boxes' and activated 'scores', or 'scores' alone; the first axis is that of pictures."""

    def inner(self, asked: Treatment, names: Sequence[str], tensor: NDArray[Any]) -> dict[str, NDArray[Any]]:
        """Those inner tensors that the source has too, by the artifact's names."""


@contextlib.contextmanager
def opened(model: Model) -> Iterator[Opened]:
    """The source, ready to run; a graph's TensorFlow lives as long as the block."""
    if model.path.suffix in GRAPHS:
        with tensorflow_worker() as worker:
            yield GraphSource(model, worker)
    else:
        yield FileSource(model)


class GraphSource:
    """A frozen graph in the TensorFlow worker."""

    def __init__(self, model: Model, worker: Worker) -> None:
        self._model, self._worker = model, worker
        self.engine = f"TensorFlow {version('tensorflow')}, CPU"

    def describe(self, asked: Treatment) -> str:
        return str(asked)

    def heads(self, asked: Treatment, tensor: NDArray[Any]) -> dict[str, NDArray[Any]]:
        return _roles(self._model, self._run(asked, self._model.spec.head.outputs, tensor))

    def inner(self, asked: Treatment, names: Sequence[str], tensor: NDArray[Any]) -> dict[str, NDArray[Any]]:
        nodes = {name: node for name in names if (node := self._node(asked, name)) is not None}
        outputs = self._run(asked, tuple(dict.fromkeys(nodes.values())), tensor)
        return {name: outputs[node] for name, node in nodes.items()}

    def _run(self, asked: Treatment, outputs: tuple[str, ...], tensor: NDArray[Any]) -> dict[str, NDArray[Any]]:
        image = self._model.spec.input
        frozen = FrozenGraph(
            path=self._model.path,
            input=image.name,
            shape=(1, image.height, image.width, image.channels),
            outputs=outputs,
            treatment=asked.fake_quants,
            symmetric_weights=asked.symmetric,
        )
        session = TensorflowSession(self._worker, frozen)
        session.feed({image.name: tensor})
        session.invoke()
        return session.read()

    def _node(self, asked: Treatment, name: str) -> str | None:
        """The node behind a converted tensor: of a fused one, 'a;b;c', the first, which ran last.

        Where rounding is simulated, the converter melts a fake-quant into the tensor before it and keeps that name.
        """
        node = name.split(";")[0]
        if node not in self._moving:
            return None
        users = self._graph.consumers[node]
        melted = asked.fake_quants == AS_TRAINED and len(users) == 1 and users[0].op.startswith("FakeQuant")
        return str(users[0].name) if melted else node

    @cached_property
    def _graph(self) -> graph.Graph:
        return graph.Graph.of(proto.read(read_file(self._model.path), str(self._model.path)))

    @cached_property
    def _moving(self) -> frozenset[str]:
        """Nodes that depend on the picture."""
        reached = {self._model.spec.input.name}
        for node in self._graph.ordered():
            if any(graph.producer(source) in reached for source in node.input):
                reached.add(node.name)
        return frozenset(reached)


class FileSource:
    """A .tflite file, run as it is."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._session = LitertSession(model.path)
        self.engine = f"LiteRT {version('ai_edge_litert')}, CPU"

    def describe(self, asked: Treatment) -> str:
        return "as it is"

    def heads(self, asked: Treatment, tensor: NDArray[Any]) -> dict[str, NDArray[Any]]:
        rows = []
        for picture in tensor:
            self._session.feed({self._model.spec.input.name: picture[None]})
            self._session.invoke()
            rows.append(self._session.read())
        return _roles(
            self._model, {name: np.concatenate([row[name] for row in rows]) for name in self._model.spec.head.outputs}
        )

    def inner(self, asked: Treatment, names: Sequence[str], tensor: NDArray[Any]) -> dict[str, NDArray[Any]]:
        inner = inner_tensors(read_file(self._model.path), {self._model.spec.input.name: tensor})
        return {name: inner[name] for name in names if name in inner}


def _roles(model: Model, outputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Head tensors by role. Scores after the activation, which may stand inside or outside a file."""
    head = model.spec.head
    assert not isinstance(head, FinalHead)  # a source is always cut at its raw heads
    roles = {"boxes": outputs[head.boxes]} if isinstance(head, RawHead) else {}
    return roles | {"scores": activate(outputs[head.scores], head.activation)}
