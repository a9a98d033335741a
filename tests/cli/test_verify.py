"""``edgekit verify``: what is printed, what is written, and the exit code."""

import json
from pathlib import Path

import pytest

from edgekit.cli import main

from ..proofs import folders, small
from ..proofs.conftest import out, samples

__all__ = ["out", "samples"]  # fixtures


def run(*arguments: str | Path) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["verify", *map(str, arguments)])
    assert isinstance(ended.value.code, int)
    return ended.value.code


def test_a_proven_folder(out: Path, samples: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(out, "--samples", samples) == 0
    said = capsys.readouterr()
    assert "tflite-uint8  small" in said.out
    assert f"Report: {out / 'report.html'}" in said.out
    assert said.err == ""
    assert "<title>edgekit · small</title>" in (out / "report.html").read_text()


def test_a_failed_check_is_exit_code_5_and_leaves_proof_and_report(
    out: Path, samples: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folders.write_artifact(out / "tflite-int8", small.finished(small.raw(first_score=5)), small.spec())
    assert run(out, "--samples", samples) == 5
    said = capsys.readouterr()
    assert "checks failed" in said.err
    assert "tflite-int8: Raw scores stray" in said.err
    assert (out / "tflite-int8" / "verify.json").is_file()
    assert "failed" in (out / "report.html").read_text()


def test_json_is_the_stored_proofs(out: Path, samples: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(out, "--samples", samples, "--limit", "2", "--json") == 0
    (proof,) = json.loads(capsys.readouterr().out)
    assert proof == json.loads((out / "tflite-uint8" / "verify.json").read_text())
    assert len(proof["pairs"]) == 2


def test_another_source_is_loaded_from_its_file(out: Path, samples: Path, tmp_path: Path) -> None:
    source = tmp_path / "elsewhere.tflite"
    source.write_bytes(small.finished(small.raw()))
    (out / "model" / "model.json").unlink()
    assert run(out, "--samples", samples, "--against", source) == 0
    source.write_bytes(small.finished(small.raw(first_score=5)))
    assert run(out, "--samples", samples, "--against", source) == 5


@pytest.mark.parametrize(("arguments", "code"), [(("nowhere", "--samples", "."), 2), ((".",), 2)])
def test_bad_calls(arguments: tuple[str, ...], code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(*arguments) == code
