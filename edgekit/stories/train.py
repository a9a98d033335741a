"""``train``: from a data set, or a pipeline.config, to a folder with a trained detector; places may be on stores."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Unpack

from .. import remote
from ..errors import StorageError, UsageError, UserDataError
from ..formats import labels as label_files
from ..training import BOARD, FILES, STATE, Training, config, readers, start
from ..training import train as fit
from ..training.data import Listing, check, hold_out
from ..training.options import SsdOptions
from ..training.progress import Event, Note, Saved
from ..training.wishes import Wishes, options

Place = Path | str
Say = Callable[[Event], None]


@dataclass(frozen=True, kw_only=True)
class _Plan:
    """What is to be trained on what. labels: empty where the data set names them. configured: by a pipeline.config."""

    listing: Listing
    labels: tuple[str, ...] = ()
    base: SsdOptions
    configured: bool = False
    ignored: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


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
    here = remote.Local(say=lambda sentence: say(Note(sentence=sentence)))
    folder = here.output(str(out))
    if pipeline_config is None:
        plan = _plain(here, data, validation, pictures, labels, split, validation_split)
    elif data is not None or validation is not None or labels is not None:
        raise UsageError(
            "A pipeline.config names its own data and labels.",
            fix="Leave out --data, --validation and --labels, or leave out --pipeline-config.",
        )
    else:
        plan = _configured(here, str(pipeline_config), str(root) if root else None)
    checkpoint = start.read(str(begin), here.input) if begin else None
    about = checkpoint.about if checkpoint else {}
    chosen = options(plan.base, wishes, about=about, configured=plan.configured)
    found = check(plan.listing, labels=plan.labels)
    for sentence in plan.notes:
        say(Note(sentence=sentence))
    if plan.ignored:
        say(Note(sentence=f"Of the configuration, these have no effect: {', '.join(plan.ignored)}."))

    def heard(event: Event) -> None:
        if isinstance(event, Saved):
            try:
                folder.push([STATE])
            except StorageError as error:  # it is here all the same; the last files are what must arrive
                say(Note(sentence=f"The state could not be stored: {error.what} {error.cause}".strip()))
        say(event)

    result = fit(found, chosen, out=folder.folder, begin=checkpoint, command=command, ignored=plan.ignored, say=heard)
    folder.push([BOARD, *FILES])
    folder.drop([STATE])
    return result


def _plain(
    here: remote.Local,
    data: Place | None,
    validation: Place | None,
    pictures: Place | None,
    labels: Place | Sequence[str] | None,
    split: str,
    validation_split: str,
) -> _Plan:
    if data is None:
        raise UsageError("There is nothing to train on.", fix="Give --data PLACE, or --pipeline-config FILE.")
    names = label_files.read(here.input(str(labels))) if isinstance(labels, Path | str) else tuple(labels or ())
    wanted = readers.Wanted(
        pictures=here.input(str(pictures)) if pictures else None,
        train=split,
        validation=validation_split,
        hold_out=validation is None,
        names=names,
    )
    listing = readers.read(here.input(str(data)), wanted)
    if validation is not None:
        other = readers.read(here.input(str(validation)), replace(wanted, pictures=None))
        listing = replace(listing, validation=other.validation or other.train)
    return _Plan(listing=listing, labels=names, base=SsdOptions())


def _configured(here: remote.Local, place: str, root: str | None) -> _Plan:
    """Everything as a pipeline.config says it."""
    found = config.read(here.input(place), root=root)
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
    ignored = found.ignored
    if found.checkpoint:
        ignored = (*ignored, "train_config.fine_tune_checkpoint (edgekit begins with its own checkpoints: --from)")
    return _Plan(
        listing=Listing(train=train, validation=validation),
        labels=names,
        base=found.options,
        configured=True,
        ignored=ignored,
        notes=found.notes,
    )
