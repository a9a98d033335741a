"""Where the bundled shelf lies: in the package that was installed, or in examples/ of a checkout."""

from pathlib import Path

from .errors import MissingToolError

_INSTALLED = Path(__file__).parent / "_shelf"
FOLDER = _INSTALLED if _INSTALLED.is_dir() else Path(__file__).parents[1] / "examples" / "shelf"
GRAPH = FOLDER / "tflite_graph.pb"
CHECKPOINT = FOLDER / "checkpoint.npz"
METRICS = FOLDER / "metrics.json"
LABELS = FOLDER / "labels.txt"
GROUPS = FOLDER / "groups.toml"
PICTURES = FOLDER / "pictures"
TRUTH = FOLDER / "truth.json"


def check() -> None:
    """Raise MissingToolError where a part of it is missing."""
    for part in (GRAPH, CHECKPOINT, METRICS, LABELS, GROUPS, PICTURES, TRUTH):
        if not part.exists():
            raise MissingToolError(
                f"The bundled shelf is incomplete: there is no {part}.",
                cause="edgekit was installed or copied without its data.",
                fix="Type: pip install --force-reinstall --no-deps edgekit; in a checkout, git checkout examples/shelf",
            )
