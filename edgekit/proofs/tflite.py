"""A .tflite artifact, run in LiteRT: as it is shipped, cut at its raw heads, and with its inner tensors kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..browser import Page
from ..errors import ConversionError, VerificationError
from ..formats import manifest, tflite
from ..formats.tflite.audit import FLOATS, Audit, audit
from ..formats.tflite.audit import OperatorRow as AuditRow
from ..runtimes.litert import LitertSession
from ..system import read_file
from ..values.answers import Answer
from ..values.artifact import Artifact
from ..values.checks import Check
from ..values.proof import OperatorRow
from ..values.recipe import Recipe, recipes
from ..values.spec import FinalHead, RawHead
from ..vision.decode import activate, answer

SHOWN = 5  # names in a sentence


def opened(artifact: Artifact, page: Page | None) -> TfliteCandidate:
    """The artifact, loaded whole, and once more without its post-processing where it has one; no page is needed."""
    return TfliteCandidate(artifact)


class TfliteCandidate:
    """See ``Candidate``."""

    def __init__(self, artifact: Artifact) -> None:
        self._artifact = artifact
        self._data = read_file(artifact.path)
        head = artifact.spec.head
        self._bare = tflite.strip(self._data) if isinstance(head, FinalHead) else self._data
        self._whole = _loaded(self._data, artifact)
        self._heads = self._whole if self._bare is self._data else LitertSession(self._bare)
        self._audit = audit(tflite.read(self._data, name=str(artifact.path)))
        self._anchors = manifest.anchors(artifact)

    def answer(self, tensor: NDArray[Any]) -> Answer:
        return answer(self._artifact.spec, self._run(self._whole, tensor), self._anchors)

    def heads(self, tensor: NDArray[Any]) -> dict[str, NDArray[Any]]:
        outputs, head = self._run(self._heads, tensor), self._artifact.spec.head
        if isinstance(head, FinalHead):
            return outputs
        scores = {"scores": activate(outputs[head.scores], head.activation)}
        return {"boxes": outputs[head.boxes], **scores} if isinstance(head, RawHead) else scores

    def inner(self, tensor: NDArray[Any]) -> dict[str, NDArray[Any]]:
        return inner_tensors(self._bare, {self._artifact.spec.input.name: tensor})

    def operators(self) -> tuple[OperatorRow, ...]:
        return tuple(
            OperatorRow(
                name=row.operator,
                version=row.version,
                types=_types(row),
                kind=row.kind,
                count=row.count,
                macs=row.macs,
            )
            for row in self._audit.rows
        )

    def checks(self) -> list[Check]:
        return [self._plain_kernels(), types_check(self._audit, recipes()[self._artifact.recipe])]

    def _plain_kernels(self) -> Check:
        """The session that answers has XNNPACK; phones whose runtime was built without it use the plain kernels."""
        image = self._artifact.spec.input
        try:
            session = LitertSession(self._data, xnnpack=False)
            self._run(session, np.zeros((1, image.height, image.width, image.channels), np.float32))
        except ConversionError as error:
            sentence = f"LiteRT runs the file with XNNPACK, but not without it: {error.what} {error.cause}"
            return Check(name="runs", outcome="fail", sentence=sentence)
        return Check(name="runs", outcome="pass", sentence="LiteRT loads and runs the file, with and without XNNPACK.")

    def _run(self, session: LitertSession, tensor: NDArray[Any]) -> dict[str, NDArray[Any]]:
        session.feed({self._artifact.spec.input.name: tensor})
        session.invoke()
        return session.read()


def _loaded(data: bytes, artifact: Artifact) -> LitertSession:
    try:
        return LitertSession(data)
    except ConversionError as error:
        raise VerificationError(
            f"{artifact.path} does not load in LiteRT.", cause=f"{error.what} {error.cause}", fix="Convert it again."
        ) from None


def inner_tensors(data: bytes, inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """What the operators of a file make of an input, in real numbers, by tensor name, in execution order."""
    graph = tflite.read(data).main
    session = LitertSession(data, xnnpack=False, inner=True)
    session.feed(inputs)
    session.invoke()
    values = session.read_inner()
    constants = {tensor.index for tensor in graph.tensors if tensor.has_data}
    names = [
        graph.tensors[index].name
        for operator in graph.operators
        if not constants.issuperset(operator.inputs)  # what only unpacks weights
        for index in operator.outputs
    ]
    return {name: values[name] for name in names if name in values}


def types_check(found: Audit, recipe: Recipe) -> Check:
    """Whether weights and arithmetic are of the types that the recipe promises, read off the tensors."""
    wrong = [row for row in found.rows if not _kept(row, recipe)]
    whole = recipe.activations not in FLOATS
    promise = f"{recipe.weights} weights" + (" and integer arithmetic" if whole else "")
    share = 1 - sum(row.macs for row in wrong) / found.macs if found.macs else float(not wrong)
    sentence = (
        f"{found.operators - sum(row.count for row in wrong)} of {found.operators} operators with {share:.2%} of the "
        f"multiply-adds keep the promise of {promise}"
    )
    if wrong:
        names = [f"{row.count} {row.operator} ({_types(row)})" for row in wrong]
        more = f" and {len(names) - SHOWN} further kinds" if len(names) > SHOWN else ""
        sentence += f"; not so {', '.join(names[:SHOWN])}{more}"
    outside = " (post-processing works on real numbers in every recipe)" if whole and not wrong else ""
    return Check(
        name="types",
        outcome="fail" if wrong else "pass",
        sentence=f"{sentence}{outside}; the limit is 100%.",
        value=share,
        limit=1.0,
        unit="of the multiply-adds",
    )


def _kept(row: AuditRow, recipe: Recipe) -> bool:
    if row.operator == tflite.CUSTOM_NAME:
        return True
    if row.weights and row.weights != recipe.weights:
        return False
    return recipe.activations in FLOATS or row.kind in ("integer", "boundary")


def _types(row: AuditRow) -> str:
    weights = f" × {row.weights}" if row.weights else ""
    return f"{', '.join(row.inputs)}{weights} → {', '.join(row.outputs)}"
