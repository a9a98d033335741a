"""Groups of labels, a brand's products for instance: TOML or JSON, ``group = ["label", …]``."""

import json
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..errors import UserDataError
from ..system import read_file
from .labels import GAP, MAX_BYTES, check_text, nearest, shown, text_of


def read(path: Path, labels: Sequence[str]) -> Mapping[str, tuple[str, ...]]:
    """Group → its labels, in the file's order.

    Raises UserDataError where the file is malformed, a label is not the model's, or a label stands in two groups:
    then shares would add up to more than the whole.
    """
    return parse(read_file(path, limit=MAX_BYTES), labels, name=str(path))


def parse(data: bytes, labels: Sequence[str], *, name: str) -> Mapping[str, tuple[str, ...]]:
    """Groups in the bytes of a file; ``name`` is what messages call it, and .json makes it JSON."""
    table = _table(text_of(data, name), name)
    known = set(labels) - {GAP}
    owner: dict[str, str] = {}
    for group, members in table.items():
        check_text(group, f"{name}, group {group!r}")
        if not isinstance(members, list) or not all(isinstance(member, str) for member in members):
            raise UserDataError(f"{name}, group {group!r}: expected a list of labels, got {shown(members)}.")
        for label in members:
            if label not in known:
                raise UserDataError(
                    f"{name}, group {group!r}: the model has no label {label!r}.", fix=nearest(label, sorted(known))
                )
            if label in owner:
                where = f"twice in {group!r}" if owner[label] == group else f"in {owner[label]!r} and in {group!r}"
                raise UserDataError(f"{name}: {label!r} is {where}.", cause="Shares would count it twice.")
            owner[label] = group
    return {group: tuple(members) for group, members in table.items()}


def _table(text: str, name: str) -> dict[str, Any]:
    is_json = name.lower().endswith(".json")
    try:
        table = json.loads(text) if is_json else tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise UserDataError(
            f"{name} is not valid {'JSON' if is_json else 'TOML'}: {error}.",
            fix='Write one line a group: "Acme" = ["cola", "lemonade"]',
        ) from None
    if not isinstance(table, dict) or not table:
        raise UserDataError(f"{name} holds no groups.", fix='Write one line a group: "Acme" = ["cola", "lemonade"]')
    return table
