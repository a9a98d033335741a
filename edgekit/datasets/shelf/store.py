"""The shop around the packs: walls, boards, price tags, crates, posters, and people who reach in."""

from __future__ import annotations

import math
from collections.abc import Sequence
from random import Random

import numpy as np
from numpy.typing import NDArray

from ...vision import opencv as cv2
from .canvas import Canvas, Pixels
from .looks import BLACK, NAMES, WHITE, ours, paint, rival
from .pen import Colour, Pen, Point, hsv, mix
from .shapes import fill

SKINS = ((236, 196, 170), (214, 164, 130), (176, 122, 90), (120, 80, 58), (84, 56, 44))


def muted(random: Random) -> Colour:
    """A colour of furniture and walls."""
    return hsv(random.uniform(0, 360), random.uniform(0, 0.3), random.uniform(0.2, 0.9))


def wall(canvas: Canvas, random: Random, unit: float) -> None:
    """The back of the shelf, over all of the canvas: lit from above, plain, holed, striped or with posts."""
    height, width = canvas.shape
    upper, lower = np.array(muted(random)), np.array(muted(random))
    slope = np.linspace(0, 1, height)[:, None, None]
    cv2.repeat((upper * (1 - slope) + lower * slope).astype(np.uint8), 1, width, canvas.pixels)
    kind = random.random()
    if kind < 0.25:
        step, depth = max(3, round(random.uniform(4, 9) * unit)), random.uniform(0.6, 0.9)
        _shade(canvas.pixels[::step, ::step], depth)
    elif kind < 0.45:
        wave = np.sign(np.sin(np.arange(width) * random.uniform(0.1, 0.9) / unit)) - 1
        _shade(canvas.pixels, 1 + random.uniform(0.03, 0.1) * np.repeat(wave, 3).reshape(1, width, 3))
    elif kind < 0.6:
        wide, depth = max(2, round(random.uniform(2, 5) * unit)), random.uniform(0.6, 0.95)
        for left in range(random.randrange(20), width, round(random.uniform(50, 110) * unit)):
            canvas.dim(0, height, left, left + wide, depth)


def board(canvas: Canvas, random: Random, floor: int, thick: int, colour: Colour, unit: float) -> None:
    """A board whose front edge begins at ``floor``: its shaded underside, its lit upper side, its front."""
    width = canvas.shape[1]
    shade = max(2, round(random.uniform(3, 9) * unit))
    under = canvas.pixels[floor + thick : floor + thick + shade]
    _shade(under, np.linspace(0.5, 0.95, shade)[: len(under), None, None])
    front = canvas.cover(floor, floor + thick, 0, width)
    front[:] = _sloped(colour, thick, 1.08, 0.76)[: len(front)]
    deep = max(1, round(1.5 * unit))
    canvas.pixels[max(floor - deep, 0) : max(floor, 0)] = mix(colour, BLACK, 0.35)


def tags(canvas: Canvas, random: Random, floor: int, thick: int, unit: float) -> None:
    """Price tags on a board's front; few of them stand out over the feet of the packs."""
    paper = random.choice((WHITE, WHITE, (250.0, 236.0, 90.0), (240.0, 240.0, 236.0)))
    x, wide = random.uniform(-5, 15) * unit, random.uniform(8, 14) * unit
    top = round(floor + 1 - random.choice((0, 0, 0, 1, 2)) * unit)
    while x < canvas.shape[1]:
        if random.random() < 0.75:
            tag = canvas.cover(top, floor + thick - 1, round(x), round(x + wide))
            _print_price(tag, (214.0, 40.0, 36.0) if random.random() < 0.12 else paper)
        x += random.uniform(12, 46) * unit


