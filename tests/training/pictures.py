"""Small pictures and annotations for the tests of training."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from edgekit.training.data import DataSet, Listed, Listing, check
from edgekit.values.truth import Annotation, TrueBox
from edgekit.vision import images

SIZE = (40, 20)  # width, height


def encoded(number: int = 0, size: tuple[int, int] = SIZE) -> bytes:
    """A PNG file; another number is another picture."""
    pixels = np.random.default_rng(number).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    return images.encode(pixels)


def box(label: str = "red", *corners: float, crowd: bool = False) -> TrueBox:
    xmin, ymin, xmax, ymax = corners or (10.0, 5.0, 30.0, 15.0)
    return TrueBox(label=label, box=(xmin, ymin, xmax, ymax), area=(xmax - xmin) * (ymax - ymin), crowd=crowd)


def listed(folder: Path, name: str, *boxes: TrueBox, size: tuple[int, int] | None = SIZE) -> Listed:
    """A picture in a folder, of SIZE whatever its annotation says."""
    path = folder / name
    path.write_bytes(encoded(len(name) + sum(map(ord, name))))
    return Listed(name=name, path=path, annotation=Annotation(name=name, size=size, boxes=boxes))


def data_set(folder: Path, *, train: int = 5, validation: int = 3, labels: Sequence[str] = ("red", "green")) -> DataSet:
    """Pictures with a box or two each."""
    random = np.random.default_rng(0)
    every = []
    for number in range(train + validation):
        corners = np.sort(random.uniform(0, 1, (2, 2)), axis=0) * SIZE
        boxes = [box(labels[number % 2], *corners.ravel().tolist()), box(labels[0])]
        every.append(listed(folder, f"{number}.png", *boxes))
    return check(Listing(train=tuple(every[:train]), validation=tuple(every[train:])), labels=labels)
