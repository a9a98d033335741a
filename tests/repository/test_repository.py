"""What the repository as a whole promises."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def tracked() -> list[Path]:
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True).stdout
    return [ROOT / name for name in names.split("\0") if name]


@pytest.mark.parametrize("lock", sorted((ROOT / "requirements").glob("*.txt")), ids=lambda path: path.name)
def test_locks_carry_hashes_and_no_address(lock: Path) -> None:
    text = lock.read_text()
    assert "://" not in text
    pins = re.findall(r"^[a-z0-9][^\n]*==", text, re.MULTILINE)
    assert pins
    assert len(re.findall(r"--hash=sha256:[0-9a-f]{64}", text)) >= len(pins)


def test_the_lock_of_the_web_carries_hashes_and_no_address() -> None:
    packages = json.loads((ROOT / "web_demo" / "package-lock.json").read_bytes())["packages"]
    installed = {path: package for path, package in packages.items() if path}
    assert installed
    assert all(package["integrity"].startswith("sha512-") for package in installed.values())
    assert not any("resolved" in package for package in installed.values())


def test_no_machine_paths() -> None:
    pattern = re.compile(rb"/(work|home|root)/[a-z]")
    found = [path.relative_to(ROOT) for path in tracked() if path.is_file() and pattern.search(path.read_bytes())]
    assert not found


@pytest.mark.parametrize("code", ["import edgekit", "import edgekit.cli", "import edgekit.values.spec"])
def test_the_door_is_light(code: str) -> None:
    heavy = "{'numpy', 'tensorflow', 'rich', 'google', 'PIL', 'flatbuffers', 'ai_edge_litert', 'jinja2'}"
    script = f"import sys; {code}; found = {heavy} & set(sys.modules); sys.exit(str(found) if found else 0)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_changelog_names_the_version() -> None:
    version = re.search(r'"(.+)"', (ROOT / "edgekit/_version.py").read_text())
    assert version
    assert f"## {version[1]}" in (ROOT / "CHANGELOG.md").read_text()
