"""Jobs that the worker's tests send to its child."""

import os
import sys
import time

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


def tensorflow_version() -> str:
    import tensorflow

    return str(tensorflow.__version__)
