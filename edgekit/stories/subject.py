"""A converted model, or any .tflite, opened to be run on pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import UsageError
from ..formats import groups as group_files
from ..formats import labels as label_files
from ..formats import manifest
from ..formats.tflite.metadata import unpack
from ..formats.tflite.metadata_layout import tensor_metadata
from ..formats.tflite.spec import read_spec
from ..runtimes.litert import LitertSession
from ..system import read_file
from ..values.answers import Answer
from ..values.artifact import Artifact
from ..values.spec import ModelSpec
from ..values.support import name_some
from ..vision.decode import answer
from ..vision.preprocess import real, tensor

TFLITE = ".tflite"
DISPLAY_SCORE = 0.5  # of a file that comes without a manifest and whose metadata names none


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
    given: Path | Artifact,
    *,
    mean: Sequence[float] = (),
    std: Sequence[float] = (),
    labels: Path | None = None,
    groups: Path | None = None,
) -> Subject:
    """An artifact, its folder, a folder that holds exactly one, or a .tflite file.

    mean, std: for a .tflite file that does not say them. labels, groups: go before the model's own. Raises UsageError,
    SourceError, UserDataError, and StorageError where an artifact's files are damaged.
    """
    if isinstance(given, Path) and not given.is_dir():
        return _grouped(_of_file(given, mean, std, labels), groups)
    artifact = given if isinstance(given, Artifact) else _artifact(given)
    if artifact.path.suffix != TFLITE:
        raise UsageError(
            f"{artifact.root} is a web model, which runs in a browser.",
            fix=f"Give a tflite recipe of the same source. What this one answers shows: edgekit verify {artifact.root}",
        )
    if mean or std:
        raise UsageError(f"{artifact.root} has its own mean and std.", fix="Leave --mean and --std out.")
    return _grouped(_of_artifact(artifact, labels), groups)


def _of_file(path: Path, mean: Sequence[float], std: Sequence[float], labels: Path | None) -> Subject:
    if path.suffix.lower() in (".pb", ".pbtxt", ".h5", ".keras"):
        raise UsageError(f"{path} is not converted yet.", fix=f"Type: edgekit convert {path} --to tflite-uint8 -o OUT")
    names = label_files.read(labels) if labels else ()
    data = read_file(path)
    found = read_spec(data, name=path.name, mean=mean, std=std, labels=names)
    return Subject(file=path, spec=found.spec, score=_threshold(data), notes=found.notes)


def _threshold(data: bytes) -> float:
    """The score below which the file's metadata drops an answer; a stored 0 cannot be told from none."""
    metadata, _ = unpack(data)
    for entry in tensor_metadata(metadata, "output"):
        for unit in entry.get("process_units") or []:
            score = (unit.get("options") or {}).get("global_score_threshold", 0)
            if 0 < score <= 1:
                return float(score)
    return DISPLAY_SCORE


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
    roots = manifest.find(path)
    if not roots:
        raise UsageError(f"There is no converted model in {path}.", fix="Give the folder that edgekit convert wrote.")
    if len(roots) > 1:
        raise UsageError(
            f"{path} holds {len(roots)} converted models.", fix=f"Give one of: {', '.join(map(str, roots))}"
        )
    return manifest.read(roots[0])


def _of_artifact(artifact: Artifact, labels: Path | None) -> Subject:
    manifest.check(artifact)
    spec, notes = artifact.spec, artifact.assumptions
    if labels is not None:
        fitted = label_files.fit(label_files.read(labels), spec.num_classes, name=str(labels))
        spec, notes = replace(spec, labels=fitted.labels), notes + fitted.notes
    anchors = manifest.anchors(artifact)
    return Subject(file=artifact.path, spec=spec, score=artifact.display_score, anchors=anchors, notes=notes)


def _grouped(subject: Subject, groups: Path | None) -> Subject:
    """With the groups of that file; without its own where they name labels that it no longer has."""
    spec = subject.spec
    if groups is not None:
        if not spec.labels:
            raise UsageError(f"{subject.file} has no labels that could be grouped.", fix="Give them: --labels FILE")
        return replace(subject, spec=replace(spec, groups=group_files.read(groups, spec.labels)))
    unknown = {label for members in spec.groups.values() for label in members} - {*spec.labels}
    if not unknown:
        return subject
    note = f"The model's groups are left out: these labels lack {name_some(sorted(unknown))}."
    return replace(subject, spec=replace(spec, groups={}), notes=(*subject.notes, note))
