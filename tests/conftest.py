"""Fixtures that every test may use."""

import os
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parent.parent


@pytest.fixture(scope="session")
def real() -> Path:
    """Folder of published models and pictures; tests that need it are skipped where it is absent."""
    folder = Path(os.environ.get("EDGEKIT_REAL", REPOSITORY.parent / "shared" / "real"))
    if not folder.is_dir():
        pytest.skip(f"EDGEKIT_REAL: no folder {folder} with published models")
    return folder


@pytest.fixture(scope="session")
def contrib() -> bytes:
    """The sample's graph, in the style of contrib.quantize, as the bytes of a tflite_graph.pb."""
    from edgekit.sample import contrib_graph

    return contrib_graph(0)[0]
