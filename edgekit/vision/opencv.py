"""OpenCV under its own names, imported when the first of them is used (extra ``video``)."""

from typing import Any

from ..errors import MissingToolError


def __getattr__(name: str) -> Any:
    if name.startswith("__"):  # what Python itself asks modules for must not need OpenCV
        raise AttributeError(name)
    try:
        import cv2
    except ImportError:
        raise MissingToolError(
            "OpenCV is not installed.",
            cause="Pictures are drawn and changed with it.",
            fix="Type: pip install 'edgekit[video]'",
        ) from None
    value = globals()[name] = getattr(cv2, name)
    return value
