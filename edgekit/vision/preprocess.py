"""From pixels to the tensor that a model is fed; docs/formats/preprocessing.md is the specification."""

import numpy as np
from numpy.typing import NDArray

from ..values.spec import Encoding, ImageInput
from .resize import resize

Pixels = NDArray[np.uint8]
Stored = NDArray[np.uint8] | NDArray[np.int8] | NDArray[np.float32]
LEVELS = np.arange(256, dtype=np.float64)
GREY = (19595, 38470, 7471)  # of 65536: the luma weights .299, .587, .114 of ITU-R BT.601


def tensor(pixels: Pixels, image: ImageInput) -> Stored:
    """The stored input tensor [1, height, width, channels] of a picture uint8 (h, w, 3), RGB, of any size."""
    return encode(resize(pixels, image.height, image.width), image)


def encode(pixels: Pixels, image: ImageInput) -> Stored:
    """The stored input tensor of pixels uint8 (height, width, 3), RGB, that already have the model's size."""
    channels = np.arange(image.channels)
    stored: Stored = table(image)[channels, _ordered(pixels, image.colour)[None]]
    return stored


def real(stored: NDArray[np.generic], encoding: Encoding) -> NDArray[np.float32]:
    """The real numbers that a stored tensor means: (stored − zero_point) × scale, rounded once to float32."""
    if encoding.dtype == "float32":
        return stored.astype(np.float32)
    return dequantise(stored, encoding.scale, encoding.zero_point)


def dequantise(stored: NDArray[np.generic], scale: float, zero_point: int) -> NDArray[np.float32]:
    """(stored − zero_point) × scale, rounded once to float32; for integers of up to 32 bits."""
    return ((stored.astype(np.float64) - zero_point) * np.float32(scale)).astype(np.float32)


def table(image: ImageInput) -> Stored:
    """Stored values (channels, 256) of each pixel value, channels in the tensor's order.

    An integer input takes pixels as they are (int8: less 128) where that is within one step of what it should be.
    """
    encoding = image.encoding
    means, stds = (np.resize(np.asarray(v, np.float64), image.channels) for v in (image.mean, image.std))
    wanted = (LEVELS - means[:, None]) / stds[:, None]
    if encoding.dtype == "float32":
        return wanted.astype(np.float32)
    scale, lowest = float(np.float32(encoding.scale)), encoding.limits[0]
    same = np.broadcast_to(LEVELS + lowest, wanted.shape)
    if (np.abs((same - encoding.zero_point) * scale - wanted) <= scale).all():
        return same.astype(encoding.dtype)
    steps = np.floor(wanted / scale + 0.5) + encoding.zero_point
    stored: Stored = np.clip(steps, *encoding.limits).astype(encoding.dtype)
    return stored


def _ordered(pixels: Pixels, colour: str) -> Pixels:
    if colour == "BGR":
        return pixels[..., ::-1]
    if colour == "GRAY":
        weighted = (pixels.astype(np.uint32) * np.asarray(GREY, np.uint32)).sum(axis=-1, keepdims=True)
        grey: Pixels = ((weighted + (1 << 15)) >> 16).astype(np.uint8)
        return grey
    return pixels
