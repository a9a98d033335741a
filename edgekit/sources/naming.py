"""What a model and its classes are called."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import UsageError
from ..formats import groups as group_files
from ..formats import labels as label_files
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
    if options.name:
        return options.name
    return path.stem if path.stem not in COMMON else path.resolve().parent.name or path.stem


def name_classes(num_classes: int, options: LoadOptions, packed: tuple[str, ...] = ()) -> Names:
    """Labels that fit and groups of them. packed: labels that came with the source, used where none are given.

    Raises UserDataError where they do not fit, UsageError for groups without labels.
    """
    given = label_files.read(options.labels) if options.labels else packed
    where = str(options.labels) if options.labels else "The label file in the model"
    if not given:
        if options.groups:
            raise UsageError("--groups needs labels.", fix="Add --labels FILE.")
        return Names()
    fitted = label_files.fit(given, num_classes, name=where)
    groups = group_files.read(options.groups, fitted.labels) if options.groups else {}
    said = () if options.labels else (f"The {len(fitted.labels)} labels come from the label file in the model.",)
    return Names(labels=fitted.labels, groups=groups, notes=said + fitted.notes)
