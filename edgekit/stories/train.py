"""``train``: from a data set, or a pipeline.config, to a folder with a trained detector; places may be on stores."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Unpack

from .. import remote
from ..errors import StorageError, UsageError, UserDataError
from ..formats import labels as label_files
from ..training import BOARD, FILES, STATE, Training, config, expect_packages, readers, start
from ..training import train as fit
from ..training.data import Listing, check, hold_out
from ..training.options import SsdOptions
from ..training.progress import Event, Note, Saved
from ..training.wishes import Wishes, options

Place = Path | str
Say = Callable[[Event], None]


def train(
    data: Place | None = None,
    *,
    out: Place,
    validation: Place | None = None,
    pictures: Place | None = None,
    labels: Place | Sequence[str] | None = None,
    split: str = readers.TRAIN,
    validation_split: str = readers.VALIDATION,
    begin: Place | None = None,
    pipeline_config: Place | None = None,
    root: Place | None = None,
    command: Sequence[str] = (),
    say: Say = lambda event: None,
    **wishes: Unpack[Wishes],
) -> Training:
    """Train an SSD detector, with batch norms first and then with fake-quants; what comes of it lies in ``out``.

    data: a Pascal VOC folder, a folder with one COCO .json, that file, or a pattern of TFRecords; here or on a store
    (gs://, s3://). validation: another such set; else the data's own split, else one picture of ten. pictures: their
    folder, where the annotations do not lead to them. labels: a file of the classes in their order, or their names.
    begin: a checkpoint of edgekit's, a folder with one, or 'shelf'. pipeline_config: a configuration of the Object
    Detection API, for everything that is not said here; root: what its PATH_TO_BE_CONFIGURED stands for. command: for
    the record. say: told of every event. wishes, by the names of the command line: architecture, width, size (height,
    width), maps, anchors, match, loss, steps, quantised_steps, batch, learning_rate, warmup, flips, smallest_crop,
    max_detections, iou, symmetric, seed, deterministic, evaluate, patience.

    A killed training goes on when it is asked for again. Raises UsageError, UserDataError, SourceError,
    TrainingError, StorageError, MissingToolError.
    """
    expect_packages()
    lists = {
        "--split": split if split != readers.TRAIN else None,
        "--validation-split": validation_split if validation_split != readers.VALIDATION else None,
    }
    own = {"--data": data, "--validation": validation, "--pictures": pictures, "--labels": labels} | lists
    _expect_one_way([option for option, value in own.items() if value is not None], pipeline_config, root)
    here = remote.Local(say=lambda sentence: say(Note(sentence=sentence)))
    configured = None
    if pipeline_config is not None:
        configured = config.read(here.input(str(pipeline_config)), root=None if root is None else str(root))
    checkpoint = None if begin is None else start.read(str(begin), here.input)
    chosen = options(
        configured.options if configured else SsdOptions(),
        wishes,
        about=checkpoint.about if checkpoint else None,
        configured=configured is not None,
    )
    folder = here.output(str(out))
    if configured is not None:
        listing, names = _configured(here, configured, str(pipeline_config))
    else:
        listing, names = _own(here, data, validation, pictures, labels, split, validation_split)
    found = check(listing, labels=names)
    ignored = _ignored(configured) if configured else ()
    if ignored:
        say(Note(sentence=f"Of the configuration, these have no effect: {', '.join(ignored)}."))

    def heard(event: Event) -> None:
        if isinstance(event, Saved):
            try:
                folder.push([STATE])
            except StorageError as error:  # it is here all the same; the last files are what must arrive
                say(Note(sentence=f"The state could not be stored: {error.what} {error.cause}".strip()))
        say(event)

    result = fit(
        found,
        chosen,
        out=folder.folder,
        begin=checkpoint,
        command=command,
        ignored=ignored,
        notes=configured.notes if configured else (),
        say=heard,
    )
    folder.push([BOARD, *FILES])
    folder.drop([STATE])
    if folder.url:
        say(Note(sentence=f"Everything is stored in {remote.shown(folder.url)}; {folder.folder} holds a copy."))
    return result


def _expect_one_way(own: Sequence[str], pipeline_config: Place | None, root: Place | None) -> None:
    """Raise UsageError where a pipeline.config and options say the same. own: options that are given of a data set."""
    if pipeline_config is not None and own:
        raise UsageError(
            "A pipeline.config names its own data and labels.",
            fix=f"Leave out {', '.join(own)}, or leave out --pipeline-config.",
        )
    if pipeline_config is None and root is not None:
        raise UsageError(
            "Only a pipeline.config has a place for --root.", fix="Give --pipeline-config FILE, or leave out --root."
        )


def _own(
    here: remote.Local,
    data: Place | None,
    validation: Place | None,
    pictures: Place | None,
    labels: Place | Sequence[str] | None,
    split: str,
    validation_split: str,
) -> tuple[Listing, tuple[str, ...]]:
    """The data set, or both, that the options name; and the labels, none where the data set is to name them."""
    if data is None:
        raise UsageError("There is nothing to train on.", fix="Give --data PLACE, or --pipeline-config FILE.")
    names = label_files.read(here.input(str(labels))) if isinstance(labels, Path | str) else tuple(labels or ())
    wanted = readers.Wanted(
        pictures=here.input(str(pictures)) if pictures is not None else None,
        train=split,
        validation=validation_split if validation is None else readers.VALIDATION,
        hold_out=validation is None,
        names=names,
    )
    listing = readers.read(here.input(str(data)), wanted)
    if validation is not None:
        wanted = readers.Wanted(validation=validation_split, hold_out=False, names=names)
        other = readers.read(here.input(str(validation)), wanted)
        listing = replace(listing, validation=other.validation or other.train)
    return listing, names


def _configured(here: remote.Local, found: config.Configured, place: str) -> tuple[Listing, tuple[str, ...]]:
    """The data set and the labels that a pipeline.config names. place: of that file, for messages."""
    names = label_files.read(here.input(found.labels))
    if len(names) != found.num_classes:
        raise UserDataError(
            f"{found.labels} has {len(names)} labels; {place} has num_classes: {found.num_classes}.",
            fix="Make them agree.",
        )
    train, validation = (
        readers.records([str(here.input(pattern)) for pattern in patterns], names)
        for patterns in (found.train, found.validation)
    )
    if not validation:
        train, validation = hold_out(train)
    return Listing(train=train, validation=validation), names


def _ignored(found: config.Configured) -> tuple[str, ...]:
    if not found.checkpoint:
        return found.ignored
    return (*found.ignored, "train_config.fine_tune_checkpoint (edgekit begins with its own checkpoints: --from)")
