"""What the user wants looked at: pictures, folders, patterns, videos, a webcam; and where the results go."""

from __future__ import annotations

import contextlib
import glob
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import UsageError, UserDataError
from ..values.sighting import Sighting
from ..vision import frames, images
from ..vision.frames import Frame, Video

WRITABLE = (".png", ".jpg", ".jpeg", ".webp", ".bmp")
_CAMERA = re.compile(r"camera:(\d{1,3})")
_PATTERN = re.compile(r"[*?\[]")


@dataclass(frozen=True, kw_only=True)
class Shot:
    """One picture or video. source: the file, or the number of a webcam. place: path for its result in a folder."""

    source: Path | int
    place: Path

    @property
    def name(self) -> str:
        return f"camera:{self.source}" if isinstance(self.source, int) else str(self.source)

    @property
    def moving(self) -> bool:
        return isinstance(self.source, int) or self.source.suffix.lower() in frames.SUFFIXES


def expand(inputs: Sequence[str | Path | Shot]) -> tuple[Shot, ...]:
    """Every picture and video that the inputs mean, in their order, a folder's pictures sorted; a Shot is its own.

    Raises UsageError for a path that does not exist, UserDataError for a folder without pictures.
    """
    if not inputs:
        raise UsageError("There is nothing to look at.", fix="Give pictures, folders, videos or camera:0.")
    return tuple(shot for one in inputs for shot in ([one] if isinstance(one, Shot) else _shots(str(one))))


@contextlib.contextmanager
def open_shot(shot: Shot) -> Iterator[Video]:
    """A shot as frames; a picture is a video of one. Raises as ``images.load`` and ``open_video`` do."""
    if shot.moving:
        with frames.open_video(shot.source) as video:
            yield video
    else:
        pixels = images.load(Path(str(shot.source)))
        yield Video(rate=0, frames=iter([Frame(index=0, seconds=0, pixels=pixels)]))


def destinations(shots: Sequence[Shot], out: Path) -> tuple[Path, ...]:
    """Where the annotated form of each goes: ``out`` itself for a single one, else a file of its own in that folder.

    Raises UsageError where ``out`` cannot hold them all, or where an input would be overwritten.
    """
    is_file = out.suffix.lower() in (*WRITABLE, *frames.CODECS) and not out.is_dir()
    if is_file and len(shots) > 1:
        raise UsageError(f"{out} is one file, the inputs are {len(shots)}.", fix="Give a folder.")
    if not is_file and out.exists() and not out.is_dir():
        raise UsageError(f"{out} is a file of another kind.", fix="Give a folder, or a name such as boxes.png.")
    if not is_file and not out.is_dir() and out.suffix and not out.suffix[1:].isdigit():  # v1.2 is a folder's name
        raise UsageError(
            f"{out} has the suffix of neither a picture nor a video.",
            fix=f"Use {', '.join((*WRITABLE, *frames.CODECS))}, or a folder's name without a suffix.",
        )
    if is_file and (out.suffix.lower() in frames.CODECS) != shots[0].moving:
        kinds = frames.CODECS if shots[0].moving else WRITABLE
        raise UsageError(f"{shots[0].name} cannot be written as {out.name}.", fix=f"Use {', '.join(kinds)}.")
    places = (out,) if is_file else tuple(out / place for place in _distinct(shots))
    sources = {shot.source.resolve() for shot in shots if isinstance(shot.source, Path)}
    for place in places:
        if place.resolve() in sources:
            raise UsageError(f"{place} would be overwritten with its own result.", fix="Give another folder.")
    return places


def _shots(text: str) -> list[Shot]:
    if camera := _CAMERA.fullmatch(text):
        return [Shot(source=int(camera[1]), place=Path(f"camera-{int(camera[1])}"))]
    path = Path(text)
    if path.is_dir():
        found = images.pictures(path)
        if not found:
            raise UserDataError(f"There are no pictures in {path}.", fix=f"They end in {', '.join(images.SUFFIXES)}.")
        return [Shot(source=picture, place=picture.relative_to(path)) for picture in found]
    if path.exists():
        return [Shot(source=path, place=Path(path.name))]
    matches = sorted(glob.glob(text, recursive=True)) if _PATTERN.search(text) else []
    files = [Path(match) for match in matches if Path(match).is_file()]
    if not files:
        raise UsageError(f"There is no file or folder {text}.", fix="Check the path.")
    return [Shot(source=file, place=Path(file.name)) for file in files]


def records(place: Path) -> Path:
    """Where the answers for an annotated video's frames go."""
    return place.with_suffix(".jsonl")


def files(sighting: Sighting) -> tuple[Path, ...]:
    """What was written of it: an annotated picture, or a video and its records."""
    if sighting.annotated is None:
        return ()
    return (sighting.annotated,) if sighting.frame is None else (sighting.annotated, records(sighting.annotated))


def _distinct(shots: Sequence[Shot]) -> list[Path]:
    """Names that can be written, all different: files of one name from several folders get a number."""
    places: list[Path] = []
    taken: set[Path] = set()
    numbers: Counter[Path] = Counter()
    for shot in shots:
        kinds, usual = (tuple(frames.CODECS), ".mp4") if shot.moving else (WRITABLE, ".png")
        wanted = shot.place if shot.place.suffix.lower() in kinds else shot.place.with_suffix(usual)
        place = wanted
        while not taken.isdisjoint(files := {place, records(place)} if shot.moving else {place}):
            numbers[wanted] += 1
            place = wanted.with_stem(f"{wanted.stem}-{numbers[wanted] + 1}")
        taken |= files
        places.append(place)
    return places
