"""Options that several commands share."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any, TypeVar

import click

from ..errors import UsageError

UNITS = {"": 1, "b": 1, "kb": 10**3, "mb": 10**6, "kib": 2**10, "mib": 2**20}

F = TypeVar("F", bound=Callable[..., Any])


def normalisation(command: F) -> F:
    """Adds --mean and --std: tuples of one number or one a channel, empty where not given."""
    for option, meaning in (("--std", "as many numbers as --mean, above 0"), ("--mean", "127.5 or 123.7,116.3,103.5")):
        text = f"Normalisation, in pixel units: {meaning}."
        command = click.option(option, callback=_numbers, metavar="NUMBERS", help=text)(command)
    return command


def _numbers(ctx: click.Context, param: click.Parameter, value: str | None) -> tuple[float, ...]:
    if value is None:
        return ()
    try:
        found = tuple(float(part) for part in value.split(","))
    except ValueError:
        found = ()
    lowest = 0.0 if param.name == "std" else -math.inf
    if len(found) not in (1, 3) or not all(lowest < number < math.inf for number in found):
        kind = "numbers above 0" if param.name == "std" else "numbers"
        fix = "Type for example: 127.5 or 123.7,116.3,103.5"
        raise UsageError(f"--{param.name}: expected 1 or 3 {kind}, got {value!r}.", fix=fix)
    return found


def byte_count(ctx: click.Context, param: click.Parameter, value: str) -> int:
    """Callback of an option: a number of bytes, with or without a unit."""
    return bytes_of(value, param.opts[-1])


def bytes_of(value: str, what: str) -> int:
    """A number of bytes, with or without a unit. Raises UsageError; what: is named there."""
    match = re.fullmatch(r"(\d{1,12}(?:\.\d{1,12})?) ?([a-z]*)", value.strip().lower())
    if match is None or match[2] not in UNITS:
        units = ", ".join(unit for unit in UNITS if unit)
        raise UsageError(f"{what}: expected bytes, got {value!r}.", fix=f"Type for example: 4MiB. Units are {units}.")
    return int(float(match[1]) * UNITS[match[2]])
