"""One child process that imports TensorFlow and runs jobs, while the parent never imports it.

The import is nine tenths of a conversion's time, the converter leaks memory and can hang for ever: so it is imported
once a command, in a process that can be killed. The child starts importing at once; the parent goes on with its own
work until it needs the first answer.
"""

from __future__ import annotations

import contextlib
import importlib.util
import logging
import os
import pickle
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from enum import Enum
from typing import IO, Any, Final, ParamSpec, TypeVar

from ...errors import ConversionError, EdgekitError, MissingToolError

P = ParamSpec("P")
T = TypeVar("T")

TIMEOUT = 600.0  # seconds for one job, the import included; a conversion takes one, a loaded machine ten times that
LOG_LINES = 8
INSTALL = "Type: pip install 'edgekit[convert]'"


class _End(Enum):
    END = "the last value of a stream has been sent"


END: Final = _End.END

logger = logging.getLogger(__name__)


class Worker:
    """The child process, seen from the parent. Made by ``tensorflow_worker``."""

    def __init__(self, process: subprocess.Popen[bytes], log: IO[bytes]) -> None:
        self._process = process
        self._log = log
        self.peak_memory = 0  # bytes, the child's highest resident size at its last answer; 0 where it is not known

    @property
    def pid(self) -> int:
        return self._process.pid

    def run(self, function: Callable[P, T], /, *args: P.args, timeout: float = TIMEOUT, **kwargs: P.kwargs) -> T:  # type: ignore[valid-type]
        """The result of ``function(*args)`` in the child.

        function: defined at the top level of an importable module, arguments and result picklable; large inputs go
        by path. Raises what the function raised (an EdgekitError), ConversionError where the child died or took
        longer than ``timeout`` seconds, MissingToolError where TensorFlow cannot be imported.
        """
        self._ask(function, args, kwargs)
        value: T = self._answer(function.__name__, timeout)
        return value

    def stream(  # type: ignore[valid-type]
        self,
        function: Callable[P, Iterator[T]],
        /,
        *args: P.args,
        timeout: float = TIMEOUT,
        **kwargs: P.kwargs,
    ) -> Iterator[T]:
        """What a generator function yields in the child, one by one, as it comes.

        As ``run``; ``timeout`` is for the time between two values. Take all of them before the next job.
        """
        self._ask(function, args, kwargs)
        while (value := self._answer(function.__name__, timeout)) is not END:
            yield value

    def _ask(self, function: Callable[..., object], args: tuple[object, ...], kwargs: dict[str, object]) -> None:
        assert self._process.stdin is not None
        # A child that failed to import has answered already and is gone: its answer is read all the same.
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(pickle.dumps((function, args, kwargs)))
            self._process.stdin.flush()

    def _answer(self, job: str, timeout: float) -> Any:
        late = threading.Event()

        def stop() -> None:
            late.set()
            self.kill()

        timer = threading.Timer(timeout, stop)
        timer.daemon = True  # an interrupt between start and try must not keep the process for the whole time limit
        timer.start()
        error: EdgekitError | None
        try:
            assert self._process.stdout is not None
            value, error, self.peak_memory = pickle.load(self._process.stdout)
        except (EOFError, OSError, pickle.UnpicklingError):
            raise self._death(job, timeout if late.is_set() else None) from None
        finally:
            timer.cancel()
        if error is not None:
            raise error
        return value

    def _death(self, job: str, timeout: float | None) -> EdgekitError:
        code = self._process.wait()
        lines = self._last_lines()
        if timeout is not None:
            return ConversionError(
                f"TensorFlow did not finish {job} within {timeout:g} s and was stopped.",
                cause="It hangs, as its converter does on some graphs, or the machine is very busy.",
                fix="Try again when the machine is free; convert a simpler graph, or another recipe.",
            )
        reason = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
        return ConversionError(
            f"TensorFlow's process died in {job} ({reason}).",
            cause=f"Its last words:\n{lines}" if lines else "It left no message; too little memory is the usual cause.",
        )

    def _last_lines(self) -> str:
        self._log.seek(0)
        return "\n".join(self._log.read().decode("utf-8", "replace").splitlines()[-LOG_LINES:])

    def kill(self) -> None:
        """End the child and whatever it started."""
        if hasattr(os, "killpg"):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
        else:
            self._process.kill()


@contextlib.contextmanager
def tensorflow_worker(*, accelerated: bool = False) -> Iterator[Worker]:
    """A child that is importing TensorFlow; it is gone afterwards, however the block ends.

    accelerated: let TensorFlow see a GPU; a conversion has no use for one.

    Raises MissingToolError where TensorFlow is not installed, without starting anything.
    """
    if importlib.util.find_spec("tensorflow") is None:
        raise MissingToolError("TensorFlow is not installed.", cause="What is asked for needs it.", fix=INSTALL)
    with tempfile.TemporaryFile() as log, _started(log, accelerated) as process:
        worker = Worker(process, log)
        try:
            yield worker
        finally:
            # Nothing is lost by a kill: every answer has been read. TensorFlow's own way out takes half a second.
            worker.kill()
            process.wait()
            assert process.stdin is not None
            with contextlib.suppress(OSError):  # what a job that nobody read left in the pipe's buffer
                process.stdin.close()
            logger.debug("TensorFlow's stderr:\n%s", worker._last_lines())


def _started(log: IO[bytes], accelerated: bool) -> subprocess.Popen[bytes]:
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "3"} | ({} if accelerated else {"CUDA_VISIBLE_DEVICES": "-1"})
    # The child finds the modules that the parent finds, and (-P) nothing that happens to lie in the current folder.
    path = {"PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry)}
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "edgekit.runtimes.tensorflow.child", str(os.getpid())],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=log,
        env=quiet | dict(os.environ) | path,
        process_group=0,
    )
