"""Which ops of a graph model TensorFlow.js can run, by backend.

ops.json is read from TensorFlow.js's own packages by web_demo/scripts/ops.mjs.
"""

import json
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from ...system import read_file

PATH = Path(__file__).with_suffix(".json")


def missing(ops: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Those of some ops that not every backend can run, sorted, each with the backends that cannot."""
    table = _table()
    lacked = {op: tuple(table["lacked"].get(op, table["backends"])) for op in sorted(set(ops))}
    return {op: backends for op, backends in lacked.items() if backends}


def backends() -> tuple[str, ...]:
    """The backends that the table knows."""
    return tuple(_table()["backends"])


def release() -> str:
    """The release of TensorFlow.js that the table is about."""
    return str(_table()["tfjs"])


@cache
def _table() -> dict[str, Any]:
    table: dict[str, Any] = json.loads(read_file(PATH))
    return table
