"""The metadata of a .tflite as a tree in the terminal."""

import json
from collections.abc import Mapping
from typing import Any

from rich.text import Text
from rich.tree import Tree

from . import printable, size
from .console import console


def show_metadata(title: str, found: Mapping[str, Any] | None, files: Mapping[str, bytes]) -> None:
    """Print a file's metadata, None where it has none, and the sizes of the files packed behind it."""
    tree = Tree(_text(title))
    if found is None:
        tree.add(_text("no metadata"))
    else:
        _grow(tree, found)
    if files:
        packed = tree.add(_text("files behind the model"))
        for name, content in files.items():
            packed.add(_text(f"{name}: {size(len(content))}"))
    console().print(tree)


def _grow(tree: Tree, fields: Mapping[str, Any]) -> None:
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
    return Text(printable(content), overflow="fold")
