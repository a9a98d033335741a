"""Which faults the limits of a recipe let through: none of these.

They are put into the published uint8 detector and into what real TensorFlow makes of the handmade graph.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from edgekit.formats import tflite
from edgekit.formats.labels import read as read_labels
from edgekit.proofs import verify
from edgekit.values.artifact import Artifact
from edgekit.values.proof import SAME
from edgekit.values.spec import Encoding, ImageInput, ModelSpec, RawHead, Selection
from edgekit.vision import images

from .. import handmade
from . import folders


@dataclass(frozen=True, kw_only=True)
class Subject:
    """A finished detector and its parts; cut at its raw heads it is the source, at ``out``/model."""

    data: bytes
    anchors: np.ndarray
    spec: ModelSpec
    selection: Selection
    out: Path
    samples: Path


def subject(data: bytes, spec: ModelSpec, out: Path, samples: Path) -> Subject:
    """spec: of the file, but for its heads."""
    model = tflite.read(data)
    postprocess = tflite.find(model)
    assert postprocess is not None
    assert spec.selection is not None
    anchors = tflite.anchors(model, postprocess)
    boxes, scores = heads(tflite.strip(data))
    bare = plain(tflite.strip(data), outputs={boxes: "boxes", scores: "scores"})
    raw = RawHead(boxes="boxes", scores="scores", anchors="anchors.npy")
    spec = replace(spec, head=raw)
    folders.write_model(out / "model", "model.tflite", bare, spec, anchors)
    return Subject(data=data, anchors=anchors, spec=spec, selection=spec.selection, out=out, samples=samples)


def plain(data: bytes, **outputs: dict[str, str]) -> bytes:
    main = tflite.read(data).main
    return tflite.canonical(data, inputs={main.tensors[main.inputs[0]].name: "image"}, **outputs)


def heads(bare: bytes) -> tuple[str, str]:
    main = tflite.read(bare).main
    boxes, scores = (main.tensors[index].name for index in main.outputs)
    return boxes, scores


@pytest.fixture
def published(real: Path, tmp_path: Path) -> Subject:
    folder = real / "coco_ssd_mobilenet_v1"
    encoding = Encoding(dtype="uint8", scale=1 / 128, zero_point=128)
    spec = ModelSpec(
        name="coco",
        task="detection",
        input=ImageInput(name="image", height=300, width=300, mean=(127.5,), std=(127.5,), encoding=encoding),
        head=RawHead(boxes="", scores="", anchors="anchors.npy"),
        selection=Selection(),
        num_classes=90,
        labels=read_labels(folder / "labelmap.txt")[-90:],
    )
    return subject((folder / "ssd_mobilenet_v1.tflite").read_bytes(), spec, tmp_path, real / "photos")


@pytest.fixture
def generated(converted: dict[str, Artifact], tmp_path: Path) -> Subject:
    artifact = converted["tflite-uint8"]
    shelf = tmp_path / "shelf"
    shelf.mkdir()
    for seed in range(3):
        (shelf / f"{seed}.png").write_bytes(images.encode(handmade.picture(seed).pixels, ".png"))
    return subject(artifact.path.read_bytes(), artifact.spec, tmp_path, shelf)


@pytest.fixture(
    params=[
        pytest.param("published", marks=pytest.mark.real),
        pytest.param("generated", marks=pytest.mark.slow),
    ]
)
def right(request: pytest.FixtureRequest) -> Subject:
    found: Subject = request.getfixturevalue(request.param)
    return found


def shifted_weights(data: bytes, steps: int) -> bytes:
    """All weights of the layer in the middle of the network, moved by a few steps of 256."""
    model = tflite.read(data)
    layers = [operator for operator in model.main.operators if operator.name == "DEPTHWISE_CONV_2D"]
    start, size = model.places[model.main.tensors[layers[len(layers) // 2].inputs[1]].buffer]
    weights = np.frombuffer(data, np.uint8, size, start).astype(int) + steps
    return data[:start] + np.clip(weights, 0, 255).astype(np.uint8).tobytes() + data[start + size :]


def attached(
    right: Subject,
    *,
    shift: float = 0,
    coder: tuple[float, float, float, float] = (10, 10, 5, 5),
    iou: float | None = None,
) -> bytes:
    """With a post-processing that is wrong in one point."""
    bare = tflite.strip(right.data)
    boxes, scores = heads(bare)
    selection = right.selection if iou is None else replace(right.selection, iou=iou)
    options = tflite.PostprocessOptions(selection=selection, num_classes=right.spec.num_classes, box_coder=coder)
    anchors = right.anchors + np.float32([shift, 0, 0, 0])
    return tflite.attach(bare, options=options, anchors=anchors, boxes=boxes, scores=scores)


FAULTS: dict[str, tuple[Callable[[Subject], bytes], str]] = {
    "weights of one layer 4 steps off": (lambda right: shifted_weights(right.data, 4), "raw scores"),
    "anchors a hundredth of the picture off": (lambda right: attached(right, shift=0.01), f"overlap, {SAME}"),
    "scales of the box coder in another order": (
        lambda right: attached(right, coder=(5, 5, 10, 10)),
        f"overlap, {SAME}",
    ),
    "another suppression than the manifest says": (lambda right: attached(right, iou=0.2), f"recall, {SAME}"),
}


def write(right: Subject, data: bytes) -> None:
    """As the artifact of ``out``."""
    folders.write_artifact(right.out / "tflite-uint8", plain(data), right.spec)


def test_the_file_is_equal_to_itself(right: Subject) -> None:
    write(right, right.data)
    (proof,) = verify(right.out, samples=right.samples, limit=3)
    assert {check.outcome for check in proof.checks if check.name != "saturation"} == {"pass"}
    assert {(one.recall, one.precision, one.score, one.ties) for one in proof.agreements} == {(1.0, 1.0, 0.0, 0)}
    assert all(one.judged for one in proof.agreements)
    assert proof.agreements[0].iou == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("fault", list(FAULTS))
def test_a_fault_fails_the_check_that_is_made_for_it(fault: str, right: Subject) -> None:
    damage, check = FAULTS[fault]
    write(right, damage(right))
    (proof,) = verify(right.out, samples=right.samples, limit=3)
    failed = {one.name for one in proof.checks if one.outcome == "fail"}
    assert check in failed
