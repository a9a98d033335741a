"""What the user may say about a source that its file does not say itself."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ..errors import UsageError
from ..values.spec import ACTIVATIONS, Selection


@dataclass(frozen=True, kw_only=True)
class LoadOptions:
    """Empty or None: taken from the file.

    input, outputs: nodes or tensors of a graph with other names; two outputs are boxes and scores. mean, std: pixel
    units. anchors: .npy or .csv, [N, 4] of (y centre, x centre, height, width), picture = [0, 1]. activation: what
    the scores still need. score to regular: override the Selection.
    """

    input: str = ""
    outputs: tuple[str, ...] = ()
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    anchors: Path | None = None
    activation: str = ""
    labels: Path | None = None
    groups: Path | None = None
    name: str = ""
    score: float | None = None
    iou: float | None = None
    max_detections: int | None = None
    max_classes_per_detection: int | None = None
    detections_per_class: int | None = None
    regular: bool | None = None

    def __post_init__(self) -> None:
        if bool(self.mean) != bool(self.std):
            raise UsageError("--mean and --std belong together.", fix="Give both, in pixel units (0 to 255).")
        if self.activation not in ("", *ACTIVATIONS):
            raise UsageError(f"--activation {self.activation}: one of {', '.join(ACTIVATIONS)}.")

    def select(self, found: Selection) -> Selection:
        """The selection of the source with what the user said instead."""
        given = {name: value for name in _SELECTION if (value := getattr(self, name)) is not None}
        try:
            return replace(found, **given)
        except ValueError as error:
            raise UsageError(f"The post-processing options cannot be used: {error}.") from None


_SELECTION: Sequence[str] = tuple(Selection.__dataclass_fields__)
