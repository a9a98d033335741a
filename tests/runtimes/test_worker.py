"""The worker, with a package named tensorflow that imports in no time; the real one is in test_tensorflow.py."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from edgekit.errors import ConversionError, MissingToolError
from edgekit.runtimes.packages import version
from edgekit.runtimes.tensorflow import tensorflow_worker

from . import jobs

REPOSITORY = Path(__file__).parents[2]
PARENT = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # a test run in the background inherits 'ignore'
sys.path[:0] = {path!r}
from edgekit.runtimes.tensorflow import tensorflow_worker
from tests.runtimes import jobs
with tensorflow_worker() as worker:
    print(worker.run(jobs.identify)[0], flush=True)
    worker.run(jobs.hang)
"""


@pytest.fixture
def stub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A tensorflow package that the child finds before the real one."""
    module = tmp_path / "tensorflow" / "__init__.py"
    module.parent.mkdir()
    module.write_text("__version__ = 'stub'\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    return module


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().split(")")[1].split()[0] != "Z"


def wait_until_gone(pid: int) -> bool:
    return any(not alive(pid) or time.sleep(0.05) for _ in range(100))


def test_jobs_run_in_one_child_of_its_own_group(stub: Path) -> None:
    with tensorflow_worker() as worker:
        assert worker.run(jobs.add, 2, b=3) == 5
        assert worker.run(jobs.tensorflow_version) == "stub"
        assert worker.run(jobs.identify) == (worker.pid, worker.pid)
        assert worker.pid != os.getpid()
        assert worker.peak_memory > 2**20
    assert not alive(worker.pid)


def test_the_child_sees_no_gpu_and_logs_errors_only(stub: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "0")
    with tensorflow_worker() as worker:
        assert worker.run(jobs.environment, "CUDA_VISIBLE_DEVICES") == "-1"
        assert worker.run(jobs.environment, "TF_CPP_MIN_LOG_LEVEL") == "0"


def test_what_a_job_prints_does_not_disturb_the_answers(stub: Path) -> None:
    with tensorflow_worker() as worker:
        assert worker.run(jobs.chatter) == "heard"


def test_an_error_of_ours_arrives_whole_and_the_worker_goes_on(stub: Path) -> None:
    with tensorflow_worker() as worker:
        with pytest.raises(ConversionError) as caught:
            worker.run(jobs.refuse)
        assert (caught.value.what, caught.value.cause, caught.value.fix) == (
            "It cannot be kept.",
            "A reason.",
            "A way out.",
        )
        with pytest.raises(ConversionError, match="a foreign exception"):
            worker.run(jobs.fail)
        assert worker.run(jobs.add, 1) == 1


def test_a_dying_child_is_an_error_with_its_last_words(stub: Path) -> None:
    with tensorflow_worker() as worker, pytest.raises(ConversionError, match=r"(?s)exit code 3.*last words"):
        worker.run(jobs.die)


def test_a_job_has_a_time_limit(stub: Path) -> None:
    begin = time.monotonic()
    with tensorflow_worker() as worker, pytest.raises(ConversionError, match=r"within 0\.5 s"):
        worker.run(jobs.hang, timeout=0.5)
    assert time.monotonic() - begin < 10
    assert not alive(worker.pid)


def test_values_of_a_stream_arrive_one_by_one(stub: Path, tmp_path: Path) -> None:
    signal = tmp_path / "signal"
    with tensorflow_worker() as worker:
        values = worker.stream(jobs.count, 4, str(signal), timeout=60)
        assert [next(values), next(values)] == [0, 1]
        signal.touch()  # without it the child would never get to its end
        assert list(values) == [2, 3]
        assert list(worker.stream(jobs.count, 0)) == []
        assert worker.run(jobs.add, 1, b=2) == 3
        assert worker.peak_memory > 2**20


@pytest.mark.parametrize(
    ("what", "message", "goes_on"),
    [
        ("refuse", "It cannot be kept", True),
        ("fail", "TensorFlow failed in count_until(?s:.*)a foreign exception", True),
        ("die", r"(?s)died in count_until \(exit code 3\).*last words", False),
        ("hang", r"did not finish count_until within 0\.5 s", False),
    ],
)
def test_a_stream_that_goes_wrong_in_the_middle(stub: Path, what: str, message: str, goes_on: bool) -> None:
    with tensorflow_worker() as worker:
        worker.run(jobs.add, 1)  # the import is over
        values = worker.stream(jobs.count_until, what, timeout=0.5 if what == "hang" else 60)
        assert [next(values), next(values)] == [0, 1]
        with pytest.raises(ConversionError, match=message):
            next(values)
        if goes_on:
            assert worker.run(jobs.add, 1) == 1
    assert not alive(worker.pid)


def test_the_time_limit_of_a_stream_is_for_silence(stub: Path) -> None:
    with tensorflow_worker() as worker:
        worker.run(jobs.add, 1)
        assert len(list(worker.stream(jobs.dawdle, 8, 0.3, timeout=2.0))) == 8  # 2.4 s in all


def test_a_child_that_is_killed_between_values(stub: Path) -> None:
    with tensorflow_worker() as worker:
        values = worker.stream(jobs.count_until, "hang")
        assert next(values) == 0
        worker.kill()
        with pytest.raises(ConversionError, match=r"died in count_until \(signal SIGKILL\)"):
            list(values)


def test_a_broken_tensorflow_is_a_missing_tool(stub: Path) -> None:
    stub.write_text("raise ImportError('libfoo.so.1: cannot open shared object file')\n")
    with tensorflow_worker() as worker, pytest.raises(MissingToolError, match=r"libfoo\.so\.1"):
        worker.run(jobs.add, 1)


def run_late(job: Callable[..., object], *arguments: object, kill: bool = False) -> None:
    """Run a job when the child has ended already."""
    with tensorflow_worker() as worker:
        if kill:
            worker.kill()
        worker._process.wait()
        worker.run(job, *arguments)


@pytest.mark.parametrize("large", [b"", bytes(2**20)], ids=["buffered", "beyond the buffer"])
def test_a_child_that_is_gone_before_its_first_job_has_said_why(stub: Path, large: bytes) -> None:
    stub.write_text("raise ImportError('libfoo.so.1: cannot open shared object file')\n")
    with pytest.raises(MissingToolError, match=r"libfoo\.so\.1"):
        run_late(jobs.take, large)


def test_a_child_that_was_killed_before_its_first_job_is_an_error(stub: Path) -> None:
    with pytest.raises(ConversionError, match="SIGKILL"):
        run_late(jobs.add, 1, kill=True)


def test_an_absent_tensorflow_is_a_missing_tool_before_anything_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [str(REPOSITORY)])
    monkeypatch.setattr(sys, "path_importer_cache", {})
    monkeypatch.delitem(sys.modules, "tensorflow", raising=False)
    assert version("tensorflow") is None
    with pytest.raises(MissingToolError, match=r"edgekit\[convert\]"), tensorflow_worker():
        pytest.fail("it started")


@pytest.mark.parametrize(("name", "code"), [("SIGINT", -signal.SIGINT), ("SIGKILL", -signal.SIGKILL)])
def test_the_child_ends_with_its_parent(stub: Path, name: str, code: int) -> None:
    script = PARENT.format(path=[str(stub.parents[1]), str(REPOSITORY)])
    with subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert alive(child)
        parent.send_signal(getattr(signal, name))
        try:
            assert parent.wait(10) == code
        finally:
            parent.kill()
    assert wait_until_gone(child)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows keeps no parent")
def test_a_child_whose_parent_is_gone_already_does_not_start(stub: Path) -> None:
    child = [sys.executable, "-m", "edgekit.runtimes.tensorflow.child", str(os.getppid())]
    done = subprocess.run(child, cwd=REPOSITORY, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    assert done.returncode == 1


def test_versions_are_read_without_importing() -> None:
    script = "import sys; from edgekit.runtimes.packages import version; print(version('numpy'), version('nothing_'))"
    script += "; assert not {'numpy', 'importlib.metadata'} & set(sys.modules)"
    out = subprocess.run([sys.executable, "-c", script], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    import numpy

    assert out.stdout.split() == [numpy.__version__, "None"]
