"""True boxes for pictures, from VOC or COCO annotations, in a model's own classes."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from ..errors import UserDataError
from ..formats import coco, voc
from ..formats.labels import GAP, nearest
from ..values.answers import Detections
from ..values.truth import Annotation, TrueBox, Truth, TruthSet
from . import images
from .matching import intersections, match

OVERLAP = 0.5  # IoU from which a box is that of a true one; part of it in a crowd region that counts for nothing
USUAL_SCORE = 0.5  # where nothing tells a better one
FORMS = "Give a folder of Pascal VOC .xml files or one COCO .json."


def read(path: Path, *, labels: Sequence[str], pictures: Iterable[Path]) -> TruthSet:
    """The truth of ``pictures``: COCO from a .json file, VOC from a .xml file or a folder of them.

    A COCO annotation belongs to the picture whose path ends in its file name, a VOC annotation to the one of its
    name. A size that the annotation does not say is read from the picture.
    Raises UserDataError where no annotation belongs to any of the pictures, or no box has a label of the model.
    """
    try:
        annotations = coco.read(path) if path.suffix.lower() == ".json" else voc.read(path)
    except UserDataError as error:
        raise UserDataError(error.what, cause=error.cause, fix=error.fix or FORMS) from None
    index = _index(annotations, path)
    found, without = [], []
    for picture in pictures:
        annotation = _lookup(picture, index)
        if annotation is None:
            without.append(picture)
        else:
            found.append((picture, annotation))
    if not found:
        raise UserDataError(
            f"{path} has no annotation for any of the {len(without)} pictures.",
            cause=f"It names {annotations[0].name!r}, for instance; a picture is {without[0].name!r}."
            if annotations and without
            else "",
            fix="Give the pictures that the annotations were made for.",
        )
    return _translate(found, tuple(without), labels, path)


def make(picture: Path, size: tuple[int, int], boxes: Sequence[TrueBox], classes: Mapping[str, int]) -> Truth:
    """The truth of a picture of ``size`` (width, height) whose boxes all have a label of ``classes``."""
    pixels = np.array([box.box for box in boxes], np.float64).reshape(-1, 4)
    return Truth(
        path=picture,
        width=size[0],
        height=size[1],
        boxes=(pixels / (size * 2)).astype(np.float32),
        classes=np.array([classes[box.label] for box in boxes], np.int64),
        crowd=np.array([box.crowd for box in boxes], np.bool_),
        areas=np.array([box.area for box in boxes], np.float32),
    )


def perfect(truth: Truth) -> Detections:
    """The answer that finds all that is asked for, and nothing else."""
    wanted = ~truth.crowd
    boxes = truth.boxes[wanted]
    return Detections(boxes=boxes, scores=np.ones(len(boxes), np.float32), classes=truth.classes[wanted])


def asked(answer: Detections, truth: Truth) -> Detections:
    """An answer without what it found in crowd regions, which truth neither asks for nor denies."""
    shared, areas, _ = intersections(answer.boxes, truth.boxes[truth.crowd])
    inside = (shared >= OVERLAP * areas[:, None]) & (answer.classes[:, None] == truth.classes[truth.crowd])
    kept = ~inside.any(axis=1)
    kept[[index for index, _ in match(answer, perfect(truth), iou=OVERLAP)]] = True
    return Detections(boxes=answer.boxes[kept], scores=answer.scores[kept], classes=answer.classes[kept])


def best_score(pictures: Iterable[tuple[Detections, Truth]]) -> float:
    """The score from which on answers are best shown: where precision and recall have the largest harmonic mean."""
    scores, right, wanted = [np.empty(0, np.float32)], [np.empty(0, np.bool_)], 0
    for answer, truth in pictures:
        true, counted = perfect(truth), asked(answer, truth)
        matched = np.zeros(len(counted), np.bool_)
        matched[[index for index, _ in match(counted, true, iou=OVERLAP)]] = True
        scores.append(counted.scores)
        right.append(matched)
        wanted += len(true)
    order = np.argsort(-np.concatenate(scores), kind="stable")
    if not len(order) or not wanted:
        return USUAL_SCORE
    found = np.cumsum(np.concatenate(right)[order])
    means = 2 * found / (np.arange(1, len(order) + 1) + wanted)
    return math.floor(100 * float(np.concatenate(scores)[order][means.argmax()]) + 1e-4) / 100


def _index(annotations: Sequence[Annotation], path: Path) -> Mapping[str, Annotation | None]:
    """By full name; by bare file name where that is no full name, None where several have it."""
    full: dict[str, Annotation] = {}
    for annotation in annotations:
        if annotation.name in full:
            raise UserDataError(f"{path} has two annotations for {annotation.name!r}.")
        full[annotation.name] = annotation
    bare: dict[str, Annotation | None] = {}
    for annotation in annotations:
        name = annotation.name.rsplit("/", 1)[-1]
        bare[name] = None if name in bare else annotation
    return bare | full


def _lookup(picture: Path, index: Mapping[str, Annotation | None]) -> Annotation | None:
    parts = picture.parts
    names = ["/".join(parts[start:]) for start in range(len(parts))]
    found = next((index[name] for name in [*names, picture.stem] if name in index), None)
    if found is None and picture.name in index:
        raise UserDataError(f"Several annotations have the file name {picture.name!r}.", fix="Keep their folders.")
    return found


def _translate(
    found: Sequence[tuple[Path, Annotation]], without: tuple[Path, ...], labels: Sequence[str], path: Path
) -> TruthSet:
    classes = {label: number for number, label in reversed(list(enumerate(labels))) if label != GAP}
    boxes = [box for _, annotation in found for box in annotation.boxes]
    unknown = Counter(box.label for box in boxes if box.label not in classes)
    if boxes and unknown.total() == len(boxes):
        label = unknown.most_common(1)[0][0]
        raise UserDataError(
            f"{path}: the model has no label {label!r}.",
            fix=nearest(label, [*dict.fromkeys(label for label in labels if label != GAP)]),
        )
    truths = []
    for picture, annotation in found:
        kept = [box for box in annotation.boxes if box.label in classes and _has_area(box)]
        truths.append(make(picture, annotation.size or _size(picture), kept, classes))
    empty = sum(box.label in classes and not _has_area(box) for box in boxes)
    return TruthSet(pictures=tuple(truths), without=without, unknown=dict(unknown), empty=empty)


def _size(picture: Path) -> tuple[int, int]:
    height, width = images.load(picture).shape[:2]
    return width, height


def _has_area(box: TrueBox) -> bool:
    xmin, ymin, xmax, ymax = box.box
    return bool(np.isfinite(box.box).all()) and xmax > xmin and ymax > ymin
