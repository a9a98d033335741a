"""A short film: a camera goes along one wide shelf, for a detector to be watched at work."""

from __future__ import annotations

import contextlib
import math
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ... import system
from ...errors import UsageError
from ...vision import images
from ...vision import opencv as cv2
from .bank import bank, rng
from .camera import frame, light, look
from .scene import Plan, compose

HEIGHT, WIDTH = 192, 192  # pixels of a frame
RATE, SECONDS = 12, 5
FINE = 1.5  # pixels of the drawing for one of a frame at the usual distance
LONG = 3.0  # widths of a frame that the shelf is long
SUFFIX, CODEC = ".webm", "VP90"
PLAN = Plan(full=False, boards=2.7, run=4, gaps=0.1, behind=0.3, stacked=0.4, messy=0.02, few=False, widest=9)


def write_clip(path: Path, *, sprites: int = 0, seed: int = 0) -> tuple[Path, ...]:
    """Write the film as .webm and return what was written: the file, or JPEG frames in a folder of its name without
    the suffix where this OpenCV has no encoder for it.

    Raises UsageError for another suffix, StorageError where it cannot be written.
    """
    if path.suffix.lower() != SUFFIX:
        raise UsageError(f"A clip cannot be written to {path}.", fix=f"Give a name in {SUFFIX}.")
    shown = list(clip(sprites=sprites, seed=seed))
    if film := _encode(shown):
        system.write_file(path, film)
        return (path,)
    places = tuple(path.with_suffix("") / f"{number:04}.jpg" for number in range(1, len(shown) + 1))
    for place, pixels in zip(places, shown, strict=True):
        system.write_file(place, images.encode(pixels, place.suffix))
    return places


def clip(*, sprites: int = 0, seed: int = 0) -> Iterator[NDArray[np.uint8]]:
    """Its frames, uint8 [192, 192, 3], 12 a second for 5 seconds."""
    random = rng(f"clip/{sprites}/{seed}")
    rows, columns = round(HEIGHT * FINE * 1.15), round(WIDTH * FINE * LONG)
    canvas = compose(bank(sprites), PLAN, random, rows, columns, FINE)
    factors = light(random, HEIGHT, WIDTH)
    count = RATE * SECONDS
    for number in range(count):
        matrix = _stand(number / (count - 1), rows, columns)
        pixels = look(canvas.pixels, matrix, HEIGHT, WIDTH)
        yield np.clip(pixels * factors, 0, 255).astype(np.uint8)


def _stand(moment: float, rows: int, columns: int) -> NDArray[np.float64]:
    """The homography at a moment in 0 … 1: along the shelf, nearer in the middle, with a hand's small shake."""
    zoom = FINE * (1.08 - 0.3 * math.sin(math.pi * moment) ** 2)
    eased = (1 - math.cos(math.pi * moment)) / 2
    half = WIDTH * zoom / 2 + 10
    x = half + eased * (columns - 2 * half) + 2 * math.sin(31 * moment)
    y = rows / 2 + 2.5 * math.sin(23 * moment + 1) + 1.5 * math.sin(47 * moment)
    tilt = math.radians(0.8 * math.sin(9 * moment + 2))
    return frame((x, y), tilt, zoom, HEIGHT, WIDTH, side=0.05 * math.cos(math.pi * moment))


def _encode(shown: list[NDArray[np.uint8]]) -> bytes:
    """The film's bytes, none where this OpenCV cannot make them."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"clip{SUFFIX}")
        with _quiet():
            writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*CODEC), RATE, (WIDTH, HEIGHT))
        if not writer.isOpened():
            return b""
        for pixels in shown:
            writer.write(cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR))
        writer.release()
        return path.read_bytes()


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Nothing on stderr: OpenCV says there that WebM has no tag for VP9, as if that were wrong."""
    sys.stderr.flush()
    kept = os.dup(2)
    try:
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
