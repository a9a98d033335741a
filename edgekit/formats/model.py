"""``model.json``: a Model on disk, so that later commands need not look at its source again."""

import json
from dataclasses import replace
from pathlib import Path

from ..errors import SourceError
from ..system import read_file, write_file
from ..values.codec import from_data, to_data
from ..values.model import Model

NAME = "model.json"
MAX_BYTES = 32 * 2**20


def write(model: Model) -> Path:
    """Write the value into its folder; returns the path. The folder's own place is not in it."""
    path = model.root / NAME
    data = to_data(replace(model, root=Path(".")))
    write_file(path, json.dumps(data, indent=1, ensure_ascii=False) + "\n")
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
