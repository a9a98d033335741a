"""``edgekit metadata``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from ..errors import UsageError
from ..system import read_file
from .options import normalisation

TRANSFORMATIONS = ("identity", "log", "inverse-logistic")
FILE = click.argument("file", type=click.Path(path_type=Path))


@click.group()
def metadata() -> None:
    """Show or set the TFLite metadata of a model."""


@metadata.command()
@FILE
@click.option("--json", "as_json", is_flag=True, help="Print the metadata as JSON, as the public tools have it.")
def show(file: Path, as_json: bool) -> None:
    """Print the metadata of FILE, a .tflite, and the files packed behind it."""
    from ..formats.tflite.metadata import unpack
    from ..formats.tflite.reader import read
    from ..report.metadata import show_metadata

    data = read_file(file)
    read(data, name=str(file))
    found, files = unpack(data)
    if as_json:
        click.echo(json.dumps(found, indent=2, ensure_ascii=False))
    else:
        show_metadata(str(file), found, files)


@metadata.command("set")
@FILE
@click.option("--labels", type=click.Path(path_type=Path), help="Label file, in any form.")
@click.option(
    "--locale-labels", "locales", multiple=True, metavar="LOCALE=FILE", help="Labels to show in a locale: de=labels.txt"
)
@click.option("--name", default="", help="Name of the model.")
@click.option("--description", default="", help="What the model does.")
@click.option("--author", default="", help="Who made it.")
@click.option("--version", default="", help="Version of the model.")
@click.option("--licence", default="", help="Its licence.")
@normalisation
@click.option("--score-threshold", type=float, help="Readers drop answers with a lower score.")
@click.option(
    "--score-calibration",
    type=click.Path(path_type=Path),
    help="CSV, a line a class: scale,slope,offset[,smallest score]; a blank line for none.",
)
@click.option("--score-transformation", type=click.Choice(TRANSFORMATIONS), help="Of a score before its calibration.")
@click.option("--default-score", type=float, help="Score of a class without calibration.")
@click.option("--default", "default", is_flag=True, help="Drop the old metadata and start from the default form.")
@click.option("-o", "--out", type=click.Path(path_type=Path), help="Write there instead of replacing FILE.")
def set_metadata(file: Path, out: Path | None, locales: tuple[str, ...], **given: Any) -> None:
    """Write metadata into FILE, a .tflite. What no option names stays as it was."""
    from ..report import printable
    from ..stories.metadata import set_metadata as write

    locale_labels = {locale: Path(name) for locale, name in map(_locale, locales)}
    for note in write(file, out=out, locale_labels=locale_labels, **given):
        click.echo(printable(f"Note: {note}"), err=True)
    click.echo(f"{out or file}: metadata written.")


def _locale(text: str) -> tuple[str, str]:
    locale, equals, name = text.partition("=")
    if not equals or not name or not locale.replace("-", "").isalnum():
        raise UsageError(f"--locale-labels: expected LOCALE=FILE, got {text!r}.", fix="Type for example: de=labels.txt")
    return locale, name
