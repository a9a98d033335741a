"""What is measured: the published COCO detector where it is, else the bundled sample."""

import os
from dataclasses import dataclass
from pathlib import Path

from edgekit.stories.demo import write_sample

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
    """The published detector below EDGEKIT_REAL, or the sample, written and converted in ``folder``."""
    real = Path(os.environ.get("EDGEKIT_REAL", Path(__file__).parents[2] / "shared" / "real")) / "coco_ssd_mobilenet_v1"
    if real.is_dir():
        return Subject(
            "published COCO SSD MobileNet v1",
            real / "tflite_graph.pb",
            real / "labelmap.txt",
            real / "ssd_mobilenet_v1.tflite",
            published=True,
        )
    sample = write_sample(folder / "sample")
    command = edgekit("convert", sample.graph, "--to", "tflite-uint8", "--labels", sample.labels, "-o", folder / "made")
    cost(command, folder)
    made = folder / "made" / "tflite-uint8" / "model.tflite"
    return Subject("bundled sample", sample.graph, sample.labels, made, published=False)
