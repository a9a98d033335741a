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
