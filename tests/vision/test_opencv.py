"""OpenCV behind its own names."""

import sys

import pytest

from edgekit.errors import MissingToolError
from edgekit.vision import opencv


def test_names_are_opencvs() -> None:
    cv2 = pytest.importorskip("cv2", reason="extra 'video' is not installed")
    assert opencv.resize is cv2.resize
    assert opencv.INTER_AREA == cv2.INTER_AREA
    with pytest.raises(AttributeError):
        _ = opencv.no_such_function


def test_without_opencv_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cv2", None)
    monkeypatch.delitem(vars(opencv), "medianBlur", raising=False)
    with pytest.raises(MissingToolError, match=r"edgekit\[video\]"):
        _ = opencv.medianBlur
    assert not hasattr(opencv, "__wrapped__")
