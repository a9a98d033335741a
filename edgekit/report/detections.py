"""What a model saw, as JSON and in the terminal."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from ..values.answers import Detections
from ..values.sighting import Seen, Sighting
from ..values.spec import ModelSpec
from . import printable

if TYPE_CHECKING:
    from rich.console import Console

    from ..vision.counts import Counts

MANY = 12  # answers on a line


def record(sighting: Sighting, spec: ModelSpec) -> dict[str, Any]:
    """One picture or frame as JSON-ready data.

    A detection's ``box`` is (xmin, ymin, xmax, ymax) in pixels, ``normalised`` the same with the picture being [0, 1];
    both may reach beyond the picture. A classification has ``classes`` instead of ``detections``.
    """
    data: dict[str, Any] = {"file": sighting.source, "width": sighting.width, "height": sighting.height}
    if sighting.frame is not None and sighting.seconds is not None:
        data |= {"frame": sighting.frame, "seconds": round(sighting.seconds, 3)}
    answer = sighting.answer
    rows = [
        {"label": spec.label(index), "class": index, "score": round(score, 6)}
        for index, score in zip(answer.classes.tolist(), answer.scores.tolist(), strict=True)
    ]
    if not isinstance(answer, Detections):
        return data | {"classes": rows}
    size = (sighting.width, sighting.height) * 2
    for row, box in zip(rows, answer.boxes.tolist(), strict=True):
        row["box"] = [round(edge * side, 2) for edge, side in zip(box, size, strict=True)]
        row["normalised"] = [round(edge, 6) for edge in box]
    return data | {"detections": rows}


def line(sighting: Sighting, spec: ModelSpec) -> str:
    """One picture or frame in a line: each answer with its score, or how many of what where there are many."""
    answer = sighting.answer
    where = sighting.source if sighting.frame is None else f"{sighting.source}, frame {sighting.frame}"
    names = [spec.label(index) for index in answer.classes.tolist()]
    if len(names) > MANY:
        often = Counter(names).most_common()
        return printable(f"{where}: {len(names)} found: {', '.join(f'{number} × {name}' for name, number in often)}")
    scored = [f"{name} {score:.2f}" for name, score in zip(names, answer.scores.tolist(), strict=True)]
    return printable(f"{where}: {', '.join(scored) or 'nothing found'}")


def show_counts(seen: Seen, counts: Counts, console: Console | None = None) -> None:
    """Print how often each class was found, and the groups' shares where the model has groups."""
    from rich.table import Table
    from rich.text import Text

    from .console import console as stdout

    console = console or stdout()
    looked = len(seen.sightings)
    what = "frame" if any(sighting.frame is not None for sighting in seen.sightings) else "picture"
    console.print(f"{counts.total} found in {looked} {what}{'' if looked == 1 else 's'}")
    classes = Table()
    classes.add_column("class")
    classes.add_column("count", justify="right")
    for label, number in counts.classes.items():
        classes.add_row(Text(printable(label)), str(number))
    console.print(classes)
    if not counts.shares:
        return
    shares = Table()
    shares.add_column("group")
    for name in ("count", "by count", "by area"):
        shares.add_column(name, justify="right")
    for share in counts.shares:
        shares.add_row(Text(printable(share.group)), str(share.count), f"{share.by_count:.1%}", f"{share.by_area:.1%}")
    console.print(shares)
