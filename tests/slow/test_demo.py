"""``edgekit demo``: the whole way on the bundled shelf, as ``make demo`` runs it."""

import json
from importlib import import_module
from pathlib import Path

import pytest

from edgekit import shelf
from edgekit.cli import main

pytestmark = pytest.mark.slow


def demo(*words: str, capsys: pytest.CaptureFixture[str]) -> str:
    """What it prints; it must end well."""
    with pytest.raises(SystemExit) as end:
        main(["demo", *words])
    assert end.value.code == 0
    return capsys.readouterr().out


def files(folder: Path) -> dict[str, int]:
    return {str(path.relative_to(folder)): path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


def test_demo_proves_the_shelf(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    before = files(shelf.FOLDER)
    printed = demo(capsys=capsys)
    for verb in ("inspect", "convert", "verify", "detect"):
        assert f"$ edgekit {verb} " in printed
    out = Path("demo")
    assert f"Look at {out / 'report.html'}" in printed
    assert (out / "report.html").stat().st_size > 10_000
    proof = json.loads((out / "tflite-uint8" / "verify.json").read_text())
    assert {check["outcome"] for check in proof["checks"]} == {"pass"}
    assert len(list((out / "boxes").iterdir())) == len(list(shelf.PICTURES.iterdir()))
    assert [path.name for path in tmp_path.iterdir()] == ["demo"]
    assert files(shelf.FOLDER) == before


def test_demo_goes_on_with_what_it_has_trained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Six steps instead of six hundred: enough for the way, not for boxes."""
    pytest.importorskip("cv2", reason="extra 'video' is not installed")
    command = import_module("edgekit.cli.demo")
    monkeypatch.setattr(command, "PICTURES", 40)
    monkeypatch.setattr(command, "STEPS", 6)
    printed = demo("--retrain", "-o", str(tmp_path), capsys=capsys)
    trained = tmp_path / "retrained" / "tflite_graph.pb"
    assert f"$ edgekit dataset shelf {tmp_path / 'retrained' / 'data'} --count 40" in printed
    assert f"$ edgekit inspect {trained}" in printed
    assert trained.read_bytes() != shelf.GRAPH.read_bytes()
    assert (trained.parent / "labels.txt").read_bytes() == shelf.LABELS.read_bytes()
    assert (tmp_path / "tflite-uint8" / "verify.json").is_file()
