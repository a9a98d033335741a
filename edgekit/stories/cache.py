"""OUT is the cache: what it holds already, made from the same inputs by the same versions, is not made again.

Nothing here imports numpy: finding that there is nothing to do must cost little more than reading the files.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .. import system
from ..errors import EdgekitError
from ..formats import manifest
from ..formats import model as model_file
from ..sources.options import LoadOptions
from ..values.artifact import Artifact
from ..values.codec import to_data

REPORT = "report.html"  # in OUT, what verify found out about its artifacts


def digest(data: Any) -> str:
    """Hex digest of JSON-ready data."""
    return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()


def file_data(path: Path) -> list[str]:
    """What a file says, for a digest: its bytes, and its name, which decides how it is read and what is said of it."""
    return [path.name, system.sha256(path)]


def loading_data(options: LoadOptions) -> dict[str, Any]:
    """The options for a digest, files by what they say."""
    fields = {field.name: getattr(options, field.name) for field in dataclasses.fields(options)}
    return {name: file_data(value) if isinstance(value, Path) else to_data(value) for name, value in fields.items()}


def kept(out: Path, keys: Mapping[str, str]) -> dict[str, Artifact]:
    """Artifacts in OUT that have these keys (recipe → key) and are whole, if the Model beside them is."""
    found: dict[str, Artifact] = {}
    if model_file.whole(out / model_file.MODEL):
        for name, key in keys.items():
            with contextlib.suppress(EdgekitError):  # absent, damaged, or of another version: to be made anew
                artifact = manifest.read(out / name)
                if artifact.key == key:
                    manifest.check(artifact)
                    found[name] = artifact
    return found
