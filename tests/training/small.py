"""Small data sets and trainings: red, green and blue products, which a small network learns in seconds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from edgekit import datasets
from edgekit.datasets.picture import Picture
from edgekit.training.progress import Event
from edgekit.training.wishes import Wishes

from .. import handmade

SIDE = 96  # pixels
QUICK: Wishes = {
    "size": (SIDE, SIDE),
    "maps": (8, 16),
    "width": 0.5,
    "anchors": 4,
    "batch": 16,
    "steps": 240,
    "quantised_steps": 40,
    "evaluate": 120,
    "warmup": 20,
    "learning_rate": 5e-3,
}


def pictures(count: int, *, first: int = 0) -> Iterator[Picture]:
    for seed in range(first, first + count):
        made = handmade.picture(seed, side=SIDE)
        yield Picture(
            pixels=made.pixels, boxes=made.boxes, classes=made.classes, crowd=np.zeros(len(made.classes), np.bool_)
        )


def write(folder: Path, count: int = 160, *, first: int = 0, form: str = "coco") -> Path:
    """A data set in ``folder``."""
    datasets.write(
        folder, pictures(count, first=first), labels=handmade.LABELS, groups=handmade.GROUPS, form=form, suffix=".png"
    )
    return folder


class Heard(list[Event]):
    """Everything that a training said."""

    def __call__(self, event: Event) -> None:
        self.append(event)

    def of(self, kind: type[Any]) -> list[Any]:
        return [event for event in self if isinstance(event, kind)]
