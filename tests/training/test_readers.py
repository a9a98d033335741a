"""Data sets in the forms that people have."""

from pathlib import Path

import numpy as np
import pytest

from edgekit.errors import EdgekitError, UsageError, UserDataError
from edgekit.formats import coco, example, tfrecord, voc
from edgekit.training.data import Listed, Listing, check
from edgekit.training.readers import Wanted, read, records
from edgekit.values.truth import Annotation

from .pictures import SIZE, box, encoded

NAMES = tuple(f"p{number:02}" for number in range(24))


def annotation(name: str) -> Annotation:
    return Annotation(name=name, size=SIZE, boxes=(box("red"), box("green", 0.0, 0.0, 5.0, 8.0, crowd=True)))


def voc_set(root: Path, *, pictures: str = "JPEGImages", lists: dict[str, str] | None = None) -> Path:
    for folder in (root / "Annotations", root / pictures):
        folder.mkdir(parents=True, exist_ok=True)
    for number, name in enumerate(NAMES):
        (root / "Annotations" / f"{name}.xml").write_bytes(voc.encode(annotation(name)))
        (root / pictures / f"{name}.png").write_bytes(encoded(number))
    for name, text in (lists or {}).items():
        (root / "ImageSets" / "Main").mkdir(parents=True, exist_ok=True)
        (root / "ImageSets" / "Main" / f"{name}.txt").write_text(text)
    return root


def coco_set(root: Path, *, pictures: str = "images") -> Path:
    (root / pictures / "sub").mkdir(parents=True)
    names = [f"sub/{name}.png" for name in NAMES]
    for number, name in enumerate(names):
        (root / pictures / name).write_bytes(encoded(number))
    (root / "set.json").write_bytes(coco.encode([annotation(name) for name in names], ("red", "blue", "green")))
    return root


def record_set(root: Path) -> Path:
    data = [
        example.record(encoded(number), annotation(f"{name}.png"), labels=("red", "green"))
        for number, name in enumerate(NAMES)
    ]
    for shard in range(3):
        tfrecord.write(root / f"train.record-{shard:05}-of-00003", data[shard::3])
    return root


def names_of(pictures: tuple[Listed, ...]) -> list[str]:
    return [one.name for one in pictures]


def expect_whole(found: Listing, labels: tuple[str, ...] = ()) -> None:
    """Every picture once, some held out, each with its boxes and bytes; and all of it can be trained on."""
    every = (*found.train, *found.validation)
    assert len(set(names_of(every))) == len(every) == len(NAMES)
    assert found.train
    assert found.validation
    assert found.labels == labels
    read_back = {one.read() for one in every}
    assert read_back == {encoded(number) for number in range(len(NAMES))}
    for one in every:
        assert [(true.label, true.crowd) for true in one.annotation.boxes] == [("red", False), ("green", True)]
        np.testing.assert_allclose(
            [true.box for true in one.annotation.boxes], [(10, 5, 30, 15), (0, 0, 5, 8)], atol=1e-5
        )
    assert len(check(found).train) == len(found.train)


@pytest.mark.parametrize("pictures", ["JPEGImages", "images", "."])
def test_voc_without_lists(tmp_path: Path, pictures: str) -> None:
    expect_whole(read(voc_set(tmp_path, pictures=pictures)))


def test_voc_pictures_elsewhere_and_labels_of_its_own(tmp_path: Path) -> None:
    root = voc_set(tmp_path / "set", pictures="../photos")
    with pytest.raises(UserDataError, match=r"(?s)no picture for .*p00\.xml.*Looked in .*set for p00 with .*\.png"):
        read(root)
    (root / "labels.txt").write_text("red\ngreen\n")
    expect_whole(read(root, Wanted(pictures=tmp_path / "photos")), ("red", "green"))
    with pytest.raises(UsageError, match=r"no folder .*photo\."):
        read(root, Wanted(pictures=tmp_path / "photo"))


def test_voc_beside_its_pictures(tmp_path: Path) -> None:
    root = voc_set(tmp_path, pictures="Annotations")
    expect_whole(read(root / "Annotations"))


def test_voc_lists(tmp_path: Path) -> None:
    root = voc_set(
        tmp_path,
        lists={"train": "p03\np01\n\n", "val": "p02\n", "small": "p04\n", "red_train": "p05  1\np06 -1\np07  0\n"},
    )
    for options, train, validation in (
        (Wanted(), ["p03.png", "p01.png"], ["p02.png"]),
        (Wanted(train="small", validation="train"), ["p04.png"], ["p03.png", "p01.png"]),
        (Wanted(train="red_train", hold_out=False), ["p05.png", "p07.png"], ["p02.png"]),
    ):
        found = read(root, options)
        assert (names_of(found.train), names_of(found.validation)) == (train, validation)


def test_a_list_to_train_on_alone_is_divided(tmp_path: Path) -> None:
    root = voc_set(tmp_path, lists={"train": "".join(f"{name}\n" for name in NAMES[:12])})
    found = read(root)
    assert found.validation
    assert {*names_of(found.train), *names_of(found.validation)} == {f"{name}.png" for name in NAMES[:12]}
    assert (len(read(root, Wanted(hold_out=False)).train), read(root, Wanted(hold_out=False)).validation) == (12, ())


