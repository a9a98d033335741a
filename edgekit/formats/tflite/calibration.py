"""Score calibration as TFLite metadata has it: a sigmoid a class that makes scores of different classes comparable.

calibrated = scale / (1 + exp(−(slope · transformed score + offset))), or the default score where a class has no
sigmoid or its score lies below the sigmoid's smallest one. The file is CSV, a line a class, in the labels' order:
``scale,slope,offset[,smallest score]``, or blank. The Task Library wants exactly as many lines as labels and
MediaPipe takes a final newline for one class more (score_calibration.cc, score_calibration_utils.cc), so none is
written.
"""

import math
from dataclasses import dataclass
from typing import Any

from ...errors import UserDataError
from ...values.spec import expect

FILE = "score_calibration.csv"
TRANSFORMATIONS = ("IDENTITY", "LOG", "INVERSE_LOGISTIC")
MAX_BYTES = 4 * 2**20

Sigmoid = tuple[float, ...]  # scale, slope, offset and, where given, the smallest score


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """sigmoids: one a class, None where a class gets the default score. transformation: of the score beforehand."""

    sigmoids: tuple[Sigmoid | None, ...]
    transformation: str = "IDENTITY"
    default_score: float = 0.0

    def __post_init__(self) -> None:
        kinds = ", ".join(TRANSFORMATIONS)
        expect(self.transformation in TRANSFORMATIONS, "transformation", f"one of {kinds}", self.transformation)
        expect(math.isfinite(self.default_score), "default_score", "a number", self.default_score)

    @property
    def file(self) -> bytes:
        """The calibration file's content."""
        lines = ("" if sigmoid is None else ",".join(f"{value:.9g}" for value in sigmoid) for sigmoid in self.sigmoids)
        return "\n".join(lines).encode()

    @property
    def options(self) -> dict[str, Any]:
        """Fields of ScoreCalibrationOptions; a field with its default stays out."""
        options: dict[str, Any] = {}
        if self.transformation != TRANSFORMATIONS[0]:
            options["score_transformation"] = self.transformation
        if self.default_score:
            options["default_score"] = self.default_score
        return options


def parse(
    data: bytes, *, name: str, num_classes: int | None, transformation: str = "IDENTITY", default_score: float = 0.0
) -> Calibration:
    """The calibration in a CSV file's bytes; ``name`` is what messages call it. A final newline is no class.

    Raises UserDataError where a line is not understood or their number is not ``num_classes``.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UserDataError(f"{name} is not a text file.", fix="Give lines of scale,slope,offset[,score].") from None
    lines = text.replace("\r\n", "\n").split("\n")
    if lines[-1] == "" and len(lines) != num_classes:
        lines.pop()
    if not any(lines):
        raise UserDataError(f"{name} calibrates no class.", fix="Give a line of scale,slope,offset[,score] a class.")
    if num_classes is not None and len(lines) != num_classes:
        raise UserDataError(
            f"{name} has {len(lines)} lines for {num_classes} classes.",
            cause="A blank line stands for a class without calibration and must not be left out.",
            fix="Give one line a class, in the order of the labels, without the background.",
        )
    sigmoids = tuple(_sigmoid(line, f"{name}, line {i}") for i, line in enumerate(lines, 1))
    return Calibration(sigmoids=sigmoids, transformation=transformation, default_score=default_score)


def _sigmoid(line: str, where: str) -> Sigmoid | None:
    if not line.strip():
        return None
    try:
        numbers = tuple(float(part) for part in line.split(","))
    except ValueError:
        numbers = ()
    if len(numbers) not in (3, 4) or not all(math.isfinite(number) for number in numbers):
        raise UserDataError(f"{where}: expected scale,slope,offset[,score], got {line[:60]!r}.")
    if numbers[0] < 0:
        raise UserDataError(f"{where}: expected a scale of at least 0, got {numbers[0]:g}.")
    return numbers
