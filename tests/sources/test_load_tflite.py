""".tflite files become models without TensorFlow: finished detectors, raw heads, classifiers."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgekit.errors import EdgekitError, SourceError, UsageError, UserDataError
from edgekit.formats.tflite import attach, read
from edgekit.formats.tflite.metadata import annotate
from edgekit.formats.tflite.postprocess import PostprocessOptions
from edgekit.sources import load
from edgekit.values.model import Model
from edgekit.values.recipe import recipes
from edgekit.values.spec import Encoding, FinalHead, ImageInput, ModelSpec, RawHead, Selection
from edgekit.values.support import refusal
from tests.formats import tflite_models as small
from tests.formats.small_models import classifier

SELECTION = Selection(score=0.1, iou=0.4, max_detections=5)
CODER = (8.0, 9.0, 4.0, 5.0)


def _finished(dtype: str = "uint8", **fields: Any) -> bytes:
    options = PostprocessOptions(selection=SELECTION, num_classes=3, box_coder=CODER)
    raw = small.raw_detector(dtype, **fields)
    return attach(
        raw, options=options, anchors=small.anchors(), boxes="raw/boxes", scores="raw/scores", activation="sigmoid"
    )


def _described(dtype: str) -> bytes:
    encoding = (
        Encoding() if dtype == "float32" else Encoding(dtype=dtype, scale=1 / 128, zero_point=small.ZERO_POINTS[dtype])
    )
    image = ImageInput(name="image", height=4, width=4, mean=(10.0,), std=(20.0,), encoding=encoding)
    spec = ModelSpec(
        name="small",
        task="detection",
        input=image,
        head=FinalHead(),
        selection=SELECTION,
        num_classes=3,
        labels=("a", "b", "c"),
    )
    return annotate(_finished(dtype), spec)


def _load(data: bytes, folder: Path, **options: Any) -> Model:
    path = folder / "small.tflite"
    path.write_bytes(data)
    return load(path, out=folder / "model", **options)


@pytest.mark.parametrize("dtype", ["uint8", "int8", "float32"])
def test_a_finished_detector_is_cut_at_its_raw_heads(dtype: str, tmp_path: Path) -> None:
    pytest.importorskip("ai_edge_litert")
    model = _load(_finished(dtype), tmp_path, mean=(127.5,), std=(127.5,))
    spec = model.spec
    assert spec.head == RawHead(boxes="boxes", scores="scores", anchors="anchors.npy", box_coder=CODER)
    assert (spec.name, spec.selection, spec.num_classes, spec.input.name) == ("small", SELECTION, 3, "image")
    np.testing.assert_array_equal(np.load(model.root / "anchors.npy"), small.anchors())
    picture = small.picture(dtype)
    boxes, scores = small.run(model.path.read_bytes(), picture)
    raw_boxes, _ = small.run(small.raw_detector(dtype), picture)
    np.testing.assert_array_equal(boxes, raw_boxes)
    assert scores.shape == (1, 16, 4)
    signature = small.signatures(model.path.read_bytes())
    assert signature == {"serving_default": {"inputs": ["image"], "outputs": ["boxes", "scores"]}}


@pytest.mark.parametrize(
    ("dtype", "kind", "only"), [("uint8", "integer", "tflite-uint8"), ("float32", "none", "tflite-f32")]
)
def test_a_file_keeps_its_types(dtype: str, kind: str, only: str, tmp_path: Path) -> None:
    model = _load(_finished(dtype), tmp_path, mean=(127.5,), std=(127.5,))
    assert model.quantisation.kind == kind
    possible = [name for name, recipe in recipes().items() if refusal(model.quantisation, recipe) is None]
    assert possible == [only]


def test_normalisation_and_labels_come_from_the_metadata(tmp_path: Path) -> None:
    model = _load(_described("float32"), tmp_path)
    assert (model.spec.input.mean, model.spec.input.std) == ((10.0,), (20.0,))
    assert model.spec.labels == ("a", "b", "c")
    assert any("label file in the model" in sentence for sentence in model.assumptions)
    given = tmp_path / "labels.txt"
    given.write_text("x\ny\nz\n")
    model = _load(_described("float32"), tmp_path, mean=(0.0,), std=(255.0,), labels=given)
    assert (model.spec.input.std, model.spec.labels, model.assumptions) == ((255.0,), ("x", "y", "z"), ())
    model = _load(_described("float32"), tmp_path, mean=0, std=255, labels=["0  x", "y", "z"])
    assert (model.spec.input.std, model.spec.labels) == ((255.0,), ("0  x", "y", "z"))
    with pytest.raises(UserDataError, match="The list has 2 labels"):
        _load(_described("float32"), tmp_path, labels=["x", "y"])
    with pytest.raises(UserDataError, match="label 2: control character"):
        _load(_described("float32"), tmp_path, labels=["x", "y\nz"])


def test_an_integer_input_says_its_normalisation_by_its_scale(tmp_path: Path) -> None:
    model = _load(_finished("uint8"), tmp_path)
    assert (model.spec.input.mean, model.spec.input.std) == ((127.5,), (127.5,))
    assert model.spec.input.encoding == Encoding(dtype="uint8", scale=1 / 128, zero_point=128)
    assert any("127.5 is assumed" in sentence for sentence in model.assumptions)


def test_a_float_input_without_metadata_needs_a_word(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="mean") as caught:
        _load(_finished("float32"), tmp_path)
    assert "--mean" in caught.value.fix


def test_raw_heads_need_anchors_and_their_activation(tmp_path: Path) -> None:
    anchors = tmp_path / "anchors.npy"
    np.save(anchors, small.anchors())
    data = small.raw_detector("uint8")
    with pytest.raises(UsageError, match="no anchors"):
        _load(data, tmp_path)
    with pytest.raises(UsageError, match="without sigmoid or softmax"):
        _load(data, tmp_path, anchors=anchors)
    model = _load(data, tmp_path, anchors=anchors, activation="sigmoid", max_detections=3)
    head = model.spec.head
    assert isinstance(head, RawHead)
    assert (head.activation, head.background, model.spec.num_classes) == ("sigmoid", True, 3)
    assert model.spec.selection == Selection(max_detections=3)
    np.save(anchors, small.anchors()[:7])
    with pytest.raises(SourceError, match="7 anchors"):
        _load(data, tmp_path, anchors=anchors, activation="sigmoid")


def test_a_classifier(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="without sigmoid"):
        _load(classifier(), tmp_path)
    model = _load(classifier(), tmp_path, activation="none", mean=(127.5,), std=(127.5,))
    assert (model.spec.task, model.spec.num_classes, model.spec.selection) == ("classification", 4, None)


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"outputs": ("raw/boxes", "nowhere")}, UsageError),
        ({"mean": (1.0, 2.0), "std": (1.0, 2.0)}, EdgekitError),
    ],
)
def test_options_that_do_not_fit(options: dict[str, Any], error: type[EdgekitError], tmp_path: Path) -> None:
    with pytest.raises(error):
        _load(small.raw_detector("uint8"), tmp_path, activation="none", **options)


@pytest.mark.parametrize(
    ("data", "options", "flags"),
    [
        (_finished(), {"input": "nonsense"}, "--input"),
        (_finished(), {"outputs": "a,b", "activation": "softmax"}, "--outputs, --activation"),
        (small.raw_detector("uint8"), {"input": "zzz"}, "--input"),
        (classifier(), {"score": 0.5, "max_detections": 3, "anchors": "a.npy"}, "--anchors, --score, --max-detections"),
        (classifier(), {"outputs": "scores,scores", "regular": False}, "--outputs, --regular-nms or --fast-nms"),
    ],
)
def test_options_of_no_use_are_refused(data: bytes, options: dict[str, Any], flags: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=f"has no use for {flags}\\."):
        _load(data, tmp_path, **options)


def test_a_file_with_other_outputs_is_refused(tmp_path: Path) -> None:
    builder = small.Builder()
    image = builder.tensor("x", [1, 4, 4, 3])
    mask = builder.tensor("mask", [1, 4, 4, 2])
    builder.operator("RELU", [image], [mask])
    with pytest.raises(SourceError, match="no detector and no classifier"):
        _load(builder.build([image], [mask]), tmp_path)


@pytest.mark.real
def test_the_published_detector(real: Path, tmp_path: Path) -> None:
    source = real / "coco_ssd_mobilenet_v1" / "ssd_mobilenet_v1.tflite"
    model = load(source, out=tmp_path / "model")
    assert (model.spec.num_classes, len(np.load(model.root / "anchors.npy"))) == (90, 1917)
    stored = read(model.path.read_bytes()).main
    assert [stored.tensors[i].shape for i in stored.outputs] == [(1, 1917, 4), (1, 1917, 91)]
    assert not any(operator.custom for operator in stored.operators)


def test_a_file_may_have_a_name_that_is_no_text(tmp_path: Path) -> None:
    path = tmp_path / "caf\udce9.tflite"
    path.write_bytes(_finished())
    model = load(path, out=tmp_path / "model")
    assert (model.spec.name, model.source.name) == ("caf?", "caf?.tflite")


def test_the_anchors_that_raw_conversion_writes_can_be_given(tmp_path: Path) -> None:
    anchors = tmp_path / "anchors.f32"
    anchors.write_bytes(small.anchors().astype("<f4").tobytes())
    model = _load(small.raw_detector("uint8"), tmp_path, anchors=anchors, activation="sigmoid")
    np.testing.assert_array_equal(np.load(model.root / "anchors.npy"), small.anchors())
    anchors.write_bytes(bytes(15))
    with pytest.raises(UserDataError, match="no table of anchors"):
        _load(small.raw_detector("uint8"), tmp_path, anchors=anchors, activation="sigmoid")
    other = tmp_path / "anchors.bin"
    other.write_bytes(b"\xff\xfe\xfd\xfc")
    with pytest.raises(UserDataError, match=r"no text, no \.npy and not called \.f32") as caught:
        _load(small.raw_detector("uint8"), tmp_path, anchors=other, activation="sigmoid")
    assert "codec" not in str(caught.value)


def test_boxes_of_one_class_are_limited_only_by_regular_suppression(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--regular-nms"):
        _load(_finished(), tmp_path, detections_per_class=2)
    selection = _load(_finished(), tmp_path, detections_per_class=2, regular=True).spec.selection
    assert selection is not None
    assert selection.detections_per_class == 2
