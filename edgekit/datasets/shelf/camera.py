"""From a flat drawing to what a camera makes of it: perspective, light, lens, sensor and compression."""

from __future__ import annotations

import math
from functools import cache
from random import Random

import numpy as np
from numpy.typing import NDArray

from ...vision import opencv as cv2

Array = NDArray[np.float32]
MARGIN = 0.09  # of the canvas on every side, as a share of the picture's, that a view may look into
NOISE = 1 << 20  # values of noise that are kept
BRIGHTEST = 1.4  # factor of exposure and light together; more would leave nothing of pale packs


def canvas_size(height: int, width: int) -> tuple[int, int]:
    """Of the drawing for a picture of that size."""
    return round(height * (1 + 2 * MARGIN)), round(width * (1 + 2 * MARGIN))


def view(random: Random, height: int, width: int) -> NDArray[np.float64]:
    """A homography from the canvas to the picture: some tilt, some perspective, sometimes much of it."""
    rows, columns = canvas_size(height, width)
    tilt = math.radians(random.gauss(0, 1.2 if random.random() < 0.7 else 3.5))
    side = random.uniform(-0.03, 0.03) if random.random() < 0.75 else random.uniform(-0.13, 0.13)
    rise = random.uniform(-0.03, 0.03) if random.random() < 0.85 else random.uniform(-0.07, 0.07)
    zoom = random.uniform(0.96, 1.1)
    return frame((columns / 2, rows / 2), tilt, zoom, height, width, side=side, rise=rise, inside=(rows, columns))


def frame(
    centre: tuple[float, float],
    tilt: float,
    zoom: float,
    height: int,
    width: int,
    *,
    side: float = 0.0,
    rise: float = 0.0,
    inside: tuple[int, int] | None = None,
) -> NDArray[np.float64]:
    """The homography of a camera that looks at ``centre``. tilt: radians. zoom: pixels of the canvas for one.

    side, rise: how much taller what it sees is on its right than in the middle, and how much wider below.
    inside: size of the canvas where it must not look beyond it.
    """
    half = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)], np.float64)
    corners = half * (1 + np.hstack([half[:, 1:] * rise, half[:, :1] * side])) * [width * zoom / 2, height * zoom / 2]
    turn = np.array([(math.cos(tilt), -math.sin(tilt)), (math.sin(tilt), math.cos(tilt))])
    corners = corners @ turn.T + centre
    if inside is not None:
        corners = corners.clip(0, inside[::-1])
    target = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float32)
    matrix: NDArray[np.float64] = cv2.getPerspectiveTransform(corners.astype(np.float32), target)
    return matrix


