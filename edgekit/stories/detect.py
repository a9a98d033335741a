"""``detect``: run a model on whatever there is to look at, draw what it finds, count it."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path

import numpy as np

from ..errors import StorageError, UsageError, UserDataError
from ..report.detections import record
from ..system import write_file
from ..values.answers import Answer, Classification, Detections
from ..values.artifact import Artifact
from ..values.sighting import Failure, Seen, Sighting
from ..values.spec import ModelSpec
from ..vision import images
from ..vision.counts import Counts, count
from ..vision.draw import draw
from ..vision.frames import Video, VideoWriter
from .footage import Shot, destinations, expand, open_shot, records
from .subject import Runner, open_subject

BEST = 5  # classes told of a classification

Place = Path | str
Each = Callable[[Sighting, ModelSpec], None]  # told of every picture and frame as it is done


def detect(
    subject: Place | Artifact,
    inputs: Place | Shot | Sequence[Place | Shot],
    *,
    out: Place | None = None,
    score: float | None = None,
    labels: Place | None = None,
    groups: Place | None = None,
    mean: float | Sequence[float] = (),
    std: float | Sequence[float] = (),
    threads: int = 1,
    progress: Each | None = None,
) -> Seen:
    """What a model finds in pictures, folders, patterns, videos or a webcam (camera:0, until Ctrl-C).

    subject: an artifact, its folder, a folder with exactly one, or any finished .tflite. out: folder for annotated
    pictures and videos (with a .jsonl of their frames), or the file for a single one. score: smallest score kept, the
    artifact's own by default. labels, groups: files that go before the model's own. mean, std: in pixel units, one
    number or one a channel, for a .tflite that does not say them.
    A file that cannot be looked at is in ``failures`` and stops nothing; the only one raises its error.
    """
    if score is not None and not 0 <= score <= 1:
        raise UsageError(f"The score {score} is not between 0 and 1.")
    if threads < 1:
        raise UsageError(f"{threads} threads cannot run anything.", fix="Give 1 or more.")
    shots = expand([inputs] if isinstance(inputs, str | Path | Shot) else list(inputs))
    opened = open_subject(
        subject if isinstance(subject, Artifact) else Path(subject),
        mean=_channels(mean),
        std=_channels(std),
        labels=Path(labels) if labels else None,
        groups=Path(groups) if groups else None,
    )
    if out is not None and opened.spec.task != "detection":
        raise UsageError(f"{opened.spec.name} is a classifier: it draws no boxes.", fix="Leave -o out.")
    targets = destinations(shots, Path(out)) if out is not None else (None,) * len(shots)
    least = opened.score if score is None else score
    runner = Runner(opened, threads=threads)
    sightings: list[Sighting] = []
    failures: list[Failure] = []

    def each(sighting: Sighting, spec: ModelSpec) -> None:
        sightings.append(sighting)
        if progress:
            progress(sighting, spec)

    for shot, target in zip(shots, targets, strict=True):
        with ExitStack() as stack:
            try:
                video = stack.enter_context(open_shot(shot))
            except (UserDataError, StorageError) as error:
                if len(shots) == 1:
                    raise
                failures.append(Failure(source=shot.name, reason=f"{error.what} {error.cause}".strip()))
                continue
            _watch(shot, video, runner, opened.spec, least, target, each)
    return Seen(
        spec=opened.spec,
        score=least,
        sightings=tuple(sightings),
        failures=tuple(failures),
        notes=opened.notes,
    )


def counts(seen: Seen) -> Counts:
    """Counts and shares over all pictures and frames; a box's area is a fraction of its own picture."""
    found = [sighting.answer for sighting in seen.sightings if isinstance(sighting.answer, Detections)]
    if seen.spec.task != "detection":
        raise UsageError(f"{seen.spec.name} is a classifier: it counts nothing.", fix="Leave --count out.")
    together = Detections(
        boxes=np.concatenate([np.empty((0, 4), np.float32), *(one.boxes for one in found)]),
        scores=np.concatenate([np.empty(0, np.float32), *(one.scores for one in found)]),
        classes=np.concatenate([np.empty(0, np.int64), *(one.classes for one in found)]),
    )
    return count(together, seen.spec)


def _watch(
    shot: Shot, video: Video, runner: Runner, spec: ModelSpec, score: float, target: Path | None, each: Each
) -> None:
    """Look at every frame; write the annotated picture, or the video and its .jsonl, when the last one is done."""
    lines: list[str] = []
    with ExitStack() as stack:
        writer = stack.enter_context(VideoWriter(target, video.rate)) if target and shot.moving else None
        if isinstance(shot.source, int):
            stack.enter_context(suppress(KeyboardInterrupt))  # how a camera, which has no end, is stopped
        for frame in video.frames:
            sighting = Sighting(
                source=shot.name,
                width=frame.pixels.shape[1],
                height=frame.pixels.shape[0],
                answer=_kept(runner.answer(frame.pixels), score),
                frame=frame.index if shot.moving else None,
                seconds=frame.seconds if shot.moving else None,
                annotated=target,
            )
            if target and isinstance(sighting.answer, Detections):
                drawn = draw(frame.pixels, sighting.answer, spec.label)
                if writer:
                    writer.write(drawn)
                    lines.append(json.dumps(record(sighting, spec), ensure_ascii=False) + "\n")
                else:
                    write_file(target, images.encode(drawn, target.suffix))
            each(sighting, spec)
    if target and shot.moving:
        write_file(records(target), "".join(lines))


def _channels(given: float | Sequence[float]) -> Sequence[float]:
    return (given,) if isinstance(given, int | float) else given


def _kept(answer: Answer, score: float) -> Answer:
    if isinstance(answer, Classification):
        return Classification(classes=answer.classes[:BEST], scores=answer.scores[:BEST])
    return answer.above(score)
