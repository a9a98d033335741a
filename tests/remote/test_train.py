"""A training whose data and results lie on a store, killed on one machine and finished on another."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from edgekit.training import FILES, STATE

from ..training.small import write
from .conftest import Place, environment

pytestmark = pytest.mark.slow

PATIENCE = 240.0  # seconds


def start(bucket: Place, cache: Path) -> subprocess.Popen[str]:
    words = ["--data", f"{bucket.url}/products", "-o", f"{bucket.url}/out", "--size", "96", "--width", "0.5"]
    words += ["--steps", "40", "--quantised-steps", "10", "--evaluate", "10", "--batch", "8", "--anchors", "4"]
    return subprocess.Popen(
        [sys.executable, "-m", "edgekit", "train", "ssd", *words],
        env=os.environ | environment(bucket.kind, bucket.server) | {"XDG_CACHE_HOME": str(cache)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        process_group=0,
    )


def test_it_goes_on_where_the_store_says(bucket: Place, tmp_path: Path) -> None:
    pytest.importorskip("tensorflow")
    data = write(tmp_path / "products", 60)
    for path in (path for path in data.rglob("*") if path.is_file() and not path.name.startswith(".")):
        bucket.put(f"products/{path.relative_to(data)}", path.read_bytes())
    killed = start(bucket, tmp_path / "one")
    until = time.monotonic() + PATIENCE
    while f"out/{STATE}" not in bucket.files():
        assert killed.poll() is None, killed.communicate()[1]
        assert time.monotonic() < until
        time.sleep(0.1)
    os.killpg(killed.pid, signal.SIGKILL)
    killed.wait()
    assert "out/tflite_graph.pb" not in bucket.files()
    finished = start(bucket, tmp_path / "two")
    _, said = finished.communicate(timeout=PATIENCE)
    assert finished.returncode == 0, said
    assert "Going on at step" in said
    stored = bucket.files()
    assert {f"out/{name}" for name in FILES} <= set(stored)
    assert any(name.startswith("out/board/") for name in stored)
    assert f"out/{STATE}" not in stored
