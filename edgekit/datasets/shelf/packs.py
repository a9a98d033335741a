"""The packs of a shop: cans, bottles and cartons of brands, and everything else that stands on shelves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

import numpy as np

from ...vision import opencv as cv2
from . import looks
from .looks import BLACK, WHITE, Look, paint
from .pen import Colour, Pen, hsv, mix
from .shapes import AROUND, Light, Profile, Surface, cut, fill, flat, skin, soft, turned

FRONT = 1 / AROUND  # the share of a skin that is seen at once, a little less than half a turn
METALS = ((214.0, 214.0, 212.0), (190.0, 192.0, 196.0), (168.0, 170.0, 176.0))


@dataclass(frozen=True, kw_only=True)
class Pack:
    """A drawn pack, RGBA. face: (left, top, right, bottom) of what tells its class, in shares of its size.

    tall: the least and the greatest share of the room above a board that it takes.
    """

    pixels: Surface
    face: tuple[float, float, float, float]
    tall: tuple[float, float]


Make = Callable[[Look, Random, int, float], Pack]


def can(look: Look, random: Random, height: int, turn: float) -> Pack:
    aspect, tall = random.choice(((0.56, (0.42, 0.58)), (0.44, (0.52, 0.68)), (0.38, (0.52, 0.68))))
    width = round(height * aspect * random.uniform(0.96, 1.04))
    metal = random.choice(METALS)
    lid, foot, neck = random.uniform(0.035, 0.05), random.uniform(0.025, 0.04), random.uniform(0.84, 0.9)
    printed = skin(height, width)
    printed[..., 3] = 255
    printed[..., :3] = metal
    low, high = round(height * (lid + 0.02)), round(height * (1 - foot - 0.012))
    _print(printed, look, random, low, high)
    printed[: round(height * lid * 0.5), :, :3] = mix(metal, BLACK, 0.25)
    profile = (
        (0, neck),
        (lid, neck + 0.02),
        (lid + 0.045, 0.99),
        (1 - foot - 0.035, 0.99),
        (1 - foot * 0.4, 0.86),
        (1, 0.8),
    )
    light = Light.of(random, 0.6)
    return Pack(
        pixels=turned(printed, profile, width, light, turn=turn, sag=random.uniform(0.012, 0.035)),
        face=(0.1, 0.16, 0.9, 0.84),
        tall=tall,
    )


def bottle(look: Look, random: Random, height: int, turn: float) -> Pack:
    width = round(height * random.uniform(0.28, 0.36))
    cap, neck, shoulder = random.uniform(0.05, 0.085), random.uniform(0.34, 0.46), random.uniform(0.27, 0.38)
    top = shoulder + random.uniform(0.02, 0.06)
    bottom = top + random.uniform(0.4, 0.5)
    printed = skin(height, width)
    glass = _glass(random, look)
    printed[..., :3], printed[..., 3] = glass, random.randint(165, 235)
    level = random.uniform(cap + 0.06, shoulder)
    printed[: round(height * level), :, :3] = mix(glass, WHITE, 0.45)
    _print(printed, look, random, round(height * top), round(height * min(bottom, 0.95)))
    printed[: round(height * cap), :, 3] = 255
    printed[: round(height * cap), :, :3] = look.base if random.random() < 0.7 else look.accent
    mouth = neck * random.uniform(0.92, 1.12)
    waist = random.uniform(0.93, 1)
    profile = (
        (0, mouth),
        (cap, mouth),
        (cap + 0.005, neck * 0.86),
        (cap + 0.05, neck * 0.9),
        (shoulder - 0.07, 0.78),
        (shoulder, 0.97),
        (top, 1),
        ((top + bottom) / 2, waist),
        (bottom, 1),
        (0.975, 1),
        (1, 0.86),
    )
    light = Light.of(random, 0.75)
    pixels = turned(printed, profile, width, light, turn=turn, sag=random.uniform(0.008, 0.02))
    return Pack(pixels=pixels, face=(0.05, top, 0.95, min(bottom, 0.95)), tall=(0.78, 0.97))


def gable(look: Look, random: Random, height: int, turn: float) -> Pack:
    """A carton with a roof and mostly a cap."""
    width = round(height * random.uniform(0.4, 0.52))
    roof = random.uniform(0.17, 0.22)
    front = fill(look.base, height, width)
    low = round(height * roof)
    paint(front[low:], look, random, 1)
    front[:low] = np.clip(np.array(look.base) * 1.12, 0, 255)
    seam = round(height * 0.045)
    front[:seam] = mix(look.base, WHITE, 0.35)
    pen = Pen(front)
    pen.rectangle(0, roof - 0.006, 1, roof + 0.006, mix(look.base, BLACK, 0.35))
    pack = flat(front, random, side=random.choice((0.0, 0.2, 0.26)))
    slant = random.uniform(0.1, 0.18)
    cut(pack, ((slant, 0), (1 - slant, 0), (1 - slant, 0.05), (1, roof), (1, 1), (0, 1), (0, roof), (slant, 0.05)))
    if random.random() < 0.7:
        _cap(pack, look, roof)
    return Pack(pixels=pack, face=(0.05, roof, 0.95, 0.92), tall=(0.66, 0.9))


def brick(look: Look, random: Random, height: int, turn: float) -> Pack:
    """A carton with a flat top, wide or slim."""
    aspect, tall = random.choice(((0.5, (0.62, 0.84)), (0.4, (0.68, 0.88)), (0.64, (0.42, 0.58))))
    width = round(height * aspect * random.uniform(0.95, 1.05))
    top = random.uniform(0.03, 0.06)
    front = fill(mix(look.base, WHITE, 0.3), height, width)
    paint(front[round(height * top) :], look, random, 1)
    pack = flat(front, random, side=random.choice((0.0, 0.18, 0.25)))
    slant = random.uniform(0.02, 0.07)
    cut(pack, ((slant, 0), (1 - slant, 0), (1, top), (1, 1), (0, 1), (0, top)))
    return Pack(pixels=pack, face=(0.05, 0.08, 0.95, 0.92), tall=tall)


def jar(look: Look, random: Random, height: int, turn: float) -> Pack:
    width = round(height * random.uniform(0.62, 0.85))
    lid = random.uniform(0.16, 0.22)
    printed = skin(height, width)
    printed[..., :3] = hsv(random.uniform(0, 120), random.uniform(0.3, 0.9), random.uniform(0.25, 0.8))
    printed[..., 3] = random.randint(200, 255)
    _print(printed, look, random, round(height * random.uniform(0.36, 0.42)), round(height * random.uniform(0.82, 0.9)))
    printed[: round(height * lid), :, :3], printed[: round(height * lid), :, 3] = look.accent, 255
    profile = ((0, 0.88), (lid, 0.9), (lid + 0.01, 0.82), (lid + 0.1, 1), (0.94, 1), (1, 0.88))
    return _turned(printed, profile, width, random, turn, 0.6, tall=(0.34, 0.52))


def tub(look: Look, random: Random, height: int, turn: float) -> Pack:
    width = round(height * random.uniform(1.0, 1.5))
    printed = _printed_all(look, random, height, width)
    printed[: round(height * 0.14), :, :3] = random.choice((WHITE, look.accent))
    profile = ((0, 1), (0.14, 1), (0.15, 0.95), (1, random.uniform(0.74, 0.9)))
    return _turned(printed, profile, width, random, turn, 0.2, tall=(0.24, 0.36))


def spray(look: Look, random: Random, height: int, turn: float) -> Pack:
    width = round(height * random.uniform(0.26, 0.32))
    printed = _printed_all(look, random, height, width)
    cap = random.uniform(0.14, 0.24)
    printed[: round(height * cap), :, :3] = random.choice((WHITE, look.accent, look.pale))
    profile = ((0, 0.6), (0.03, 0.72), (cap, 0.76), (cap + 0.01, 0.84), (cap + 0.06, 1), (1, 1))
    return _turned(printed, profile, width, random, turn, 0.5, tall=(0.6, 0.85))


def tin(look: Look, random: Random, height: int, turn: float) -> Pack:
    """A low or usual preserve tin with ribs at its rims."""
    width = round(height * random.choice((0.74, 1.5)) * random.uniform(0.94, 1.06))
    printed = _printed_all(look, random, height, width)
    rim = round(height * random.uniform(0.05, 0.09))
    printed[:rim, :, :3] = printed[-rim:, :, :3] = random.choice(METALS)
    return _turned(printed, ((0, 1), (1, 1)), width, random, turn, 0.5, tall=(0.22, 0.4))


def tube(look: Look, random: Random, height: int, turn: float) -> Pack:
    """A tube that stands on its cap."""
    width = round(height * random.uniform(0.34, 0.44))
    printed = _printed_all(look, random, height, width)
    cap = random.uniform(0.14, 0.2)
    printed[round(height * (1 - cap)) :, :, :3] = random.choice((WHITE, look.accent, look.pale))
    profile = ((0, 1), (0.08, 1), (0.5, 0.92), (1 - cap, 0.82), (1 - cap + 0.01, 0.7), (1, 0.7))
    return _turned(printed, profile, width, random, turn, 0.3, tall=(0.46, 0.66))


def box(look: Look, random: Random, height: int, turn: float) -> Pack:
    width = round(height * random.uniform(0.55, 1.15))
    front = fill(look.base, height, width)
    paint(front, look, random, 1)
    return Pack(pixels=flat(front, random, side=random.choice((0, 0, 0.12))), face=(0, 0, 1, 1), tall=(0.45, 0.9))


def bag(look: Look, random: Random, height: int, turn: float) -> Pack:
    width = round(height * random.uniform(0.6, 0.85))
    front = fill(look.base, height, width)
    paint(front, look, random, 1)
    pixels = soft(front, random, waist=random.uniform(0.04, 0.12), seal=random.uniform(0.04, 0.07))
    return Pack(pixels=pixels, face=(0, 0, 1, 1), tall=(0.5, 0.85))


def tray(look: Look, random: Random, height: int, turn: float) -> Pack:
    """Cups or fruit under film in a low tray."""
    width = round(height * random.uniform(1.3, 1.9))
    surface = fill(mix(look.base, BLACK, 0.3), height, width)
    pen = Pen(surface)
    fruit = hsv(random.choice((2, 25, 40, 70, 95, 330)), random.uniform(0.6, 0.9), random.uniform(0.6, 0.95))
    for row in range(2):
        for column in range(4):
            tone = mix(fruit, BLACK, random.uniform(0, 0.3))
            pen.disc((column + 0.5 * row + 0.25) / 4, 0.24 + 0.26 * row, 0.17, tone)
    pen.rectangle(0, 0.58, 1, 1, look.base)
    pen.rectangle(0.3, 0.5, 0.7, 0.9, look.pale)
    pen.word(random.choice(looks.NAMES), 0.5, 0.7, 0.36, 0.2, look.accent)
    return Pack(pixels=flat(surface, random, side=0), face=(0, 0, 1, 1), tall=(0.24, 0.36))


def multipack(look: Look, random: Random, height: int, turn: float) -> Pack:
    """Rolls or bottles side by side, held by a printed sleeve."""
    count = random.randint(2, 4)
    width = round(height * random.uniform(1.0, 1.5))
    surface = fill(mix(look.pale, WHITE, 0.3), height, width)
    pen = Pen(surface)
    paint(surface[round(height * 0.3) : round(height * 0.9)], look, random, 0.8)
    pen.word(f"{count} x", 0.14, 0.8, 0.2, 0.12, look.pale)
    wave = np.abs(np.sin(np.linspace(0, count * np.pi, width, dtype=np.float32)))
    surface[:] = surface * (0.6 + 0.4 * wave)[:, None]
    return Pack(pixels=flat(surface, random, side=0), face=(0, 0, 1, 1), tall=(0.36, 0.56))


BRANDED: dict[str, tuple[Make, ...]] = {"can": (can,), "bottle": (bottle,), "carton": (gable, brick)}
OTHERS: tuple[Make, ...] = (
    *(can, bottle, gable, brick),
    *(jar, jar, tub, spray, tin, tube, box, box, bag, bag, tray, multipack),
)


def _print(printed: Surface, look: Look, random: Random, low: int, high: int) -> None:
    """Put a label around a skin, between two rows."""
    label = fill(look.base, high - low, printed.shape[1])
    paint(label, look, random, FRONT)
    printed[low:high, :, :3] = label
    printed[low:high, :, 3] = 255


def _printed_all(look: Look, random: Random, height: int, width: int) -> Surface:
    printed = skin(height, width)
    _print(printed, look, random, 0, height)
    return printed


def _turned(
    printed: Surface,
    profile: Profile,
    width: int,
    random: Random,
    turn: float,
    gloss: float,
    *,
    tall: tuple[float, float],
) -> Pack:
    light = Light.of(random, gloss)
    pixels = turned(printed, profile, width, light, turn=turn, sag=random.uniform(0, 0.03))
    return Pack(pixels=pixels, face=(0, 0.1, 1, 1), tall=tall)


def _glass(random: Random, look: Look) -> Colour:
    kind = random.random()
    if kind < 0.3:
        return hsv(random.uniform(170, 220), random.uniform(0.03, 0.15), random.uniform(0.7, 0.9))
    if kind < 0.5:
        return hsv(random.uniform(15, 35), random.uniform(0.6, 0.9), random.uniform(0.15, 0.4))
    if kind < 0.65:
        return hsv(random.uniform(90, 130), random.uniform(0.3, 0.7), random.uniform(0.2, 0.5))
    if kind < 0.85:
        return hsv(random.uniform(20, 60), random.uniform(0.5, 0.9), random.uniform(0.7, 0.95))
    return mix(look.base, WHITE, random.uniform(0, 0.5))


def _cap(pack: Surface, look: Look, roof: float) -> None:
    height, width = pack.shape[:2]
    centre, axes = (width // 2, round(height * roof * 0.6)), (round(width * 0.16), round(height * 0.035))
    cv2.ellipse(pack, centre, axes, 0, 0, 360, (*mix(look.accent, BLACK, 0.3), 255), -1, cv2.LINE_AA)
    centre = (centre[0], centre[1] - round(height * 0.018))
    cv2.ellipse(pack, centre, axes, 0, 0, 360, (*look.accent, 255), -1, cv2.LINE_AA)
