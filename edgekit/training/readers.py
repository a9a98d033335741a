"""Data sets in the forms that people have: Pascal VOC folders, COCO files, TFRecords of the Object Detection API."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import UsageError, UserDataError
from ..formats import coco, example, labels, tfrecord, voc
from ..system import read_file
from ..values.truth import Annotation
from ..vision.images import SUFFIXES
from .data import Listed, Listing, hold_out

ANNOTATIONS, LISTS = "Annotations", "ImageSets/Main"
PICTURES = ("JPEGImages", "images")
IMAGES = "images"  # of edgekit's own data sets, beside the .json
TRAIN, VALIDATION = "train", "val"
LABELS = "labels.txt"
FORMS = (
    "Give a Pascal VOC folder (Annotations/ and JPEGImages/), a folder with one COCO .json, the .json itself, or "
    "TFRecord files as a pattern such as 'data/train.record-*'."
)
WILD = "*?@["


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """How a data set is to be read. pictures: their folder, where the annotations do not lead to them.

    train, validation: names of lists in a VOC folder's ImageSets/Main. hold_out: whether some pictures are held out for
    validation where there is no such list. names: of the classes of TFRecords that only have numbers; 1 comes first.
    """

    pictures: Path | None = None
    train: str = TRAIN
    validation: str = VALIDATION
    hold_out: bool = True
    names: tuple[str, ...] = ()


def read(place: Path, wanted: Wanted | None = None) -> Listing:
    """The data set at ``place``; its form is seen, not asked for. Raises UserDataError, UsageError."""
    for reader in READERS.values():
        found = reader(place, wanted or Wanted())
        if found is not None:
            return found
    if not place.exists() and not _is_pattern(place):
        raise UsageError(f"There is no data set {place}.", fix="Check the path.")
    raise UserDataError(f"{place} is no data set that edgekit knows.", fix=FORMS)


def _listing(listed: Sequence[Listed], wanted: Wanted, names: tuple[str, ...] = ()) -> Listing:
    """Of a data set without lists of its own."""
    if (wanted.train, wanted.validation) != (TRAIN, VALIDATION):
        raise UsageError(
            "The data set has no lists to choose from.",
            cause=f"Only Pascal VOC folders have them, in {LISTS}.",
            fix="Leave out --split and --validation-split, or name another data set with --validation.",
        )
    train, validation = hold_out(listed) if wanted.hold_out else (tuple(listed), ())
    return Listing(train=train, validation=validation, labels=names)


def _voc(place: Path, wanted: Wanted) -> Listing | None:
    folder = next((place / name for name in (ANNOTATIONS, ANNOTATIONS.lower()) if (place / name).is_dir()), place)
    if not folder.is_dir() or not any(folder.glob("*.xml")):
        return None
    annotations: dict[str, Annotation] = {}
    for one in voc.read(folder):
        if annotations.setdefault(one.name, one) is not one:
            raise UserDataError(f"{folder} has two annotations named {one.name}.xml.", fix="Rename or remove one.")
    beside = (*(place / name for name in PICTURES), place)
    pictures = _Pictures(wanted.pictures or next(path for path in beside if path.is_dir()))
    own = labels.read(place / LABELS) if (place / LABELS).is_file() else ()
    lists = place / LISTS
    for name, usual in ((wanted.train, TRAIN), (wanted.validation, VALIDATION)):
        if name != usual and not (lists / f"{name}.txt").is_file():
            known = sorted(path.stem for path in lists.glob("*.txt"))
            fix = labels.nearest(name, known, kind="lists") if known else "Leave the option out: there are no lists."
            raise UsageError(f"There is no list {lists / name}.txt.", fix=fix)
    if not (lists / f"{wanted.train}.txt").is_file():
        return _listing([pictures.of(one, folder) for one in annotations.values()], wanted, own)
    train, validation = (
        tuple(pictures.of(_annotation(name, annotations, lists), folder) for name in _names(lists, split))
        for split in (wanted.train, wanted.validation)
    )
    if wanted.hold_out and not validation:
        train, validation = hold_out(train)
    return Listing(train=train, validation=validation, labels=own)


class _Pictures:
    """The pictures in a folder, by the names of their annotations."""

    def __init__(self, folder: Path) -> None:
        if not folder.is_dir():
            raise UsageError(f"There is no folder {folder}.", fix="Check the path.")
        self._folder = folder
        self._files = {path.stem: path for path in sorted(folder.iterdir()) if path.suffix.lower() in SUFFIXES}

    def of(self, annotation: Annotation, folder: Path) -> Listed:
        """folder: that of the annotation, for the message."""
        path = self._files.get(annotation.name)
        if path is None:
            raise UserDataError(
                f"There is no picture for {folder / annotation.name}.xml.",
                cause=f"Looked in {self._folder} for {annotation.name} with {', '.join(SUFFIXES)}.",
                fix="Put it there, name the folder with --pictures, or take the annotation out.",
            )
        return Listed(name=path.name, path=path, annotation=annotation)


def _annotation(name: str, annotations: dict[str, Annotation], lists: Path) -> Annotation:
    if name not in annotations:
        raise UserDataError(f"{lists} names {name!r}, which has no annotation.", fix="Take it out of the list.")
    return annotations[name]


def _names(lists: Path, split: str) -> tuple[str, ...]:
    """Names in a list of VOC; lists of one class have a flag behind each, which says whether it is there."""
    path = lists / f"{split}.txt"
    if not path.is_file():
        return ()
    lines = labels.text_of(read_file(path), str(path)).split("\n")
    return tuple(line.split()[0] for line in lines if line.strip() and line.split()[-1] != "-1")


def _coco(place: Path, wanted: Wanted) -> Listing | None:
    path = place
    if place.is_dir():
        files = sorted(place.glob("*.json"))
        if len(files) > 1:
            raise UserDataError(
                f"{place} has {len(files)} .json files.", fix=f"Give one of them, such as {files[0]}, instead."
            )
        if not files:
            return None
        path = files[0]
    if path.suffix.lower() != ".json":
        return None
    folder = wanted.pictures or path.parent
    inner = folder / IMAGES
    listed = []
    annotations, names = coco.read_labelled(path)
    for annotation in annotations:
        file = inner / annotation.name if (inner / annotation.name).is_file() else folder / annotation.name
        if not file.is_file():
            raise UserDataError(
                f"There is no picture {file}, which {path.name} names.",
                fix="Put it there, or name the folder of the pictures with --pictures.",
            )
        listed.append(Listed(name=annotation.name, path=file, annotation=annotation))
    return _listing(listed, wanted, names)


def _tfrecord(place: Path, wanted: Wanted) -> Listing | None:
    if not _is_pattern(place) and not (place.is_file() and "record" in place.name) and place.suffix != ".tfrecord":
        return None
    return _listing(records([str(place)], wanted.names), wanted)


def _is_pattern(place: Path) -> bool:
    return any(mark in os.fspath(place) for mark in WILD)


def records(patterns: Sequence[str], names: Sequence[str] = ()) -> tuple[Listed, ...]:
    """The pictures in TFRecord files. names: the label map, for records that only have numbers."""
    listed = []
    for path in (path for pattern in patterns for path in tfrecord.paths(pattern)):
        for number, (start, data) in enumerate(tfrecord.located(path), start=1):
            encoded, annotation = example.picture(data, name=f"{path}, record {number}", labels=names)
            listed.append(
                Listed(
                    name=f"{path.name}, record {number}",
                    path=path,
                    annotation=annotation,
                    start=start + data.index(encoded),
                    length=len(encoded),
                )
            )
    return tuple(listed)


READERS: dict[str, Callable[[Path, Wanted], Listing | None]] = {
    "voc": _voc,
    "coco": _coco,
    "tfrecord": _tfrecord,
}
