"""TensorFlow under its own names, imported when the first of them is used: in the worker, never in the parent."""

from typing import Any


def __getattr__(name: str) -> Any:
    if name.startswith("__"):  # what Python itself asks modules for must not need TensorFlow
        raise AttributeError(name)
    import tensorflow

    value = globals()[name] = getattr(tensorflow, name)
    return value
