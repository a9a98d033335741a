"""TensorFlow.js graph models: ``model.json`` and its shards, read and written without TensorFlow. docs/formats/tfjs.md.

Importing the package itself needs no numpy, because ``convert`` asks it what kind of source it was given.
"""

from pathlib import Path

from ...errors import UsageError
from .. import model as model_file

NAME = "model.json"
SHARD_SIZE = 4 * 2**20  # bytes: what browsers keep in their caches
MIN_SHARD_SIZE = 1000


def find(path: Path) -> Path | None:
    """The model.json that a path means: itself, whatever its name, or the one in it; None where it means neither.

    The folder of edgekit's own Model holds a file of that name too.
    """
    if path.is_dir():
        inside = path / NAME
        return inside if inside.is_file() and not (path / model_file.SUMS).exists() else None
    return path if path.suffix.lower() == ".json" else None


def expect_shard_size(size: int) -> None:
    """Raise UsageError for shards so small that there would be thousands of them, or no end of them."""
    if size < MIN_SHARD_SIZE:
        raise UsageError(
            f"Shards of {size} bytes are too small.", fix=f"Give at least {MIN_SHARD_SIZE} bytes; 4MiB is usual."
        )