def look(pixels: NDArray[np.uint8], matrix: NDArray[np.float64], height: int, width: int) -> NDArray[np.uint8]:
    """uint8 of the canvas through a homography in edges of pixels."""
    # OpenCV counts from the middle of pixels
    shift = np.array([(1, 0, -0.5), (0, 1, -0.5), (0, 0, 1)])
    centred = shift @ matrix @ np.linalg.inv(shift)
    result: NDArray[np.uint8] = cv2.warpPerspective(
        pixels, centred, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    return result


def expose(pixels: NDArray[np.uint8], random: Random, *, smallest: float) -> NDArray[np.uint8]:
    """Light, lens, sensor and compression. smallest: side in pixels of the smallest product that must stay clear."""
    height, width = pixels.shape[:2]
    picture = pixels.astype(np.float32)
    picture *= light(random, height, width)
    if random.random() < 0.25:
        _glare(picture, random)
    picture = _lens(picture, random, smallest)
    noise = random.uniform(0, 3) if random.random() < 0.6 else random.uniform(3, 7)
    start = random.randrange(NOISE - height * width * 3)
    picture += _noise()[start : start + picture.size].reshape(picture.shape) * np.float32(noise)
    result = np.clip(picture, 0, 255).astype(np.uint8)
    if random.random() < 0.3:
        result = _tone(result, random)
    if random.random() < 0.35:
        quality = random.randint(50, 85)
        result = cv2.imdecode(cv2.imencode(".jpg", result, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], cv2.IMREAD_COLOR)
    return result


def light(random: Random, height: int, width: int) -> Array:
    """Factors of exposure, colour cast, light from a side, a spot or dark corners, [h, w, 3]."""
    y, x = np.linspace(-1, 1, 12, dtype=np.float32)[:, None], np.linspace(-1, 1, 12, dtype=np.float32)[None]
    field = np.ones((12, 12), np.float32)
    if random.random() < 0.7:
        strength = random.uniform(0, 0.22) if random.random() < 0.7 else random.uniform(0.22, 0.45)
        angle = random.uniform(0, 2 * math.pi)
        field += strength * (math.cos(angle) * x + math.sin(angle) * y)
    if random.random() < 0.35:
        field *= 1 - random.uniform(0.1, 0.4) * (x * x + y * y) / 2
    if random.random() < 0.15:
        across, down, wide = random.uniform(-0.8, 0.8), random.uniform(-0.8, 0.8), random.uniform(0.15, 0.6)
        field *= 0.8 + 0.5 * np.exp(-((x - across) ** 2 + (y - down) ** 2) / wide)
    if random.random() < 0.1:  # the shadow of someone who stands there
        edge, soft = random.uniform(-0.6, 0.6), random.uniform(4, 14)
        field *= 1 - 0.4 / (1 + np.exp(soft * (x + 0.3 * y - edge)))
    gain = random.uniform(0.75, 1.12) if random.random() < 0.75 else random.uniform(0.6, 1.3)
    field *= min(1, BRIGHTEST / (gain * float(field.max())))
    warm, tint = random.gauss(0, 0.06), random.gauss(0, 0.03)
    cast = np.array([gain * (1 + warm), gain * (1 + tint), gain * (1 - warm)], np.float32)
    factors: Array = cv2.resize(field[..., None] * cast, (width, height), interpolation=cv2.INTER_LINEAR)
    return factors


def _glare(picture: Array, random: Random) -> None:
    """Reflections: bright spots, or slanting streaks of a glass door."""
    height, width = picture.shape[:2]
    y, x = np.linspace(0, 1, 24, dtype=np.float32)[:, None], np.linspace(0, 1, 24, dtype=np.float32)[None]
    if random.random() < 0.6:
        field: Array = np.zeros((24, 24), np.float32)
        for _ in range(random.randint(1, 3)):
            across, down, wide = random.random(), random.random(), random.uniform(0.03, 0.12)
            field += random.uniform(40, 110) * np.exp(-((x - across) ** 2 + (y - down) ** 2) / wide**2)
    else:
        slope, phase = random.uniform(-0.8, 0.8), random.uniform(0, 6)
        waves = np.sin(random.uniform(4, 12) * (x + slope * y) + phase)
        field = (random.uniform(20, 60) * np.clip(waves - 0.3, 0, 1)).astype(np.float32)
    picture += cv2.resize(np.repeat(field[..., None], 3, axis=2), (width, height), interpolation=cv2.INTER_LINEAR)


def _lens(picture: Array, random: Random, smallest: float) -> Array:
    """Defocus or shake, never more than a part of the smallest product."""
    kind, limit = random.random(), min(smallest * 0.085, 2.2)
    if kind < 0.5:
        sigma = random.uniform(0.25, 0.6) if kind < 0.3 else random.uniform(0.3, max(limit, 0.4))
        blurred: Array = cv2.GaussianBlur(picture, (0, 0), sigma)
        return blurred
    if kind < 0.62:
        length = random.uniform(1.2, max(1.5, 3.2 * limit))
        size = 2 * math.ceil(length / 2) + 1
        kernel = np.zeros((size, size, 1), np.uint8)
        angle, middle = random.uniform(0, math.pi), size // 2
        for step in np.linspace(-length / 2, length / 2, 4 * size):
            row, column = round(middle + step * math.sin(angle)), round(middle + step * math.cos(angle))
            kernel[row, column] = 1
        weights = kernel[..., 0].astype(np.float32)
        moved: Array = cv2.filter2D(picture, -1, weights / weights.sum())
        return moved
    return picture


def _tone(pixels: NDArray[np.uint8], random: Random) -> NDArray[np.uint8]:
    """Contrast and gamma, as cameras' own programs change them."""
    gamma, contrast = random.uniform(0.75, 1.35), random.uniform(0.75, 1.2)
    values = 255 * (np.arange(256) / 255) ** gamma
    table = np.clip((values - 118) * contrast + 118, 0, 255).astype(np.uint8)
    return table[pixels]


@cache
def _noise() -> Array:
    return np.random.default_rng(0).standard_normal(NOISE, dtype=np.float32)
