"""Options that several commands share."""

from __future__ import annotations

import math

import click


def numbers(ctx: click.Context, param: click.Parameter, value: str | None) -> tuple[float, ...]:
    """Callback of an option that takes one number, or one a channel: 127.5 or 123.7,116.3,103.5."""
    if value is None:
        return ()
    try:
        found = tuple(float(part) for part in value.split(","))
    except ValueError:
        found = ()
    if len(found) not in (1, 3) or not all(map(math.isfinite, found)):
        raise click.BadParameter(f"expected 1 or 3 numbers, such as 127.5 or 123.7,116.3,103.5; got {value!r}.")
    return found
