"""Pictures through web models in a real browser: the TypeScript core makes the same of them as Python."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from edgekit import shelf
from edgekit.browser import Page
from edgekit.formats import manifest
from edgekit.runtimes.tfjs import TfjsSession, tfjs_page
from edgekit.stories.convert import convert
from edgekit.values.answers import Detections
from edgekit.values.artifact import Artifact
from edgekit.vision import images, preprocess
from edgekit.vision.decode import answer

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    with tfjs_page() as opened:
        yield opened


def test_the_shelf(page: Page, tmp_path: Path) -> None:
    (artifact,) = convert(shelf.GRAPH, to="tfjs-uint8", out=tmp_path / "out", labels=shelf.LABELS)
    check(artifact, images.pictures(shelf.PICTURES)[::4], page, tmp_path)


@pytest.mark.real
def test_the_published_detector(real: Path, page: Page, tmp_path: Path) -> None:
    source = real / "coco_ssd_mobilenet_v1"
    labels = source / "labelmap.txt"
    (artifact,) = convert(source / "tflite_graph.pb", to="tfjs-uint8", out=tmp_path / "out", labels=labels)
    check(artifact, images.pictures(real / "photos"), page, tmp_path)


def check(artifact: Artifact, pictures: Sequence[Path], page: Page, folder: Path) -> None:
    session = TfjsSession(artifact.root, page)
    cases = [case(artifact, path, session, folder) for path in pictures]
    assert sum(len(one["detections"]["scores"]) for one in cases) >= 10 * len(cases)
    (folder / "cases.json").write_text(json.dumps(cases))
    done = subprocess.run(
        [ROOT / "scripts" / "web.sh", "test", "--", "artifact"],
        env=os.environ | {"EDGEKIT_CASES": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(cases)} passed" in done.stdout


def case(artifact: Artifact, path: Path, session: TfjsSession, folder: Path) -> dict[str, Any]:
    """What vitest reads: a picture and what Python makes of it, step by step."""
    spec = artifact.spec
    pixels = images.load(path)
    tensor = preprocess.real(preprocess.tensor(pixels, spec.input), spec.input.encoding)
    session.feed({spec.input.name: tensor})
    session.invoke()
    outputs = session.read()
    found = answer(spec, outputs, manifest.anchors(artifact))
    assert isinstance(found, Detections)

    def stored(name: str, array: NDArray[Any]) -> str:
        (folder / f"{path.name}.{name}").write_bytes(np.ascontiguousarray(array).tobytes())
        return f"{path.name}.{name}"

    opaque = np.full((*pixels.shape[:2], 1), 255, np.uint8)
    return {
        "artifact": str(artifact.root),
        "picture": {
            "width": pixels.shape[1],
            "height": pixels.shape[0],
            "rgba": stored("rgba", np.concatenate([pixels, opaque], axis=2)),
        },
        "input": stored("input", tensor),
        "outputs": {name: {"shape": list(value.shape), "file": stored(name, value)} for name, value in outputs.items()},
        "detections": {
            "boxes": found.boxes.tolist(),
            "scores": found.scores.tolist(),
            "classes": found.classes.tolist(),
        },
    }
