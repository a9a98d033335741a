"""Write metadata into a .tflite from anywhere, where it lies or into a copy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from ..errors import UsageError
from ..formats import labels as label_files
from ..formats import manifest
from ..formats.tflite import calibration
from ..formats.tflite.metadata import NOTHING, Details, revise, unpack
from ..system import read_file, write_file


def set_metadata(
    file: Path,
    *,
    out: Path | None = None,
    default: bool = False,
    labels: Path | None = None,
    locale_labels: Mapping[str, Path] | None = None,
    mean: Sequence[float] = (),
    std: Sequence[float] = (),
    score_threshold: float | None = None,
    score_calibration: Path | None = None,
    score_transformation: str | None = None,
    default_score: float | None = None,
    **texts: str,
) -> tuple[str, ...]:
    """Sentences about what was done to make labels fit. What is not named stays as it was.

    out: write there instead of replacing ``file``. default: drop the old metadata first. locale_labels: locale → label
    file. score_calibration: CSV file, a line a class. score_transformation: identity, log or inverse-logistic.
    texts: name, description, author, version, licence.
    Without anything named, metadata that no longer describes the model is brought into step.
    Raises UsageError, SourceError, UserDataError, StorageError.
    """
    if out is None and (file.parent / manifest.NAME).exists():
        raise UsageError(
            f"{file} belongs to a converted model, whose {manifest.NAME} holds its digest.",
            fix="Write a copy with -o, or convert again with other options.",
        )
    if len(mean) != len(std):
        raise UsageError("--mean and --std need as many numbers each.", fix="Give both, one number or three.")
    for option, score in (("--score-threshold", score_threshold), ("--default-score", default_score)):
        if score is not None and not 0 <= score <= 1:
            raise UsageError(f"{option}: expected a score between 0 and 1, got {score}.")
    details = Details(
        **texts,
        mean=tuple(mean),
        std=tuple(std),
        labels=label_files.read(labels) if labels else (),
        labels_file="labels.txt",
        locale_labels={locale: label_files.read(path) for locale, path in (locale_labels or {}).items()},
        score_threshold=score_threshold,
        calibration=_calibration(score_calibration, score_transformation, default_score),
    )
    data = read_file(file)
    result, notes = revise(data, details, default=default)
    if details == NOTHING and not default and (result == data or unpack(data)[0] is None):
        raise UsageError(f"There is nothing to set in {file}.", fix="Say what: edgekit metadata set --help")
    write_file(out or file, result)
    return notes


def _calibration(
    path: Path | None, transformation: str | None, default: float | None
) -> calibration.Calibration | None:
    if path is None:
        if transformation or default is not None:
            raise UsageError(
                "--score-transformation and --default-score belong to --score-calibration.", fix="Give its CSV file."
            )
        return None
    return calibration.parse(
        read_file(path, limit=calibration.MAX_BYTES),
        name=str(path),
        num_classes=None,
        transformation=(transformation or "identity").upper().replace("-", "_"),
        default_score=default or 0.0,
    )
