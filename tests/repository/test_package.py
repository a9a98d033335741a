"""What is built of the repository holds what an installed edgekit needs."""

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SHELF = ROOT / "examples" / "shelf"
APPS = ROOT / "edgekit" / "_apps"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-d", str(folder)], cwd=ROOT, check=True)
    return folder


def test_the_wheel_holds_the_shelf(built: Path) -> None:
    (wheel,) = built.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        for path in (path for path in SHELF.rglob("*") if path.is_file()):
            assert archive.read(f"edgekit/_shelf/{path.relative_to(SHELF).as_posix()}") == path.read_bytes()


def test_the_source_distribution_holds_the_shelf(built: Path) -> None:
    (archive,) = built.glob("*.tar.gz")
    with tarfile.open(archive) as stream:
        names = {name.partition("/")[2] for name in stream.getnames()}
    assert {path.relative_to(ROOT).as_posix() for path in SHELF.rglob("*") if path.is_file()} <= names


def test_both_hold_the_pages_that_were_built(built: Path) -> None:
    pages = {path.relative_to(ROOT).as_posix() for path in APPS.rglob("*") if path.is_file()}
    if not pages:
        pytest.skip("no page was built: make web")
    (wheel,), (archive,) = built.glob("*.whl"), built.glob("*.tar.gz")
    with zipfile.ZipFile(wheel) as stream:
        assert pages <= set(stream.namelist())
    with tarfile.open(archive) as stream:
        assert pages <= {name.partition("/")[2] for name in stream.getnames()}
