"""``edgekit convert``."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click
from click.core import ParameterSource

from ..errors import UsageError
from ..formats import tfjs
from .options import byte_count, normalisation
from .wizard import Asking

if TYPE_CHECKING:
    from ..values.artifact import Artifact

FILE = click.Path(path_type=Path)
REWRITING = ("source", "to", "out", "shard_size", "hash_shards", "quantize")  # parameters of use for a web model
UNLABELLED = "No labels were given: answers will be numbers. Give them: --labels FILE"


@click.command(cls=Asking)
@click.argument("source", type=FILE)
@click.option("--to", multiple=True, required=True, metavar="RECIPE", help="tflite-uint8, tflite-f16, tfjs-uint8, …")
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
@click.option(
    "--shard-size", callback=byte_count, default="4MiB", show_default=True, help="Most bytes of a web model's shard."
)
@click.option("--hash-shards", is_flag=True, help="Put the digest of its content into the name of each shard.")
@click.option(
    "--quantize",
    multiple=True,
    metavar="PATTERN=TYPE",
    help="How to store weights of a web model with such names: float16, uint16, uint8, or none: float32.",
)
@click.option(
    "--emulate-activations",
    is_flag=True,
    help="Let a web model round its activations as the fake-quants do: the phone's answers, at a cost in speed.",
)
def convert(
    source: Path,
    to: tuple[str, ...],
    out: Path,
    licence: str,
    raw: bool,
    requantise_weights: Literal["symmetric"] | None,
    shard_size: int,
    hash_shards: bool,
    quantize: tuple[str, ...],
    emulate_activations: bool,
    **loading: Any,
) -> None:
    """Turn SOURCE, a frozen graph or a .tflite, into model files with labels, in OUT/RECIPE.

    Every option that is not given is taken from the source. What OUT holds already is not made again.

    SOURCE may also be a TensorFlow.js model, as its model.json or its folder: that becomes one with other types of
    weights or other shards. Without arguments, in a terminal, up to five questions are asked instead.
    """
    if tfjs.find(source) is not None:
        _expect_only(REWRITING)
        _rewrite(source, to=to, out=out, shard_size=shard_size, hashed_shards=hash_shards, quantise=quantize)
        return
    from ..stories.convert import convert as make

    artifacts = make(
        source,
        to=to,
        out=out,
        licence=licence,
        raw=raw,
        requantise_weights=requantise_weights or "",
        shard_size=shard_size,
        hashed_shards=hash_shards,
        quantise=quantize,
        emulate_activations=emulate_activations,
        progress=click.echo,
        **{name: value for name, value in loading.items() if value not in (None, ())},
    )
    _print(artifacts)


def _expect_only(used: Collection[str]) -> None:
    """Raise UsageError for options that were given and are of no use for a web model: nothing is ignored in silence."""
    context = click.get_current_context()
    typed = [one for one in context.command.params if one.name and _is_typed(context, one.name)]
    if idle := [one.opts[-1] for one in typed if one.name not in used]:
        raise UsageError(
            f"The source is a TensorFlow.js model, which has no use for {', '.join(idle)}.", fix="Leave that out."
        )


def _is_typed(context: click.Context, name: str) -> bool:
    return context.get_parameter_source(name) is ParameterSource.COMMANDLINE


def _rewrite(source: Path, **options: Any) -> None:
    from ..report import printable, size
    from ..stories.rewrite import rewrite

    made = rewrite(source, progress=click.echo, **options)
    for note in dict.fromkeys(note for one in made for note in one.notes):
        click.echo(printable(f"Note: {note}"), err=True)
    for one in made:
        click.echo(f"{one.path}  {size(sum(file.bytes for file in one.files))}")


def _print(artifacts: tuple[Artifact, ...]) -> None:
    from ..report import printable, size

    notes = [sentence for artifact in artifacts for sentence in artifact.assumptions]
    if any(not artifact.spec.labels for artifact in artifacts):
        notes.append(UNLABELLED)
    for note in dict.fromkeys(notes):
        click.echo(printable(f"Note: {note}"), err=True)
    for artifact in artifacts:
        click.echo(f"{artifact.path}  {size(sum(file.bytes for file in artifact.files))}")
