"""Folders as ``convert`` leaves them, put together by hand: a source at OUT/model, and artifacts beside it."""

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np

from edgekit.formats import manifest
from edgekit.formats import model as model_file
from edgekit.values.artifact import Artifact, File
from edgekit.values.model import Model, Quantisation, Source
from edgekit.values.spec import FinalHead, ModelSpec

SOURCE = Source(kind="tflite", name="source.tflite", sha256="0" * 64)
ROLES = {"model.tflite": "model", "labels.txt": "labels", "anchors.f32": "anchors"}


def write_model(root: Path, file: str, data: bytes, spec: ModelSpec, anchors: np.ndarray) -> Model:
    """A source that is cut at its raw heads."""
    root.mkdir(parents=True)
    (root / file).write_bytes(data)
    np.save(root / "anchors.npy", anchors)
    model = Model(root=root, file=file, spec=spec, quantisation=Quantisation(kind="integer"), source=SOURCE)
    model_file.write(model)
    return model


def write_artifact(root: Path, data: bytes, spec: ModelSpec) -> Artifact:
    """A finished detector, or a classifier; the folder's name is its recipe."""
    root.mkdir(parents=True)
    (root / "model.tflite").write_bytes(data)
    if spec.labels:
        (root / "labels.txt").write_text("\n".join(spec.labels) + "\n")
    return write_manifest(root, spec if spec.task == "classification" else replace(spec, head=FinalHead()))


def write_manifest(root: Path, spec: ModelSpec) -> Artifact:
    """The manifest of a folder whose files are all there."""
    files = tuple(_file(root / name, role) for name, role in ROLES.items() if (root / name).exists())
    artifact = Artifact(root=root, spec=spec, recipe=root.name, files=files, source=SOURCE, tools={})
    manifest.write(artifact)
    return artifact


def _file(path: Path, role: str) -> File:
    data = path.read_bytes()
    return File(path=path.name, role=role, bytes=len(data), sha256=hashlib.sha256(data).hexdigest())
