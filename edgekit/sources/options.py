"""What the user may say about a source that its file does not say itself."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, TypedDict

from ..errors import UsageError
from ..values.spec import ACTIVATIONS, GIVE_NORMALISATION, Selection, expect_normalisation

SELECTION = tuple(field.name for field in fields(Selection))
ALWAYS = ("mean", "std", "labels", "groups", "name")  # of use for every source


class LoadKeywords(TypedDict, total=False):
    """The fields of LoadOptions as a caller may write them."""

    input: str
    outputs: str | Sequence[str]
    mean: float | Sequence[float]
    std: float | Sequence[float]
    anchors: Path | str | None
    activation: str
    labels: Path | str | Sequence[str] | None
    groups: Path | str | None
    name: str
    score: float | None
    iou: float | None
    max_detections: int | None
    max_classes_per_detection: int | None
    detections_per_class: int | None
    regular: bool | None


@dataclass(frozen=True, kw_only=True)
class LoadOptions:
    """Empty or None: taken from the file.

    input, outputs: nodes or tensors of a graph with other names; two outputs are boxes and scores. mean, std: pixel
    units, one number or one a channel. anchors: .npy, .f32 or .csv, [N, 4] of (y centre, x centre, height, width),
    picture = [0, 1]. activation: what the scores still need. labels: a file, or the names themselves. score to regular:
    override the Selection. Raises UsageError where they make no sense.
    """

    input: str = ""
    outputs: tuple[str, ...] = ()
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    anchors: Path | None = None
    activation: str = ""
    labels: Path | tuple[str, ...] | None = None
    groups: Path | None = None
    name: str = ""
    score: float | None = None
    iou: float | None = None
    max_detections: int | None = None
    max_classes_per_detection: int | None = None
    detections_per_class: int | None = None
    regular: bool | None = None

    def __post_init__(self) -> None:
        plain = {
            "outputs": _names(self.outputs),
            "mean": _numbers("mean", self.mean),
            "std": _numbers("std", self.std),
            "anchors": _path(self.anchors),
            "labels": _path(self.labels) if isinstance(self.labels, str | Path) else tuple(self.labels or ()) or None,
            "groups": _path(self.groups),
        }
        for name, value in plain.items():
            object.__setattr__(self, name, value)
        if bool(self.mean) != bool(self.std):
            raise UsageError("--mean and --std belong together.", fix=GIVE_NORMALISATION)
        try:
            expect_normalisation(self.mean, self.std)
        except ValueError as error:
            raise UsageError(f"A picture cannot be normalised so. {error}.", fix=GIVE_NORMALISATION) from None
        if self.activation not in ("", *ACTIVATIONS):
            raise UsageError(f"--activation {self.activation}: one of {', '.join(ACTIVATIONS)}.")

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> LoadOptions:
        """The options under these names. Raises UsageError also for a name that there is not."""
        if unknown := given.keys() - {field.name for field in fields(cls)}:
            raise UsageError(f"There is no option {', '.join(sorted(unknown))}.")
        return cls(**given)

    def expect_only(self, used: Collection[str], what: str) -> None:
        """Raise UsageError for an option that was given and is of no use for ``what``: nothing is ignored in silence.

        used: names of further options than those that are always of use.
        """
        given = [field.name for field in fields(self) if getattr(self, field.name) != field.default]
        if idle := [_flag(name) for name in given if name not in (*used, *ALWAYS)]:
            raise UsageError(f"The source is {what}, which has no use for {', '.join(idle)}.", fix="Leave that out.")

    def select(self, found: Selection) -> Selection:
        """The selection of the source with what the user said instead."""
        given = {name: value for name in SELECTION if (value := getattr(self, name)) is not None}
        try:
            selection = replace(found, **given)
        except (ValueError, TypeError) as error:
            raise UsageError(f"The post-processing options cannot be used: {error}.") from None
        if self.detections_per_class is not None and not selection.regular:
            raise UsageError(
                f"--detections-per-class {self.detections_per_class} has no effect.",
                cause="Fast suppression does not go class by class.",
                fix="Add --regular-nms, or leave it out.",
            )
        return selection


def _flag(name: str) -> str:
    return {"regular": "--regular-nms or --fast-nms"}.get(name, f"--{name.replace('_', '-')}")


def _path(value: Path | str | None) -> Path | None:
    return Path(value) if value else None


def _names(value: str | Sequence[str]) -> tuple[str, ...]:
    """Names one by one, or in one text with commas between them."""
    names = value.split(",") if isinstance(value, str) else value
    return tuple(name.strip() for name in names if name.strip())


def _numbers(name: str, value: Any) -> tuple[float, ...]:
    """One number, or several."""
    try:
        if isinstance(value, str):
            raise TypeError
        return tuple(map(float, value)) if hasattr(value, "__iter__") else (float(value),)
    except (TypeError, ValueError):
        raise UsageError(f"{name}: expected a number or several, got {value!r}.", fix=GIVE_NORMALISATION) from None
