"""What is no COCO annotation."""

import contextlib
import json

import pytest

from edgekit.errors import UserDataError
from edgekit.formats import coco
from edgekit.values.truth import Annotation, TrueBox

from .annotations import coco_json


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "is empty"),
        (b"{", "not valid JSON"),
        (b"[]", "no COCO annotation"),
        (b"{}", "'categories' is missing"),
        (
            coco_json(images=[{"id": 7, "file_name": "a"}, {"id": 7, "file_name": "b"}]),
            "two of its images have the id 7",
        ),
        (coco_json(categories=[{"id": 1, "name": "a"}, {"id": 1, "name": "b"}]), "two of its categories have the id 1"),
        (coco_json(images=[]), "belongs to no image"),
        (coco_json(categories=[]), "belongs to no category"),
        (coco_json(annotations=[{"image_id": 7, "category_id": 1, "bbox": [1, 2, 3]}]), "no COCO annotation"),
        (coco_json(annotations=[{"image_id": 7, "category_id": 1}]), "'bbox' is missing"),
        (coco_json(images=[{"id": [1], "file_name": "a"}]), "no COCO annotation"),
    ],
)
def test_bad_coco_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(UserDataError, match=message):
        coco.parse(data, name="a.json")


def test_what_is_encoded_is_parsed() -> None:
    boxes = (
        TrueBox(label="green", box=(1.5, 2.125, 30.25, 4.0), area=50.0),
        TrueBox(label="rød", box=(0.0, 0.0, 5.0, 5.0), area=25.0, crowd=True),
    )
    annotations = (
        Annotation(name="a.png", size=(200, 100), boxes=boxes),
        Annotation(name="b/c.png", size=(1, 2), boxes=()),
    )
    data = coco.encode(annotations, ("rød", "green"))
    assert coco.parse(data, name="a.json") == annotations
    assert [entry["id"] for entry in json.loads(data)["annotations"]] == [1, 2]
    assert [entry["category_id"] for entry in json.loads(data)["annotations"]] == [2, 1]


@pytest.mark.parametrize(
    ("size", "label", "message"), [(None, "red", "expected a size"), ((9, 9), "blue", "labels among red, green")]
)
def test_what_coco_cannot_say_is_not_encoded(size: tuple[int, int] | None, label: str, message: str) -> None:
    one = Annotation(name="a.png", size=size, boxes=(TrueBox(label=label, box=(0, 0, 1, 1), area=1),))
    with pytest.raises(ValueError, match=message):
        coco.encode([one], ("red", "green"))


def test_damaged_bytes_are_a_clear_error_or_boxes() -> None:
    data = coco_json()
    for place in range(0, len(data), 3):
        for value in (0, 0x2D, 0x65, 0x7D, 0xFF):
            with contextlib.suppress(UserDataError):
                coco.parse(data[:place] + bytes([value]) + data[place + 1 :], name="a")
