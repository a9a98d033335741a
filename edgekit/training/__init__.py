"""From pictures with true boxes to a checkpoint: the verb ``train``."""

from __future__ import annotations

import contextlib
import hashlib
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from .. import system
from .._version import __version__
from ..errors import ConversionError, MissingToolError, SourceError, TrainingError, UsageError
from ..formats import checkpoint
from ..formats import labels as label_files
from ..runtimes.packages import version
from ..runtimes.tensorflow import tensorflow_worker
from ..values.codec import from_data, to_data
from ..values.show import Shown
from ..vision import anchors
from ..vision.metrics import CocoFigures
from . import export, start
from .architecture import Architecture, build
from .data import DataSet
from .loop import GRAPH_PREFIX, Job, train_ssd
from .options import SsdOptions
from .progress import QUANTISED, Event, Note, Trained

GRAPH, LABELS, LABEL_MAP, METRICS, RECIPE = (
    "tflite_graph.pb",
    "labels.txt",
    "label_map.pbtxt",
    "metrics.json",
    "training.json",
)
STATE, RESULT, BOARD = "state.npz", "result.npz", "board"
FILES = (GRAPH, LABELS, LABEL_MAP, start.FILE, METRICS, RECIPE)  # RECIPE last: it says that all is there
PACKAGES = {"tensorflow": "TensorFlow", "cv2": "OpenCV", "tensorboard": "TensorBoard"}
SILENCE = 3600.0  # seconds without a word after which TensorFlow's process is taken for dead

Say = Callable[[Event], None]


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


def expect_packages() -> None:
    """Raise MissingToolError where a package is missing that a training would ask for when it has begun."""
    missing = [name for package, name in PACKAGES.items() if version(package) is None]
    if missing:
        raise MissingToolError(
            f"Training needs {', '.join(missing)}.",
            cause="Not all packages for it are installed.",
            fix="Type: pip install 'edgekit[train]'",
        )


def train(
    data: DataSet,
    options: SsdOptions,
    *,
    out: Path,
    begin: start.Checkpoint | None = None,
    command: Sequence[str] = (),
    ignored: Sequence[str] = (),
    notes: Sequence[str] = (),
    say: Say = lambda event: None,
) -> Training:
    """Train a detector and write what the old exporter would have written into ``out``.

    begin: a checkpoint whose layers are taken as far as they fit. command, ignored: for the record. notes: sentences
    to be said, and for the record. say: told of every event. A training that was killed goes on when the same is asked
    for again; one that is finished is not done again.
    Raises UsageError where ``out`` holds another training, TrainingError where the loss is no number any more.
    """
    options, architecture = _plan(data, options)
    begun = start.begin(begin, architecture, data.labels) if begin else start.Start()
    notes = (*notes, *data.notes)
    for sentence in (*notes, *begun.sentences):
        say(Note(sentence=sentence))
    digest = data.digest()
    key = _key(options, digest, begun)
    if (done := _finished(out, key)) is not None:
        say(Note(sentence=f"{out} holds this training already: nothing to do."))
        return done
    with system.staging(out) as staged:
        trained = _run(data, options, architecture, begun, key, staged, out, say)
        record = {
            "command": list(command),
            "seed": options.seed,
            "key": key,
            "data": {"sha256": digest, "train": len(data.train), "validation": len(data.validation)},
            "options": to_data(options),
            "taken": list(begun.taken),
            "fresh": list(begun.fresh),
            "ignored": list(ignored),
            "notes": list(notes),
            "tools": {"edgekit": __version__, "python": sys.version.split()[0]}
            | {name: version(name) for name in ("tensorflow", "numpy", "cv2")},
        }
        _write(staged, data, options, architecture, trained, record)
        system.publish_together(staged, out, FILES)
        (out / STATE).unlink(missing_ok=True)
    return _read(out)


def _plan(data: DataSet, options: SsdOptions) -> tuple[SsdOptions, Architecture]:
    """Options with anchors, and the network."""
    if not options.sizes:
        boxes = np.concatenate([example.truth.boxes[~example.truth.crowd] for example in data.train])
        pixels = (boxes[:, [3, 2]] - boxes[:, [1, 0]]).astype(np.float64) * (options.height, options.width)
        found, _ = anchors.cluster(np.maximum(pixels.round(2), 1), options.anchors, seed=options.seed)
        sizes = [(height / options.height, width / options.width) for height, width in found]
        spread = anchors.spread(sizes, options.strides, options.height, options.width)
        options = replace(options, sizes=spread)
    architecture = build(
        options.kind,
        height=options.height,
        width=options.width,
        classes=len(data.labels),
        sizes=options.sizes,
        strides=options.strides,
        multiplier=options.multiplier,
        min_depth=options.min_depth,
    )
    return options, architecture


def _key(options: SsdOptions, digest: str, begun: start.Start) -> str:
    """Digest of everything that decides the result."""
    found = hashlib.sha256(json.dumps([to_data(options), digest, __version__, version("tensorflow")]).encode())
    for path, value in sorted(begun.variables.items()):
        found.update(path.encode() + value.tobytes())
    return found.hexdigest()


def _finished(out: Path, key: str) -> Training | None:
    """The training that ``out`` holds, if it is this one; None where it holds none, or this one unfinished."""
    if (out / RECIPE).is_file():
        with contextlib.suppress(ValueError, TypeError, KeyError):
            if json.loads(system.read_file(out / RECIPE))["key"] == key:
                return _read(out)
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


def _run(
    data: DataSet,
    options: SsdOptions,
    architecture: Architecture,
    begun: start.Start,
    key: str,
    staged: Path,
    out: Path,
    say: Say,
) -> Trained:
    """Train in TensorFlow's process; the variables are in staged / RESULT then."""
    job = Job(
        data=data,
        architecture=architecture,
        options=options,
        initial=begun.variables,
        key=key,
        state=out / STATE,
        result=staged / RESULT,
        board=out / BOARD,
    )
    last: Event | None = None
    try:
        with tensorflow_worker(accelerated=True) as worker:
            for last in worker.stream(train_ssd, job, timeout=SILENCE):
                say(last)
    except ConversionError as error:  # the worker's word for whatever TensorFlow raised, or died of
        fix = error.fix or "Where memory is short, lower --batch or --size."
        raise TrainingError(error.what, cause=error.cause, fix=fix) from None
    assert isinstance(last, Trained)
    return last


def _write(
    staged: Path,
    data: DataSet,
    options: SsdOptions,
    architecture: Architecture,
    trained: Trained,
    record: Mapping[str, Any],
) -> None:
    """Everything that is published, in the staging folder."""
    variables, _ = checkpoint.read(staged / RESULT)
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


def _read(out: Path) -> Training:
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
