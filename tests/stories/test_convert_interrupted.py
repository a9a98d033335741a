"""convert is interrupted or killed at several moments, with real TensorFlow at work."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from edgekit.stories.convert import convert
from tests.handmade import contrib_graph
from tests.stories.test_convert import contents

pytestmark = pytest.mark.slow

REPOSITORY = Path(__file__).parents[2]
STARTING, CONVERTING = "TensorFlow is starting", "tflite-uint8: converting"


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the graph and a finished OUT."""
    folder = tmp_path_factory.mktemp("before")
    (folder / "tflite_graph.pb").write_bytes(contrib_graph())
    convert(folder / "tflite_graph.pb", to="tflite-uint8", out=folder / "out", name="handmade")
    return folder


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def gone(pid: int) -> bool:
    for _ in range(100):
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except OSError:
            return True
        time.sleep(0.05)
    return False


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
@pytest.mark.parametrize(("line", "after"), [(STARTING, 0.0), (STARTING, 2.0), (CONVERTING, 0.05), (CONVERTING, 0.5)])
@pytest.mark.parametrize("name", ["SIGINT", "SIGKILL"])
def test_the_old_result_stays(before: Path, tmp_path: Path, name: str, line: str, after: float) -> None:
    shutil.copytree(before, tmp_path / "work")
    out = tmp_path / "work" / "out"
    whole = contents(out)
    command = [
        "convert",
        "tflite_graph.pb",
        "--to",
        "tflite-uint8",
        "--score",
        "0.3",
        "--name",
        "handmade",
        "-o",
        "out",
    ]
    with subprocess.Popen(
        [sys.executable, "-m", "edgekit", *command],
        cwd=tmp_path / "work",
        env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    ) as running:
        assert running.stdout is not None
        assert any(said.startswith(line) for said in running.stdout)
        workers = children(running.pid)
        time.sleep(after)
        running.send_signal(getattr(signal, name))
        code = running.wait(30)
    if code == 0:
        pytest.skip("the conversion was faster than the signal")
    assert code in ((130, -signal.SIGINT) if name == "SIGINT" else (-signal.SIGKILL,))  # a shell sees 130 for both
    assert workers
    assert all(gone(pid) for pid in workers)
    left = contents(out)
    assert {path: data for path, data in left.items() if not path.startswith(".edgekit-")} == whole
    if name == "SIGINT":
        assert left == whole
    convert(tmp_path / "work" / "tflite_graph.pb", to="tflite-uint8", out=out, name="handmade")
    assert contents(out) == whole  # what the killed run left is cleared by the next, which has nothing else to do
