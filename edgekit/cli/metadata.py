"""``edgekit metadata``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..errors import UsageError
from ..system import read_file, write_file

if TYPE_CHECKING:
    from rich.text import Text

    from ..formats.tflite.calibration import Calibration

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

    data = read_file(file)
    read(data, name=str(file))
    found, files = unpack(data)
    if as_json:
        click.echo(json.dumps(found, indent=2, ensure_ascii=False))
    else:
        _print(file, found, files)


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
@click.option("--mean", default="", metavar="NUMBERS", help="Normalisation, in pixel units: 127.5 or 123.7,116.3,103.5")
@click.option("--std", default="", metavar="NUMBERS", help="Normalisation, in pixel units; as many numbers as --mean.")
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
def set_metadata(file: Path, **given: Any) -> None:
    """Write metadata into FILE, a .tflite. What no option names stays as it was."""
    from ..formats import labels
    from ..formats.tflite.metadata import Details, revise

    data = read_file(file)
    mean, std = _numbers("--mean", given["mean"]), _numbers("--std", given["std"])
    if len(mean) != len(std):
        raise UsageError("--mean and --std need as many numbers each.", fix="Give both, one number or three.")
    path = given["labels"]
    details = Details(
        **{key: given[key] for key in ("name", "description", "author", "version", "licence", "score_threshold")},
        mean=mean,
        std=std,
        labels=labels.read(path) if path else (),
        labels_file="labels.txt",
        locale_labels={locale: labels.read(Path(name)) for locale, name in map(_locale, given["locales"])},
        calibration=_calibration(given),
    )
    result, notes = revise(data, details, default=given["default"])
    target = given["out"] or file
    write_file(target, result)
    for note in notes:
        click.echo(note)
    click.echo(f"{target}: metadata written.")


def _numbers(option: str, text: str) -> tuple[float, ...]:
    try:
        numbers = tuple(float(part) for part in text.split(",")) if text else ()
    except ValueError:
        numbers = (0.0, 0.0)
    if len(numbers) not in (0, 1, 3) or (option == "--std" and any(not number > 0 for number in numbers)):
        kind = "numbers above 0" if option == "--std" else "numbers"
        raise UsageError(f"{option}: expected 1 or 3 {kind}, got {text!r}.", fix="Type for example: 127.5")
    return numbers


def _locale(text: str) -> tuple[str, str]:
    locale, equals, name = text.partition("=")
    if not equals or not name or not locale.replace("-", "").isalnum():
        raise UsageError(f"--locale-labels: expected LOCALE=FILE, got {text!r}.", fix="Type for example: de=labels.txt")
    return locale, name


def _calibration(given: dict[str, Any]) -> Calibration | None:
    from ..formats.tflite import calibration

    path: Path | None = given["score_calibration"]
    if path is None:
        if given["score_transformation"] or given["default_score"] is not None:
            raise UsageError(
                "--score-transformation and --default-score belong to --score-calibration.", fix="Give its CSV file."
            )
        return None
    return calibration.parse(
        read_file(path, limit=calibration.MAX_BYTES),
        name=str(path),
        num_classes=None,
        transformation=(given["score_transformation"] or "identity").upper().replace("-", "_"),
        default_score=given["default_score"] or 0.0,
    )


def _print(file: Path, found: dict[str, Any] | None, files: dict[str, bytes]) -> None:
    from rich.console import Console
    from rich.tree import Tree

    tree = Tree(_text(str(file)))
    if found is None:
        tree.add(_text("no metadata"))
    else:
        _grow(tree, found)
    if files:
        packed = tree.add(_text("files behind the model"))
        for name, content in files.items():
            packed.add(_text(f"{name}: {len(content)} bytes"))
    Console().print(tree)


def _grow(tree: Any, fields: dict[str, Any]) -> None:
    for key, value in fields.items():
        if isinstance(value, dict):
            _grow(tree.add(_text(key)), value)
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            for item in value:
                _grow(tree.add(_text(f"{key}: {item['name']}" if "name" in item else key)), item)
        else:
            long = isinstance(value, list) and len(value) > 12
            shown = f"{len(value)} numbers" if long else json.dumps(value, ensure_ascii=False)
            tree.add(_text(f"{key}: {shown}"))


def _text(content: str) -> Text:
    """Text from a file that may try to move the cursor: only what prints is printed."""
    from rich.text import Text

    return Text("".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in content), overflow="fold")
