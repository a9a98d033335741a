"""Frames of a video file or a webcam, and annotated video out, through OpenCV (extra ``video``)."""

import contextlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from ..errors import MissingToolError, StorageError, UsageError, UserDataError
from ..system import STAGING

SUFFIXES = (".3gp", ".avi", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".webm", ".wmv")
CODECS = {".avi": "MJPG", ".mp4": "mp4v"}  # written by every build of OpenCV
USUAL_RATE = 30.0  # frames a second, of cameras that do not say


@dataclass(frozen=True, kw_only=True, eq=False)
class Frame:
    """pixels: uint8 (h, w, 3), RGB, upright. seconds: since the first frame's clock began."""

    index: int
    seconds: float
    pixels: NDArray[np.uint8]


@dataclass(frozen=True, kw_only=True, eq=False)
class Video:
    """An open video: frames a second, and its frames, to be taken once; a webcam's last until it gives no more."""

    rate: float
    frames: Iterator[Frame]


@contextlib.contextmanager
def open_video(source: Path | int) -> Iterator[Video]:
    """A video file, or the webcam of that number. It is closed when the block ends.

    Raises MissingToolError without OpenCV or without that webcam, UserDataError where a file is no video.
    """
    cv2 = _cv2()
    if isinstance(source, Path) and not source.is_file():
        raise UsageError(f"There is no file {source}.", fix="Check the path.")
    capture = cv2.VideoCapture(source if isinstance(source, int) else str(source))
    try:
        opened, first = capture.read() if capture.isOpened() else (False, None)
        if not opened:
            raise _unreadable(source)
        rate = float(capture.get(cv2.CAP_PROP_FPS))
        yield Video(rate=rate if 0 < rate <= 1000 else USUAL_RATE, frames=_frames(cv2, capture, first, source))
    finally:
        capture.release()


class VideoWriter:
    """Writes frames of one size to a .mp4 or .avi file, which is there whole when the block ends, or not at all."""

    def __init__(self, path: Path, rate: float) -> None:
        """Raises UsageError for another suffix, MissingToolError without OpenCV."""
        if path.suffix.lower() not in CODECS:
            raise UsageError(f"Video cannot be written to {path}.", fix=f"Give a name in {' or '.join(CODECS)}.")
        self._cv2 = _cv2()
        self._path, self._rate = path, rate
        self._writer: Any = None
        self._written = 0
        self._draft: Path | None = None

    def __enter__(self) -> Self:
        return self

    def write(self, pixels: NDArray[np.uint8]) -> None:
        """Append a frame, uint8 (h, w, 3), RGB. Raises StorageError where the file cannot be written."""
        if self._writer is None:
            self._writer = self._open(pixels.shape[1], pixels.shape[0])
        self._writer.write(self._cv2.cvtColor(pixels, self._cv2.COLOR_RGB2BGR))
        self._written += 1

    def _open(self, width: int, height: int) -> Any:
        suffix = self._path.suffix.lower()
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._draft = Path(tempfile.mkdtemp(prefix=STAGING, dir=self._path.parent), f"video{suffix}")
        except OSError as error:
            raise self._failure(error) from None
        code = self._cv2.VideoWriter_fourcc(*CODECS[suffix])
        writer = self._cv2.VideoWriter(str(self._draft), code, self._rate, (width, height))
        if not writer.isOpened():
            raise StorageError(f"{self._path} cannot be written.", cause=f"OpenCV has no encoder {CODECS[suffix]}.")
        return writer

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._draft is None:
            return
        try:
            if self._writer is not None:
                self._writer.release()
                if kind is None:
                    self._publish(self._draft)
        finally:
            shutil.rmtree(self._draft.parent, ignore_errors=True)

    def _publish(self, draft: Path) -> None:
        """OpenCV says nothing of a full disk, so the frames are counted before the file takes its place."""
        capture = self._cv2.VideoCapture(str(draft))
        readable = 0
        while capture.grab():
            readable += 1
        capture.release()
        if readable != self._written:
            raise StorageError(
                f"{self._path} cannot be written: {readable} of its {self._written} frames can be read back.",
                cause="The disk is probably full.",
                fix="Free some space, or choose another folder.",
            )
        try:
            os.replace(draft, self._path)
        except OSError as error:
            raise self._failure(error) from None

    def _failure(self, error: OSError) -> StorageError:
        return StorageError(f"{self._path} cannot be written: {error.strerror}.", fix="Choose another folder.")


def _cv2() -> Any:
    try:
        import cv2
    except ImportError:
        raise MissingToolError(
            "Video and webcams need OpenCV, which is not installed.", fix="pip install 'edgekit[video]'"
        ) from None
    return cv2


def _unreadable(source: Path | int) -> UserDataError | MissingToolError:
    if isinstance(source, int):
        return MissingToolError(
            f"Webcam {source} gives no picture.",
            cause="There is no such camera, or another program uses it.",
            fix="Try another number, or give a video file.",
        )
    return UserDataError(
        f"{source} is not a video that can be read.",
        cause="The file is empty, damaged, or in a format that this OpenCV does not have.",
        fix="Give an .mp4, .avi or .mov file.",
    )


def _frames(cv2: Any, capture: Any, first: Any, source: Path | int) -> Iterator[Frame]:
    index, start, more, picture = 0, time.monotonic(), True, first
    while more:
        elapsed = time.monotonic() - start
        seconds = elapsed if isinstance(source, int) else capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
        yield Frame(index=index, seconds=seconds, pixels=cv2.cvtColor(picture, cv2.COLOR_BGR2RGB))
        more, picture = capture.read()
        index += 1
