"""Decoded pictures of the examples that are trained on, kept in memory as far as they fit."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from ..vision.images import Pixels
from .data import Example

IN_MEMORY = 1_200_000_000  # bytes of pixels
THREADS = 2


class Pictures:
    """Pixels by number. What does not fit into memory is read and decoded each time it is asked for."""

    def __init__(self, examples: Sequence[Example], *, room: int = IN_MEMORY) -> None:
        self._examples = examples
        kept = 0
        for example in examples:
            room -= 3 * example.truth.width * example.truth.height
            if room < 0:
                break
            kept += 1
        with ThreadPoolExecutor(THREADS) as pool:
            self._pixels: list[Pixels] = list(pool.map(Example.pixels, examples[:kept]))

    @property
    def kept(self) -> int:
        """How many of the pictures are in memory."""
        return len(self._pixels)

    def __call__(self, index: int) -> Pixels:
        return self._pixels[index] if index < len(self._pixels) else self._examples[index].pixels()
