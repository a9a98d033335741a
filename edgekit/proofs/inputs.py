"""What a verification works on: artifacts, the source that they came from, samples and their truth."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..errors import UsageError, UserDataError
from ..formats import manifest
from ..formats import model as model_file
from ..values.artifact import Artifact
from ..values.model import Model
from ..values.truth import TruthSet
from ..vision import images
from ..vision.truth import read as read_truth


def read_artifacts(out: Path | Artifact) -> tuple[Artifact, ...]:
    """An artifact, or those in a folder, or the one that the folder is; their files are as the manifests say."""
    artifacts = (out,) if isinstance(out, Artifact) else tuple(manifest.read(root) for root in manifest.find(out))
    if not artifacts:
        raise UsageError(
            f"There is no artifact in {out}.",
            cause=f"No {manifest.NAME} lies there or one folder below.",
            fix="Give the folder that `edgekit convert -o` wrote.",
        )
    for artifact in artifacts:
        manifest.check(artifact)
    return artifacts


def read_model(artifacts: Sequence[Artifact]) -> Model:
    """The source that convert stored beside the artifacts.

    Raises UsageError where it is missing or another one, StorageError where it is damaged.
    """
    root = artifacts[0].root.resolve().parent / model_file.MODEL
    if not any((root / name).is_file() for name in (model_file.NAME, model_file.SUMS)):
        raise UsageError(
            f"The source of {artifacts[0].root} is not at {root}.",
            cause="The artifact was made of another web model, or moved out of the folder that convert wrote.",
            fix="Name the source: --against FILE",
        )
    model_file.check(root)
    model = model_file.read(root)
    for artifact in artifacts:
        if artifact.source.sha256 != model.source.sha256:
            raise UsageError(
                f"{artifact.root} was made from another source than the one at {root}.",
                cause="Another model has been converted into the same folder since.",
                fix="Convert again, or name the source: --against FILE",
            )
    return model


def choose(samples: Path | str | Sequence[Path | str], limit: int | None) -> tuple[Path, ...]:
    """At most ``limit`` of the samples (all for None), spread evenly over them."""
    if isinstance(samples, Path | str):
        place = Path(samples)
        found = images.pictures(place) if place.is_dir() else (place,)
    else:
        found, place = tuple(map(Path, samples)), Path()
    if not found:
        raise UserDataError(f"There are no pictures in {place}.", fix=f"They end in {', '.join(images.SUFFIXES)}.")
    if limit is None or limit >= len(found):
        return found
    if limit < 1:
        raise UsageError(f"{limit} samples prove nothing.", fix="Ask for one or more.")
    return tuple(found[place * len(found) // limit] for place in range(limit))


def read_truths(path: Path, artifact: Artifact, pictures: Sequence[Path]) -> TruthSet:
    """The truth of the pictures in the artifact's classes."""
    if artifact.spec.task != "detection" or not artifact.spec.labels:
        raise UsageError(
            f"Truth boxes cannot be told apart by {artifact.root}.",
            cause="It is no detector, or it has no labels.",
            fix="Convert with --labels FILE.",
        )
    return read_truth(path, labels=artifact.spec.labels, pictures=pictures)
