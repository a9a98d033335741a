"""COCO annotations: one JSON file with images, categories and boxes (x, y, width, height) in pixels."""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..errors import UserDataError
from ..system import read_file
from ..values.spec import expect
from ..values.truth import Annotation, TrueBox
from .labels import parse as parse_labels
from .labels import text_of

DIGITS = 3  # after the point of a written coordinate


def read(path: Path) -> tuple[Annotation, ...]:
    """One annotation for each image of the file, in its order; images without objects too.

    Raises UserDataError where the file is no COCO annotation.
    """
    return parse(read_file(path), name=str(path))


def encode(annotations: Sequence[Annotation], labels: Sequence[str]) -> bytes:
    """The bytes of a JSON file; ids count from 1, those of the categories in the order of ``labels``.

    Raises ValueError for an annotation without a size or a box with a label that is not listed.
    """
    categories = {label: number for number, label in enumerate(labels, start=1)}
    images: list[dict[str, Any]] = []
    boxes: list[dict[str, Any]] = []
    for number, one in enumerate(annotations, start=1):
        expect(one.size is not None, one.name, "a size", one.size)
        width, height = one.size or (0, 0)
        images.append({"id": number, "file_name": one.name, "width": width, "height": height})
        for true in one.boxes:
            expect(true.label in categories, one.name, f"labels among {', '.join(labels)}", true.label)
            boxes.append(
                {"id": len(boxes) + 1, "image_id": number, "category_id": categories[true.label]} | _entry(true)
            )
    content = {
        "images": images,
        "categories": [{"id": number, "name": label} for label, number in categories.items()],
        "annotations": boxes,
    }
    return (json.dumps(content, ensure_ascii=False, separators=(",", ":")) + "\n").encode()


def _entry(true: TrueBox) -> dict[str, Any]:
    x0, y0, x1, y1 = true.box
    return {
        "bbox": [round(number, DIGITS) for number in (x0, y0, x1 - x0, y1 - y0)],
        "area": round(true.area, DIGITS),
        "iscrowd": int(true.crowd),
    }


def read_labelled(path: Path) -> tuple[tuple[Annotation, ...], tuple[str, ...]]:
    """As ``read``, and the labels by the ids of the categories, '???' where an id is unused."""
    content = _content(read_file(path), str(path))
    annotations = _checked(content, str(path))
    categories = json.dumps({"categories": content["categories"]})
    return annotations, parse_labels(categories.encode(), name=str(path))


def parse(data: bytes, *, name: str) -> tuple[Annotation, ...]:
    """The annotations in the bytes of a JSON file."""
    return _checked(_content(data, name), name)


def _content(data: bytes, name: str) -> Any:
    try:
        return json.loads(text_of(data, name))
    except (ValueError, RecursionError) as error:
        raise UserDataError(f"{name} is not valid JSON: {error}.") from None


def _checked(content: Any, name: str) -> tuple[Annotation, ...]:
    try:
        return _annotations(content)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        reason = f"{error.args[0]!r} is missing" if isinstance(error, KeyError) else str(error)
        raise UserDataError(
            f"{name} is no COCO annotation: {reason}.", cause="Expected lists: images, annotations, categories."
        ) from None


def _annotations(content: Mapping[str, Any]) -> tuple[Annotation, ...]:
    labels = {int(key): str(category["name"]) for key, category in _by_id(content, "categories").items()}
    images = _by_id(content, "images")
    boxes = defaultdict(list)
    for entry in content["annotations"]:
        if entry["image_id"] not in images:
            raise ValueError(f"annotation {entry.get('id', '')} belongs to no image")
        if entry["category_id"] not in labels:
            raise ValueError(f"annotation {entry.get('id', '')} belongs to no category")
        boxes[entry["image_id"]].append(_box(entry, labels[entry["category_id"]]))
    return tuple(
        Annotation(name=str(image["file_name"]), size=_size(image), boxes=tuple(boxes[key]))
        for key, image in images.items()
    )


def _by_id(content: Mapping[str, Any], name: str) -> dict[Any, Any]:
    found: dict[Any, Any] = {}
    for item in content[name]:
        if item["id"] in found:
            raise ValueError(f"two of its {name} have the id {item['id']}")
        found[item["id"]] = item
    return found


def _size(image: Mapping[str, Any]) -> tuple[int, int] | None:
    width, height = int(image.get("width") or 0), int(image.get("height") or 0)
    return (width, height) if width > 0 and height > 0 else None


def _box(entry: Mapping[str, Any], label: str) -> TrueBox:
    x, y, width, height = (float(number) for number in entry["bbox"])
    return TrueBox(
        label=label,
        box=(x, y, x + width, y + height),
        area=float(entry.get("area", width * height)),
        crowd=bool(entry.get("iscrowd", 0)),
    )
