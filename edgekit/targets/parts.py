"""What the artifacts of every target have: files with digests, labels, anchors."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..formats import labels, tfjs
from ..system import read_file, write_file
from ..values.artifact import File
from ..values.model import Model
from ..values.spec import Head, ModelSpec, RawHead

LABELS, ANCHORS = "labels.txt", "anchors.f32"


def anchors(model: Model) -> NDArray[np.float32]:
    """float32 [N, 4]; no rows where the model has none."""
    if not isinstance(model.spec.head, RawHead):
        return np.zeros((0, 4), np.float32)
    stored = np.load(io.BytesIO(read_file(model.root / model.spec.head.anchors)), allow_pickle=False)
    return np.ascontiguousarray(stored, "<f4")


def write(out: Path, files: Mapping[str, tuple[str, bytes]]) -> tuple[File, ...]:
    """Write name → (role, content) into a folder."""
    return tuple(_write(out, path, role, content) for path, (role, content) in files.items())


def beside(spec: ModelSpec, table: NDArray[np.float32]) -> dict[str, tuple[str, bytes]]:
    """Name → (role, content) of what lies beside a model: its labels where it has any, anchors of a raw head."""
    files: dict[str, tuple[str, bytes]] = {}
    if spec.labels:
        files[LABELS] = ("labels", labels.encode(spec.labels))
    head: Head = spec.head
    if isinstance(head, RawHead):
        files[ANCHORS] = ("anchors", table.tobytes())
    return files


def web(files: Mapping[str, bytes]) -> dict[str, tuple[str, bytes]]:
    """Name → (role, content) of a TensorFlow.js model's files."""
    return {name: ("model" if name == tfjs.NAME else "shard", content) for name, content in files.items()}


def _write(out: Path, path: str, role: str, content: bytes) -> File:
    write_file(out / path, content)
    return File(path=path, role=role, bytes=len(content), sha256=hashlib.sha256(content).hexdigest())
