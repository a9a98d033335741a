"""Anchors from a file of the user, checked."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import SourceError, UserDataError
from ..system import read_file

MAX_BYTES = 256 * 2**20


def read(path: Path) -> NDArray[np.float32]:
    """float32 [N, 4] from .npy, from .f32 (the numbers alone, little-endian), or from text.

    Text has four numbers a line, separated by commas or blanks. Raises UserDataError where it is none of them.
    """
    raw = read_file(path, limit=MAX_BYTES)
    try:
        if not raw.strip():
            raise ValueError("it is empty.")
        if raw.startswith(b"\x93NUMPY"):
            table = np.load(io.BytesIO(raw), allow_pickle=False)
        elif path.suffix.lower() == ".f32":
            table = np.frombuffer(raw, "<f4").reshape(-1, 4)
        else:
            table = np.loadtxt(io.StringIO(_text(raw).replace(",", " ")), ndmin=2)
        return check(np.asarray(table, np.float32), str(path))
    except (ValueError, TypeError, EOFError, SourceError) as error:
        raise UserDataError(
            f"{path} is no table of anchors: {str(error).splitlines()[0]}",
            cause="Anchors are [N, 4]: y centre, x centre, height, width, the picture being [0, 1].",
            fix="Give an .npy file, an .f32 file of little-endian float32, or text with four numbers a line.",
        ) from None


def _text(raw: bytes) -> str:
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError("it is no text, no .npy and not called .f32.") from None


def check(table: NDArray[np.float32], where: str) -> NDArray[np.float32]:
    """The table itself. Raises SourceError where it cannot be anchors."""
    if table.ndim != 2 or table.shape[1] != 4 or not len(table):
        raise SourceError(f"{where}: expected anchors [N, 4], got {list(table.shape)}.")
    if not np.isfinite(table).all() or (table[:, 2:] <= 0).any():
        raise SourceError(f"{where}: heights and widths of anchors are above 0, and all their numbers finite.")
    return table


def encode(table: NDArray[np.float32]) -> bytes:
    """The .npy form that a model folder holds; equal anchors give equal bytes."""
    stream = io.BytesIO()
    np.save(stream, np.ascontiguousarray(table, np.float32), allow_pickle=False)
    return stream.getvalue()
