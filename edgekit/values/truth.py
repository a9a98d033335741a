"""What people say stands in a picture: boxes to judge a model by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from .show import Shown
from .spec import expect

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True)
class TrueBox:
    """One annotated object. box: (xmin, ymin, xmax, ymax) in pixels. crowd: a region of many, as COCO has them.

    area: in square pixels; COCO gives that of the outline, which is smaller than the box's.
    """

    label: str
    box: tuple[float, float, float, float]
    area: float
    crowd: bool = False


@dataclass(frozen=True, kw_only=True)
class Annotation:
    """What a file says of one picture. name: as the file has it. size: (width, height); None where not given."""

    name: str
    size: tuple[int, int] | None
    boxes: tuple[TrueBox, ...]


@dataclass(frozen=True, kw_only=True, eq=False)
class Truth:
    """The true boxes of one picture, in a model's own classes.

    boxes: float32 (n, 4), (xmin, ymin, xmax, ymax), the picture being [0, 1]. classes: int64 (n,), 0-based.
    crowd: bool (n,). areas: float32 (n,), in square pixels of the width × height that the boxes were drawn in.
    """

    path: Path
    width: int
    height: int
    boxes: NDArray[np.float32]
    classes: NDArray[np.int64]
    crowd: NDArray[np.bool_]
    areas: NDArray[np.float32]

    def __post_init__(self) -> None:
        n = len(self.classes)
        expect(self.width > 0 and self.height > 0, "size", "above 0", (self.width, self.height))
        expect(self.boxes.shape == (n, 4), "boxes", f"shape ({n}, 4)", self.boxes.shape)
        expect(self.crowd.shape == self.areas.shape == (n,), "crowd, areas", f"shape ({n},)", self.crowd.shape)


@dataclass(frozen=True, kw_only=True)
class TruthSet(Shown):
    """The truth of all pictures that have one.

    without: pictures that no annotation names. unknown: labels that the model does not have → boxes left out.
    empty: boxes left out because they have no area.
    """

    pictures: tuple[Truth, ...]
    without: tuple[Path, ...] = ()
    unknown: Mapping[str, int] = field(default_factory=dict)
    empty: int = 0
