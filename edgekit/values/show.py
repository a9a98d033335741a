"""How a value shows itself in a notebook: a small table of its fields, made with the standard library alone.

Values may not import the report, which stands floors above them; so they carry this minimal form themselves, and
nothing has to be registered or loaded first.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any, ClassVar, TypeVar

T = TypeVar("T")

ROWS = 50  # of a long list; a notebook is no archive
LONG = 200  # characters of a single cell


class Shown:
    """Gives a dataclass the method that Jupyter asks for. brief: what stands for it in a row; all fields if empty."""

    brief: ClassVar[tuple[str, ...]] = ()

    def _repr_html_(self) -> str:
        return f"<div><b>{escape(type(self).__name__)}</b>{_html(self)}</div>"


class Rows(tuple[T, ...]):
    """Several values, a row each: an ordinary tuple that a notebook shows as a table."""

    def _repr_html_(self) -> str:
        return f"<div>{_html(self)}</div>"


def _html(value: Any, depth: int = 0) -> str:
    if dataclasses.is_dataclass(value) and depth < 3:
        return _table([(f.name, getattr(value, f.name)) for f in dataclasses.fields(value)], depth)
    if isinstance(value, Mapping) and value and depth < 3:
        return _table(list(value.items()), depth)
    if isinstance(value, list | tuple) and value and dataclasses.is_dataclass(value[0]) and depth < 3:
        return _rows(value, depth)
    if hasattr(value, "tolist"):
        return _text(f"{value.dtype} {list(value.shape)}: {value.tolist()}")
    return _text(f"{value:.6g}" if isinstance(value, float) else str(value))


def _table(items: Sequence[tuple[Any, Any]], depth: int) -> str:
    rows = "".join(
        f'<tr><th style="text-align:left;vertical-align:top">{escape(str(name))}</th>'
        f'<td style="text-align:left">{_html(value, depth + 1)}</td></tr>'
        for name, value in items
    )
    return f"<table>{rows}</table>"


def _rows(values: Sequence[Any], depth: int) -> str:
    names = getattr(values[0], "brief", ()) or [f.name for f in dataclasses.fields(values[0])]
    head = "".join(f"<th>{escape(name)}</th>" for name in names)
    body = "".join(
        "<tr>" + "".join(f"<td>{_html(getattr(value, name, ''), depth + 2)}</td>" for name in names) + "</tr>"
        for value in values[:ROWS]
    )
    rest = f"<div>and {len(values) - ROWS} more</div>" if len(values) > ROWS else ""
    return f"<table><tr>{head}</tr>{body}</table>{rest}"


def _text(text: str) -> str:
    return escape(text if len(text) <= LONG else text[:LONG] + "…")
