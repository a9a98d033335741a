"""From pictures with true boxes to a checkpoint: the verb ``train``."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from .. import system
from .._version import __version__
from ..errors import ConversionError, MissingToolError, TrainingError
from ..runtimes.packages import version
from ..runtimes.tensorflow import tensorflow_worker
from ..values.codec import to_data
from ..vision import anchors
from . import result, start
from .architecture import Architecture, build
from .data import DataSet
from .loop import Job, train_ssd
from .options import SsdOptions
from .progress import Event, Note, Trained
from .result import BOARD, FILES, METRICS, STATE, Training

__all__ = ["BOARD", "FILES", "METRICS", "STATE", "Training", "expect_packages", "train"]

PACKAGES = {"tensorflow": "TensorFlow", "cv2": "OpenCV", "tensorboard": "TensorBoard"}
SILENCE = 3600.0  # seconds without a word after which TensorFlow's process is taken for dead

Say = Callable[[Event], None]


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
    if (done := result.finished(out, key)) is not None:
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
        result.write(staged, data, options, architecture, trained, record)
        system.publish_together(staged, out, FILES)
        (out / STATE).unlink(missing_ok=True)
    return result.read(out)


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
    """Train in TensorFlow's process; the variables are in staged / result.VARIABLES then."""
    job = Job(
        data=data,
        architecture=architecture,
        options=options,
        initial=begun.variables,
        key=key,
        state=out / STATE,
        result=staged / result.VARIABLES,
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
