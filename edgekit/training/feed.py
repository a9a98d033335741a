"""Batches for training: pictures chosen, changed and given targets in threads, the same for the same seed and step."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ..vision.assign import Assigner, Targets
from ..vision.augment import Augmentation, view
from .data import Example

Pixels = NDArray[np.uint8]

THREADS = 2
AHEAD = 4  # batches made before they are asked for


@dataclass(frozen=True, kw_only=True, eq=False)
class Batch:
    """pixels: uint8 [B, height, width, 3]."""

    pixels: Pixels
    targets: Targets


@dataclass(frozen=True, kw_only=True, eq=False)
class Feed:
    """Training batches. pixels: the picture of an example, uint8 (h, w, 3)."""

    examples: Sequence[Example]
    pixels: Callable[[int], Pixels]
    size: tuple[int, int]
    batch: int
    augmentation: Augmentation
    assigner: Assigner
    seed: int

    def at(self, step: int) -> Batch:
        """The batch of a step: every picture comes once an epoch, epochs are shuffled one by one."""
        views = []
        for place in range(step * self.batch, (step + 1) * self.batch):
            epoch, within = divmod(place, len(self.examples))
            index = int(_order(self.seed, epoch, len(self.examples))[within])
            truth = self.examples[index].truth
            views.append(
                view(
                    self.pixels(index),
                    truth.boxes,
                    truth.classes,
                    truth.crowd,
                    size=self.size,
                    augmentation=self.augmentation,
                    random=np.random.default_rng((self.seed, 1, place)),
                )
            )
        return Batch(
            pixels=np.stack([shown.pixels for shown in views]),
            targets=self.assigner.assign([(shown.boxes, shown.classes, shown.crowd) for shown in views]),
        )

    def stream(self, first: int, last: int) -> Generator[Batch]:
        """Batches of steps from ``first`` up to, not including, ``last``, made ahead in threads."""
        with ThreadPoolExecutor(THREADS) as pool:
            waiting: deque[Future[Batch]] = deque()
            try:
                for step in range(first, last):
                    waiting.append(pool.submit(self.at, step))
                    if len(waiting) > AHEAD:
                        yield waiting.popleft().result()
                while waiting:
                    yield waiting.popleft().result()
            finally:
                for future in waiting:
                    future.cancel()


@lru_cache(maxsize=4)  # batches that are made at the same time may lie in two epochs, or in more of a small set
def _order(seed: int, epoch: int, count: int) -> NDArray[np.intp]:
    return np.random.default_rng((seed, 0, epoch)).permutation(count)
