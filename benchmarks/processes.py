"""Whole processes, measured from outside: wall time, CPU time and peak memory."""

import contextlib
import ctypes
import os
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from edgekit.stats.paired import Ratio, interleave, ratio

ADOPT = 36  # PR_SET_CHILD_SUBREAPER of Linux's prctl


@dataclass(frozen=True)
class Cost:
    """seconds of wall time; cpu: seconds of CPU time of the command and all its descendants; peak resident bytes of
    the largest of these processes.
    """

    seconds: float
    cpu: float
    peak: float


Measure = Callable[[], Cost]


def cost(command: list[str], folder: Path) -> Cost:
    """Run a command to its end, and wait for what it left running. Raises RuntimeError with its last words when it
    fails.
    """
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parent.parent)}
    with (folder / "output").open("w+b") as output, _adopting():
        start = time.perf_counter()
        child = subprocess.Popen(command, cwd=folder, stdout=output, stderr=output, env=environment)
        _, status, usage = os.wait4(child.pid, 0)
        seconds = time.perf_counter() - start
        usages = [usage, *_orphans()]
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode:
            output.seek(0)
            raise RuntimeError(f"{' '.join(command)} failed:\n{output.read()[-2000:].decode()}")
    cpu = sum(usage.ru_utime + usage.ru_stime for usage in usages)
    return Cost(seconds, cpu, max(usage.ru_maxrss for usage in usages) * 1024)


@contextlib.contextmanager
def _adopting() -> Iterator[None]:
    """Where a browser is ended, some of its processes outlive the one that started them: without this nobody learns
    what they took. Elsewhere than on Linux they are missing.
    """
    if sys.platform != "linux":
        yield
        return
    prctl = ctypes.CDLL(None).prctl
    prctl(ADOPT, 1, 0, 0, 0)
    try:
        yield
    finally:
        prctl(ADOPT, 0, 0, 0, 0)


def _orphans() -> Iterator[resource.struct_rusage]:
    with contextlib.suppress(ChildProcessError):
        while True:
            yield os.wait4(-1, 0)[2]


def python(code: str) -> list[str]:
    """The command that runs a piece of Python."""
    return [sys.executable, "-c", code]


def edgekit(*arguments: str | Path) -> list[str]:
    """The command that runs edgekit as its user does."""
    return [str(Path(sys.executable).with_name("edgekit")), *map(str, arguments)]


def repeated(command: list[str], folder: Path) -> Measure:
    """A command, as it is."""
    return lambda: cost(command, folder)


def fresh(command: list[str], out: Path, folder: Path) -> Measure:
    """A command that writes the folder ``out``, which is not there each time."""

    def run() -> Cost:
        shutil.rmtree(out, ignore_errors=True)
        return cost(command, folder)

    return run


def compare(pairs: Sequence[tuple[object, object]], field: str) -> Ratio:
    """Ratio of one field of what was measured."""
    return ratio([(getattr(a, field), getattr(b, field)) for a, b in pairs])


def seconds(a: Measure, b: Measure, launches: int) -> Ratio:
    """Ratio of the wall times of two commands."""
    return compare(interleave(a, b, launches=launches), "seconds")
