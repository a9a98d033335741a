"""The bundled sample, written down as a user would have it: a graph, labels, groups, pictures and their true boxes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .. import sample, system
from ..formats import labels
from ..vision import images

PICTURES = 12
SEED = 1000  # the sample's own tests look at pictures from 0 on


@dataclass(frozen=True, kw_only=True)
class Sample:
    """Files of the sample. pictures: a folder; truth: COCO annotations of them."""

    graph: Path
    labels: Path
    groups: Path
    pictures: Path
    truth: Path


def write_sample(folder: Path) -> Sample:
    """Write the sample into a folder, over what an earlier run left there. Raises StorageError."""
    graph, names, groups = sample.contrib_graph()
    files = Sample(
        graph=folder / "tflite_graph.pb",
        labels=folder / "labels.txt",
        groups=folder / "groups.toml",
        pictures=folder / "pictures",
        truth=folder / "truth.json",
    )
    shown = {f"shelf_{index:02}.png": sample.picture(SEED + index) for index in range(PICTURES)}
    system.write_file(files.graph, graph)
    system.write_file(files.labels, labels.encode(names))
    system.write_file(files.groups, "".join(f"{group} = {json.dumps(members)}\n" for group, members in groups.items()))
    for name, picture in shown.items():
        system.write_file(files.pictures / name, images.encode(picture.pixels, ".png"))
    system.write_file(files.truth, json.dumps(_annotations(shown, names), indent=1) + "\n")
    return files


def _annotations(pictures: Mapping[str, sample.Picture], names: tuple[str, ...]) -> dict[str, Any]:
    """COCO's form: boxes as (x, y, width, height) in pixels, ids from 1."""
    annotations: list[dict[str, Any]] = []
    for number, picture in enumerate(pictures.values(), start=1):
        side = len(picture.pixels)
        for (left, top, right, bottom), index in zip(picture.boxes.tolist(), picture.classes.tolist(), strict=True):
            box = [side * left, side * top, side * (right - left), side * (bottom - top)]
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": number,
                    "category_id": index + 1,
                    "bbox": [round(edge, 3) for edge in box],
                    "area": round(box[2] * box[3], 3),
                    "iscrowd": 0,
                }
            )
    return {
        "images": [
            {"id": number, "file_name": name, "width": picture.pixels.shape[1], "height": picture.pixels.shape[0]}
            for number, (name, picture) in enumerate(pictures.items(), start=1)
        ],
        "categories": [{"id": number, "name": name} for number, name in enumerate(names, start=1)],
        "annotations": annotations,
    }
