"""A Model on disk: ``model.json`` and ``SHA256SUMS``, so that later commands need not look at its source again.

Reading needs neither numpy nor any other package, because ``convert`` asks it whether there is anything to do.
"""

import contextlib
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ..errors import EdgekitError, SourceError, StorageError
from ..system import read_file, sha256, write_file
from ..values.codec import from_data, to_data
from ..values.model import Model

MODEL = "model"  # folder of the Model in OUT
NAME = "model.json"
ANCHORS = "anchors.npy"  # of a detector, float32 [N, 4]
SUMS = "SHA256SUMS"  # in the form that sha256sum -c reads
MAX_BYTES = 32 * 2**20


def write(model: Model) -> Path:
    """Write the value and the digests into its folder; returns the value's path. The folder's own place is not in it.

    Call it last: a folder with digests is complete.
    """
    path = model.root / NAME
    data = to_data(replace(model, root=Path(".")))
    write_file(path, json.dumps(data, indent=1, ensure_ascii=False) + "\n")
    write_file(model.root / SUMS, sums(model.root, [*model.files, NAME]))
    return path


def read(root: Path) -> Model:
    """The model in a folder. Raises UsageError where there is none, SourceError where it cannot be understood."""
    path = root / NAME
    raw = read_file(path, limit=MAX_BYTES)
    try:
        return replace(from_data(Model, json.loads(raw)), root=root)
    except (ValueError, RecursionError) as error:
        raise SourceError(
            f"{path} cannot be understood: {error}.", cause="It was damaged or edited.", fix="Convert the model again."
        ) from None


def check(root: Path) -> None:
    """Raise StorageError unless every file of the model in a folder has the bytes that were written."""
    if not whole(root):
        raise StorageError(
            f"The model in {root} has other bytes than {root / SUMS} says.",
            cause="It was damaged or edited.",
            fix="Convert the model again.",
        )


def whole(root: Path) -> bool:
    """Whether a model's folder has the bytes that were written."""
    with contextlib.suppress(OSError, ValueError, EdgekitError):
        text = (root / SUMS).read_text("utf-8")
        names = [line.partition("  ")[2] for line in text.splitlines()]
        return NAME in names and text == sums(root, names)
    return False


def sums(root: Path, names: Sequence[str]) -> str:
    """The content of SHA256SUMS for these files of a folder."""
    return "".join(f"{sha256(root / name)}  {name}\n" for name in names)
