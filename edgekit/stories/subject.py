"""A converted model, or any .tflite, opened to be run on pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import SourceError, UsageError
from ..formats import labels as label_files
from ..formats import manifest
from ..formats.tflite.spec import read_spec
from ..runtimes.litert import LitertSession
from ..system import read_file
from ..values.answers import Answer
from ..values.artifact import Artifact
from ..values.spec import ModelSpec, RawHead
from ..vision.decode import answer
from ..vision.preprocess import real, tensor

DISPLAY_SCORE = 0.5  # of a file that comes without a manifest


@dataclass(frozen=True, kw_only=True)
class Subject:
    """What is run. file: the .tflite. score: the threshold to start with. notes: assumptions, as sentences.

    anchors: float32 (N, 4) of a raw head.
    """

    file: Path
    spec: ModelSpec
    score: float
    anchors: NDArray[np.float32] | None = None
    notes: tuple[str, ...] = ()


def open_subject(
    path: Path, *, mean: Sequence[float] = (), std: Sequence[float] = (), labels: Path | None = None
) -> Subject:
    """An artifact's folder, a folder that holds exactly one artifact, or a .tflite file.

    mean, std, labels: for a .tflite file that does not say them. Raises UsageError, SourceError, UserDataError, and
    StorageError where an artifact's files are damaged.
    """
    if path.is_dir():
        if mean or std:
            raise UsageError(f"{path} has its own mean and std.", fix="Leave --mean and --std out.")
        return _of_artifact(_artifact(path), labels)
    if path.suffix.lower() in (".pb", ".pbtxt", ".h5", ".keras"):
        raise UsageError(f"{path} is not converted yet.", fix=f"Type: edgekit convert {path} --to tflite-uint8 -o OUT")
    names = label_files.read(labels) if labels else ()
    found = read_spec(read_file(path), name=path.name, mean=mean, std=std, labels=names)
    return Subject(file=path, spec=found.spec, score=DISPLAY_SCORE, notes=found.notes)


class Runner:
    """Answers pictures, one after the other."""

    def __init__(self, subject: Subject, *, threads: int = 1) -> None:
        """Raises MissingToolError without LiteRT, ConversionError where it refuses the file."""
        self._subject = subject
        self._session = LitertSession(subject.file, threads=threads)

    def answer(self, pixels: NDArray[np.uint8]) -> Answer:
        """What the model says about pixels uint8 (h, w, 3), RGB, of any size."""
        image = self._subject.spec.input
        self._session.feed({image.name: real(tensor(pixels, image), image.encoding)})
        self._session.invoke()
        return answer(self._subject.spec, self._session.read(), self._subject.anchors)


def _artifact(path: Path) -> Artifact:
    here = path / manifest.NAME
    roots = [path] if here.is_file() else sorted(found.parent for found in path.glob(f"*/{manifest.NAME}"))
    if not roots:
        raise UsageError(f"There is no converted model in {path}.", fix="Give the folder that edgekit convert wrote.")
    if len(roots) > 1:
        raise UsageError(
            f"{path} holds {len(roots)} converted models.", fix=f"Give one of: {', '.join(map(str, roots))}"
        )
    artifact = manifest.read(roots[0])
    manifest.check(artifact)
    return artifact


def _of_artifact(artifact: Artifact, labels: Path | None) -> Subject:
    spec, notes = artifact.spec, artifact.assumptions
    if labels is not None:
        fitted = label_files.fit(label_files.read(labels), spec.num_classes, name=str(labels))
        spec, notes = replace(spec, labels=fitted.labels), notes + fitted.notes
    return Subject(file=artifact.path, spec=spec, score=artifact.display_score, anchors=_anchors(artifact), notes=notes)


def _anchors(artifact: Artifact) -> NDArray[np.float32] | None:
    if not isinstance(artifact.spec.head, RawHead):
        return None
    path = artifact.root / artifact.spec.head.anchors
    data = read_file(path)
    if len(data) % 16:
        raise SourceError(f"{path} has {len(data)} bytes, no whole number of anchors.", fix="Convert the model again.")
    return np.frombuffer(data, "<f4").reshape(-1, 4)
