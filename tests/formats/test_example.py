"""tf.train.Example, and the Object Detection API's records in it."""

import contextlib
import hashlib
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from edgekit.errors import EdgekitError, UserDataError
from edgekit.formats import example, tfrecord
from edgekit.formats.example import EDGES, Feature
from edgekit.formats.labels import GAP
from edgekit.values.truth import Annotation, TrueBox
from tests.mutations import mutate

LABELS = ("cat", GAP, "crème")
NAME = "x.record, record 3"


def encoded(form: str = "PNG", size: tuple[int, int] = (40, 20)) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", size, (200, 30, 40)).save(stream, form)
    return stream.getvalue()


PICTURE = encoded()
ANNOTATION = Annotation(
    name="folder/a.png",
    size=(40, 20),
    boxes=(
        TrueBox(label="crème", box=(10.0, 5.0, 20.0, 15.0), area=100.0),
        TrueBox(label="cat", box=(-4.0, 0.0, 45.0, 20.0), area=7.5, crowd=True),
    ),
)


def floats(*values: float) -> np.ndarray[Any, Any]:
    return np.array(values, np.float32)


def integers(*values: int) -> np.ndarray[Any, Any]:
    return np.array(values, np.int64)


def features(**changes: Feature | None) -> bytes:
    """A record of one box, with keys changed (None: left out); '__' in a name stands for '/'."""
    known: dict[str, Feature | None] = {
        "image/encoded": [PICTURE],
        "image/filename": [b"a.png"],
        "image/height": integers(20),
        "image/width": integers(40),
        **dict(zip(EDGES, (floats(0.25), floats(0.25), floats(0.5), floats(0.75)), strict=True)),
        "image/object/class/text": [b"cat"],
    }
    known |= {key.replace("__", "/"): value for key, value in changes.items()}
    return example.encode({key: value for key, value in known.items() if value is not None})


BOXLESS: dict[str, Feature | None] = {
    **dict.fromkeys((key.replace("/", "__") for key in EDGES), None),
    "image__object__class__text": None,
}


def test_an_example_byte_for_byte() -> None:
    """Message 1 of entries key and Feature; of that, list 1, 2 or 3 of values, numbers packed."""
    data = example.encode({"b": np.array([1, -1]), "a": [b"x", b""], "c": np.array([0.5])})
    assert data == (
        b"\x0a\x33"
        b"\x0a\x0c\x0a\x01a\x12\x07" + b"\x0a\x05" + b"\x0a\x01x\x0a\x00"
        b"\x0a\x14\x0a\x01b\x12\x0f" + b"\x1a\x0d" + b"\x0a\x0b\x01" + b"\xff" * 9 + b"\x01"
        b"\x0a\x0d\x0a\x01c\x12\x08" + b"\x12\x06" + b"\x0a\x04\x00\x00\x00\x3f"
    )


@pytest.mark.parametrize("seed", range(30))
def test_any_features_come_back(seed: int) -> None:
    random = np.random.default_rng(seed)
    kinds = [
        lambda n: [random.bytes(int(random.integers(9))) for _ in range(n)],
        lambda n: random.standard_normal(n).astype(np.float32),
        lambda n: random.integers(-(2**63), 2**63 - 1, n),
    ]
    content = {f"key/{i}": kinds[int(random.integers(3))](int(random.integers(5))) for i in range(6)}
    data = example.encode(content)
    back = example.decode(data, name="x")
    assert [*back] == [*content]
    for key, values in content.items():
        assert type(back[key]) is type(values)
        np.testing.assert_array_equal(back[key], values)
    assert example.encode(dict(reversed(content.items()))) == data


def test_keys_without_a_list_are_left_out() -> None:
    message = example.CLASSES["Example"]()
    message.features.feature["a"].SetInParent()
    message.features.feature["b"].float_list.SetInParent()
    assert [*example.decode(message.SerializeToString(), name="x")] == ["b"]
    assert example.decode(b"", name="x") == {}


def test_a_record_has_the_keys_of_the_object_detection_api() -> None:
    content = example.decode(example.record(PICTURE, ANNOTATION, labels=LABELS), name="x")
    assert content.pop("image/encoded") == [PICTURE]
    assert content.pop("image/key/sha256") == [hashlib.sha256(PICTURE).hexdigest().encode()]
    assert {key: values if isinstance(values, list) else values.tolist() for key, values in content.items()} == {
        "image/filename": [b"folder/a.png"],
        "image/source_id": [b"folder/a.png"],
        "image/format": [b"png"],
        "image/height": [20],
        "image/width": [40],
        "image/object/bbox/xmin": pytest.approx([0.25, -0.1]),
        "image/object/bbox/ymin": [0.25, 0.0],
        "image/object/bbox/xmax": [0.5, 1.125],
        "image/object/bbox/ymax": [0.75, 1.0],
        "image/object/class/text": ["crème".encode(), b"cat"],
        "image/object/class/label": [3, 1],
        "image/object/is_crowd": [0, 1],
        "image/object/area": [100.0, 7.5],
    }


