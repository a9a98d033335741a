"""Whole processes, measured from outside: wall time and peak memory."""

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Cost:
    """seconds of wall time; peak resident bytes of the largest process among the command and its children."""

    seconds: float
    peak: float


def cost(command: list[str], folder: Path) -> Cost:
    """Run a command to its end. Raises RuntimeError with its last words when it fails."""
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parent.parent)}
    with (folder / "output").open("w+b") as output:
        start = time.perf_counter()
        child = subprocess.Popen(command, cwd=folder, stdout=output, stderr=output, env=environment)
        _, status, usage = os.wait4(child.pid, 0)
        seconds = time.perf_counter() - start
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode:
            output.seek(0)
            raise RuntimeError(f"{' '.join(command)} failed:\n{output.read()[-2000:].decode()}")
    return Cost(seconds, usage.ru_maxrss * 1024)


def python(code: str) -> list[str]:
    """The command that runs a piece of Python."""
    return [sys.executable, "-c", code]


def edgekit(*arguments: str | Path) -> list[str]:
    """The command that runs edgekit as its user does."""
    return [str(Path(sys.executable).with_name("edgekit")), *map(str, arguments)]
