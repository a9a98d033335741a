"""``edgekit inspect``."""

import json
from pathlib import Path

import click

from ..sources import inspect as inspect_source
from ..values.codec import to_data


@click.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
def inspect(path: Path, as_json: bool) -> None:
    """Say what PATH is, what can be made of it, and what is wrong with it.

    PATH is a frozen TensorFlow graph (.pb, .pbtxt), a .tflite file, or a TensorFlow.js model: its model.json, or the
    folder with it.
    """
    found = inspect_source(path)
    if as_json:
        click.echo(json.dumps(to_data(found), indent=1, ensure_ascii=False))
        return
    from ..report.console import console
    from ..report.inspection import inspection

    inspection(console(), found)
