"""Verify a folder, also against a source that is elsewhere, and write the report."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

from .. import proofs
from ..proofs.inputs import read_artifacts
from ..report import html
from ..sources import LoadOptions, load
from ..values.model import Model
from ..values.proof import Proof

REPORT = "report.html"


def verify(
    out: Path | str,
    *,
    samples: Path | str,
    against: Path | str | None = None,
    truth: Path | str | None = None,
    limit: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[Proof, ...]:
    """The proofs of all artifacts in ``out``, each stored as its verify.json, all of them shown in out/report.html.

    against: a model file to be held against, instead of the source that convert stored. Errors as of ``verify``.
    """
    with tempfile.TemporaryDirectory() as folder:
        source = _source(Path(against), Path(folder), Path(out)) if against else None
        found = proofs.verify(out, samples=samples, against=source, truth=truth, limit=limit, progress=progress)
    html.write(Path(out) / REPORT, found)
    return found


def _source(path: Path, folder: Path, out: Path) -> Model:
    """The other source. It is fed with real numbers, so the artifact's normalisation serves."""
    image = read_artifacts(out)[0].spec.input
    return load(path, out=folder / "model", options=LoadOptions(mean=image.mean, std=image.std))
