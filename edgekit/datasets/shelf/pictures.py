"""Pictures of shop shelves, each made from a number alone."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

from ...errors import UsageError
from .. import write as write_data_set
from ..picture import Picture
from .bank import LABELS, bank, rng
from .camera import canvas_size, expose, look, view
from .canvas import boxes
from .scene import Plan, compose, surround

GROUPS = {
    "ours": ("our_can", "our_bottle", "our_carton"),
    "rivals": ("rival_can", "rival_bottle", "rival_carton"),
    "other": ("other_pack",),
}
SIZE = 192  # pixels that lengths of the scenes are given for
LEAST_SIZE, MOST_SIZE = 96, 1024


class Shelf:
    """A shop of its own: a bank of products, and pictures of shelves that are filled from it."""

    def __init__(self, *, sprites: int, height: int = SIZE, width: int = SIZE) -> None:
        """sprites: seed of the bank; other packs for another number. height, width: of the pictures, in pixels.

        Raises UsageError for a side outside of 96 … 1024, MissingToolError without OpenCV.
        """
        if not all(LEAST_SIZE <= side <= MOST_SIZE for side in (height, width)):
            raise UsageError(
                f"Pictures of {width} × {height} pixels cannot be made.",
                cause="Packs cannot be told in smaller ones, and are not drawn finely enough for larger ones.",
                fix=f"Give a size from {LEAST_SIZE} to {MOST_SIZE}.",
            )
        self.sprites, self.height, self.width = sprites, height, width
        self._bank = bank(sprites)

    def picture(self, seed: int) -> Picture:
        """The picture of that number: the same bytes each time, from the same version of OpenCV."""
        random = rng(f"{self.sprites}/{self.height}x{self.width}/{seed}")
        unit = min(self.height, self.width) / SIZE
        plan = Plan.of(random)
        canvas = compose(self._bank, plan, random, *canvas_size(self.height, self.width), unit)
        surround(canvas, plan, random, unit)
        matrix = view(random, self.height, self.width)
        found, classes, crowd = boxes(canvas, matrix, self.height, self.width)
        sides = (found[~crowd, 2:] - found[~crowd, :2]) * [self.width, self.height]
        smallest = float(sides.min(initial=float(self.height)))
        pixels = expose(look(canvas.pixels, matrix, self.height, self.width), random, smallest=smallest)
        return Picture(pixels=pixels, boxes=found, classes=classes, crowd=crowd)


def stream(*, seed: int, sprites: int, size: int = SIZE) -> Iterator[Picture]:
    """Square pictures without end, numbered from ``seed`` on. Raises as Shelf does."""
    shelf = Shelf(sprites=sprites, height=size, width=size)
    return map(shelf.picture, itertools.count(seed))


def write(
    folder: Path,
    *,
    count: int,
    seed: int = 0,
    sprites: int = 0,
    size: int = SIZE,
    form: str = "coco",
    suffix: str = ".jpg",
    progress: Callable[[int], None] | None = None,
) -> int:
    """Write ``count`` pictures, numbered from ``seed`` on, as a data set; see ``datasets.write``."""
    if count < 1:
        raise UsageError(f"{count} pictures cannot be written.", fix="Ask for one or more.")
    pictures = itertools.islice(stream(seed=seed, sprites=sprites, size=size), count)
    return write_data_set(folder, pictures, labels=LABELS, groups=GROUPS, form=form, suffix=suffix, progress=progress)
