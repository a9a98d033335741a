"""``edgekit detect``."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..errors import UsageError, UserDataError
from .options import normalisation

if TYPE_CHECKING:
    from ..values.sighting import Seen, Sighting
    from ..values.spec import ModelSpec
    from ..vision.counts import Counts

FEW = 3  # files that are named


@click.command()
@click.argument("subject", type=click.Path(path_type=Path))
@click.argument("inputs", nargs=-1, required=True)
@click.option("-o", "--out", type=click.Path(path_type=Path), help="Folder for annotated files, or one file's name.")
@click.option("--score", type=click.FloatRange(0, 1), help="Smallest score shown; the model's own by default.")
@click.option("--count", is_flag=True, help="Count each class, and the share of each group by count and by area.")
@click.option("--json", "as_json", is_flag=True, help="Print the answers as JSON; of videos, a line for each frame.")
@click.option("--labels", type=click.Path(path_type=Path), help="Label file, in any form.")
@click.option("--groups", type=click.Path(path_type=Path), help="Groups of labels for --count, as TOML or JSON.")
@normalisation
@click.option("--threads", type=click.IntRange(min=1), default=1, show_default=True, help="Threads that run the model.")
def detect(subject: Path, inputs: tuple[str, ...], count: bool, as_json: bool, **given: Any) -> None:
    """Run SUBJECT, a converted model's folder or any .tflite, on INPUTS.

    INPUTS are pictures, folders of pictures, patterns, video files, or camera:0 for a webcam, which runs until Ctrl-C.
    """
    from ..report import printable
    from ..report.detections import show_counts
    from ..stories.detect import counts
    from ..stories.detect import detect as look
    from ..stories.footage import expand

    if given["groups"] and not count:
        raise UsageError("--groups says how to count.", fix="Add --count.")
    shots = expand(inputs)
    lines = as_json and any(shot.moving for shot in shots)
    seen = look(subject, shots, **given, progress=_json_line if lines else None if as_json else _line)
    for note in seen.notes:
        click.echo(printable(f"Note: {note}"), err=True)
    if written := _written(seen):
        click.echo(printable(written), err=as_json)
    if as_json:
        _print_json(seen, counts(seen) if count else None, lines)
    elif count:
        show_counts(seen, counts(seen))
    if seen.failures:
        raise UserDataError(
            f"{len(seen.failures)} of the inputs could not be looked at.",
            cause="\n  ".join(failure.reason for failure in seen.failures),
        )


def _line(sighting: Sighting, spec: ModelSpec) -> None:
    from ..report.detections import line

    click.echo(line(sighting, spec))


def _json_line(sighting: Sighting, spec: ModelSpec) -> None:
    from ..report.detections import record

    click.echo(json.dumps(record(sighting, spec), ensure_ascii=False))


def _written(seen: Seen) -> str:
    """What -o made, in a line; all of several files lie below one folder."""
    from ..stories.footage import files

    made = list(dict.fromkeys(file for sighting in seen.sightings for file in files(sighting)))
    if len(made) > FEW:
        return f"Written: {len(made)} files in {os.path.commonpath(made)}"
    return f"Written: {', '.join(map(str, made))}" if made else ""


def _print_json(seen: Seen, counts: Counts | None, lines: bool) -> None:
    """The pictures as a list; with counts, an object of both; after lines, the counts alone as the last line."""
    from ..report.detections import record
    from ..values.codec import to_data

    if lines:
        if counts:
            click.echo(json.dumps({"counts": to_data(counts)}, ensure_ascii=False))
        return
    pictures = [record(sighting, seen.spec) for sighting in seen.sightings]
    data = {"pictures": pictures, "counts": to_data(counts)} if counts else pictures
    click.echo(json.dumps(data, indent=1, ensure_ascii=False))
