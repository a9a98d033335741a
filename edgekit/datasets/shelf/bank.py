"""A bank of drawn packs, each in several sizes, so that many small ones are cheap to place."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from random import Random

import numpy as np

from ...vision import opencv as cv2
from . import looks
from .packs import BRANDED, OTHERS, Make, Pack
from .shapes import Surface

LABELS = ("our_can", "our_bottle", "our_carton", "rival_can", "rival_bottle", "rival_carton", "other_pack")
HEIGHT = 128  # pixels of the largest form
DRAWN = 192  # pixels that it is drawn with, so that its edges are smooth
STEP = 1.6  # from one form to the next smaller one
SMALLEST = 14
PRODUCTS = {"our": 60, "rival": 72, "other": 480}  # a class; each is drawn in VIEWS ways
VIEWS = 2
TURN = 0.5  # radians that a round pack is turned at most
SUBTLE_LEAST = 30.0  # pixels of height at 192 from which on a mark can be told whatever the colours are


@dataclass(frozen=True, kw_only=True, eq=False)
class Sprite:
    """One view of a product: premultiplied RGBA forms, the largest first.

    least: smallest height in pixels of a picture of 192 at which its class can be told. The rest as in Pack.
    """

    forms: tuple[Surface, ...]
    aspect: float
    face: tuple[float, float, float, float]
    tall: tuple[float, float]
    least: float

    def form(self, height: float) -> Surface:
        """The smallest form that is not smaller than ``height``."""
        return next((form for form in reversed(self.forms) if len(form) >= height), self.forms[0])


Product = tuple[Sprite, ...]


@lru_cache(maxsize=4)
def bank(seed: int) -> tuple[tuple[Product, ...], ...]:
    """The products of every class, in the order of LABELS."""
    return tuple(
        tuple(product(label, f"{seed}/{label}/{index}") for index in range(PRODUCTS[label.split("_")[0]]))
        for label in LABELS
    )


def product(label: str, seed: str) -> Product:
    """All views of one product."""
    return tuple(_sprite(*draw(label, seed, DRAWN, view)) for view in range(VIEWS))


def draw(label: str, seed: str, height: int, view: int = 0) -> tuple[Pack, bool]:
    """One view of a product at any height in pixels, and whether only its mark tells its class."""
    who, kind = label.split("_")
    random = rng(seed)
    look = {"our": looks.ours, "rival": looks.rival, "other": looks.other}[who](random)
    if kind == "carton":
        look = looks.turned_round(look)
    makes: tuple[Make, ...] = OTHERS if who == "other" else BRANDED[kind]
    make = random.choice(makes)
    # The same stream for every view: only what the front looks towards may differ
    turn = rng(f"{seed}/{view}").uniform(-TURN, TURN)
    return make(look, random, height, turn), look.subtle


def rng(seed: str) -> Random:
    """A stream of its own for every text, the same on every machine."""
    return Random(int.from_bytes(hashlib.sha256(seed.encode()).digest()[:8]))


def _sprite(pack: Pack, subtle: bool) -> Sprite:
    pixels = pack.pixels.astype(np.float32)
    pixels[..., :3] *= pixels[..., 3:] / 255
    height, width = pixels.shape[:2]
    forms, size = [], float(HEIGHT)
    while size >= SMALLEST:
        shape = (max(3, round(width * size / height)), round(size))
        forms.append(np.rint(cv2.resize(pixels, shape, interpolation=cv2.INTER_AREA)).astype(np.uint8))
        size /= STEP
    return Sprite(
        forms=tuple(forms), aspect=width / height, face=pack.face, tall=pack.tall, least=SUBTLE_LEAST if subtle else 0
    )
