"""A picture with its true boxes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..values.spec import expect


@dataclass(frozen=True, kw_only=True, eq=False)
class Picture:
    """pixels: uint8 [height, width, 3], RGB. boxes: float32 (n, 4), (xmin, ymin, xmax, ymax), the picture being [0, 1].

    classes: int64 (n,), 0-based. crowd: bool (n,), objects too hidden or too small to be asked for.
    """

    pixels: NDArray[np.uint8]
    boxes: NDArray[np.float32]
    classes: NDArray[np.int64]
    crowd: NDArray[np.bool_]

    def __post_init__(self) -> None:
        n = len(self.classes)
        expect(self.pixels.ndim == 3 and self.pixels.shape[2] == 3, "pixels", "[height, width, 3]", self.pixels.shape)
        expect(self.boxes.shape == (n, 4), "boxes", f"shape ({n}, 4)", self.boxes.shape)
        expect(self.crowd.shape == (n,), "crowd", f"shape ({n},)", self.crowd.shape)
