"""The specification of a .tflite as it is: by its operator's ports and its metadata, never by names or order."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgekit.errors import SourceError, UsageError, UserDataError
from edgekit.formats import labels
from edgekit.formats.tflite.metadata import Details, annotate, renew, unpack
from edgekit.formats.tflite.spec import read_spec
from edgekit.values.spec import ClassHead, Encoding, FinalHead
from tests.formats.tflite_models import Builder
from tests.stories import quarters


def test_ports_decide_what_an_output_is() -> None:
    spec = read_spec(quarters.detector("uint8", order=(3, 1, 0, 2)), name="x").spec
    assert spec.head == FinalHead(
        boxes="found:0", classes="found:1", scores="found:2", count="found:3", order=(2, 1, 3, 0)
    )
    assert (spec.num_classes, spec.selection) == (3, quarters.SELECTION)
    assert (spec.input.name, spec.input.height, spec.input.width, spec.input.colour) == ("pixels", 2, 2, "RGB")
    assert spec.input.encoding == Encoding(dtype="uint8", scale=float(np.float32(1 / 255)), zero_point=0)


@pytest.mark.parametrize("dtype", ["float32", "uint8"])
def test_metadata_says_normalisation_and_labels(dtype: str) -> None:
    data = quarters.detector(dtype)
    plain = read_spec(data, name="x", mean=(1, 2, 3), std=(4, 5, 6), labels=quarters.LABELS).spec
    described = read_spec(annotate(data, plain), name="x")
    assert (described.spec, described.notes) == (plain, ())
    given = read_spec(annotate(data, plain), name="x", mean=(0,), std=(1,), labels=("a", "b", "c")).spec
    assert (given.input.mean, given.labels) == ((0,), ("a", "b", "c"))


@pytest.mark.parametrize("names", [("1 cent", "2 euro", "3 yen"), ("[red]", "{green}", "item {")])
@pytest.mark.parametrize("file", ["labels.txt", "labels.yaml"])
def test_packed_labels_are_plain_lines(names: tuple[str, ...], file: str) -> None:
    data = quarters.detector("uint8")
    spec = replace(read_spec(data, name="x", labels=quarters.LABELS).spec, labels=names)
    details = Details(labels_file=file, locale_labels={"de": names})
    assert read_spec(annotate(data, spec, details), name="x").spec.labels == names
    assert (
        unpack(renew(annotate(data, spec, details), spec))[1].items() >= {"labels_de.txt": labels.encode(names)}.items()
    )


@pytest.mark.parametrize("data", [b"a\nb", b"a\nb\n", b"a\r\nb"])
def test_the_last_packed_label_may_lack_its_end(data: bytes) -> None:
    assert labels.decode(data, name="x") == ("a", "b")


def test_a_classifier() -> None:
    spec = read_spec(quarters.classifier(), name="x", mean=(0,), std=(255,)).spec
    assert (spec.head, spec.selection, spec.num_classes) == (ClassHead(scores="scores"), None, 3)


def test_scores_without_an_activation_are_told() -> None:
    bare = read_spec(quarters.classifier(), name="x", mean=(0,), std=(255,)).notes
    assert any("taken as probabilities" in note for note in bare)
    builder = Builder()
    image, logits = builder.tensor("image", [1, 1, 1, 3]), builder.tensor("logits", [1, 3])
    shape = builder.tensor("shape", [2], "int32", value=np.array([1, 3], "<i4"))
    builder.operator("RESHAPE", [image, shape], [logits])
    scores = builder.tensor("scores", [1, 3])
    builder.operator("LOGISTIC", [logits], [scores])
    assert read_spec(builder.build([image], [scores]), name="x", mean=(0,), std=(255,)).notes == ()


def test_a_name_that_is_no_text_is_shown_all_the_same() -> None:
    assert read_spec(quarters.detector("uint8"), name="caf\udce9").spec.name == "caf?"


def test_names_are_those_of_the_signature() -> None:
    builder = Builder()
    image = builder.tensor("serving_default_x:0", [1, 1, 1, 3], "uint8")
    out = builder.tensor("StatefulPartitionedCall:0", [1, 3], "uint8")
    shape = builder.tensor("shape", [2], "int32", value=np.array([1, 3], "<i4"))
    builder.operator("RESHAPE", [image, shape], [out])
    signature = {
        "signature_key": "serving_default",
        "inputs": [{"name": "x", "tensor_index": image}],
        "outputs": [{"name": "probabilities", "tensor_index": out}],
    }
    spec = read_spec(builder.build([image], [out], signature_defs=[signature]), name="x").spec
    assert (spec.input.name, spec.head) == ("x", ClassHead(scores="probabilities"))
    assert (spec.input.mean, spec.input.std) == ((0,), (1,))  # a uint8 input without quantisation takes pixels
    lacking = signature | {"outputs": []}
    with pytest.raises(SourceError, match="does not name all of its outputs"):
        read_spec(builder.build([image], [out], signature_defs=[lacking]), name="x")


def picture_model(shape: list[int], dtype: str = "uint8", **fields: object) -> bytes:
    builder = Builder()
    image = builder.tensor("image", shape, dtype, **fields)
    out = builder.tensor("scores", [1, 3])
    return builder.build([image], [out])


@pytest.mark.parametrize(
    ("data", "error", "message"),
    [
        (quarters.detector(postprocess=False), SourceError, "without its post-processing"),
        (picture_model([1, 5]), SourceError, "no detector and no classifier"),
        (picture_model([1, 2, 2, 4]), SourceError, "one or three channels"),
        (picture_model([1, 2, 2, 3], "int32"), SourceError, "int32"),
        (picture_model([1, 1, 1, 3], shape_signature=[1, -1, -1, 3]), SourceError, "fixed size"),
        (picture_model([1, 2, 2, 3], "float32"), UsageError, "--mean 127.5 --std 127.5"),
        (picture_model([1, 2, 2, 3], "int8"), UsageError, "--mean 127.5 --std 127.5"),
    ],
)
def test_what_cannot_be_fed_is_refused(data: bytes, error: type[Exception], message: str) -> None:
    with pytest.raises(error) as caught:
        read_spec(data, name="x")
    assert message in str(caught.value)


def test_normalisation_and_labels_must_fit() -> None:
    data = quarters.detector()
    for mean, std in (((1,), ()), ((), (1,)), ((1,), (0,)), ((1, 2), (1, 2))):
        with pytest.raises(UsageError):
            read_spec(data, name="x", mean=mean, std=std)
    with pytest.raises(UserDataError, match="4 labels, the model has 3 classes"):
        read_spec(data, name="x", mean=(0,), std=(1,), labels=tuple("abcd"))


@pytest.mark.real
def test_the_published_detector(real: Path) -> None:
    data = (real / "coco_ssd_mobilenet_v1" / "ssd_mobilenet_v1.tflite").read_bytes()
    found = read_spec(data, name="coco")
    assert found.spec.num_classes == 90
    assert found.spec.input.encoding == Encoding(dtype="uint8", scale=1 / 128, zero_point=128)
    assert found.spec.selection == replace(quarters.SELECTION, score=1e-8, iou=0.6, max_detections=10)
