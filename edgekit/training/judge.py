"""How good a network is on pictures that it was not trained on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ..values.answers import Detections
from ..values.truth import Truth
from ..vision import decode
from ..vision.anchors import table
from ..vision.images import Pixels
from ..vision.resize import resize
from .architecture import Architecture
from .data import Example
from .options import SsdOptions

# Box encodings [B, N, 4] and logits [B, N, columns] of pixels uint8 [B, height, width, 3]
Predict = Callable[[Pixels], tuple[NDArray[np.float32], NDArray[np.float32]]]

ON_THE_WAY = 200  # pictures that are looked at during a training; at its end it is all of them
TOGETHER = 16  # pictures that go through the network at once
LOWEST = 0.01  # a box that scores less is not looked at
THREADS = 2


class Judge:
    """Shows validation pictures to a network, and decodes its answers as the exported model will."""

    def __init__(self, examples: Sequence[Example], architecture: Architecture, options: SsdOptions) -> None:
        self.examples = tuple(examples)
        self._classes = architecture.classes
        self._anchors = table(architecture.grids)
        self._coder = options.box_coder
        self._activation = options.losses.activation
        self._selection = replace(options.selection, score=min(options.selection.score, LOWEST))

        self._size = (architecture.height, architecture.width)
        self._some = _spread(len(examples), ON_THE_WAY)
        self._kept: dict[int, Pixels] = {}
        with ThreadPoolExecutor(THREADS) as pool:
            self._kept = dict(zip(self._some, pool.map(self.pixels, self._some), strict=True))

    def pixels(self, index: int) -> Pixels:
        """A picture at the network's size. Those that are looked at on the way stay in memory."""
        if index in self._kept:
            return self._kept[index]
        return resize(self.examples[index].pixels(), *self._size)

    def look(self, predict: Predict, *, whole: bool = False) -> list[tuple[Detections, Truth]]:
        """Answers and truth of all pictures, or of a part that is evenly spread over them."""
        return list(self._answers(predict, range(len(self.examples)) if whole else self._some))

    def answer(self, predict: Predict, index: int) -> Detections:
        """What the network finds in one of the pictures."""
        return next(self._answers(predict, [index]))[0]

    def _answers(self, predict: Predict, chosen: Sequence[int]) -> Iterator[tuple[Detections, Truth]]:
        for start in range(0, len(chosen), TOGETHER):
            part = chosen[start : start + TOGETHER]
            boxes, logits = predict(np.stack([self.pixels(index) for index in part]))
            scores = decode.activate(logits, self._activation)
            for place, index in enumerate(part):
                rows = decode.postprocess(
                    boxes[place], scores[place], self._anchors, self._coder, self._selection, self._classes
                )
                yield decode.detections(rows, self._selection, self._classes), self.examples[index].truth


def _spread(count: int, most: int) -> list[int]:
    """At most ``most`` places of ``count``, evenly spread."""
    return [place * count // min(count, most) for place in range(min(count, most))]
