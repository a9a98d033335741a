"""What a model and its classes are called."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import SourceError, UsageError
from ..formats import groups as group_files
from ..formats import labels as label_files
from ..values.support import display_name
from .options import LoadOptions

# Names that exporters give every file: the folder says more.
COMMON = ("tflite_graph", "frozen_inference_graph", "output_graph", "graph", "model", "detect", "saved_model")


@dataclass(frozen=True, kw_only=True)
class Names:
    """labels: one a class, or none at all. notes: what was done to them, as sentences."""

    labels: tuple[str, ...] = ()
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def name_model(path: Path, options: LoadOptions) -> str:
    """As the user said, else after the file, or after its folder where the file's name says nothing."""
    own = path.stem if path.stem not in COMMON else path.resolve().parent.name or path.stem
    return display_name(options.name or own)


def given_labels(options: LoadOptions) -> tuple[str, ...]:
    """The labels that the user gave, from a file or one by one; empty where none were given."""
    if isinstance(options.labels, Path):
        return label_files.read(options.labels)
    for number, label in enumerate(options.labels or (), start=1):
        label_files.check_text(str(label), f"label {number}")
    return label_files.decode(label_files.encode(options.labels), name="The labels") if options.labels else ()


def name_classes(num_classes: int, options: LoadOptions, packed: tuple[str, ...] = ()) -> Names:
    """Labels that fit and groups of them. packed: labels that came with the source, used where none are given.

    Raises UserDataError where they do not fit, UsageError for groups without labels.
    """
    given = given_labels(options) or packed
    where = "The label file in the model"
    if options.labels:
        where = str(options.labels) if isinstance(options.labels, Path) else "The list"
    if not given:
        if options.groups:
            raise UsageError("--groups needs labels.", fix="Add --labels FILE.")
        return Names()
    fitted = label_files.fit(given, num_classes, name=where)
    groups = group_files.read(options.groups, fitted.labels) if options.groups else {}
    said = () if options.labels else (f"The {len(fitted.labels)} labels come from the label file in the model.",)
    return Names(labels=fitted.labels, groups=groups, notes=said + fitted.notes)


@dataclass(frozen=True, kw_only=True)
class Columns:
    """What the columns of a score tensor are. num_classes: without background; notes: what was assumed."""

    num_classes: int
    background: bool
    notes: tuple[str, ...] = ()


def count_classes(columns: int | None, stated: int | None, options: LoadOptions) -> Columns:
    """From the number of columns, None where it is unknown, and from what a post-processing op states, if there is one.

    Raises SourceError where they contradict each other or nothing is known.
    """
    if stated is not None:
        if stated < 1 or (columns is not None and columns - stated not in (0, 1)):
            raise SourceError(
                f"The post-processing says {stated} classes, the scores have {columns} columns.",
                cause="Columns are the classes, or the classes and the background.",
            )
        if columns is None:
            note = "A background column is assumed: the file does not say how many columns the scores have."
            return Columns(num_classes=stated, background=True, notes=(note,))
        return Columns(num_classes=stated, background=columns == stated + 1)
    if columns is None or columns < 1:
        raise SourceError("The number of classes cannot be read from the scores: their shape is not in the file.")
    given = given_labels(options)
    if len(given) == columns and given[0].lower() not in label_files.BACKGROUND:
        return Columns(num_classes=columns, background=False)
    if columns == 1:
        return Columns(num_classes=1, background=False)
    note = f"A background column is assumed: {columns} columns of scores are {columns - 1} classes."
    return Columns(num_classes=columns - 1, background=True, notes=(note,))
