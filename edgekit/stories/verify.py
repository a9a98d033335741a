"""Verify a folder, also against a source that is elsewhere, and write the report."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from .. import proofs
from ..errors import UsageError
from ..formats import model as model_file
from ..proofs.inputs import read_artifacts
from ..report import html
from ..sources import load
from ..values.artifact import Artifact
from ..values.model import Model
from ..values.proof import Proof
from ..values.show import Rows
from .cache import REPORT


def verify(
    out: Path | str | Artifact,
    *,
    samples: Path | str | Sequence[Path | str],
    against: Path | str | Model | None = None,
    truth: Path | str | None = None,
    limit: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[Proof, ...]:
    """The proofs of all artifacts in ``out``, each stored as its verify.json, all of them shown in out/report.html.

    out: a folder, or an artifact, which is its folder. against: another source than the one that convert stored: a
    Model, its folder (OUT/model of another convert), or a file. Else as ``proofs.verify``.
    """
    place = out if isinstance(out, Artifact) else Path(out)
    with tempfile.TemporaryDirectory() as folder:
        source = against if against is None or isinstance(against, Model) else _source(Path(against), folder, place)
        found = proofs.verify(place, samples=samples, against=source, truth=truth, limit=limit, progress=progress)
    html.write((place.root if isinstance(place, Artifact) else place) / REPORT, found)
    return Rows(found)


def _source(path: Path, folder: str, out: Path | Artifact) -> Model:
    """The other source. It is fed with real numbers, so the artifact's normalisation serves."""
    if (path / model_file.NAME).is_file():
        model_file.check(path)
        return model_file.read(path)
    image = read_artifacts(out)[0].spec.input
    try:
        return load(path, out=Path(folder, model_file.MODEL), mean=image.mean, std=image.std)
    except UsageError as error:
        if not path.is_file():
            raise
        fix = f"Convert it first, with the options that it needs, then: --against OUT/{model_file.MODEL}"
        raise UsageError(error.what, cause=error.cause, fix=fix) from None
