"""Which faults the limits of a recipe let through: none of these, put into the published uint8 detector."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgekit.formats import tflite
from edgekit.formats.labels import read as read_labels
from edgekit.proofs import verify
from edgekit.values.proof import SAME
from edgekit.values.spec import Encoding, ImageInput, ModelSpec, RawHead, Selection

from . import folders

pytestmark = pytest.mark.real
INPUT, BOXES, SCORES = "normalized_input_image_tensor", "raw_outputs/box_encodings", "raw_outputs/class_predictions"


def shifted_weights(data: bytes, steps: int) -> bytes:
    """All weights of the layer in the middle of the network, moved by a few steps of 256."""
    model = tflite.read(data)
    layers = [operator for operator in model.main.operators if operator.name == "DEPTHWISE_CONV_2D"]
    start, size = model.places[model.main.tensors[layers[len(layers) // 2].inputs[1]].buffer]
    weights = np.frombuffer(data, np.uint8, size, start).astype(int) + steps
    return data[:start] + np.clip(weights, 0, 255).astype(np.uint8).tobytes() + data[start + size :]


def attached(data: bytes, anchors: np.ndarray, selection: Selection, coder: tuple[float, ...]) -> bytes:
    bare = tflite.strip(data)
    heads = tflite.read(bare).main
    boxes, scores = (heads.tensors[index].name for index in heads.outputs)
    options = tflite.PostprocessOptions(selection=selection, num_classes=90, box_coder=coder)  # type: ignore[arg-type]
    whole = tflite.attach(bare, options=options, anchors=anchors, boxes=boxes, scores=scores)
    return tflite.canonical(whole, inputs={INPUT: "image"})


FAULTS: dict[str, tuple[Callable[[bytes, np.ndarray], bytes], str]] = {
    "weights of one layer 4 steps off": (lambda data, anchors: finished(shifted_weights(data, 4)), "raw scores"),
    "anchors a hundredth of the picture off": (
        lambda data, anchors: attached(data, anchors + np.float32([0.01, 0, 0, 0]), Selection(), (10, 10, 5, 5)),
        f"overlap, {SAME}",
    ),
    "scales of the box coder in another order": (
        lambda data, anchors: attached(data, anchors, Selection(), (5, 5, 10, 10)),
        f"overlap, {SAME}",
    ),
    "another suppression than the manifest says": (
        lambda data, anchors: attached(data, anchors, Selection(iou=0.2), (10, 10, 5, 5)),
        f"recall, {SAME}",
    ),
}


def finished(data: bytes) -> bytes:
    return tflite.canonical(data, inputs={INPUT: "image"})


@pytest.fixture
def source(real: Path, tmp_path: Path) -> tuple[bytes, np.ndarray, ModelSpec]:
    """The published file, its anchors, and its specification; cut at its raw heads it lies at OUT/model."""
    folder = real / "coco_ssd_mobilenet_v1"
    data = (folder / "ssd_mobilenet_v1.tflite").read_bytes()
    model = tflite.read(data)
    postprocess = tflite.find(model)
    assert postprocess is not None
    anchors = tflite.anchors(model, postprocess)
    bare = tflite.strip(data)
    heads = tflite.read(bare).main
    boxes, scores = (heads.tensors[index].name for index in heads.outputs)
    encoding = Encoding(dtype="uint8", scale=1 / 128, zero_point=128)
    spec = ModelSpec(
        name="coco",
        task="detection",
        input=ImageInput(name=INPUT, height=300, width=300, mean=(127.5,), std=(127.5,), encoding=encoding),
        head=RawHead(boxes=boxes, scores=scores, anchors="anchors.npy"),
        selection=Selection(),
        num_classes=90,
        labels=read_labels(folder / "labelmap.txt")[-90:],
    )
    folders.write_model(tmp_path / "model", "model.tflite", bare, spec, anchors)
    return data, anchors, replace(spec, input=replace(spec.input, name="image"))


def test_the_published_file_is_equal_to_itself(
    source: tuple[bytes, np.ndarray, ModelSpec], tmp_path: Path, real: Path
) -> None:
    data, _, spec = source
    folders.write_artifact(tmp_path / "tflite-uint8", finished(data), spec)
    (proof,) = verify(tmp_path, samples=real / "photos", limit=3)
    assert proof.outcome == "pass"
    assert {(one.recall, one.precision, one.score, one.ties) for one in proof.agreements} == {(1.0, 1.0, 0.0, 0)}
    assert proof.agreements[0].iou == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("fault", list(FAULTS))
def test_a_fault_fails_the_check_that_is_made_for_it(
    fault: str, source: tuple[bytes, np.ndarray, ModelSpec], tmp_path: Path, real: Path
) -> None:
    data, anchors, spec = source
    damage, check = FAULTS[fault]
    folders.write_artifact(tmp_path / "tflite-uint8", damage(data, anchors), spec)
    (proof,) = verify(tmp_path, samples=real / "photos", limit=3)
    failed = {one.name for one in proof.checks if one.outcome == "fail"}
    assert check in failed
