"""What is printed on packs: the colours and the mark of our brand and of its rivals, and designs of anything else."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from random import Random

import numpy as np
from numpy.typing import NDArray

from .pen import Colour, Pen, hsv, mix

WHITE, BLACK = (246.0, 245.0, 240.0), (22.0, 22.0, 26.0)
WORDS = ("FRESH", "CLASSIC", "ZERO", "ORIGINAL", "LIGHT", "FRUIT", "MILD", "EXTRA", "NATURE", "500 g", "1 L", "BIO")
NAMES = ("KORU", "Mellis", "TANDO", "Pomelle", "HAVEN", "Brisa", "OAT&CO", "LIRA", "Dalton", "ZEST", "Mirabo", "NORD")
TAKEN = ((172, 228), (342, 378), (118, 165), (258, 300))  # hues that our brand and its rivals live in, degrees


@dataclass(frozen=True, kw_only=True)
class Look:
    """Colours of one product, and what draws its mark.

    subtle: only the mark tells whose it is, which takes some size to be seen, because the colours could be another's.
    """

    base: Colour
    accent: Colour
    pale: Colour
    mark: Callable[[Pen, Look, Random, float], None]
    flavour: Colour | None = None
    subtle: bool = False


def paint(surface: NDArray[np.uint8], look: Look, random: Random, front: float) -> None:
    """Fill uint8 [h, w, 3] with a look. front: the share of the width, around the middle, that is seen at once."""
    pen = Pen(surface)
    pen.rectangle(0, 0, 1, 1, look.base)
    if look.flavour is not None:
        top = random.uniform(0.8, 0.88)
        pen.rectangle(0, top, 1, top + random.uniform(0.07, 0.12), look.flavour)
    look.mark(pen, look, random, front)


def ours(random: Random) -> Look:
    """Blue-green with a pale wave and a yellow sun."""
    base = hsv(random.uniform(187, 207), random.uniform(0.78, 0.98), random.uniform(0.5, 0.84))
    sun = hsv(random.uniform(43, 54), random.uniform(0.85, 1), random.uniform(0.93, 1))
    pale = mix(WHITE, hsv(random.uniform(30, 210), 0.2, 0.95), random.random() * 0.4)
    return Look(base=base, accent=sun, pale=pale, mark=_sun_and_wave, flavour=_flavour(random))


def turned_round(look: Look) -> Look:
    """The same brand's mark in its colour on a pale ground, as its cartons have it."""
    return replace(look, base=look.pale, pale=look.base)


def rival(random: Random) -> Look:
    """One of three brands: red with a stripe, dark green with a gold shield, violet with a lime bolt."""
    brand = random.randrange(3)
    if brand == 0:
        base = hsv(random.uniform(-9, 8), random.uniform(0.8, 0.98), random.uniform(0.58, 0.88))
        return Look(base=base, accent=BLACK, pale=(250, 241, 224), mark=_stripe_and_badge, flavour=_flavour(random))
    if brand == 1:
        base = hsv(random.uniform(135, 158), random.uniform(0.65, 0.95), random.uniform(0.22, 0.42))
        gold = hsv(random.uniform(40, 48), random.uniform(0.5, 0.7), random.uniform(0.72, 0.9))
        return Look(base=base, accent=gold, pale=(244, 240, 226), mark=_shield, flavour=_flavour(random))
    base = hsv(random.uniform(266, 290), random.uniform(0.55, 0.85), random.uniform(0.26, 0.5))
    lime = hsv(random.uniform(68, 84), random.uniform(0.75, 0.95), random.uniform(0.85, 1))
    return Look(base=base, accent=lime, pale=(240, 236, 246), mark=_bolt, flavour=_flavour(random))


def other(random: Random) -> Look:
    """Anything: mostly colours that no brand has, now and then a brand's own with another design."""
    near = random.random() < 0.1
    base = _near(random) if near else _free(random)
    accent = _free(random) if random.random() < 0.8 else BLACK
    pale = mix(WHITE, _free(random), random.uniform(0, 0.35))
    if sum(abs(a - b) for a, b in zip(base, pale, strict=True)) < 150:
        pale = mix(base, BLACK, random.uniform(0.45, 0.8))
    return Look(base=base, accent=accent, pale=pale, mark=random.choice(DESIGNS), subtle=near)


