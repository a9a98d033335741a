"""The bundled shelf: its files are there, belong together, are small, and their absence is said."""

import os
import subprocess
import sys
from pathlib import Path

from edgekit import shelf
from edgekit.datasets.shelf import GROUPS, LABELS
from edgekit.formats import coco, groups, labels
from edgekit.vision import images

ROOT = Path(__file__).parents[1]


def test_it_is_whole() -> None:
    shelf.check()


def test_names_are_those_of_the_data_set() -> None:
    assert labels.read(shelf.LABELS) == LABELS
    assert groups.read(shelf.GROUPS, LABELS) == GROUPS


def test_every_picture_has_its_truth() -> None:
    truth = coco.read(shelf.TRUTH)
    pictures = images.pictures(shelf.PICTURES)
    assert [one.name for one in truth] == [path.name for path in pictures]
    for one, path in zip(truth, pictures, strict=True):
        assert one.size == images.size(path)
        assert one.boxes
    asked = [sum(not box.crowd for box in one.boxes) for one in truth]
    assert min(asked) < 5
    assert max(asked) > 60
    assert {box.label for one in truth for box in one.boxes} == set(LABELS)


def test_it_is_small() -> None:
    shown = [shelf.TRUTH, *images.pictures(shelf.PICTURES)]
    assert sum(path.stat().st_size for path in shown) <= 400_000
    assert (shelf.FOLDER / "clip.webm").stat().st_size <= 400_000
    assert (shelf.FOLDER / "sheet.pdf").stat().st_size <= 300_000


def test_its_absence_is_said(tmp_path: Path) -> None:
    (tmp_path / "edgekit").symlink_to(ROOT / "edgekit")
    command = [sys.executable, "-P", "-m", "edgekit", "demo"]
    environment = os.environ | {"PYTHONPATH": str(tmp_path)}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 6
    assert "there is no " in done.stderr
    assert "git checkout examples/shelf" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["edgekit"]
