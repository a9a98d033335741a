"""edgekit puts trained vision models onto phones and web pages, provably right and provably fast.

The verbs are the Python API. Each is imported when first used, so ``import edgekit`` costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ._version import __version__

if TYPE_CHECKING:
    from .sources import inspect, load
    from .stories.convert import convert
    from .stories.detect import counts, detect
    from .stories.rewrite import rewrite
    from .stories.train import train
    from .stories.verify import verify

_HOMES = {
    "inspect": ".sources",
    "load": ".sources",
    "convert": ".stories.convert",
    "rewrite": ".stories.rewrite",
    "verify": ".stories.verify",
    "train": ".stories.train",
    "detect": ".stories.detect",
    "counts": ".stories.detect",
}

__all__ = ["__version__", "convert", "counts", "detect", "inspect", "load", "rewrite", "train", "verify"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'edgekit' has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name], __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
