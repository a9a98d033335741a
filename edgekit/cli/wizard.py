"""``edgekit convert`` without a word: five questions, and the command that they come to."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..errors import EdgekitError, UsageError
from ..formats.tfjs import expect_shard_size
from .options import bytes_of

if TYPE_CHECKING:
    from ..sources.inspection import Inspection, Outlook

SHARD_SIZE = "4MiB"  # that of --shard-size


class Asking(click.Command):
    """A command that asks what to do where nothing was typed, and somebody sits there to answer."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not args and sys.stdin.isatty() and sys.stdout.isatty():
            args = ask()
            click.echo(f"\nThat is: edgekit convert {shlex.join(args)}\n")
        return super().parse_args(ctx, args)


def ask() -> list[str]:
    """The arguments of a conversion, asked for one after the other."""
    source, found = _source()
    recipes = _recipes(found)
    arguments = [source, *(part for recipe in recipes for part in ("--to", recipe))]
    labels = click.prompt(
        "Label file (empty: none, or the model's own)", default="", show_default=False, value_proc=_file
    )
    arguments += ["--labels", labels] if labels else []
    if any(recipe.startswith("tfjs-") for recipe in recipes):
        size = click.prompt("Size of the web model's shards", default=SHARD_SIZE, value_proc=_size)
        arguments += ["--shard-size", size] if size != SHARD_SIZE else []
    return [*arguments, "-o", click.prompt("Folder for the results", default=f"build/{_name(source)}").strip()]


def _source() -> tuple[str, Inspection]:
    """A model file that can be read, and what it is."""
    from ..report import printable
    from ..sources import inspect

    while True:
        given = click.prompt("Model to convert (tflite_graph.pb, a .tflite, a model.json)").strip()
        try:
            found = inspect(Path(given).expanduser())
        except EdgekitError as error:
            click.echo(printable(str(error)))
            continue
        click.echo(printable(f"  {found.what}"))
        if any(outlook.works for outlook in found.recipes):
            return str(Path(given).expanduser()), found
        click.echo(printable(f"  It cannot be converted. {found.trouble}"))


def _recipes(found: Inspection) -> list[str]:
    """Recipes by number or name, one or several."""
    works = [outlook for outlook in found.recipes if outlook.works]
    for number, outlook in enumerate(works, start=1):
        click.echo(f"  {number}  {outlook.recipe}")
    asked: list[str] = click.prompt(
        "What to make of it, by number or name (several with commas)",
        default="1",
        value_proc=lambda text: _named(text, works),
    )
    return asked


def _file(text: str) -> str:
    path = Path(text.strip()).expanduser()
    if text.strip() and not path.is_file():
        raise click.BadParameter(f"There is no file {path}.")
    return str(path) if text.strip() else ""


def _size(text: str) -> str:
    try:
        expect_shard_size(bytes_of(text, "The size"))
    except UsageError as error:
        raise click.BadParameter(f"{error.what} {error.fix}") from None
    return text.strip()


def _named(text: str, works: list[Outlook]) -> list[str]:
    names = [outlook.recipe for outlook in works]
    by_word = {str(number): name for number, name in enumerate(names, start=1)} | {name: name for name in names}
    words = [word.strip() for word in text.split(",") if word.strip()]
    if not words or any(word not in by_word for word in words):
        raise click.BadParameter(f"Type numbers from 1 to {len(names)}, or names, with commas between them.")
    return list(dict.fromkeys(by_word[word] for word in words))


def _name(source: str) -> str:
    from ..sources.naming import name_model
    from ..sources.options import LoadOptions

    return name_model(Path(source), LoadOptions())
