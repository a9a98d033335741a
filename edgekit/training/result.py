"""A finished training in its folder: what is written there, and read from there."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .. import system
from ..errors import SourceError, UsageError
from ..formats import checkpoint
from ..formats import labels as label_files
from ..values.codec import from_data, to_data
from ..values.show import Shown
from ..vision.metrics import CocoFigures
from . import export, start
from .architecture import Architecture
from .data import DataSet
from .loop import GRAPH_PREFIX
from .options import SsdOptions
from .progress import QUANTISED, Trained

GRAPH, LABELS, LABEL_MAP, METRICS, RECIPE = (
    "tflite_graph.pb",
    "labels.txt",
    "label_map.pbtxt",
    "metrics.json",
    "training.json",
)
STATE, VARIABLES, BOARD = "state.npz", "variables.npz", "board"
FILES = (GRAPH, LABELS, LABEL_MAP, start.FILE, METRICS, RECIPE)  # RECIPE last: it says that all is there


@dataclass(frozen=True, kw_only=True)
class Training(Shown):
    """A finished training in its folder. figures: phase → the twelve COCO figures on the validation pictures.

    display_score: from which answers are best shown, by the same pictures. quantised: the graph has fake-quants.
    """

    root: Path
    labels: tuple[str, ...]
    figures: Mapping[str, CocoFigures]
    display_score: float
    quantised: bool
    steps: int
    seconds: float

    @property
    def graph(self) -> Path:
        """The fake-quantised graph, as the Object Detection API's exporter writes them."""
        return self.root / GRAPH

    @property
    def checkpoint(self) -> Path:
        """What another training can begin with."""
        return self.root / start.FILE


def finished(out: Path, key: str) -> Training | None:
    """The training that ``out`` holds, if it is this one; None where it holds none, or this one unfinished."""
    if (out / RECIPE).is_file():
        with contextlib.suppress(ValueError, TypeError, KeyError):
            if json.loads(system.read_file(out / RECIPE))["key"] == key:
                return read(out)
        raise UsageError(
            f"{out} holds another training.",
            cause="Its data, options or versions are others.",
            fix="Choose another folder with -o, or remove this one.",
        )
    if (out / STATE).is_file():
        try:
            _, counters = checkpoint.read(out / STATE)
        except SourceError:
            raise UsageError(f"{out / STATE} is damaged.", fix="Remove it, and the training begins anew.") from None
        if counters.get("key") != key:
            raise UsageError(
                f"{out} holds the state of another training, which is not finished.",
                cause="It was begun with other data or options, or with other versions.",
                fix=f"Finish it with the same command as then, choose another folder, or remove {out / STATE}.",
            )
    return None


def write(
    staged: Path,
    data: DataSet,
    options: SsdOptions,
    architecture: Architecture,
    trained: Trained,
    record: Mapping[str, Any],
) -> None:
    """Everything that is published, in the staging folder."""
    variables, _ = checkpoint.read(staged / VARIABLES)
    exported = {
        path.removeprefix(GRAPH_PREFIX): variables.pop(path) for path in [*variables] if path.startswith(GRAPH_PREFIX)
    }
    about = start.About(
        kind=options.kind,
        multiplier=options.multiplier,
        height=options.height,
        width=options.width,
        strides=options.strides,
        sizes=options.sizes,
        labels=data.labels,
    )
    metrics = {
        "steps": trained.steps,
        "seconds": round(trained.seconds, 1),
        "validation": to_data(trained.figures),
        "classes": {
            phase: {data.labels[index]: {"ap": ap, "ap50": ap50} for index, (ap, ap50) in found.items()}
            for phase, found in trained.by_class.items()
        },
        "display_score": trained.display_score,
        "history": to_data(trained.history),
    }
    system.write_file(staged / GRAPH, export.graph(architecture, exported, options))
    system.write_file(staged / LABELS, label_files.encode(data.labels))
    system.write_file(staged / LABEL_MAP, label_files.encode_map(data.labels))
    system.write_file(staged / start.FILE, checkpoint.encode(variables, to_data(about)))
    system.write_file(staged / METRICS, json.dumps(metrics, indent=1) + "\n")
    system.write_file(staged / RECIPE, json.dumps(record, indent=1) + "\n")


def read(out: Path) -> Training:
    """The training in a folder."""
    metrics = json.loads(system.read_file(out / METRICS))
    return Training(
        root=out,
        labels=label_files.decode(system.read_file(out / LABELS), name=LABELS),
        figures={phase: from_data(CocoFigures, found) for phase, found in metrics["validation"].items()},
        display_score=metrics["display_score"],
        quantised=any(progress["phase"] == QUANTISED for progress in metrics["history"]),
        steps=metrics["steps"],
        seconds=metrics["seconds"],
    )