def test_annotations_come_back_from_a_file(tmp_path: Path) -> None:
    bare = Annotation(name="b.jpg", size=None, boxes=())
    jpeg = encoded("JPEG")
    records = [example.record(PICTURE, ANNOTATION, labels=LABELS), example.record(jpeg, bare, labels=LABELS)]
    tfrecord.write(tmp_path / "x.record", records)
    (first, full), (second, empty) = example.pictures(tmp_path / "x.record")
    assert (first, second) == (PICTURE, jpeg)
    assert (full.name, full.size) == (ANNOTATION.name, ANNOTATION.size)
    for box, expected in zip(full.boxes, ANNOTATION.boxes, strict=True):
        assert (box.label, box.area, box.crowd) == (expected.label, expected.area, expected.crowd)
        assert box.box == pytest.approx(expected.box, abs=1e-5)
    assert empty == Annotation(name="b.jpg", size=(40, 20), boxes=())


@pytest.mark.parametrize("seed", range(20))
def test_any_boxes_come_back(seed: int) -> None:
    random = np.random.default_rng(seed)
    width, height = (int(side) for side in random.integers(1, 5000, 2))
    corners = random.uniform(-0.2, 1.2, (int(random.integers(200)), 4)) * (width, height, width, height)
    boxes = tuple(
        TrueBox(label=str(random.choice(["cat", "crème"])), box=tuple(corner), area=float(random.integers(99)))
        for corner in corners.tolist()
    )
    annotation = Annotation(name="a", size=(width, height), boxes=boxes)
    _, back = example.picture(example.record(PICTURE, annotation, labels=LABELS), name="x")
    assert [(box.label, box.area) for box in back.boxes] == [(box.label, box.area) for box in boxes]
    got = np.array([box.box for box in back.boxes]).reshape(-1, 4)
    np.testing.assert_allclose(got, corners, atol=max(width, height) * 2.0**-23)


def test_the_smallest_record_that_is_one() -> None:
    data = features(image__filename=None, image__height=None, image__width=None)
    picture, annotation = example.picture(data, name=NAME)
    box = TrueBox(label="cat", box=(10.0, 5.0, 20.0, 15.0), area=100.0)
    assert picture == PICTURE
    assert annotation == Annotation(name=NAME, size=(40, 20), boxes=(box,))


@pytest.mark.parametrize(
    ("changes", "label"),
    [
        ({}, "cat"),
        ({"image__object__class__label": integers(3)}, "cat"),
        ({"image__object__class__label": integers(3), "image__object__class__text": None}, "crème"),
        ({"image__object__class__label": integers(3), "image__object__class__text": []}, "crème"),
        ({"image__object__class__label": integers(3), "image__object__class__text": [b""]}, "crème"),
        ({"image__object__class__label": floats(), "image__object__class__text": [b"dog"]}, "dog"),
    ],
)
def test_a_class_is_its_text_or_else_its_id(changes: dict[str, Feature | None], label: str) -> None:
    _, annotation = example.picture(features(**changes), name=NAME, labels=LABELS)
    assert [box.label for box in annotation.boxes] == [label]


@pytest.mark.parametrize(
    "empty", [None, [], floats(), integers()], ids=["no list", "of bytes", "of floats", "of numbers"]
)
def test_a_picture_without_boxes(empty: Feature | None) -> None:
    _, annotation = example.picture(features(**dict.fromkeys(BOXLESS, empty)), name=NAME)
    assert annotation.boxes == ()


def test_what_has_no_place_in_an_annotation_is_passed_over() -> None:
    data = features(image__object__difficult=integers(1), image__object__mask=[b"", b""], other=floats(np.nan))
    assert example.picture(data, name=NAME) == example.picture(features(), name=NAME)


