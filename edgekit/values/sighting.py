"""What a model saw: its answers for pictures and frames, and the files that could not be looked at."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from .answers import Answer
from .show import Shown
from .spec import ModelSpec


@dataclass(frozen=True, kw_only=True)
class Sighting(Shown):
    """The answer for one picture, or for one frame of a video.

    source: the file as it was given, or camera:N. width, height: of the picture, upright. frame: from 0, and seconds
    since the first; None for a picture. annotated: the picture with its boxes, or the video that the frame is in.
    """

    source: str
    width: int
    height: int
    answer: Answer
    frame: int | None = None
    seconds: float | None = None
    annotated: Path | None = None


@dataclass(frozen=True, kw_only=True)
class Failure(Shown):
    """A file that could not be looked at, and why."""

    source: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Seen(Shown):
    """All that one run saw. score: detections below it were left out. notes: assumptions, as sentences."""

    spec: ModelSpec
    score: float
    sightings: tuple[Sighting, ...]
    failures: tuple[Failure, ...] = ()
    notes: tuple[str, ...] = ()
