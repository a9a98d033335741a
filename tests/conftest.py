"""Fixtures that every test may use."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from edgekit.values.artifact import Artifact

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
    """The handmade graph, in the style of contrib.quantize, as the bytes of a tflite_graph.pb."""
    from .handmade import contrib_graph

    return contrib_graph(0)


@pytest.fixture(scope="session")
def converted(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Artifact]:
    """The handmade graph under every recipe, made by real TensorFlow in one run; for slow tests."""
    from edgekit import convert
    from edgekit.values.recipe import recipes

    from .handmade import write

    folder = tmp_path_factory.mktemp("converted")
    files = write(folder / "source")
    artifacts = convert(
        files.graph,
        to=list(recipes()),
        out=folder / "out",
        labels=files.labels,
        groups=files.groups,
        requantise_weights="symmetric",
    )
    return {artifact.recipe: artifact for artifact in artifacts}


@pytest.fixture(scope="session")
def phone(converted: dict[str, Artifact]) -> dict[str, Artifact]:
    """Those of them that are .tflite files."""
    return {recipe: artifact for recipe, artifact in converted.items() if recipe.startswith("tflite-")}


@pytest.fixture(scope="session")
def coco(real: Path, tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    """The published COCO graph as tflite-uint8, made by real TensorFlow; for slow tests."""
    from edgekit import convert

    source = real / "coco_ssd_mobilenet_v1"
    out = tmp_path_factory.mktemp("coco") / "out"
    (artifact,) = convert(source / "tflite_graph.pb", to="tflite-uint8", out=out, labels=source / "labelmap.txt")
    return artifact