XMIN, TEXT, LABEL = "image__object__bbox__xmin", "image__object__class__text", "image__object__class__label"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"image__encoded": None}, "has no image/encoded.\nIt has 'image/filename', 'image/height'"),
        ({"image__encoded": [b""]}, "has no image/encoded"),
        ({"image__encoded": floats(1)}, "image/encoded holds floats, expected texts or bytes"),
        ({XMIN: None}, "image/object/bbox/xmin has 0 values, image/object/bbox/ymin has 1"),
        ({"image__object__bbox__ymax": floats(1, 1)}, "xmin has 1 values, image/object/bbox/ymax has 2"),
        ({TEXT: [b"cat", b"cat"]}, "xmin has 1 values, image/object/class/text has 2"),
        ({LABEL: integers(1, 1)}, "image/object/class/label has 2"),
        ({"image__object__is_crowd": integers(1, 1)}, "image/object/is_crowd has 2"),
        ({"image__object__area": floats(1, 1)}, "image/object/area has 2"),
        ({XMIN: floats(np.nan)}, "image/object/bbox/xmin holds nan, expected finite numbers"),
        ({XMIN: floats(-np.inf)}, "image/object/bbox/xmin holds -inf"),
        ({"image__object__area": floats(np.nan)}, "image/object/area holds nan"),
        ({XMIN: integers(0)}, "image/object/bbox/xmin holds whole numbers, expected floats"),
        ({LABEL: [b"1"]}, "image/object/class/label holds texts or bytes, expected whole numbers"),
        ({TEXT: integers(1)}, "image/object/class/text holds whole numbers, expected texts or bytes"),
        ({"image__width": floats(40)}, "image/width holds floats, expected whole numbers"),
        ({TEXT: None}, "a box has neither image/object/class/text nor image/object/class/label"),
        (
            {TEXT: None, LABEL: integers(2)},
            "image/object/class/label is 2, and no text says what that is.\nThe label map",
        ),
        ({TEXT: None, LABEL: integers(4)}, "The label map has no id 4"),
        ({TEXT: None, LABEL: integers(0)}, "The label map has no id 0"),
        ({TEXT: [b"\xe8"]}, "image/object/class/text is not UTF-8"),
        ({TEXT: [b"a\x1b"]}, "image/object/class/text: control character U+001B"),
        ({"image__filename": [b"\xff"]}, "image/filename is not UTF-8"),
        ({"image__width": integers(0), "image__encoded": [b"\xff\xd8\xff"]}, "image/encoded is not a picture"),
    ],
    ids=range(24),
)
def test_what_is_wrong_with_a_record_is_named(changes: dict[str, Feature | None], message: str) -> None:
    with pytest.raises(UserDataError) as caught:
        example.picture(features(**changes), name=NAME, labels=LABELS)
    assert message in str(caught.value)
    assert caught.value.what.startswith(NAME)


def test_an_id_without_a_label_map_asks_for_it() -> None:
    with pytest.raises(UserDataError, match="Give the label map"):
        example.picture(features(**{TEXT: None, LABEL: integers(1)}), name=NAME)


@pytest.mark.parametrize("data", [b"\xff", b"\x0a\x05abc", PICTURE, b"item { id: 1 }"], ids=range(4))
def test_what_is_no_example_is_refused(data: bytes) -> None:
    with pytest.raises(UserDataError, match=f"^{NAME} is no tf.train.Example"):
        example.picture(data, name=NAME)


def test_the_number_of_a_bad_record_is_said(tmp_path: Path) -> None:
    path = tmp_path / "x.record"
    tfrecord.write(path, [features(), features(), features(**{XMIN: floats(np.nan)})])
    with pytest.raises(UserDataError, match=f"^{path}, record 3: image/object/bbox/xmin holds nan"):
        list(example.pictures(path))


@pytest.mark.parametrize(
    ("picture", "label", "message"),
    [
        (encoded("BMP"), "cat", "folder/a.png is neither JPEG nor PNG"),
        (b"", "cat", "neither JPEG nor PNG"),
        (PICTURE, "cats", "folder/a.png: the label map has no label 'cats'.\nDid you mean 'cat'"),
        (PICTURE, GAP, "has no label '???'"),
    ],
    ids=range(4),
)
def test_what_cannot_be_written_is_named(picture: bytes, label: str, message: str) -> None:
    box = TrueBox(label=label, box=(0.0, 0.0, 1.0, 1.0), area=1.0)
    with pytest.raises(UserDataError) as caught:
        example.record(picture, Annotation(name="folder/a.png", size=(9, 9), boxes=(box,)), labels=LABELS)
    assert message in str(caught.value)


def test_damaged_records_are_pictures_or_a_clear_error() -> None:
    data = example.record(PICTURE, ANNOTATION, labels=LABELS)
    for seed in range(1500):
        with contextlib.suppress(EdgekitError):
            _, annotation = example.picture(mutate(data, seed), name=NAME, labels=LABELS)
            assert all(np.isfinite([*box.box, box.area]).all() for box in annotation.boxes)


@pytest.mark.slow
def test_tensorflow_reads_and_writes_the_same_examples() -> None:
    tensorflow = pytest.importorskip("tensorflow")
    data = example.record(PICTURE, ANNOTATION, labels=LABELS)
    theirs = tensorflow.train.Example.FromString(data)
    assert theirs.SerializeToString(deterministic=True) == data
    parsed = tensorflow.io.parse_single_example(
        data,
        {key: tensorflow.io.VarLenFeature(tensorflow.float32) for key in EDGES}
        | {
            "image/object/class/label": tensorflow.io.VarLenFeature(tensorflow.int64),
            "image/encoded": tensorflow.io.FixedLenFeature((), tensorflow.string),
        },
    )
    ours = example.decode(data, name="x")
    for key in (*EDGES, "image/object/class/label"):
        np.testing.assert_array_equal(parsed[key].values.numpy(), ours[key])
    assert parsed["image/encoded"].numpy() == PICTURE
    assert tensorflow.io.decode_image(parsed["image/encoded"]).shape == (20, 40, 3)
