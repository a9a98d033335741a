"""``edgekit convert``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from .options import normalisation

if TYPE_CHECKING:
    from ..values.artifact import Artifact

FILE = click.Path(path_type=Path)
UNLABELLED = "No labels were given: answers will be numbers. Give them: --labels FILE"


@click.command()
@click.argument("source", type=FILE)
@click.option("--to", multiple=True, required=True, metavar="RECIPE", help="tflite-uint8, tflite-int8, tflite-f16, …")
@click.option("-o", "--out", type=FILE, required=True, help="Folder for the results, one a recipe.")
@click.option("--labels", type=FILE, help="Label file, in any form.")
@click.option("--groups", type=FILE, help="Groups of labels, brands for instance, as TOML or JSON.")
@click.option("--name", help="Name of the model.  [default: that of its file or folder]")
@click.option("--licence", default="", help="Licence of the model.")
@click.option("--display-score", type=float, help="Score from which apps show an answer.  [default: 0.5]")
@click.option("--input", help="Node that takes the normalised picture, if it has another name than usual.")
@click.option("--outputs", metavar="BOXES,SCORES", help="Nodes of the raw heads, if unusual.")
@normalisation
@click.option(
    "--anchors", type=FILE, help="Anchors as .npy, .f32 or .csv: y centre, x centre, height, width, in [0, 1]."
)
@click.option("--activation", type=click.Choice(["none", "sigmoid", "softmax"]), help="What the raw scores still need.")
@click.option("--score", type=float, help="Smallest score of a detection.")
@click.option("--iou", type=float, help="Overlap above which the lower of two boxes goes.")
@click.option("--max-detections", type=int, help="Most boxes in an answer.")
@click.option("--max-classes-per-detection", type=int, help="Most classes of one box.")
@click.option("--detections-per-class", type=int, help="Most boxes of one class, with --regular-nms.")
@click.option(
    "--regular-nms/--fast-nms", "regular", default=None, help="Suppress class by class, or over best classes."
)
@click.option("--raw", is_flag=True, help="Leave post-processing out: encoded boxes, scores, and a file of anchors.")
@click.option(
    "--requantise-weights",
    type=click.Choice(["symmetric"]),
    default=None,
    help="Round weights anew for int8, where their ranges are asymmetric; `edgekit verify` shows what that costs.",
)
def convert(
    source: Path,
    to: tuple[str, ...],
    out: Path,
    licence: str,
    raw: bool,
    requantise_weights: Literal["symmetric"] | None,
    **loading: Any,
) -> None:
    """Turn SOURCE, a frozen graph or a .tflite, into model files with labels, in OUT/RECIPE.

    Every option that is not given is taken from the source. What OUT holds already is not made again.
    """
    from ..stories.convert import convert as make

    artifacts = make(
        source,
        to=to,
        out=out,
        licence=licence,
        raw=raw,
        requantise_weights=requantise_weights or "",
        progress=click.echo,
        **{name: value for name, value in loading.items() if value not in (None, ())},
    )
    _print(artifacts)


def _print(artifacts: tuple[Artifact, ...]) -> None:
    from ..report import printable, size

    notes = [sentence for artifact in artifacts for sentence in artifact.assumptions]
    if any(not artifact.spec.labels for artifact in artifacts):
        notes.append(UNLABELLED)
    for note in dict.fromkeys(notes):
        click.echo(printable(f"Note: {note}"), err=True)
    for artifact in artifacts:
        click.echo(f"{artifact.path}  {size(sum(file.bytes for file in artifact.files))}")