def test_nothing_is_held_out_where_there_is_another_data_set_for_that(tmp_path: Path) -> None:
    for place in (voc_set(tmp_path / "a"), coco_set(tmp_path / "b"), record_set(tmp_path / "c") / "train.record-*"):
        found = read(place, Wanted(hold_out=False))
        assert (len(found.train), found.validation) == (len(NAMES), ())


def test_voc_lists_that_are_not_there(tmp_path: Path) -> None:
    root = voc_set(tmp_path, lists={"train": "p03\n", "val": "p99\n"})
    with pytest.raises(UserDataError, match="names 'p99', which has no annotation"):
        read(root)
    for wanted in (Wanted(train="trian"), Wanted(validation="trian")):
        with pytest.raises(UsageError, match=r"(?s)no list .*trian\.txt.*Did you mean 'train'"):
            read(root, wanted)
    with pytest.raises(UsageError, match=r"(?s)no list .*x\.txt.*The lists are: train, val"):
        read(root, Wanted(train="x"))
    for place in (coco_set(tmp_path / "coco"), record_set(tmp_path / "records") / "train.record-*"):
        with pytest.raises(UsageError, match=r"(?s)no lists to choose from.*--split"):
            read(place, Wanted(train="small"))


def test_two_voc_annotations_of_one_name(tmp_path: Path) -> None:
    root = voc_set(tmp_path)
    (root / "Annotations" / "more").mkdir()
    (root / "Annotations" / "more" / "p00.xml").write_bytes(voc.encode(annotation("p00")))
    with pytest.raises(UserDataError, match=r"two annotations named p00\.xml"):
        read(root)


@pytest.mark.parametrize("pictures", ["images", "."])
@pytest.mark.parametrize("place", [".", "set.json"])
def test_coco(tmp_path: Path, place: str, pictures: str) -> None:
    expect_whole(read(coco_set(tmp_path, pictures=pictures) / place), ("red", "blue", "green"))


def test_coco_pictures_elsewhere(tmp_path: Path) -> None:
    root = coco_set(tmp_path / "set", pictures="../photos")
    with pytest.raises(UserDataError, match=r"no picture .*p00\.png, which set\.json names") as caught:
        read(root)
    assert "--pictures" in caught.value.fix
    expect_whole(read(root, Wanted(pictures=tmp_path / "photos")), ("red", "blue", "green"))


def test_a_folder_with_two_coco_files_is_not_guessed(tmp_path: Path) -> None:
    root = coco_set(tmp_path)
    (root / "other.json").write_text("{}")
    with pytest.raises(UserDataError, match=r"(?s)has 2 \.json files.*other\.json"):
        read(root)


def test_tfrecords(tmp_path: Path) -> None:
    root = record_set(tmp_path)
    found = read(root / "train.record-*")
    expect_whole(found)
    assert names_of(found.train + found.validation)[0].startswith("train.record-00000-of-00003, record ")
    one = read(root / "train.record-00001-of-00003")
    assert len(one.train) + len(one.validation) == 8
    assert names_of(records([str(root / "train.record-*")])) == names_of(records([str(root / "train.record@3")]))


def test_records_with_numbers_alone_need_the_label_map(tmp_path: Path) -> None:
    whole = example.decode(example.record(encoded(), annotation("a.png"), labels=("red", "green")), name="x")
    tfrecord.write(tmp_path / "x.tfrecord", [example.encode({k: v for k, v in whole.items() if k != example.TEXT})])
    (one,) = records([str(tmp_path / "x.tfrecord")], ["red", "green"])
    assert [true.label for true in one.annotation.boxes] == ["red", "green"]
    with pytest.raises(UserDataError, match=r"x\.tfrecord, record 1: .*label.*(?s:.*)label map"):
        read(tmp_path / "x.tfrecord")


@pytest.mark.parametrize(
    ("place", "error", "message"),
    [
        ("nowhere", UsageError, "There is no data set"),
        ("nowhere.json", UsageError, "There is no file"),
        ("nowhere.tfrecord", UsageError, "There is no file"),
        ("nowhere/train-*", UsageError, "There is no file"),
        ("empty", UserDataError, "(?s)no data set that edgekit knows.*Pascal VOC"),
        ("photos", UserDataError, "no data set that edgekit knows"),
        ("text.txt", UserDataError, "no data set that edgekit knows"),
        ("list.json", UserDataError, "no COCO annotation"),
        ("text.tfrecord", UserDataError, "no TFRecord file"),
    ],
)
def test_what_is_no_data_set(tmp_path: Path, place: str, error: type[EdgekitError], message: str) -> None:
    for folder in ("empty", "photos"):
        (tmp_path / folder).mkdir()
    (tmp_path / "photos" / "a.png").write_bytes(encoded())
    for name, text in (("text.txt", "cat\n"), ("list.json", "[]"), ("text.tfrecord", "cat " * 20)):
        (tmp_path / name).write_text(text)
    with pytest.raises(error, match=message):
        read(tmp_path / place)
