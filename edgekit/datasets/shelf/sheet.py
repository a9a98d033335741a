"""A page to print: large packs of every class, for a camera to be pointed at."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from ... import system
from ...errors import UsageError
from .bank import LABELS, draw

DPI = 300
PAGE = (2480, 3508)  # A4 in pixels at 300 dpi
MARGIN, GAP, CAPTION = 150, 90, 34  # pixels; the last is the height of letters
ROOM = 660  # pixels above each row's line
ROWS = (
    ("our_can", "our_bottle", "our_carton", "our_can", "our_bottle", "our_carton"),
    ("rival_can", "rival_bottle", "rival_carton", "rival_can", "rival_bottle", "rival_carton"),
    ("other_pack",) * 6,
    ("our_carton", "rival_bottle", "other_pack", "our_bottle", "rival_can", "our_can"),
)
INK, LINE = (110, 110, 110), (190, 190, 190)
SUFFIXES = {".png": "PNG", ".pdf": "PDF"}
QUALITY = 70  # of the JPEG in a .pdf


def write_sheet(path: Path, *, sprites: int = 0) -> None:
    """Write an A4 page at 300 dpi as .png or .pdf. sprites: seed of the bank that its packs belong to.

    Raises UsageError for another suffix, StorageError where it cannot be written.
    """
    kind = SUFFIXES.get(path.suffix.lower())
    if kind is None:
        raise UsageError(f"A sheet cannot be written to {path}.", fix=f"Give a name in {' or '.join(SUFFIXES)}.")
    stream = io.BytesIO()
    page = Image.fromarray(sheet(sprites))
    # Without the date, which a .pdf would have, the same packs give the same bytes
    undated = {"creationDate": None, "modDate": None}
    page.save(stream, kind, dpi=(DPI, DPI), resolution=DPI, quality=QUALITY, optimize=True, **undated)
    system.write_file(path, stream.getvalue())


def sheet(sprites: int = 0) -> NDArray[np.uint8]:
    """The page, uint8 [3508, 2480, 3]: rows of packs on white, each with the name of its class."""
    page = Image.new("RGB", PAGE, "white")
    pen, font = ImageDraw.Draw(page), ImageFont.load_default(CAPTION)
    pen.text((MARGIN, MARGIN // 2), f"edgekit shelf {sprites}", INK, font)
    step = (PAGE[1] - MARGIN) // len(ROWS)
    used = dict.fromkeys(LABELS, 0)
    for row, labels in enumerate(ROWS):
        foot = MARGIN + row * step + ROOM
        packs = []
        for label in labels:
            packs.append(_pack(label, sprites, used[label]))
            used[label] += 1
        gap = (PAGE[0] - 2 * MARGIN - sum(pack.width for pack in packs)) / (len(packs) - 1)
        x = float(MARGIN)
        for label, pack in zip(labels, packs, strict=True):
            page.paste(pack, (round(x), foot - pack.height), pack)
            pen.text((round(x + pack.width / 2), foot + 14), label, INK, font, anchor="ma")
            x += pack.width + gap
        pen.line((MARGIN, foot + 2, PAGE[0] - MARGIN, foot + 2), LINE, 3)
    return np.asarray(page)


def _pack(label: str, sprites: int, index: int) -> Image.Image:
    """A product of the bank, as tall as it stands on a shelf and no wider than its place; RGBA."""
    widest = (PAGE[0] - 2 * MARGIN) // 6 - GAP
    pack, _ = draw(label, f"{sprites}/{label}/{index}", 2 * ROOM)
    image = Image.fromarray(pack.pixels)
    height = min(ROOM * sum(pack.tall) / 2, widest * image.height / image.width)
    return image.resize((round(height * image.width / image.height), round(height)), Image.Resampling.LANCZOS)
