"""The one resize: bilinear, half-pixel centres, no antialias, in integers that every language computes alike.

docs/formats/preprocessing.md specifies it, docs/decisions/one-resize.md says why.
"""

import numpy as np
from numpy.typing import NDArray

BITS = 11  # of a weight: the most for which a sum over four pixels, 255 × 2^22, fits 32 bits with sign
ONE = 1 << BITS


def resize(pixels: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    """Stretch uint8 (h, w, channels) to (height, width, channels)."""
    upper, lower, down = _taps(pixels.shape[0], height)
    left, right, across = _taps(pixels.shape[1], width)
    down, across = down[:, None, None], across[:, None]
    summed = np.full((height, width, pixels.shape[2]), 1 << (2 * BITS - 1), np.int32)
    for rows, vertical in ((pixels[upper], ONE - down), (pixels[lower], down)):
        summed += (rows[:, left] * (ONE - across) + rows[:, right] * across) * vertical
    return (summed >> (2 * BITS)).astype(np.uint8)


def _taps(size: int, result: int) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.int32]]:
    """For each of ``result`` pixels: the two source pixels between which it lies, and the second one's weight."""
    position = (2 * np.arange(result, dtype=np.int64) + 1) * size - result  # in units of 1 / (2 · result) pixel
    first = position // (2 * result)
    weight = ((position - first * 2 * result) * ONE + result) // (2 * result)
    return np.clip(first, 0, size - 1), np.clip(first + 1, 0, size - 1), weight.astype(np.int32)
