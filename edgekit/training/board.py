"""What TensorBoard shows of a training: losses, the twelve COCO figures, and answers beside the truth."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..runtimes.tensorflow import lazy as tf
from ..values.answers import Detections
from ..vision.draw import draw
from ..vision.truth import perfect
from .judge import Judge, Predict
from .progress import Progress

PICTURES = 4
SHOWN = 0.3  # score from which a box is drawn
SMALLEST = 384  # pixels of a picture's width there, so that names can be read


class Board:
    """Event files in a folder, for ``tensorboard --logdir``."""

    def __init__(self, folder: Path, labels: Sequence[str]) -> None:
        self._writer = tf.summary.create_file_writer(str(folder))
        self._labels = tuple(labels)

    def write(self, progress: Progress) -> None:
        """Losses and the learning rate; the figures where there are any."""
        with self._writer.as_default(step=progress.step):
            for name in ("classification", "localisation"):
                tf.summary.scalar(f"loss/{name}", getattr(progress, name))
            tf.summary.scalar("learning_rate", progress.rate)
            tf.summary.scalar("pictures_per_second", progress.pictures_per_second)
            if progress.figures is not None:
                for name, value in dataclasses.asdict(progress.figures).items():
                    tf.summary.scalar(f"coco/{name}", value)
        self._writer.flush()

    def pictures(self, step: int, judge: Judge, predict: Predict) -> None:
        """A few validation pictures: on the left what was found, on the right what is there."""
        with self._writer.as_default(step=step):
            for index in np.linspace(0, len(judge.examples), PICTURES, endpoint=False).astype(int).tolist():
                found = judge.answer(predict, index).above(SHOWN)
                pair = [self._drawn(judge, index, one) for one in (found, perfect(judge.examples[index].truth))]
                tf.summary.image(f"found and true/{index}", np.concatenate(pair, axis=1)[None])

    def close(self) -> None:
        self._writer.close()

    def _drawn(self, judge: Judge, index: int, found: Detections) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
        pixels = judge.pixels(index)
        times = max(1, -(-SMALLEST // pixels.shape[1]))
        return draw(pixels.repeat(times, axis=0).repeat(times, axis=1), found, self._labels.__getitem__)