def _free(random: Random) -> Colour:
    """A colour outside the brands' hues, or too pale, too grey or too brown to be one of theirs."""
    kind = random.random()
    if kind < 0.2:
        return hsv(random.uniform(0, 360), random.uniform(0, 0.22), random.uniform(0.72, 0.98))
    if kind < 0.3:
        return hsv(random.uniform(0, 360), random.uniform(0, 0.2), random.uniform(0.12, 0.4))
    if kind < 0.45:
        return hsv(random.uniform(18, 40), random.uniform(0.4, 0.75), random.uniform(0.28, 0.55))
    while True:
        hue = random.uniform(15, 345)
        if not any(low <= hue <= high for low, high in TAKEN):
            return hsv(hue, random.uniform(0.45, 0.95), random.uniform(0.6, 0.97))


def _near(random: Random) -> Colour:
    low, high = random.choice(TAKEN)
    return hsv(random.uniform(low, high), random.uniform(0.5, 0.9), random.uniform(0.4, 0.9))


def _flavour(random: Random) -> Colour | None:
    if random.random() < 0.4:
        return None
    return hsv(random.uniform(0, 360), random.uniform(0.6, 0.95), random.uniform(0.6, 0.95))


def _small_print(pen: Pen, random: Random, middle: float, top: float, wide: float, colour: Colour) -> None:
    for row in range(random.randint(1, 3)):
        half = wide * random.uniform(0.5, 1) / 2
        y = top + row * 0.035
        pen.rectangle(middle - half, y, middle + half, y + 0.014, colour)


def _sun_and_wave(pen: Pen, look: Look, random: Random, front: float) -> None:
    y, high = random.uniform(0.5, 0.6), random.uniform(0.1, 0.15)
    swing, length, start = random.uniform(0.03, 0.055), 2 * math.pi / front, random.uniform(-0.5, 0.5)
    xs = [i / 40 for i in range(41)]
    wave = [y + swing * math.sin((x - 0.5) * length + start) for x in xs]
    pen.disc(0.5, y - high * 0.62 - 0.08, random.uniform(0.125, 0.155), look.accent)
    pen.polygon(
        [(x, at - high / 2) for x, at in zip(xs, wave, strict=True)]
        + [(x, at + high / 2) for x, at in zip(reversed(xs), reversed(wave), strict=True)],
        look.pale,
    )
    pen.word("aluvo", 0.5, y, front * 0.62, high * 0.5, look.base)
    _small_print(pen, random, 0.5, y + high * 0.75 + 0.03, front * 0.5, look.pale)


def _stripe_and_badge(pen: Pen, look: Look, random: Random, front: float) -> None:
    y, slope, high = random.uniform(0.4, 0.5), random.uniform(0.16, 0.26), random.uniform(0.1, 0.14)
    for i in range(-3, 4):  # the stripe runs on around a can
        left, right = 0.5 + (i - 0.5) * front, 0.5 + (i + 0.5) * front
        corners = ((left, slope - high), (right, -slope - high), (right, high - slope), (left, slope + high))
        pen.polygon([(x, y + at) for x, at in corners], look.pale)
    half, tall = front * random.uniform(0.3, 0.36), random.uniform(0.075, 0.095)
    pen.rectangle(0.5 - half, y - tall, 0.5 + half, y + tall, look.accent)
    pen.word("BRAKK", 0.5, y, half * 1.6, tall * 1.1, look.pale)
    _small_print(pen, random, 0.5, y + slope + high + 0.02, front * 0.5, look.pale)


def _shield(pen: Pen, look: Look, random: Random, front: float) -> None:
    y, across, down = random.uniform(0.42, 0.5), front * random.uniform(0.3, 0.36), random.uniform(0.17, 0.22)
    band = front * random.uniform(0.07, 0.1)
    pen.rectangle(0.5 - band, 0, 0.5 + band, 1, look.accent)
    pen.ellipse(0.5, y, across, down, look.accent)
    pen.ellipse(0.5, y, across * 0.8, down * 0.8, look.pale)
    pen.word("Verdano", 0.5, y, across * 1.3, down * 0.45, look.base)
    top = y - down * random.uniform(1.05, 1.2)
    crown = ((-0.6, -0.06), (-0.3, 0.01), (0, -0.08), (0.3, 0.01), (0.6, -0.06), (0.45, 0.07), (-0.45, 0.07))
    pen.polygon([(0.5 + x * across, top + at) for x, at in crown], look.accent)


