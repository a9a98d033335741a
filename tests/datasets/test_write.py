"""Data sets in folders: what is written is read back, and nothing else is ever overwritten."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from edgekit import datasets
from edgekit.datasets.picture import Picture
from edgekit.datasets.shelf import write as write_shelf
from edgekit.errors import EdgekitError, StorageError, UsageError
from edgekit.formats import groups as group_files
from edgekit.formats import labels as label_files
from edgekit.vision import images, truth

LABELS = ("red", "green")
GROUPS = {"warm": ("red",), "cold": ("green",)}


def picture(seed: int) -> Picture:
    random = np.random.default_rng(seed)
    corners = np.sort(random.random((3, 2, 2)), axis=1).reshape(3, 4).astype(np.float32)
    return Picture(
        pixels=random.integers(0, 256, (40, 60, 3), np.uint8),
        boxes=corners,
        classes=np.array([0, 1, 1], np.int64),
        crowd=np.array([False, True, False]),
    )


def write(folder: Path, *, count: int = 3, **options: str) -> int:
    return datasets.write(folder, map(picture, range(count)), labels=LABELS, groups=GROUPS, **options)


def names(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.name != ".edgekit.lock")


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
@pytest.mark.parametrize(("form", "listed"), [("coco", "annotations.json"), ("voc", "annotations")])
def test_what_is_written_is_read_back(tmp_path: Path, form: str, listed: str, suffix: str) -> None:
    out = tmp_path / "deeper" / "set"
    assert write(out, form=form, suffix=suffix) == 3
    files = images.pictures(out / "images")
    assert [path.name for path in files] == [f"00000{number}{suffix}" for number in (1, 2, 3)]
    found = truth.read(out / listed, labels=LABELS, pictures=files)
    assert (found.without, found.unknown, found.empty) == ((), {}, 0)
    for seed, one in enumerate(found.pictures):
        true = picture(seed)
        assert (one.width, one.height) == (60, 40)
        np.testing.assert_allclose(one.boxes * [60, 40, 60, 40], true.boxes * [60, 40, 60, 40], atol=0.002)
        np.testing.assert_array_equal(one.classes, true.classes)
        np.testing.assert_array_equal(one.crowd, true.crowd)
        if suffix == ".png":
            np.testing.assert_array_equal(images.load(one.path), true.pixels)
    assert label_files.read(out / "labels.txt") == LABELS
    assert group_files.read(out / "groups.toml", LABELS) == GROUPS


def test_an_older_data_set_is_replaced_whole(tmp_path: Path) -> None:
    write(tmp_path, count=5)
    write(tmp_path, count=2, form="voc")
    expected = ["annotations", "annotations/000001.xml", "annotations/000002.xml", "groups.toml"]
    expected += ["images", "images/000001.jpg", "images/000002.jpg", "labels.txt"]
    assert names(tmp_path) == expected


@pytest.mark.parametrize("name", ["holiday.jpg", "images/holiday.jpg", "annotations.json"])
def test_a_folder_with_something_else_is_left_alone(tmp_path: Path, name: str) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("mine")
    with pytest.raises(StorageError, match=f"holds something else: {name.split('/')[0]}"):
        write(tmp_path)
    assert (tmp_path / name).read_text() == "mine"


def test_a_run_that_fails_leaves_the_older_data_set(tmp_path: Path) -> None:
    def broken() -> Iterator[Picture]:
        yield picture(9)
        raise KeyboardInterrupt

    write(tmp_path)
    before = {name: (tmp_path / name).read_bytes() for name in names(tmp_path) if (tmp_path / name).is_file()}
    with pytest.raises(KeyboardInterrupt):
        datasets.write(tmp_path, broken(), labels=LABELS, groups=GROUPS)
    assert {name: (tmp_path / name).read_bytes() for name in names(tmp_path) if (tmp_path / name).is_file()} == before


def test_progress_is_told(tmp_path: Path) -> None:
    told: list[int] = []
    datasets.write(tmp_path, map(picture, range(3)), labels=LABELS, groups=GROUPS, progress=told.append)
    assert told == [1, 2, 3]


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"count": 0}, UsageError, "at least one picture"),
        ({"form": "yolo"}, UsageError, "no form 'yolo'"),
        ({"suffix": ".gif"}, UsageError, r"no suffix '\.gif'"),
    ],
)
def test_bad_input(tmp_path: Path, options: dict[str, object], error: type[EdgekitError], message: str) -> None:
    with pytest.raises(error, match=message):
        write(tmp_path / "set", **options)  # type: ignore[arg-type]
    assert not (tmp_path / "set").exists()


@pytest.mark.parametrize(("place", "message"), [("file", "is a file"), ("file/set", "cannot be written")])
def test_places_that_are_no_folders(tmp_path: Path, place: str, message: str) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(StorageError, match=message):
        write(tmp_path / place)
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.parametrize(
    ("options", "message"), [({"count": 0}, "0 pictures"), ({"count": -2}, "-2 pictures"), ({"size": 20}, "20 × 20")]
)
def test_shelves_without_sense_are_refused(tmp_path: Path, options: dict[str, int], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        write_shelf(tmp_path / "set", **{"count": 1, **options})
    assert not (tmp_path / "set").exists()
