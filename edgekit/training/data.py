"""Pictures with true boxes to learn from and to be judged on, checked before anything is trained."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import UserDataError
from ..formats.labels import GAP, nearest
from ..system import read_range
from ..values.truth import Annotation, TrueBox, Truth
from ..vision import images, truth
from ..vision.images import Pixels

SHARE = 10  # of so many pictures one is for validation, where the data set has no split of its own
NAMED = 3  # examples of a kind of trouble that a message names


@dataclass(frozen=True, kw_only=True)
class Listed:
    """One picture of a data set as its files have it. start, length: its place in ``path``; length 0: all of it.

    name: for messages and for the split; unlike the path it is the same wherever the data set lies.
    """

    name: str
    path: Path
    annotation: Annotation
    start: int = 0
    length: int = 0

    def read(self) -> bytes:
        """The encoded picture."""
        return read_range(self.path, self.start, self.length)


@dataclass(frozen=True, kw_only=True)
class Listing:
    """A data set as its files have it. labels: of its own, empty where it names none; gaps are '???'."""

    train: tuple[Listed, ...]
    validation: tuple[Listed, ...]
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, eq=False)
class Example:
    """One picture and its true boxes, in classes of the data set."""

    listed: Listed
    truth: Truth

    def pixels(self) -> Pixels:
        """uint8 (h, w, 3), RGB. Raises UserDataError where the picture is damaged or of another size than was said."""
        pixels = images.decode(self.listed.read(), self.listed.name)
        if pixels.shape[:2] != (self.truth.height, self.truth.width):
            raise _other_size(self.listed, pixels.shape[1::-1], (self.truth.width, self.truth.height))
        return pixels


@dataclass(frozen=True, kw_only=True, eq=False)
class DataSet:
    """What to learn from (train) and what to be judged on (validation). notes: what was left out, as sentences."""

    labels: tuple[str, ...]
    train: tuple[Example, ...]
    validation: tuple[Example, ...]
    notes: tuple[str, ...]

    def digest(self) -> str:
        """sha256 of all that is learnt from: names, encoded pictures and boxes."""
        found = hashlib.sha256(repr((self.labels, len(self.train))).encode())
        for example in (*self.train, *self.validation):
            found.update(example.listed.name.encode())
            found.update(example.listed.read())
            found.update(
                example.truth.boxes.tobytes() + example.truth.classes.tobytes() + example.truth.crowd.tobytes()
            )
        return found.hexdigest()


def check(listing: Listing, *, labels: Sequence[str] = ()) -> DataSet:
    """A data set that can be trained on. labels: the classes and their order, before those of the data set itself.

    Raises UserDataError for pictures that are missing, broken or of another size than their annotation says, for
    boxes inside out or outside, for classes that differ by case only, and where there is nothing to learn.
    """
    listed = (*listing.train, *listing.validation)
    if not listing.train:
        raise UserDataError("The data set has no picture to train on.", fix="Check the folder and its splits.")
    names = _labels([*labels] or [*listing.labels], listed)
    sizes = [_size(one) for one in listed]
    notes: list[str] = []
    boxes = _boxes(listed, sizes, notes)
    classes = {label: number for number, label in reversed(list(enumerate(names))) if label != GAP}
    examples = [
        Example(listed=one, truth=truth.make(one.path, size, kept, classes))
        for one, size, kept in zip(listed, sizes, boxes, strict=True)
    ]
    train, validation = examples[: len(listing.train)], examples[len(listing.train) :]
    counts = Counter(box.label for kept in boxes[: len(train)] for box in kept if not box.crowd)
    if not counts:
        raise UserDataError(
            "There is no box to learn from in the pictures to train on.",
            cause="The annotations are empty, or all their boxes were left out.",
            fix="Check the annotations, and the split.",
        )
    notes += _scarce(names, counts)
    if not any((~one.truth.crowd).any() for one in validation):
        validation = []
        notes.append("There is no box to be judged on: there will be no figures, and no phase ends early.")
    both = {(one.path, one.start) for one in listing.train} & {(one.path, one.start) for one in listing.validation}
    if both:
        notes.append(f"{len(both)} of the pictures to be judged on are trained on as well: that flatters the model.")
    return DataSet(labels=names, train=tuple(train), validation=tuple(validation), notes=tuple(notes))


def hold_out(listed: Sequence[Listed]) -> tuple[tuple[Listed, ...], tuple[Listed, ...]]:
    """(train, validation): about one picture of ten is held out, chosen by its name, so always the same one."""
    held = {one.name for one in listed if int(hashlib.sha256(one.name.encode()).hexdigest(), 16) % SHARE == 0}
    if len(held) in (0, len(listed)):  # at least one picture is for each, or for training alone
        held = {listed[-1].name} if len(listed) > 1 else set()
    return (
        tuple(one for one in listed if one.name not in held),
        tuple(one for one in listed if one.name in held),
    )


def _labels(wanted: Sequence[str], listed: Iterable[Listed]) -> tuple[str, ...]:
    found = sorted({box.label for one in listed for box in one.annotation.boxes})
    names = tuple(wanted) or tuple(found)
    folded: dict[str, str] = {}
    for label in dict.fromkeys((*names, *found)):
        other = folded.setdefault(label.casefold(), label)
        if other != label and label != GAP:
            raise UserDataError(
                f"The classes {other!r} and {label!r} differ by case only.",
                cause="They are probably one class, spelt in two ways.",
                fix="Spell it in one way in all annotations and label files.",
            )
    if unknown := [label for label in found if label not in names]:
        raise UserDataError(
            f"The annotations have the class {unknown[0]!r}, which is not among the labels.",
            fix=nearest(unknown[0], [label for label in names if label != GAP]),
        )
    return names


def _size(listed: Listed) -> tuple[int, int]:
    """Width and height of the picture, by its header."""
    stated = listed.annotation.size
    found = images.encoded_size(listed.read(), listed.name) if listed.length else images.size(listed.path)
    if stated is not None and stated != found:
        raise _other_size(listed, found, stated)
    return found


def _other_size(listed: Listed, found: tuple[int, int], stated: tuple[int, int]) -> UserDataError:
    return UserDataError(
        f"{listed.name} is {found[0]} × {found[1]} pixels; its annotation is for {stated[0]} × {stated[1]}.",
        cause="The picture was scaled, turned or exchanged after its boxes were drawn.",
        fix="Give the pictures that the annotations were made for.",
    )


def _boxes(listed: Sequence[Listed], sizes: Sequence[tuple[int, int]], notes: list[str]) -> list[list[TrueBox]]:
    """The boxes of each picture, inside it."""
    empty, clipped, result = [], [], []
    for one, size in zip(listed, sizes, strict=True):
        kept = []
        for box in one.annotation.boxes:
            _expect_box(one, box, size)
            inside = _clip(box, size)
            if inside.box[0] == inside.box[2] or inside.box[1] == inside.box[3]:
                empty.append(one.name)
                continue
            if inside is not box:
                clipped.append(one.name)
            kept.append(inside)
        result.append(kept)
    for names, said in ((empty, "without area left out"), (clipped, "cut at the edge of the picture")):
        if names:
            notes.append(f"{_count(len(names), 'box', 'boxes')} {said}: {_some(names)}.")
    return result


def _expect_box(listed: Listed, box: TrueBox, size: tuple[int, int]) -> None:
    xmin, ymin, xmax, ymax = box.box
    if not np.isfinite(box.box).all() or xmin > xmax or ymin > ymax:
        raise UserDataError(
            f"{listed.name}: a box of {box.label!r} is inside out: {_corners(box)}.",
            cause="Expected xmin < xmax and ymin < ymax.",
            fix="Draw it again, or take it out.",
        )
    if xmin >= size[0] or ymin >= size[1] or xmax <= 0 or ymax <= 0:
        raise UserDataError(
            f"{listed.name}: a box of {box.label!r} lies outside the {size[0]} × {size[1]} picture: {_corners(box)}.",
            cause="It was drawn on another picture, or on one of another size.",
            fix="Give the pictures that the annotations were made for, or take it out.",
        )


def _clip(box: TrueBox, size: tuple[int, int]) -> TrueBox:
    xmin, ymin, xmax, ymax = box.box
    inside = (max(xmin, 0.0), max(ymin, 0.0), min(xmax, float(size[0])), min(ymax, float(size[1])))
    if inside == box.box:
        return box
    area = (inside[2] - inside[0]) * (inside[3] - inside[1])
    return TrueBox(label=box.label, box=inside, area=min(box.area, area), crowd=box.crowd)


def _corners(box: TrueBox) -> str:
    return "xmin {:g}, ymin {:g}, xmax {:g}, ymax {:g}".format(*box.box)


def _scarce(labels: Sequence[str], counts: Counter[str]) -> list[str]:
    """Sentences on classes that have hardly an example."""
    notes = []
    for number, said in ((1, "a single box"), (0, "no box")):
        scarce = [label for label in labels if label != GAP and counts[label] == number]
        if scarce:
            notes.append(f"{said.capitalize()} to train on have: {_some(scarce)}. They will hardly be learnt.")
    return notes


def _some(names: Sequence[str]) -> str:
    shown = list(dict.fromkeys(names))
    return ", ".join(shown[:NAMED]) + (" …" if len(shown) > NAMED else "")


def _count(number: int, one: str, several: str) -> str:
    return f"{number} {one if number == 1 else several}"
