"""Drawing in shares of a surface's width and height, so that a design has no size of its own."""

from __future__ import annotations

import colorsys
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ...vision import opencv as cv2

Colour = tuple[float, ...]  # RGB, 0 … 255
Point = tuple[float, float]
FRACTION = 4  # binary digits after the point that OpenCV draws with


def hsv(hue: float, saturation: float, value: float) -> Colour:
    """RGB of a hue in degrees, saturation and value in 0 … 1."""
    return tuple(255 * part for part in colorsys.hsv_to_rgb(hue / 360 % 1, saturation, value))


def mix(one: Colour, other: Colour, share: float) -> Colour:
    """The colour that lies ``share`` of the way from one to the other."""
    return tuple(a + (b - a) * share for a, b in zip(one, other, strict=True))


class Pen:
    """Draws on uint8 [height, width, channels] in place. Lengths without a direction are shares of the height."""

    def __init__(self, surface: NDArray[np.uint8]) -> None:
        self.surface = surface
        self.height, self.width = surface.shape[:2]

    def rectangle(self, left: float, top: float, right: float, bottom: float, colour: Colour) -> None:
        y0, y1 = round(max(top, 0) * self.height), round(max(bottom, 0) * self.height)
        x0, x1 = round(max(left, 0) * self.width), round(max(right, 0) * self.width)
        self.surface[y0:y1, x0:x1] = colour

    def disc(self, x: float, y: float, radius: float, colour: Colour) -> None:
        cv2.circle(self.surface, self._at((x, y)), self._long(radius * self.height), colour, -1, cv2.LINE_AA, FRACTION)

    def ellipse(self, x: float, y: float, across: float, down: float, colour: Colour, angle: float = 0) -> None:
        """across, down: half axes as shares of the width and of the height."""
        axes = (self._long(across * self.width), self._long(down * self.height))
        cv2.ellipse(self.surface, self._at((x, y)), axes, angle, 0, 360, colour, -1, cv2.LINE_AA, FRACTION)

    def polygon(self, points: Sequence[Point], colour: Colour) -> None:
        corners = np.array([self._at(point) for point in points], np.int32)
        cv2.fillPoly(self.surface, [corners], colour, cv2.LINE_AA, FRACTION)

    def line(self, points: Sequence[Point], thickness: float, colour: Colour) -> None:
        corners = np.array([self._at(point) for point in points], np.int32)
        wide = max(1, round(thickness * self.height))
        cv2.polylines(self.surface, [corners], False, colour, wide, cv2.LINE_AA, FRACTION)

    def word(self, text: str, x: float, y: float, across: float, down: float, colour: Colour) -> None:
        """Letters around (x, y) as large as fit into across × down."""
        font = cv2.FONT_HERSHEY_DUPLEX
        (wide, high), _ = cv2.getTextSize(text, font, 1, 2)
        scale = min(across * self.width / max(wide, 1), down * self.height / max(high, 1))
        place = (round(x * self.width - wide * scale / 2), round(y * self.height + high * scale / 2))
        cv2.putText(self.surface, text, place, font, scale, colour, max(1, round(scale * 3.2)), cv2.LINE_AA)

    def _at(self, point: Point) -> tuple[int, int]:
        return self._long(point[0] * self.width), self._long(point[1] * self.height)

    def _long(self, length: float) -> int:
        return round(length * (1 << FRACTION))
