"""Jobs that the worker's tests send to its child."""

import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from edgekit.errors import ConversionError


def add(a: int, b: int = 0) -> int:
    return a + b


def take(data: bytes) -> int:
    return len(data)


def identify() -> tuple[int, int]:
    return os.getpid(), os.getpgrp()


def environment(name: str) -> str | None:
    return os.environ.get(name)


def chatter() -> str:
    os.write(1, b"on stdout, as TensorFlow does")
    return "heard"


def refuse() -> None:
    raise ConversionError("It cannot be kept.", cause="A reason.", fix="A way out.")


def fail() -> None:
    raise KeyError("a foreign exception")


def die() -> None:
    sys.stderr.write("last words")
    sys.stderr.flush()
    os._exit(3)


def hang() -> None:
    time.sleep(60)


def count(last: int, signal: str = "") -> Iterator[int]:
    """Numbers up to, not including, ``last``. signal: a file that must be there before it goes beyond 2."""
    for number in range(last):
        while signal and number == 2 and not Path(signal).exists():
            time.sleep(0.01)
        yield number


def count_until(what: str) -> Iterator[object]:
    """0, 1, and then something else."""
    yield 0
    yield 1
    {"refuse": refuse, "fail": fail, "die": die, "hang": hang}[what]()


def dawdle(values: int, seconds: float) -> Iterator[float]:
    for _ in range(values):
        time.sleep(seconds)
        yield seconds


def tensorflow_version() -> str:
    import tensorflow

    return str(tensorflow.__version__)
