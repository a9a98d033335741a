"""What is measured: the published COCO detector where it is, else the bundled shelf."""

import os
from dataclasses import dataclass
from pathlib import Path

from edgekit import shelf

from .processes import cost, edgekit


@dataclass(frozen=True)
class Subject:
    """graph, labels: of one detector. tflite: a finished file of it. published: whether that is the published one."""

    name: str
    graph: Path
    labels: Path
    tflite: Path
    published: bool


def subject(folder: Path) -> Subject:
    """The published detector below EDGEKIT_REAL, or the bundled shelf, converted in ``folder``."""
    real = Path(os.environ.get("EDGEKIT_REAL", Path(__file__).parents[2] / "shared" / "real")) / "coco_ssd_mobilenet_v1"
    if real.is_dir():
        return Subject(
            "published COCO SSD MobileNet v1",
            real / "tflite_graph.pb",
            real / "labelmap.txt",
            real / "ssd_mobilenet_v1.tflite",
            published=True,
        )
    return bundled(folder)


def bundled(folder: Path) -> Subject:
    """The bundled shelf, converted in ``folder``."""
    shelf.check()
    cost(
        edgekit("convert", shelf.GRAPH, "--to", "tflite-uint8", "--labels", shelf.LABELS, "-o", folder / "made"), folder
    )
    made = folder / "made" / "tflite-uint8" / "model.tflite"
    return Subject("bundled shelf", shelf.GRAPH, shelf.LABELS, made, published=False)
