"""The process in which TensorFlow lives: reads jobs from stdin, writes answers to what was its stdout."""

from __future__ import annotations

import ctypes
import os
import pickle
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from ...errors import ConversionError, EdgekitError, MissingToolError
from .worker import END, INSTALL

PR_SET_PDEATHSIG = 1  # linux/prctl.h
MESSAGE_LINES = 6


def main() -> None:
    """Import TensorFlow, then answer jobs until the parent closes the pipe."""
    _die_with_parent(int(sys.argv[1]))
    # What TensorFlow prints must not land between the answers: from here on stdout is stderr.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    try:
        import tensorflow  # noqa: F401
    except Exception as error:
        missing = MissingToolError("TensorFlow is installed but cannot be imported.", cause=_text(error), fix=INSTALL)
        _answer(answers, None, missing)
        return
    while True:
        try:
            function, args, kwargs = pickle.load(sys.stdin.buffer)
        except EOFError:
            return
        value: Any
        try:
            value, failure = function(*args, **kwargs), None
            if isinstance(value, Iterator):
                for item in value:
                    _answer(answers, item, None)
                value = END
        except EdgekitError as error:
            value, failure = None, error
        except Exception as error:  # TensorFlow's own exceptions cannot all be pickled, and mean nothing to a user
            value, failure = None, ConversionError(f"TensorFlow failed in {function.__name__}.", cause=_text(error))
        _answer(answers, value, failure)


def _answer(answers: IO[bytes], value: Any, error: EdgekitError | None) -> None:
    pickle.dump((value, error, _peak_memory()), answers)
    answers.flush()


def _text(error: Exception) -> str:
    lines = f"{type(error).__name__}: {error}".splitlines()
    return "\n".join(lines[:MESSAGE_LINES])


def _peak_memory() -> int:
    """Highest resident size in bytes; getrusage would count what the parent had before exec."""
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM")), 0)


def _die_with_parent(parent: int) -> None:
    """End with the parent, also when that is killed while a job holds the interpreter lock (Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent and sys.platform != "win32":  # it was killed before the line above
        sys.exit(1)


if __name__ == "__main__":
    main()
