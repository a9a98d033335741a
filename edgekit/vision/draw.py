"""Boxes with names and scores on a picture, made to be read: two cats, or five hundred products on a shelf."""

import colorsys
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from statistics import median

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from ..values.answers import Detections

Colour = tuple[int, int, int]
Place = tuple[int, int, int, int]  # left, top, right, bottom in pixels; the last two lie outside

BLACK, WHITE = (0, 0, 0), (255, 255, 255)
LINE = 220  # a line is one pixel wide for so many pixels of the picture's mean side
TEXT = 36  # likewise for the height of text
SMALLEST_TEXT = 11  # pixels; below, letters cannot be told apart
CROWD = 60  # from so many boxes on, lines and text are small and each label stays inside its own box
SHARE = 4  # a label takes at most this part of the height of a usual box among many
SHORTEST = 2  # letters; a name is not cut to fewer
GOLDEN = (3 - 5**0.5) / 2  # steps of this part of the colour circle never come back to a hue: red, green, violet, …
SHADES = ((0.9, 0.95), (0.6, 1.0), (1.0, 0.72))  # saturation and brightness, one after the other


def draw(pixels: NDArray[np.uint8], found: Detections, label: Callable[[int], str] = str) -> NDArray[np.uint8]:
    """A copy of uint8 (h, w, 3) RGB with every box; ``label`` names a class, as ``ModelSpec.label`` does.

    The best boxes lie on top. A label goes to a free place at its box. Where there is none it loses its score, then
    its end, then itself: it never covers another label, and the colour still tells the class.
    """
    image = Image.fromarray(pixels)
    canvas = ImageDraw.Draw(image)
    drawn = []
    for index in np.argsort(-found.scores, kind="stable").tolist():
        place = _place(found.boxes[index], image.width, image.height)
        if place is not None:
            drawn.append((place, int(found.classes[index]), float(found.scores[index])))
    crowded = len(drawn) >= CROWD
    line, font = _sizes([place for place, *_ in drawn], image.size, crowded)
    for place, number, _ in reversed(drawn):
        canvas.rectangle((place[0], place[1], place[2] - 1, place[3] - 1), outline=colour(number), width=line)
    taken: list[Place] = []
    for place, number, score in drawn:
        for text in _texts(label(number), score, place[2] - place[0], font):
            spots = _spots(place, _size(text, font), image.size, inside=crowded)
            spot = next((spot for spot in spots if not any(_touch(spot, other) for other in taken)), None)
            if spot is not None:
                taken.append(spot)
                _write(canvas, spot, text, colour(number), font)
                break
    return np.asarray(image)


def colour(index: int) -> Colour:
    """The colour of a class, always the same; neighbours differ in hue and brightness."""
    saturation, value = SHADES[index % len(SHADES)]
    red, green, blue = colorsys.hsv_to_rgb(index * GOLDEN % 1, saturation, value)
    return round(red * 255), round(green * 255), round(blue * 255)


def _place(box: NDArray[np.float32], width: int, height: int) -> Place | None:
    """Whole pixels of a box (xmin, ymin, xmax, ymax) as far as it lies inside the picture; at least one pixel."""
    if not np.isfinite(box).all() or box[0] >= 1 or box[1] >= 1 or box[2] <= 0 or box[3] <= 0:
        return None
    left, top, right, bottom = (np.clip(box, 0, 1) * [width, height, width, height]).round().astype(int).tolist()
    left, top = min(left, width - 1), min(top, height - 1)
    return left, top, max(right, left + 1), max(bottom, top + 1)


def _sizes(places: Sequence[Place], picture: tuple[int, int], crowded: bool) -> tuple[int, ImageFont.FreeTypeFont]:
    """Width of lines and font of labels."""
    side = (picture[0] * picture[1]) ** 0.5
    line, text = side / LINE, side / TEXT
    if crowded:
        line, text = line / 2, min(text, median(place[3] - place[1] for place in places) / SHARE)
    return max(1, round(line)), _font(max(SMALLEST_TEXT, round(text)))


def _texts(name: str, score: float, room: int, font: ImageFont.FreeTypeFont) -> Iterator[str]:
    """What a label may say, best first; the last is the name cut to ``room`` pixels, if some of it fits."""
    yield f"{name} {score:.2f}"
    yield name
    length = next((n for n in range(len(name) - 1, SHORTEST, -1) if _size(name[:n] + "…", font)[0] <= room), 0)
    if length:
        yield name[:length].rstrip() + "…"


def _size(text: str, font: ImageFont.FreeTypeFont) -> tuple[int, int]:
    ascent, descent = font.getmetrics()
    return round(font.getlength(text)) + _pad(font) * 2, ascent + descent


def _pad(font: ImageFont.FreeTypeFont) -> int:
    return max(1, round(font.size / 6))


def _spots(place: Place, size: tuple[int, int], picture: tuple[int, int], *, inside: bool) -> Iterator[Place]:
    """Where a label may stand, best first: above the box, in its upper corners, below it, in its lower corners.

    inside: only in its corners, and only where it takes no more than half of the box's height.
    """
    left, top, right, bottom = place
    width, height = size
    if inside and (width > right - left or 2 * height > bottom - top):
        return
    for y in (top, bottom - height) if inside else (top - height, top, bottom, bottom - height):
        for x in (left, right - width):
            x = min(max(x, 0), max(picture[0] - width, 0))
            if 0 <= y <= picture[1] - height:
                yield x, y, x + width, y + height


def _touch(one: Place, other: Place) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _write(canvas: ImageDraw.ImageDraw, spot: Place, text: str, ground: Colour, font: ImageFont.FreeTypeFont) -> None:
    luminance = 0.299 * ground[0] + 0.587 * ground[1] + 0.114 * ground[2]
    canvas.rectangle((spot[0], spot[1], spot[2] - 1, spot[3] - 1), fill=ground)
    canvas.text((spot[0] + _pad(font), spot[1]), text, fill=BLACK if luminance > 128 else WHITE, font=font)


@cache
def _font(size: int) -> ImageFont.FreeTypeFont:
    font = ImageFont.load_default(size)
    assert isinstance(font, ImageFont.FreeTypeFont)  # every Pillow wheel has FreeType
    return font
