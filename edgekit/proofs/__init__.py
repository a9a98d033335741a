"""``verify``: does a converted model answer as its source does?

Every artifact is held against two references: the source under the same treatment as the recipe (is the conversion
right?) and the source as it was trained (is the recipe good enough?). docs/verify.md says what that proves.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from ..formats import model as model_file
from ..system import write_file
from ..values.codec import to_data
from ..values.model import Model
from ..values.proof import OperatorRow, Proof
from ..values.recipe import recipes
from ..values.support import TFJS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ..browser import Page
    from ..values.answers import Answer
    from ..values.artifact import Artifact
    from ..values.checks import Check

SAMPLES = 32  # pictures looked at unless told otherwise
NAME = "verify.json"  # of the proof, beside the artifact's manifest

# target of a recipe → module with ``opened(artifact, page) -> Candidate``
KINDS = {"tflite": ".tflite", "tfjs": ".tfjs"}


class Candidate(Protocol):
    """An artifact that can be run and looked into. Tensors are real numbers; roles are 'boxes' and 'scores'."""

    def answer(self, tensor: NDArray[Any]) -> Answer:
        """What the artifact says, exactly as it will be shipped."""

    def heads(self, tensor: NDArray[Any]) -> Mapping[str, NDArray[Any]]:
        """Its raw heads, by role."""

    def inner(self, tensor: NDArray[Any]) -> Mapping[str, NDArray[Any]]:
        """Its inner tensors, by name, in execution order."""

    def operators(self) -> tuple[OperatorRow, ...]:
        """What the file really consists of."""

    def checks(self) -> list[Check]:
        """What the file alone can be asked: does it load, is it of the types that the recipe promises?"""


def candidate(artifact: Artifact, page: Page | None = None) -> Candidate:
    """The artifact, opened by the module of its target. page: of a browser, for targets that run in one."""
    kind = KINDS[recipes()[artifact.recipe].target]
    opened: Callable[[Artifact, Page | None], Candidate] = import_module(kind, __name__).opened
    return opened(artifact, page)


@contextlib.contextmanager
def page_for(artifacts: Sequence[Artifact]) -> Iterator[Page | None]:
    """A browser's page where one of these needs it, opening in the background."""
    if not any(recipes()[artifact.recipe].target == TFJS for artifact in artifacts):
        yield None
        return
    from ..runtimes.tfjs import tfjs_page

    with tfjs_page() as page:
        yield page


def verify(
    out: Path | str | Artifact,
    *,
    samples: Path | str | Sequence[Path | str],
    against: Model | None = None,
    truth: Path | str | None = None,
    limit: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[Proof, ...]:
    """Prove every artifact in the folder ``out`` (or the one that it is), and write verify.json beside each.

    samples: pictures, or a folder of them. against: another source than the one at ``out``/model. truth: VOC or COCO
    annotations of the samples, for the COCO figures. limit: look at this many samples, spread evenly; 32 by default,
    all with truth. progress: called with the number of samples done and to do.
    A failed check is no exception: look at ``Proof.outcome``. Raises UsageError, UserDataError, SourceError,
    StorageError where stored files are damaged, ConversionError where the model cannot be run, MissingToolError, and
    VerificationError where the tensors of artifact and source cannot even be compared.
    """
    from . import course, inputs, references

    artifacts = inputs.read_artifacts(Path(out) if isinstance(out, str) else out)
    if against:
        model_file.check(against.root)
    model = against or inputs.read_model(artifacts)
    pictures = inputs.choose(samples, SAMPLES if limit is None and truth is None else limit)
    truths = inputs.read_truths(Path(truth), artifacts[0], pictures) if truth else None
    with page_for(artifacts) as page, references.opened(model) as source:
        courses = [course.start(artifact, model, page) for artifact in artifacts]
        inner = [course.layers(one, source, pictures[0]) for one in courses]
        seen = course.observe(courses, source, pictures, progress)
        proofs = [
            course.conclude(one, observations, model, source, errors, truths)
            for one, observations, errors in zip(courses, seen, inner, strict=True)
        ]
    for proof in proofs:
        write_file(proof.artifact / NAME, json.dumps(to_data(proof), indent=1, allow_nan=False) + "\n")
    return tuple(proofs)
