"""What a verification works on: artifacts, the source that they came from, samples and their truth."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from ..errors import SourceError, UsageError, UserDataError
from ..formats import manifest
from ..system import read_file
from ..values.artifact import Artifact
from ..values.codec import from_data
from ..values.model import Model
from ..values.truth import TruthSet
from ..vision import images
from ..vision.truth import read as read_truth

MODEL = "model"  # folder of the source, beside those of the artifacts
MODEL_JSON = "model.json"


def read_artifacts(out: Path) -> tuple[Artifact, ...]:
    """The artifacts in a folder, or the one that the folder is, by name; their files are as the manifests say."""
    roots = [out] if (out / manifest.NAME).is_file() else sorted(path.parent for path in out.glob(f"*/{manifest.NAME}"))
    if not roots:
        raise UsageError(
            f"There is no artifact in {out}.",
            cause=f"No {manifest.NAME} lies there or one folder below.",
            fix="Give the folder that `edgekit convert -o` wrote.",
        )
    artifacts = tuple(manifest.read(root) for root in roots)
    for artifact in artifacts:
        manifest.check(artifact)
    return artifacts


def read_model(artifacts: Sequence[Artifact]) -> Model:
    """The source that convert stored beside the artifacts. Raises UsageError where it is missing or another one."""
    root = artifacts[0].root.resolve().parent / MODEL
    if not (root / MODEL_JSON).is_file():
        raise UsageError(
            f"The source of {artifacts[0].root} is not at {root}.",
            cause="The artifact was moved out of the folder that convert wrote.",
            fix="Name the source: --against FILE",
        )
    try:
        data = json.loads(read_file(root / MODEL_JSON))
        model = from_data(Model, data | {"root": str(root)})
    except (ValueError, TypeError) as error:
        raise SourceError(f"{root / MODEL_JSON} cannot be understood: {error}.", fix="Convert again.") from None
    for artifact in artifacts:
        if artifact.source.sha256 != model.source.sha256:
            raise UsageError(
                f"{artifact.root} was made from another source than the one at {root}.",
                cause="Another model has been converted into the same folder since.",
                fix="Convert again, or name the source: --against FILE",
            )
    return model


def choose(samples: Path | str | Sequence[Path], limit: int | None) -> tuple[Path, ...]:
    """At most ``limit`` of the samples (all for None), spread evenly over them."""
    if isinstance(samples, Path | str):
        place = Path(samples)
        found = images.pictures(place) if place.is_dir() else (place,)
    else:
        found, place = tuple(samples), Path()
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
