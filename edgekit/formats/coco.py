"""COCO annotations: one JSON file with images, categories and boxes (x, y, width, height) in pixels."""

import json
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import UserDataError
from ..system import read_file
from ..values.truth import Annotation, TrueBox
from .labels import text_of


def read(path: Path) -> tuple[Annotation, ...]:
    """One annotation for each image of the file, in its order; images without objects too.

    Raises UserDataError where the file is no COCO annotation.
    """
    return parse(read_file(path), name=str(path))


def parse(data: bytes, *, name: str) -> tuple[Annotation, ...]:
    """The annotations in the bytes of a JSON file."""
    try:
        content = json.loads(text_of(data, name))
    except (ValueError, RecursionError) as error:
        raise UserDataError(f"{name} is not valid JSON: {error}.") from None
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
