"""True boxes of pictures, from VOC and COCO annotations."""

import json
from pathlib import Path

import numpy as np
import pytest

from edgekit.errors import UserDataError
from edgekit.values.answers import Detections
from edgekit.values.truth import Truth
from edgekit.vision import images, truth
from tests.formats.annotations import coco_json, voc_xml

LABELS = ("red", "???", "green")


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


def test_a_full_name_counts_before_the_end_of_another(tmp_path: Path) -> None:
    names = ("cat.jpg", "a/cat.jpg", "b/dog.jpg", "c/dog.jpg")
    content = [{"id": n, "file_name": name, "width": 10 + n, "height": 10} for n, name in enumerate(names)]
    path = tmp_path / "x.json"
    path.write_bytes(coco_json(images=content, annotations=[]))
    pictures = [Path("/data/cat.jpg"), Path("/data/a/cat.jpg"), Path("/data/z/cat.jpg")]
    read = truth.read(path, labels=LABELS, pictures=pictures)
    assert [picture.width for picture in read.pictures] == [10, 11, 10]
    with pytest.raises(UserDataError, match="Keep their folders"):
        truth.read(path, labels=LABELS, pictures=[Path("/data/dog.jpg")])


def test_truth_that_belongs_to_nothing_is_refused(tmp_path: Path, photos: list[Path]) -> None:
    path = tmp_path / "x.json"
    path.write_bytes(coco_json())
    with pytest.raises(UserDataError, match="no annotation for any"):
        truth.read(path, labels=LABELS, pictures=photos[2:])
    with pytest.raises(UserDataError, match="Did you mean 'redd'"):
        truth.read(path, labels=("redd",), pictures=photos)
    with pytest.raises(UserDataError, match=r"The labels are: pear, fig, nut$"):
        truth.read(path, labels=("pear", "fig", "nut", "fig"), pictures=photos)
    for name, content in (("labels.txt", "red"), ("list.json", "[]"), ("cut.json", "{")):
        (tmp_path / name).write_text(content)
        with pytest.raises(UserDataError) as caught:
            truth.read(tmp_path / name, labels=LABELS, pictures=photos)
        assert caught.value.fix == truth.FORMS
    with pytest.raises(UserDataError, match=r"no \.xml files"):
        truth.read(photos[0].parent, labels=LABELS, pictures=photos)


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


def one_picture(classes: list[int], *, crowd: tuple[int, ...] = ()) -> Truth:
    """Objects side by side."""
    n = len(classes)
    left = np.arange(n) / n
    boxes = np.stack([left, np.full(n, 0.1), left + 0.9 / n, np.full(n, 0.9)], axis=1).astype(np.float32)
    hidden = np.isin(np.arange(n), crowd)
    areas = np.ones(n, np.float32)
    return Truth(
        path=Path("a.png"), width=9, height=9, boxes=boxes, classes=np.array(classes), crowd=hidden, areas=areas
    )


def scored(true: Truth, scores: list[float], classes: list[int]) -> Detections:
    return Detections(boxes=true.boxes, scores=np.array(scores, np.float32), classes=np.array(classes))


def test_the_perfect_answer_leaves_crowds_out() -> None:
    answer = truth.perfect(one_picture([0, 1, 2], crowd=(1,)))
    assert (answer.classes.tolist(), answer.scores.tolist()) == ([0, 2], [1, 1])


def test_what_is_found_in_a_crowd_is_not_asked_for() -> None:
    true = one_picture([0, 1, 2], crowd=(1,))
    assert truth.asked(scored(true, [0.9, 0.8, 0.7], [0, 1, 2]), true).scores.tolist() == pytest.approx([0.9, 0.7])
    assert len(truth.asked(scored(true, [0.9, 0.8, 0.7], [0, 2, 2]), true)) == 3  # another class than the crowd's


@pytest.mark.parametrize(
    ("scores", "classes", "best"),
    [
        ([0.9, 0.8, 0.3, 0.2], [0, 0, 0, 1], 0.3),  # the last is wrong and scores least
        ([0.9, 0.4, 0.3, 0.2], [0, 1, 1, 1], 0.9),
        ([0.9, 0.8, 0.7, 0.6], [0, 0, 0, 0], 0.6),
        ([], [], 0.5),
    ],
)
def test_the_best_score_to_show_answers_from(scores: list[float], classes: list[int], best: float) -> None:
    true = one_picture([0, 0, 0, 0])
    found = scored(true, scores, classes) if scores else truth.perfect(true).above(2)
    assert truth.best_score([(found, true)]) == pytest.approx(best)
