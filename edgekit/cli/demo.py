"""``edgekit demo``."""

import json
import shlex
from pathlib import Path

import click

from . import COMMANDS, invoke

RECIPE, NAME = "tflite-uint8", "shelf"
PICTURES, STEPS, QUANTISED_STEPS = 1500, 500, 100  # of a training that shows the way, not of one that ends well


@click.command(help=COMMANDS["demo"])
@click.option(
    "-o", "--out", type=click.Path(path_type=Path), default=Path("demo"), show_default=True, help="Folder to work in."
)
@click.option(
    "--retrain",
    is_flag=True,
    help=f"First draw a data set and train a model on it, {STEPS + QUANTISED_STEPS} steps, and go on with that.",
)
def demo(out: Path, retrain: bool) -> None:
    """Run the very commands that a user would type, and print each."""
    from .. import shelf
    from ..stories.cache import REPORT
    from ..system import read_file
    from ..training import METRICS

    shelf.check()
    graph = _train(out / "retrained") / shelf.GRAPH.name if retrain else shelf.GRAPH
    score = json.loads(read_file(graph.with_name(METRICS)))["display_score"]
    names = ("--labels", shelf.LABELS, "--groups", shelf.GROUPS, "--name", NAME, "--display-score", str(score))
    _run("inspect", graph)
    _run("convert", graph, "--to", RECIPE, *names, "-o", out)
    _run("verify", out, "--samples", shelf.PICTURES, "--truth", shelf.TRUTH)
    _run("detect", out / RECIPE, shelf.PICTURES, "--count", "-o", out / "boxes")
    click.echo(f"\nLook at {out / REPORT} and at the pictures in {out / 'boxes'}.")


def _train(folder: Path) -> Path:
    """From a data set to a trained model, both in ``folder``, which is returned."""
    data = folder / "data"
    _run("dataset", "shelf", data, "--count", str(PICTURES))
    steps = ("--steps", str(STEPS), "--quantised-steps", str(QUANTISED_STEPS))
    _run("train", "ssd", "--data", data, *steps, "-o", folder)
    return folder


def _run(*words: str | Path) -> None:
    arguments = [str(word) for word in words]
    click.secho(f"\n$ edgekit {shlex.join(arguments)}", bold=True)
    invoke(arguments)
