"""Writes the pages of docs/ that come from the code: ``python scripts/docs.py``."""

from pathlib import Path

import click

from edgekit.cli import COMMANDS, edgekit

DOCS = Path(__file__).parent.parent / "docs"


def pages() -> dict[str, str]:
    """File name in docs/ → its text."""
    return {"cli.md": cli_page()}


def cli_page() -> str:
    """Every command's --help."""
    parts = ["# The command line\n\nWritten by `python scripts/docs.py` from the commands themselves.\n"]
    root = click.Context(edgekit, info_name="edgekit", terminal_width=100)
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