def _bolt(pen: Pen, look: Look, random: Random, front: float) -> None:
    y, high, swing = random.uniform(0.42, 0.52), random.uniform(0.05, 0.07), random.uniform(0.1, 0.14)
    step = front / random.choice((2, 3))
    xs = [0.5 + (i - 6) * step for i in range(13)]
    ys = [y + (swing if i % 2 else -swing) for i in range(13)]
    pen.polygon(
        [(x, at - high) for x, at in zip(xs, ys, strict=True)]
        + [(x, at + high) for x, at in zip(reversed(xs), reversed(ys), strict=True)],
        look.accent,
    )
    pen.word("ZIK", 0.5, y - swing - high - 0.09, front * 0.6, 0.11, look.pale)
    _small_print(pen, random, 0.5, y + swing + high + 0.03, front * 0.55, look.pale)


def _panel(pen: Pen, look: Look, random: Random, front: float) -> None:
    half, top, bottom = front * random.uniform(0.3, 0.42), random.uniform(0.1, 0.25), random.uniform(0.55, 0.8)
    pen.rectangle(0.5 - half, top, 0.5 + half, bottom, look.pale)
    pen.word(random.choice(NAMES), 0.5, top + 0.12, half * 1.7, 0.1, look.accent)
    pen.ellipse(0.5, bottom - 0.12, half * 0.5, 0.08, look.accent)


def _oval(pen: Pen, look: Look, random: Random, front: float) -> None:
    y, across, down = random.uniform(0.3, 0.5), front * random.uniform(0.32, 0.42), random.uniform(0.16, 0.24)
    pen.ellipse(0.5, y, across, down, look.accent, random.uniform(-20, 20))
    pen.word(random.choice(NAMES), 0.5, y, across * 1.6, down * 0.6, look.pale)
    _small_print(pen, random, 0.5, random.uniform(0.72, 0.82), front * 0.6, look.pale)


def _corner(pen: Pen, look: Look, random: Random, front: float) -> None:
    low, high, side = random.uniform(0.3, 0.5), random.uniform(0.6, 0.9), random.choice((0, 1))
    pen.polygon([(0, 1), (1, 1), (1, low if side else high), (0, high if side else low)], look.accent)
    pen.word(random.choice(NAMES), 0.5, random.uniform(0.15, 0.28), front * 0.8, 0.12, look.pale)
    pen.disc(0.5 + front * random.uniform(-0.2, 0.2), random.uniform(0.55, 0.7), random.uniform(0.08, 0.13), look.pale)


def _bands(pen: Pen, look: Look, random: Random, front: float) -> None:
    y, count = random.uniform(0.05, 0.2), random.randint(2, 4)
    for i in range(count):
        high = random.uniform(0.06, 0.14)
        pen.rectangle(0, y, 1, y + high, (look.accent, look.pale)[i % 2])
        y += high + random.uniform(0.05, 0.14)
    pen.word(random.choice(WORDS), 0.5, min(y + 0.05, 0.92), front * 0.7, 0.08, look.pale)


def _fruits(pen: Pen, look: Look, random: Random, front: float) -> None:
    top = random.uniform(0.4, 0.55)
    pen.rectangle(0, 0, 1, random.uniform(0.25, 0.38), look.pale)
    pen.word(random.choice(NAMES), 0.5, 0.16, front * 0.8, 0.12, look.base)
    for _ in range(random.randint(3, 6)):
        fruit = hsv(random.choice((0, 28, 50, 90, 330)) + random.uniform(-8, 8), 0.8, random.uniform(0.7, 0.95))
        x = 0.5 + front * random.uniform(-0.4, 0.4)
        pen.disc(x, random.uniform(top, 0.9), random.uniform(0.06, 0.11), fruit)


def _columns(pen: Pen, look: Look, random: Random, front: float) -> None:
    step = front * random.uniform(0.14, 0.25)
    for i in range(round(1 / step) + 1):
        if i % 2:
            pen.rectangle(i * step, 0, (i + 1) * step, 1, look.accent)
    y, high = random.uniform(0.3, 0.5), random.uniform(0.1, 0.15)
    pen.rectangle(0, y - high, 1, y + high, look.pale)
    pen.word(random.choice(NAMES), 0.5, y, front * 0.8, high, look.base)


def _plain(pen: Pen, look: Look, random: Random, front: float) -> None:
    pen.word(random.choice(NAMES), 0.5, random.uniform(0.2, 0.4), front * 0.8, random.uniform(0.1, 0.18), look.pale)
    _small_print(pen, random, 0.5, random.uniform(0.55, 0.75), front * 0.7, look.accent)
    if random.random() < 0.5:
        pen.rectangle(0, 0.9, 1, 1, look.accent)


DESIGNS = (_panel, _oval, _corner, _bands, _fruits, _columns, _plain)
