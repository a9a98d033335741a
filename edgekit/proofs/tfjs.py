"""A TensorFlow.js artifact, run in a page of a real browser."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..browser import Page
from ..errors import ConversionError, VerificationError
from ..formats import manifest
from ..formats.tfjs import reader
from ..formats.tfjs.graph import producer
from ..runtimes.tfjs import TfjsSession
from ..values.answers import Answer
from ..values.artifact import Artifact
from ..values.checks import Check
from ..values.proof import OperatorRow
from ..values.recipe import recipes
from ..values.spec import FinalHead, RawHead
from ..vision.decode import activate, answer
from .checks import at_most
from .tensors import compare, tensor_error

ANSWERS, OTHER = "wasm", "webgl"  # the backend that answers, and the one that is held against it
APART = 1e-4  # of a head's range: two backends sum float32 in another order
MOST = 0.5  # of the weights should be stored as the recipe's name says
WITHOUT_INPUT = ("Const", "Placeholder")


def opened(artifact: Artifact, page: Page | None) -> TfjsCandidate:
    """The artifact, loaded. Raises VerificationError where TensorFlow.js refuses it."""
    assert page is not None  # one is open for the artifacts of this target
    return TfjsCandidate(artifact, page)


class TfjsCandidate:
    """See ``Candidate``."""

    def __init__(self, artifact: Artifact, page: Page) -> None:
        self._artifact, self._page = artifact, page
        self._model = reader.read(artifact.path)
        self._anchors = manifest.anchors(artifact)
        try:
            self._session = TfjsSession(artifact.root, page, backend=ANSWERS)
        except ConversionError as error:
            raise VerificationError(
                f"{artifact.path} does not load in TensorFlow.js.", cause=error.cause, fix="Convert it again."
            ) from None
        self._last: tuple[NDArray[Any], dict[str, NDArray[Any]]] | None = None

    def answer(self, tensor: NDArray[Any]) -> Answer:
        return answer(self._artifact.spec, self._outputs(tensor), self._anchors)

    def heads(self, tensor: NDArray[Any]) -> dict[str, NDArray[Any]]:
        outputs, head = self._outputs(tensor), self._artifact.spec.head
        assert not isinstance(head, FinalHead)  # no browser has a kernel for post-processing
        scores = {"scores": activate(outputs[head.scores], head.activation)}
        return {"boxes": outputs[head.boxes], **scores} if isinstance(head, RawHead) else scores

    def inner(self, tensor: NDArray[Any]) -> Mapping[str, NDArray[Any]]:
        """What every node gives; a fused one has the name of the last op in it."""
        nodes = [node["name"] for node in self._model.topology["node"] if node["op"] not in WITHOUT_INPUT]
        self._session.feed({self._artifact.spec.input.name: tensor})
        return self._session.read_inner(nodes)

    def operators(self) -> tuple[OperatorRow, ...]:
        stored = {weight.name: weight.stored for weight in self._model.weights if len(weight.shape) > 1}
        found: Counter[tuple[str, str]] = Counter()
        for node in self._model.topology["node"]:
            if node["op"] not in WITHOUT_INPUT:
                weights = [stored[name] for name in map(producer, node.get("input", [])) if name in stored]
                found[node["op"], f"float32{''.join(f' × {kind}' for kind in weights)} → float32"] += 1
        return tuple(
            OperatorRow(name=op, version=0, types=types, kind="float", count=count, macs=0)
            for (op, types), count in found.most_common()
        )

    def checks(self) -> list[Check]:
        return [self._backends(), self._types()]

    def _backends(self) -> Check:
        """Whether what is proven on one backend holds on the other."""
        image = self._artifact.spec.input
        picture = np.zeros((1, image.height, image.width, image.channels), np.float32)
        here = self._outputs(picture)
        try:
            there = _run(TfjsSession(self._artifact.root, self._page, backend=OTHER), image.name, picture)
        except ConversionError as error:
            sentence = f"TensorFlow.js runs the model on {ANSWERS}, but not on {OTHER}: {error.what} {error.cause}"
            return Check(name="runs", outcome="fail", sentence=sentence)
        apart = max(tensor_error(name, [compare(name, here[name], there[name])]).relative for name in here)
        emulated = recipes()[self._artifact.recipe].emulated
        limit = emulated.scores if self._artifact.emulated and emulated else APART
        sentence = (
            f"TensorFlow.js runs the model on {ANSWERS} and on {OTHER}, whose raw heads differ by {apart:.2g} of their "
            f"range at most, one value of a thousand aside; the limit is {limit:g}."
        )
        return at_most("runs", apart, limit, sentence, "of the range")

    def _types(self) -> Check:
        """How many of the weights are stored as the recipe's name says."""
        wanted = recipes()[self._artifact.recipe].weights
        counts: Counter[str] = Counter()
        for weight in self._model.weights:
            if len(weight.shape) > 1 and weight.dtype == "float32":
                counts[weight.stored] += weight.count
        share = counts[wanted] / max(counts.total(), 1)
        others = ", ".join(
            f"{count / counts.total():.1%} as {kind}" for kind, count in counts.items() if kind != wanted
        )
        sentence = f"{share:.1%} of the weights are stored as {wanted}{f', {others}' if others else ''}."
        return Check(
            name="types",
            outcome="pass" if share >= MOST else "unsure",
            sentence=sentence,
            value=share,
            limit=MOST,
            unit="of the weights",
        )

    def _outputs(self, tensor: NDArray[Any]) -> dict[str, NDArray[Any]]:
        """Of one run for all that is asked of the same tensor."""
        if self._last is None or self._last[0] is not tensor:
            self._last = tensor, _run(self._session, self._artifact.spec.input.name, tensor)
        return self._last[1]


def _run(session: TfjsSession, name: str, tensor: NDArray[Any]) -> dict[str, NDArray[Any]]:
    session.feed({name: tensor})
    session.invoke()
    return session.read()
