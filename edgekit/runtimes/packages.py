"""Which packages are installed, in which version, without importing them."""

import importlib.util
import sys
from pathlib import Path

# One package, several distributions on the index.
DISTRIBUTIONS = {
    "tensorflow": ("tensorflow", "tensorflow_cpu", "tensorflow_intel", "tensorflow_macos", "tf_nightly"),
    "ai_edge_litert": ("ai_edge_litert", "ai_edge_litert_nightly"),
    "cv2": ("opencv_python_headless", "opencv_python", "opencv_contrib_python", "opencv_contrib_python_headless"),
    "google.protobuf": ("protobuf",),
    "PIL": ("pillow", "Pillow"),
    "yaml": ("pyyaml", "PyYAML"),
}


def version(package: str) -> str | None:
    """Version of an importable package, None where it is absent; 'unknown' where nothing records it.

    Read from the names of the dist-info folders: importlib.metadata parses mail headers and takes ten times as long,
    which a run that has nothing to do cannot afford.
    """
    if not _importable(package):
        return None
    for distribution in DISTRIBUTIONS.get(package, (package,)):
        for folder in map(Path, sys.path):
            for found in folder.glob(f"{distribution}-*.dist-info"):
                return found.name.removesuffix(".dist-info").removeprefix(f"{distribution}-")
    return "unknown"


def _importable(package: str) -> bool:
    try:
        return importlib.util.find_spec(package) is not None
    except ModuleNotFoundError:  # the parent of a dotted name is absent
        return False
