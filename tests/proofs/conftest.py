"""What can be verified: a detector that is small enough to be read, and the published one."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgekit.formats import tflite
from edgekit.formats.graphdef import graph, proto
from edgekit.formats.labels import read as read_labels
from edgekit.values.spec import Encoding, ImageInput, ModelSpec, RawHead, Selection

from . import folders, small

INPUT, BOXES, SCORES = "normalized_input_image_tensor", "raw_outputs/box_encodings", "raw_outputs/class_predictions"


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """OUT with the small detector as source, and as artifact tflite-uint8."""
    folders.write_model(tmp_path / "model", "model.tflite", small.raw(), small.spec(), small.ANCHORS)
    folders.write_artifact(tmp_path / "tflite-uint8", small.finished(small.raw()), small.spec())
    return tmp_path


@pytest.fixture
def samples(tmp_path: Path) -> Path:
    """Five pictures of noise."""
    folder = tmp_path / "samples"
    folder.mkdir()
    rng = np.random.default_rng(3)
    for index in range(5):
        Image.fromarray(rng.integers(0, 256, (4, 4, 3), np.uint8)).save(folder / f"{index}.png")
    return folder


@pytest.fixture
def published(real: Path, tmp_path: Path) -> Path:
    """OUT with the published COCO graph as source, and the published .tflite file as its artifact tflite-uint8."""
    folder = real / "coco_ssd_mobilenet_v1"
    spec = ModelSpec(
        name="coco",
        task="detection",
        input=ImageInput(name=INPUT, height=300, width=300, mean=(127.5,), std=(127.5,)),
        head=RawHead(boxes=BOXES, scores=SCORES, anchors="anchors.npy"),
        selection=Selection(),
        num_classes=90,
        labels=read_labels(folder / "labelmap.txt")[-90:],
    )
    whole = graph.Graph.of(proto.read((folder / "tflite_graph.pb").read_bytes()))
    cut, anchors = proto.write(whole.cut([BOXES, SCORES]).message), proto.constant(whole.nodes["anchors"])
    folders.write_model(tmp_path / "model", "graph.pb", cut, spec, anchors)
    data = tflite.canonical((folder / "ssd_mobilenet_v1.tflite").read_bytes(), inputs={INPUT: "image"})
    image = replace(spec.input, name="image", encoding=Encoding(dtype="uint8", scale=1 / 128, zero_point=128))
    folders.write_artifact(tmp_path / "tflite-uint8", data, replace(spec, input=image))
    return tmp_path
