"""Picture files to pixels and back: uint8 (height, width, 3), RGB, the right way up."""

import io
import warnings
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from ..errors import UserDataError
from ..formats.foreign import kind, refuse_mishap
from ..system import open_file, read_file

Pixels = NDArray[np.uint8]
SUFFIXES = (".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")
ORIENTATION = 0x0112  # EXIF tag
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
SIDEWAYS = (5, 6, 7, 8)  # orientations that exchange width and height
QUALITY = 92
MAX_BYTES = 512 * 2**20


def pictures(folder: Path) -> tuple[Path, ...]:
    """Picture files in a folder and below it, by suffix, in the order of their names; hidden ones are left out."""
    found = (path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())
    return tuple(sorted(p for p in found if not any(part.startswith(".") for part in p.relative_to(folder).parts)))


def load(path: Path) -> Pixels:
    """Pixels of a picture file. Raises UserDataError where it is not one, or not a whole one."""
    return decode(read_file(path, limit=MAX_BYTES), str(path))


def decode(data: bytes, name: str) -> Pixels:
    """Pixels of an encoded picture; ``name`` is for messages.

    EXIF turns are applied, grey becomes RGB, what is transparent is laid over white, 16 bits become the upper 8,
    of an animation the first frame is taken. Colour profiles are not applied.
    """
    refuse_mishap(data, name)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about odd metadata and large pictures; both are read or refused here
            with Image.open(io.BytesIO(data)) as image:
                image.load()
                return np.ascontiguousarray(_rgb(_turned(image), name))
    except UserDataError:
        raise
    except Image.DecompressionBombError:
        raise UserDataError(
            f"{name} would unfold into more than {2 * (Image.MAX_IMAGE_PIXELS or 0)} pixels.",
            cause="A picture of that size is taken for an attack on memory.",
            fix="Scale it down first.",
        ) from None
    except UnidentifiedImageError:
        raise UserDataError(
            f"{name} is not a picture that can be read.",
            cause=_likely(data),
            fix="Give JPEG, PNG, BMP, WebP, GIF or TIFF.",
        ) from None
    except MemoryError:
        raise UserDataError(f"{name} does not fit into memory.", fix="Scale it down first.") from None
    except Exception as error:  # Pillow's readers raise whatever damaged bytes make them raise
        raise UserDataError(
            f"{name} is a damaged picture: {error or type(error).__name__}.",
            cause="The file is truncated or some of its bytes are wrong.",
            fix="Copy or download it again.",
        ) from None


def size(path: Path) -> tuple[int, int]:
    """Width and height of a picture file, the right way up, from its header alone. Errors as of ``load``."""
    with open_file(path) as stream:
        return _header(stream, str(path))


def encoded_size(data: bytes, name: str) -> tuple[int, int]:
    """Width and height of an encoded picture, as ``size`` reads them."""
    return _header(io.BytesIO(data), name)


def encode(pixels: Pixels, suffix: str = ".png") -> bytes:
    """A picture file's bytes; suffix: .png, .jpg, .jpeg, .webp or .bmp. Raises UserDataError for another."""
    kinds = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP", ".bmp": "BMP"}
    if suffix.lower() not in kinds:
        raise UserDataError(f"Pictures cannot be written as {suffix}.", fix=f"Use {', '.join(kinds)}.")
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, kinds[suffix.lower()], quality=QUALITY)
    return stream.getvalue()


def _header(stream: BinaryIO, name: str) -> tuple[int, int]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(stream) as image:
                if image.format == "PNG" and not _mentions(stream, b"eXIf"):  # for EXIF Pillow unpacks all of a PNG
                    return image.size
                turned = image.getexif().get(ORIENTATION, 1) in SIDEWAYS
                if not (turned and image.format == "TIFF"):  # those Pillow turns itself, some versions already here
                    return image.size[::-1] if turned else image.size
    except Exception:
        pass  # the full reader says in words what is wrong
    stream.seek(0)
    pixels = decode(stream.read(), name)
    return pixels.shape[1], pixels.shape[0]


def _mentions(stream: BinaryIO, mark: bytes) -> bool:
    """Whether a mark stands anywhere in the file; the stream is left where it was."""
    place = stream.tell()
    stream.seek(0)
    found = mark in stream.read()
    stream.seek(place)
    return found


def _likely(data: bytes) -> str:
    what = kind(data)
    if what and not what.endswith("picture"):
        return f"It is {what}."
    return "It is of another kind or its first bytes are damaged."


def _turned(image: Image.Image) -> Image.Image:
    try:
        turn = TURNS.get(image.getexif().get(ORIENTATION, 1))
    except Exception:  # unreadable EXIF must not cost the picture
        turn = None
    return image if turn is None else image.transpose(turn)


def _rgb(image: Image.Image, name: str) -> Pixels:
    if image.mode in ("I", "I;16", "I;16B", "I;16L", "I;16N"):
        values = np.asarray(image)
        if values.dtype.itemsize > 2 and values.size and (values.min() < 0 or values.max() > 0xFFFF):
            raise UserDataError(
                f"{name} holds 32-bit integers, for which no white is agreed.", fix="Save it with 8 or 16 bits."
            )
        return np.repeat((values >> 8).astype(np.uint8)[..., None], 3, axis=2)
    if image.mode == "F":
        raise UserDataError(
            f"{name} holds real numbers, for which no white is agreed.", fix="Save it with 8 or 16 bits."
        )
    if image.has_transparency_data:
        return _over_white(np.asarray(image.convert("RGBA")))
    return np.asarray(image.convert("RGB"))


def _over_white(pixels: Pixels) -> Pixels:
    alpha = pixels[..., 3:].astype(np.uint16)
    return ((pixels[..., :3] * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8)
