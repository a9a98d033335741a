"""True boxes from VOC and COCO annotations."""

import contextlib
import json
from pathlib import Path

import numpy as np
import pytest

from edgekit.errors import UserDataError
from edgekit.formats import coco, truth, voc
from edgekit.vision import images

LABELS = ("red", "???", "green")


def voc_xml(*objects: tuple[str, str], size: str = "<size><width>200</width><height>100</height></size>") -> bytes:
    boxes = ""
    for label, numbers in objects:
        edges = zip(("xmin", "ymin", "xmax", "ymax"), numbers.split(), strict=False)
        inner = "".join(f"<{edge}>{number}</{edge}>" for edge, number in edges)
        boxes += f"<object><name>{label}</name><bndbox>{inner}</bndbox></object>"
    return f"<annotation><filename>elsewhere.jpg</filename>{size}{boxes}</annotation>".encode()


def coco_json(**changes: object) -> bytes:
    content = {
        "images": [{"id": 7, "file_name": "train/a.png", "width": 200, "height": 100}, {"id": 8, "file_name": "b.png"}],
        "categories": [{"id": 1, "name": "red"}, {"id": 5, "name": "green"}, {"id": 6, "name": "blue"}],
        "annotations": [
            {"id": 1, "image_id": 7, "category_id": 5, "bbox": [20, 10, 100, 50], "area": 4000, "iscrowd": 1},
            {"id": 2, "image_id": 7, "category_id": 6, "bbox": [0, 0, 5, 5]},
            {"id": 3, "image_id": 8, "category_id": 1, "bbox": [0, 0, 20, 10]},
            {"id": 4, "image_id": 8, "category_id": 1, "bbox": [3, 3, 0, 10]},
        ],
    }
    return json.dumps(content | changes).encode()


@pytest.fixture
def photos(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / "photos" / name for name in ("a.png", "b.png", "c.png")]
    paths[0].parent.mkdir()
    for path in paths:
        path.write_bytes(images.encode(np.zeros((50, 40, 3), np.uint8)))
    return paths


def test_voc(tmp_path: Path, photos: list[Path]) -> None:
    notes = tmp_path / "Annotations"
    notes.mkdir()
    (notes / "a.xml").write_bytes(voc_xml(("green", "20 10 120 60"), ("blue", "0 0 5 5"), ("red", "7 7 7 9")))
    (notes / "b.xml").write_bytes(
        voc_xml(("red", "4 5 20 25.5"), size="<size><width>0</width><height>0</height></size>")
    )
    read = truth.read(notes, labels=LABELS, pictures=photos)
    assert [picture.path for picture in read.pictures] == photos[:2]
    assert (read.without, dict(read.unknown), read.empty) == ((photos[2],), {"blue": 1}, 1)
    first, second = read.pictures
    np.testing.assert_allclose(first.boxes, [[0.1, 0.1, 0.6, 0.6]], rtol=1e-6)
    assert (first.classes.tolist(), first.areas.tolist(), first.crowd.tolist()) == ([2], [5000], [False])
    assert (second.width, second.height) == (40, 50)  # the picture's own, where the file says zeros
    np.testing.assert_allclose(second.boxes, [[0.1, 0.1, 0.5, 0.51]], rtol=1e-6)


def test_coco(tmp_path: Path, photos: list[Path]) -> None:
    path = tmp_path / "instances.json"
    path.write_bytes(coco_json())
    read = truth.read(path, labels=LABELS, pictures=photos)
    assert (read.without, dict(read.unknown), read.empty) == ((photos[2],), {"blue": 1}, 1)
    first, second = read.pictures
    np.testing.assert_allclose(first.boxes, [[0.1, 0.1, 0.6, 0.6]], rtol=1e-6)
    assert (first.classes.tolist(), first.areas.tolist(), first.crowd.tolist()) == ([2], [4000], [True])
    np.testing.assert_allclose(second.boxes, [[0, 0, 0.5, 0.2]], rtol=1e-6)


def test_the_longest_matching_file_name_wins(tmp_path: Path) -> None:
    names = ("train/a.png", "val/a.png")
    content = [{"id": n, "file_name": name, "width": 10 + n, "height": 10} for n, name in enumerate(names)]
    path = tmp_path / "x.json"
    path.write_bytes(coco_json(images=content, annotations=[]))
    read = truth.read(path, labels=LABELS, pictures=[Path("/data/val/a.png")])
    assert read.pictures[0].width == 11
    with pytest.raises(UserDataError, match="Keep their folders"):
        truth.read(path, labels=LABELS, pictures=[Path("/data/a.png")])


def test_truth_that_belongs_to_nothing_is_refused(tmp_path: Path, photos: list[Path]) -> None:
    path = tmp_path / "x.json"
    path.write_bytes(coco_json())
    with pytest.raises(UserDataError, match="no annotation for any"):
        truth.read(path, labels=LABELS, pictures=photos[2:])
    with pytest.raises(UserDataError, match="Did you mean 'redd'"):
        truth.read(path, labels=("redd",), pictures=photos)
    with pytest.raises(UserDataError, match=r"no \.xml files"):
        truth.read(photos[0].parent, labels=LABELS, pictures=photos)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "not valid XML"),
        (b"<annotation>", "not valid XML"),
        (b"<html></html>", "its root is <html>"),
        (b'<!DOCTYPE a [<!ENTITY x "y">]><annotation/>', "document type"),
        (voc_xml(("red", "1 2 3")), "no box of four numbers"),
        (voc_xml(("red", "1 2 3 x")), "no box of four numbers"),
        (voc_xml(("", "1 2 3 4")), "has no name"),
    ],
)
def test_bad_voc_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(UserDataError, match=message):
        voc.parse(data, name="a.xml")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "not valid JSON"),
        (b"[]", "no COCO annotation"),
        (b"{}", "'categories' is missing"),
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


def test_damaged_annotations_are_a_clear_error_or_boxes() -> None:
    for parse, data in ((voc.parse, voc_xml(("red", "1 2 3 4"))), (coco.parse, coco_json())):
        for place in range(0, len(data), 3):
            for value in (0, 0x2D, 0x65, 0x7D, 0xFF):
                with contextlib.suppress(UserDataError):
                    parse(data[:place] + bytes([value]) + data[place + 1 :], name="a")


@pytest.mark.real
def test_published_voc(real: Path) -> None:
    pictures = images.pictures(real / "bccd" / "JPEGImages")
    read = truth.read(real / "bccd" / "Annotations", labels=("RBC", "WBC", "Platelets"), pictures=pictures)
    counts = np.bincount(np.concatenate([picture.classes for picture in read.pictures]))
    # 4155 red cells are annotated; two of them are a single point
    assert (counts.tolist(), read.empty, len(read.pictures), read.unknown) == ([4153, 372, 361], 2, 364, {})


@pytest.mark.real
def test_published_coco(real: Path) -> None:
    folder = real / "coco_mini" / "coco_data"
    names = [category["name"] for category in json.loads((folder / "labels.json").read_text())["categories"]]
    read = truth.read(folder / "labels.json", labels=names, pictures=images.pictures(folder / "images"))
    assert [len(picture.classes) for picture in read.pictures] == [2, 1, 38, 3, 13]
    assert (read.without, read.unknown, read.empty) == ((), {}, 0)
    vase = read.pictures[1]  # its box as published: 466.9 120.0 214.1 235.9
    edges = vase.boxes[0] * [vase.width, vase.height, vase.width, vase.height]
    np.testing.assert_allclose(edges, [466.865, 120.025, 466.865 + 214.130, 120.025 + 235.910], atol=2e-3)
