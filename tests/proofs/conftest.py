"""Folders as ``convert`` leaves them, put together from the published COCO model: source graph beside .tflite file."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from edgekit.formats import manifest, tflite
from edgekit.formats.graphdef import graph, proto
from edgekit.formats.labels import read as read_labels
from edgekit.values.artifact import Artifact, File
from edgekit.values.codec import to_data
from edgekit.values.model import Model, Quantisation, Source
from edgekit.values.spec import Encoding, FinalHead, ImageInput, ModelSpec, RawHead, Selection

INPUT, BOXES, SCORES = "normalized_input_image_tensor", "raw_outputs/box_encodings", "raw_outputs/class_predictions"
SOURCE = Source(kind="tf1-frozen", name="tflite_graph.pb", sha256="0" * 64)


@pytest.fixture
def published(real: Path, tmp_path: Path) -> Path:
    """OUT with the published graph as source and the published .tflite file as its artifact tflite-uint8."""
    folder = real / "coco_ssd_mobilenet_v1"
    labels = read_labels(folder / "labelmap.txt")[-90:]
    spec = ModelSpec(
        name="coco",
        task="detection",
        input=ImageInput(name=INPUT, height=300, width=300, mean=(127.5,), std=(127.5,)),
        head=RawHead(boxes=BOXES, scores=SCORES, anchors="anchors.npy"),
        selection=Selection(),
        num_classes=90,
        labels=labels,
    )
    write_model(tmp_path / "model", (folder / "tflite_graph.pb").read_bytes(), spec)
    data = tflite.canonical((folder / "ssd_mobilenet_v1.tflite").read_bytes(), inputs={INPUT: "image"})
    write_artifact(tmp_path / "tflite-uint8", data, spec)
    return tmp_path


def write_model(root: Path, data: bytes, spec: ModelSpec) -> Model:
    """The source, cut at its raw heads."""
    root.mkdir()
    whole = graph.Graph.of(proto.read(data))
    (root / "graph.pb").write_bytes(proto.write(whole.cut([BOXES, SCORES]).message))
    np.save(root / "anchors.npy", proto.constant(whole.nodes["anchors"]))
    model = Model(root=root, file="graph.pb", spec=spec, quantisation=Quantisation(kind="fake-quant"), source=SOURCE)
    (root / "model.json").write_text(json.dumps(to_data(model)))
    return model


def write_artifact(root: Path, data: bytes, source: ModelSpec) -> Artifact:
    """A finished uint8 detector."""
    root.mkdir()
    (root / "model.tflite").write_bytes(data)
    (root / "labels.txt").write_text("\n".join(source.labels) + "\n")
    files = tuple(_file(root / name, role) for name, role in (("model.tflite", "model"), ("labels.txt", "labels")))
    image = ImageInput(
        name="image",
        height=source.input.height,
        width=source.input.width,
        mean=source.input.mean,
        std=source.input.std,
        encoding=Encoding(dtype="uint8", scale=1 / 128, zero_point=128),
    )
    spec = ModelSpec(
        name=source.name,
        task=source.task,
        input=image,
        head=FinalHead(),
        selection=source.selection,
        num_classes=source.num_classes,
        labels=source.labels,
    )
    artifact = Artifact(root=root, spec=spec, recipe="tflite-uint8", files=files, source=SOURCE, tools={})
    manifest.write(artifact)
    return artifact


def _file(path: Path, role: str) -> File:
    data = path.read_bytes()
    return File(path=path.name, role=role, bytes=len(data), sha256=hashlib.sha256(data).hexdigest())
