"""``edgekit demo``."""

import shlex
from pathlib import Path

import click

from . import COMMANDS, edgekit

RECIPE = "tflite-uint8"


@click.command(help=COMMANDS["demo"])
@click.option(
    "-o", "--out", type=click.Path(path_type=Path), default=Path("demo"), show_default=True, help="Folder to work in."
)
def demo(out: Path) -> None:
    """Write the sample, then run the very commands that a user would type, and print each."""
    from ..stories.cache import REPORT
    from ..stories.demo import write_sample

    sample = write_sample(out / "sample")
    _run("inspect", sample.graph)
    _run("convert", sample.graph, "--to", RECIPE, "--labels", sample.labels, "--groups", sample.groups, "-o", out)
    _run("verify", out, "--samples", sample.pictures, "--truth", sample.truth)
    _run("detect", out / RECIPE, sample.pictures, "--count", "-o", out / "boxes")
    click.echo(f"\nLook at {out / REPORT} and at the pictures in {out / 'boxes'}.")


def _run(*words: str | Path) -> None:
    arguments = [str(word) for word in words]
    click.secho(f"\n$ edgekit {shlex.join(arguments)}", bold=True)
    with edgekit.make_context("edgekit", arguments) as context:
        edgekit.invoke(context)
