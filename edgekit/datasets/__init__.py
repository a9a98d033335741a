"""Data sets that are made, not collected: pictures with true boxes, and the folder that a training reads."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from .. import system
from ..errors import StorageError, UsageError
from ..formats import coco, voc
from ..formats import labels as label_files
from ..values.truth import Annotation, TrueBox
from ..vision import images
from .picture import Picture

FORMS = ("coco", "voc")
SUFFIXES = (".jpg", ".png")
PICTURES, COCO, VOC, LABELS, GROUPS = "images", "annotations.json", "annotations", "labels.txt", "groups.toml"


def write(
    folder: Path,
    pictures: Iterable[Picture],
    *,
    labels: Sequence[str],
    groups: Mapping[str, Sequence[str]],
    form: str = "coco",
    suffix: str = ".jpg",
    progress: Callable[[int], None] | None = None,
) -> int:
    """Write a data set and return how many pictures it has. An older data set in ``folder`` is replaced whole.

    In it lie images/, annotations.json or annotations/*.xml, labels.txt and groups.toml. form: coco or voc. suffix:
    .jpg or .png. progress: called with the number of pictures written so far.
    Raises UsageError for an unknown form or suffix or no pictures at all, StorageError where ``folder`` holds something
    else or cannot be written.
    """
    _check_choice("form", form, FORMS)
    _check_choice("suffix", suffix, SUFFIXES)
    _check_folder(folder)
    listed = COCO if form == "coco" else VOC
    with system.staging(folder) as staged:
        annotations = []
        for number, picture in enumerate(pictures, start=1):
            name = f"{number:06}{suffix}"
            system.write_file(staged / PICTURES / name, images.encode(picture.pixels, suffix))
            annotations.append(annotate(picture, labels, name=name))
            if progress:
                progress(number)
        if not annotations:
            raise UsageError("A data set needs at least one picture.", fix="Ask for one or more.")
        if form == "coco":
            system.write_file(staged / COCO, coco.encode(annotations, labels))
        else:
            for one in annotations:
                system.write_file(staged / VOC / f"{Path(one.name).stem}.xml", voc.encode(one))
        system.write_file(staged / LABELS, label_files.encode(labels))
        system.write_file(staged / GROUPS, "".join(f"{name} = {json.dumps(list(of))}\n" for name, of in groups.items()))
        stale = VOC if form == "coco" else COCO
        system.publish_together(staged, folder, (PICTURES, listed, LABELS, GROUPS), stale=(stale,))
    return len(annotations)


def annotate(picture: Picture, labels: Sequence[str], *, name: str) -> Annotation:
    """The true boxes of a picture as annotation files hold them, in pixels. name: its file."""
    height, width = picture.pixels.shape[:2]
    boxes = []
    for box, index, crowd in zip(picture.boxes.tolist(), picture.classes.tolist(), picture.crowd.tolist(), strict=True):
        x0, y0, x1, y1 = box[0] * width, box[1] * height, box[2] * width, box[3] * height
        boxes.append(TrueBox(label=labels[index], box=(x0, y0, x1, y1), area=(x1 - x0) * (y1 - y0), crowd=crowd))
    return Annotation(name=name, size=(width, height), boxes=tuple(boxes))


def _check_choice(what: str, value: str, known: Sequence[str]) -> None:
    if value not in known:
        raise UsageError(f"There is no {what} {value!r} of data sets.", fix=f"Use {' or '.join(known)}.")


def _check_folder(folder: Path) -> None:
    """Raise StorageError unless ``folder`` is absent, empty, or holds an older data set and nothing else."""
    if not folder.exists():
        return
    if not folder.is_dir():
        raise StorageError(f"{folder} is a file.", fix="Give a folder.")
    own = {PICTURES, COCO, VOC, LABELS, GROUPS, system.LOCK}
    try:
        names = sorted(entry.name for entry in folder.iterdir())
    except OSError as error:
        raise StorageError(f"{folder} cannot be read: {error.strerror}.", fix="Choose another folder.") from None
    foreign = [name for name in names if name not in own and not name.startswith(system.STAGING)]
    if foreign or (set(names) & own - {system.LOCK} and LABELS not in names):
        what = (foreign or names)[0]
        raise StorageError(
            f"{folder} holds something else: {what}.",
            cause="A data set replaces all that lies in its folder.",
            fix="Give a new or an empty folder.",
        )