def _print_price(tag: Pixels, paper: Colour) -> None:
    high, long = tag.shape[:2]
    tag[:] = paper
    ink = mix(paper, BLACK, 0.6)
    tag[high // 4 : max(high // 4 + 1, high // 2), long // 6 : long // 2] = ink
    tag[high * 2 // 3 : max(high * 2 // 3 + 1, high * 4 // 5), long // 6 : long * 5 // 6] = ink
    tag[high // 4 : high * 3 // 5, long * 3 // 5 : long * 9 // 10] = mix(ink, BLACK, 0.5)


def strip(canvas: Canvas, random: Random, floor: int, thick: int, unit: float) -> None:
    """An advertising strip with letters along a board's front."""
    width = canvas.shape[1]
    edge = fill(hsv(random.uniform(0, 360), random.uniform(0.2, 0.95), random.uniform(0.3, 0.95)), thick, width)
    pen, ink = Pen(edge), random.choice((WHITE, BLACK, (250.0, 220.0, 60.0)))
    step = random.uniform(60, 110) * unit / width
    for i in range(int(1 / step) + 1):
        pen.word(random.choice(NAMES), (i + 0.5) * step, 0.5, step * 0.6, 0.7, ink)
    part = canvas.cover(floor, floor + thick, 0, width)
    part[:] = edge[: len(part)]


def crate(canvas: Canvas, random: Random, top: int, bottom: int, left: int, right: int) -> None:
    """The front of a cardboard or plastic crate around the feet of packs."""
    part = canvas.cover(top, bottom, left, right)
    high, wide = part.shape[:2]
    if high < 3 or wide < 5:
        return
    cardboard = hsv(random.uniform(25, 38), random.uniform(0.3, 0.5), random.uniform(0.5, 0.75))
    colour = cardboard if random.random() < 0.6 else muted(random)
    part[:] = _sloped(colour, high, 1.05, 0.8)
    part[:1] = mix(colour, WHITE, 0.4)
    if random.random() < 0.5:
        part[high // 3 : high * 2 // 3 + 1, wide * 2 // 5 : wide * 3 // 5] = mix(colour, BLACK, 0.5)


def poster(canvas: Canvas, random: Random, top: int, bottom: int, left: int, right: int) -> None:
    """A sign, now and then in a brand's own look: no pack, whatever it shows."""
    part = canvas.cover(top, bottom, left, right)
    high, wide = part.shape[:2]
    if high < 6 or wide < 6:
        return
    surface = fill(muted(random), high, wide)
    if random.random() < 0.35:
        paint(surface, random.choice((ours, rival))(random), random, min(1, high / wide))
    else:
        pen = Pen(surface)
        for _ in range(random.randint(1, 4)):
            tone = hsv(random.uniform(0, 360), random.uniform(0.3, 0.9), random.uniform(0.4, 0.95))
            pen.ellipse(random.random(), random.random(), random.uniform(0.1, 0.3), random.uniform(0.1, 0.5), tone)
        ink = random.choice((WHITE, BLACK, hsv(random.uniform(0, 360), 0.8, 0.8)))
        pen.word(random.choice(NAMES), random.uniform(0.3, 0.7), random.uniform(0.3, 0.7), 0.5, 0.4, ink)
    part[:] = surface


def aisle(canvas: Canvas, random: Random, left: int, right: int) -> None:
    """What lies beside the shelf: a blurred shop, from the first to the last line."""
    part = canvas.cover(0, canvas.shape[0], left, right)
    coarse = np.array([[muted(random) for _ in range(3)] for _ in range(6)], np.float32).astype(np.uint8)
    part[:] = cv2.resize(coarse, part.shape[1::-1], interpolation=cv2.INTER_CUBIC)


def arm(canvas: Canvas, random: Random, size: float) -> None:
    """An arm that reaches in from below or from a side, a hand of ``size`` pixels at its end."""
    height, width = canvas.shape
    hand = (random.uniform(0.15, 0.85) * width, random.uniform(0.25, 0.85) * height)
    edges = [(-size, hand[1] + random.uniform(0, 3) * size), (width + size, hand[1] + random.uniform(0, 3) * size)]
    start = random.choice((*edges, (hand[0] + random.uniform(-2, 2) * size, height + size)))
    angle = math.atan2(hand[1] - start[1], hand[0] - start[0])
    skin, sleeve, layer = random.choice(SKINS), muted(random), _Layer(canvas)

    def at(along: float, aside: float, origin: Point = hand) -> Point:
        """A point so many hands' sizes along the arm and to its side."""
        cosine, sine = math.cos(angle) * size, math.sin(angle) * size
        return origin[0] + along * cosine - aside * sine, origin[1] + along * sine + aside * cosine

    cuff = random.uniform(-2.2, -0.7)
    layer.polygon([at(-6, -0.42), at(-0.45, -0.2), at(-0.45, 0.2), at(-6, 0.42)], skin)
    layer.polygon([at(-9, -0.62), at(cuff, -0.36), at(cuff, 0.36), at(-9, 0.62)], sleeve)
    layer.stroke(at(-0.4, 0), at(0, 0), 0.42 * size, mix(skin, BLACK, 0.06))
    layer.stroke(at(-0.3, 0.18), at(0.12, 0.4), 0.15 * size, mix(skin, BLACK, 0.16))
    for finger in range(4):
        aside, reach = (finger - 1.5) * 0.125, random.uniform(0.38, 0.5)
        layer.stroke(at(0, aside), at(reach, aside * 1.5), 0.125 * size, mix(skin, BLACK, 0.05 + 0.06 * (finger % 2)))
    layer.lay()


def shopper(canvas: Canvas, random: Random, unit: float) -> None:
    """Head and shoulders of somebody before the shelf, cut off by the picture's lower edge."""
    height, width = canvas.shape
    size, x, layer = random.uniform(20, 34) * unit, random.random() * width, _Layer(canvas)
    y = height - random.uniform(0.2, 0.9) * size
    layer.ellipse((x, y + 2 * size), (1.5 * size, 1.3 * size), muted(random))
    layer.ellipse((x, y), (0.55 * size, 0.75 * size), hsv(28, 0.5, random.uniform(0.1, 0.5)))
    layer.lay()


class _Layer:
    """Something in front of all products, drawn in pixels of the canvas."""

    def __init__(self, canvas: Canvas) -> None:
        self._canvas = canvas
        self._colours, self._mask = np.zeros_like(canvas.pixels), np.zeros(canvas.shape, np.uint8)

    def polygon(self, points: Sequence[Point], colour: Colour) -> None:
        corners = np.rint(np.array(points) * 16).astype(np.int32)
        for surface, tone in ((self._colours, colour), (self._mask, (255,))):
            cv2.fillPoly(surface, [corners], tone, cv2.LINE_AA, 4)

    def stroke(self, start: Point, end: Point, thickness: float, colour: Colour) -> None:
        """A line with round ends."""
        ends = [(round(x), round(y)) for x, y in (start, end)]
        for surface, tone in ((self._colours, colour), (self._mask, (255,))):
            cv2.line(surface, *ends, tone, max(1, round(thickness)), cv2.LINE_AA)

    def ellipse(self, centre: Point, axes: Point, colour: Colour) -> None:
        middle, halves = ((round(x), round(y)) for x, y in (centre, axes))
        for surface, tone in ((self._colours, colour), (self._mask, (255,))):
            cv2.ellipse(surface, middle, halves, 0, 0, 360, tone, -1, cv2.LINE_AA)

    def lay(self) -> None:
        """Put it onto the canvas, a little darker to the right."""
        x, y, wide, high = cv2.boundingRect(self._mask)
        part = np.s_[y : y + high, x : x + wide]
        veil = self._mask[part][..., None] / np.float32(255)
        light = np.linspace(1, 0.78, wide, dtype=np.float32)[None, :, None]
        # Soft edges were drawn on black, so the colours are premultiplied already
        self._canvas.pixels[part] = self._canvas.pixels[part] * (1 - veil) + self._colours[part] * light
        self._canvas.owners[part][veil[..., 0] > 0.4] = 0


def _shade(part: Pixels, factor: float | NDArray[np.float64]) -> None:
    """Multiply in place by factors of at most 1."""
    np.multiply(part, factor, out=part, casting="unsafe")


def _sloped(colour: Colour, height: int, first: float, last: float) -> NDArray[np.float64]:
    """[height, 1, 3] of a colour that becomes darker or lighter downwards."""
    return (np.array(colour) * np.linspace(first, last, height)[:, None, None]).clip(0, 255)
