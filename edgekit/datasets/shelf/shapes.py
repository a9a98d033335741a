"""From printed surfaces to solid packs: turned ones with a round light, and boxes with a side, as RGBA."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

import numpy as np
from numpy.typing import NDArray

from ...vision import opencv as cv2
from .pen import Colour, Pen

Surface = NDArray[np.uint8]
Profile = Sequence[tuple[float, float]]
AROUND = 2.4  # width of a skin in widths of its pack; a half turn is π / 2


@dataclass(frozen=True, kw_only=True)
class Light:
    """Where the light falls on a round pack. towards: −1 left … 1 right. gloss: 0 … 1 of white at the streak."""

    towards: float
    ambient: float
    gloss: float
    width: float

    @classmethod
    def of(cls, random: Random, gloss: float) -> Light:
        return cls(
            towards=random.uniform(-0.7, 0.7),
            ambient=random.uniform(0.42, 0.62),
            gloss=gloss * random.uniform(0.4, 1),
            width=random.uniform(0.05, 0.16),
        )


def skin(height: int, width: int) -> Surface:
    """An empty printed surface, RGBA, for a turned pack of that size."""
    return np.zeros((height, round(AROUND * width), 4), np.uint8)


def turned(printed: Surface, profile: Profile, width: int, light: Light, *, turn: float, sag: float) -> Surface:
    """A pack with round cross-sections, from its unrolled skin.

    profile: (y, half width) from top to bottom, both in 0 … 1, straight lines between. turn: radians that the front
    looks to the side. sag: how far edges around the pack hang down in the middle, as a share of the height.
    """
    height, around = printed.shape[:2]
    rows = (np.arange(height, dtype=np.float32) + 0.5) / height
    ys, halves = zip(*profile, strict=True)
    half = np.interp(rows, ys, halves).astype(np.float32)[:, None] * (width / 2)
    across = (np.arange(width, dtype=np.float32) + 0.5 - width / 2) / np.maximum(half, 0.5)
    inside = np.abs(across) < 1
    sine = np.clip(across, -1, 1)
    angle, facing = np.arcsin(sine), np.sqrt(1 - sine * sine)
    columns = around / 2 + (angle + turn) * width / 2 - 0.5
    lines = np.arange(height, dtype=np.float32)[:, None] + sag * height * (1 - facing)
    pixels = cv2.remap(printed, columns, lines, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT).astype(np.float32)
    towards = light.towards
    diffuse = np.clip(facing * math.cos(towards) + sine * math.sin(towards), 0, 1)
    streaks = np.exp(-(((sine - math.sin(towards * 0.6)) / light.width) ** 2))
    streaks += 0.35 * np.exp(-(((sine + 0.82 * np.sign(towards)) / 0.07) ** 2))
    shade = (light.ambient + (1.12 - light.ambient) * diffuse)[..., None]
    pixels[..., :3] = pixels[..., :3] * shade + (255 * light.gloss * streaks)[..., None]
    glass = pixels[..., 3]
    glass += (255 - glass) * (glass > 60) * sine**6  # seen through more of the wall at the rim
    glass *= inside
    pack: Surface = np.clip(pixels, 0, 255).astype(np.uint8)
    return pack


def flat(front: Surface, random: Random, *, side: float) -> Surface:
    """A box: its front, RGB, and a darker side of that share of the width, left or right; 0 for none."""
    height, width = front.shape[:2]
    slope = np.linspace(random.uniform(1, 1.08), random.uniform(0.86, 0.96), height, dtype=np.float32)
    pixels = front * slope[:, None, None]
    pixels *= np.linspace(random.uniform(0.92, 1.04), random.uniform(0.92, 1.04), width, dtype=np.float32)[:, None]
    edge = round(side * width)
    if edge:
        tone = random.uniform(0.5, 0.72)
        narrow = cv2.resize(front, (edge, height), interpolation=cv2.INTER_AREA) * tone
        plain = np.float32(front[height // 3, width // 20]) * tone
        narrow = 0.4 * narrow + 0.6 * plain
        pixels = np.hstack([pixels, narrow] if random.random() < 0.5 else [narrow, pixels])
        pixels = cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA)
    return _opaque(pixels)


def soft(front: Surface, random: Random, *, waist: float, seal: float) -> Surface:
    """A filled bag: narrower towards its sealed ends, with folds. waist, seal: shares of width and of height."""
    height, width = front.shape[:2]
    y = (np.arange(height, dtype=np.float32)[:, None] + 0.5) / height
    x = (np.arange(width, dtype=np.float32)[None] + 0.5) / width * 2 - 1
    half = 1 - waist * (0.5 + 0.5 * np.cos(2 * math.pi * y)) ** 3
    inner = np.clip(x / half, -1, 1)
    columns = (inner + 1) / 2 * (width - 1)
    lines = np.broadcast_to(y * (height - 1), columns.shape).astype(np.float32)
    pixels = cv2.remap(front, columns.astype(np.float32), lines, cv2.INTER_LINEAR).astype(np.float32)
    coarse = np.array([[random.uniform(0.8, 1.2) for _ in range(5)] for _ in range(7)], np.float32)
    folds = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    pixels *= (folds * (0.72 + 0.34 * np.sqrt(1 - inner * inner)))[..., None]
    gloss = random.uniform(0, 70)
    pixels += (gloss * np.clip(folds - 1.05, 0, 1) * 6)[..., None]
    ends = (y < seal) | (y > 1 - seal * 0.7)
    pixels *= np.where(ends & (np.arange(width)[None] // 3 % 2 == 0), 0.82, 1)[..., None]
    return _opaque(pixels, np.broadcast_to(np.abs(x) < half, columns.shape))


def cut(pack: Surface, outline: Sequence[tuple[float, float]]) -> Surface:
    """The pack within a polygon, in shares of its size."""
    mask = np.zeros((*pack.shape[:2], 1), np.uint8)
    Pen(mask).polygon(outline, (255,))
    pack[..., 3] = np.minimum(pack[..., 3], mask[..., 0])
    return pack


def fill(colour: Colour, height: int, width: int) -> Surface:
    """RGB of one colour."""
    return np.full((height, width, 3), colour, np.float32).astype(np.uint8)


def _opaque(pixels: NDArray[np.float32], mask: NDArray[np.bool_] | None = None) -> Surface:
    height, width = pixels.shape[:2]
    result = np.full((height, width, 4), 255, np.uint8)
    result[..., :3] = np.clip(pixels, 0, 255)
    if mask is not None:
        result[..., 3] *= mask
    return result
