"""``edgekit demo``: the whole way on the sample, as ``make demo`` runs it."""

import json
from pathlib import Path

import pytest

from edgekit.cli import main

pytestmark = pytest.mark.slow


def test_demo_proves_its_sample(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "demo"
    with pytest.raises(SystemExit) as end:
        main(["demo", "-o", str(out)])
    assert end.value.code == 0
    printed = capsys.readouterr().out
    for verb in ("inspect", "convert", "verify", "detect"):
        assert f"$ edgekit {verb} " in printed
    assert f"Look at {out / 'report.html'}" in printed
    assert (out / "report.html").stat().st_size > 10_000
    proof = json.loads((out / "tflite-uint8" / "verify.json").read_text())
    assert {check["outcome"] for check in proof["checks"]} == {"pass"}
    assert len(list((out / "boxes").iterdir())) == len(list((out / "sample" / "pictures").iterdir()))
