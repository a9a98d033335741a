"""What a model says about one picture, whatever ran it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .show import Shown
from .spec import expect

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True, eq=False)
class Detections(Shown):
    """Boxes found in a picture, best first.

    boxes: float32 (n, 4), (xmin, ymin, xmax, ymax), the picture being [0, 1]; they may reach beyond it.
    scores: float32 (n,). classes: int64 (n,), 0-based without background.
    """

    boxes: NDArray[np.float32]
    scores: NDArray[np.float32]
    classes: NDArray[np.int64]

    def __post_init__(self) -> None:
        n = len(self.scores)
        expect(self.boxes.shape == (n, 4), "boxes", f"shape ({n}, 4)", self.boxes.shape)
        expect(self.classes.shape == (n,), "classes", f"shape ({n},)", self.classes.shape)

    def __len__(self) -> int:
        return len(self.scores)

    def above(self, score: float) -> Detections:
        """The detections with at least this score."""
        keep = self.scores >= score
        return Detections(boxes=self.boxes[keep], scores=self.scores[keep], classes=self.classes[keep])


@dataclass(frozen=True, kw_only=True, eq=False)
class Classification(Shown):
    """Classes of a picture, best first. classes: int64 (n,); scores: float32 (n,)."""

    classes: NDArray[np.int64]
    scores: NDArray[np.float32]

    def __post_init__(self) -> None:
        expect(self.classes.shape == self.scores.shape, "classes", f"{self.scores.shape}", self.classes.shape)


Answer = Detections | Classification
