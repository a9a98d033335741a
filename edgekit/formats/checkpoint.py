"""edgekit's own checkpoints: an .npz of variables by path, and what they belong to as JSON beside them.

An .npz because numpy reads it without running anything that the file says, and any tool can look inside.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import SourceError
from ..system import read_file
from .foreign import kind

ABOUT = "about.json"  # the entry that is no variable
MAX_BYTES = 2**30


def encode(variables: Mapping[str, NDArray[Any]], about: Mapping[str, Any]) -> bytes:
    """The bytes of a checkpoint; equal contents give equal bytes. about: JSON-ready."""
    text = np.frombuffer(json.dumps(about, sort_keys=True).encode(), np.uint8)
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:  # np.savez cannot refuse pickles in every numpy, nor take every name
        for name, value in [(ABOUT, text), *sorted(variables.items())]:
            with archive.open(zipfile.ZipInfo(f"{name}.npy"), "w", force_zip64=True) as entry:
                np.lib.format.write_array(entry, np.asanyarray(value), allow_pickle=False)
    return stream.getvalue()


def read(path: Path) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """(variables by path, what they belong to). Raises SourceError where the file is no checkpoint of edgekit's."""
    data = read_file(path, limit=MAX_BYTES)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            arrays = {name.removesuffix(".npy"): _array(archive.read(name)) for name in archive.namelist()}
        about = json.loads(arrays.pop(ABOUT).tobytes())
    except Exception as error:  # the readers of zip and of numpy raise whatever damaged bytes make them raise
        reason = f"it has no {ABOUT}" if isinstance(error, KeyError) else str(error) or type(error).__name__
        raise SourceError(
            f"{path} is no checkpoint of edgekit's: {reason}.",
            cause=f"It is {found}." if (found := kind(data)) else "It is damaged, or another tool wrote it.",
            fix="Give a checkpoint.npz that edgekit train wrote, or the folder with it.",
        ) from None
    if not isinstance(about, dict):
        raise SourceError(f"{path} is no checkpoint of edgekit's: {ABOUT} is no object.")
    return arrays, about


def _array(data: bytes) -> NDArray[Any]:
    array: NDArray[Any] = np.lib.format.read_array(io.BytesIO(data), allow_pickle=False)
    return array
