"""Writes the pages of docs/ that come from the code: ``python scripts/docs.py``."""

import inspect
from collections.abc import Callable
from pathlib import Path

import click

import edgekit as package
from edgekit.cli import COMMANDS, edgekit
from edgekit.values.model import Quantisation
from edgekit.values.recipe import recipes
from edgekit.values.support import refusal

DOCS = Path(__file__).parent.parent / "docs"


def pages() -> dict[str, str]:
    """File name in docs/ → its text."""
    return {"cli.md": cli_page(), "python.md": python_page(), "support.md": support_page()}


SOURCES = {
    "graph, fake-quants with symmetric weight ranges": Quantisation(kind="fake-quant", symmetric=True),
    "graph, fake-quants with asymmetric weight ranges": Quantisation(kind="fake-quant"),
    "graph, fake-quants missing on some layers": Quantisation(kind="fake-quant", missing=("Conv2d_3",)),
    "graph without fake-quants": Quantisation(kind="none"),
    "finished .tflite, uint8": Quantisation(kind="integer", weights="uint8", activations="uint8"),
    "finished .tflite, int8": Quantisation(kind="integer", weights="int8", activations="int8"),
    "finished .tflite, float16 weights": Quantisation(kind="float16", weights="float16", activations="float32"),
    "finished .tflite, float32": Quantisation(kind="none", weights="float32", activations="float32"),
}


def support_page() -> str:
    """Which source can go to which recipe, from the rule that inspect and convert use."""
    known = recipes()
    parts = [
        "# What can become what\n",
        "Written by `python scripts/docs.py` from the rule that `inspect` and `convert` use.\n",
        f"| source | {' | '.join(known)} |",
        f"|---|{'---|' * len(known)}",
    ]
    whys: dict[str, int] = {}
    for source, quantisation in SOURCES.items():
        cells = []
        for recipe in known.values():
            stop = refusal(quantisation, recipe)
            cells.append(f"no ({whys.setdefault(f'{stop.why} {stop.fix}', len(whys) + 1)})" if stop else "yes")
        parts.append(f"| {source} | {' | '.join(cells)} |")
    parts.append("")
    parts += [f"{number}. {why}" for why, number in whys.items()]
    return "\n".join(parts) + "\n"


def python_page() -> str:
    """Every verb of the Python API, with its docstring."""
    parts = ["# The Python API\n", "Written by `python scripts/docs.py` from the functions themselves.\n"]
    for name in package.__all__:
        verb = getattr(package, name)
        if inspect.isfunction(verb):
            parts.append(f"## edgekit.{name}\n\n```python\n{name}{_plain(verb)}\n```\n\n{inspect.getdoc(verb)}\n")
    return "\n".join(parts)


def _plain(verb: Callable[..., object]) -> inspect.Signature:
    """A signature without types, which the docstring says in words, and without functions for defaults."""
    signature = inspect.signature(verb)
    empty = inspect.Parameter.empty
    parameters = [
        parameter.replace(
            annotation=empty, default=None if inspect.isfunction(parameter.default) else parameter.default
        )
        for parameter in signature.parameters.values()
    ]
    return signature.replace(parameters=parameters, return_annotation=inspect.Signature.empty)


def cli_page() -> str:
    """Every command's --help."""
    parts = ["# The command line\n\nWritten by `python scripts/docs.py` from the commands themselves.\n"]
    root = click.Context(edgekit, info_name="edgekit", terminal_width=100, **edgekit.context_settings)
    parts.append(f"```\n{edgekit.get_help(root)}\n```\n")
    for name in COMMANDS:
        command = edgekit.get_command(root, name)
        assert command is not None
        parts += _help(command, root, name, "##")
    return "\n".join(parts)


def _help(command: click.Command, parent: click.Context, name: str, heading: str) -> list[str]:
    context = click.Context(command, info_name=name, parent=parent, terminal_width=100)
    parts = [f"{heading} {context.command_path}\n\n```\n{command.get_help(context)}\n```\n"]
    if isinstance(command, click.Group):
        for inner in command.list_commands(context):
            nested = command.get_command(context, inner)
            assert nested is not None
            parts += _help(nested, context, inner, heading + "#")
    return parts


if __name__ == "__main__":
    for file, text in pages().items():
        (DOCS / file).write_text(text, "utf-8")
