"""The official readers, each in an environment of its own (tests/judges/setup.sh)."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
TRIES, PATIENCE = 3, 120.0  # seconds; a judge takes ten to twenty
JUDGES = {
    "mediapipe": ("MediaPipe Tasks 1.2.2", "mediapipe_detect.py"),
    "tflite-support": ("Task Library 0.4.4", "task_library_detect.py"),
}


def judged(judge: str, script: str, *arguments: object) -> Any:
    """What a judge prints, as data; the test is skipped where its environment is not there."""
    python = ROOT / f".venv-{judge}" / "bin" / "python"
    if not python.exists():
        pytest.skip(f"no {python.parent.parent.name}: type tests/judges/setup.sh, which says why if it cannot be made")
    command = [str(python), str(ROOT / "tests" / "judges" / script), *map(str, arguments)]
    for _ in range(TRIES):
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
        except subprocess.TimeoutExpired:  # MediaPipe's threads now and then wait for each other for ever
            continue
        assert done.returncode == 0, done.stderr[-2000:]
        return json.loads(done.stdout)
    pytest.fail(f"{judge} did not answer in {TRIES} × {PATIENCE:.0f} s")
