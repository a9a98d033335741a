"""Values of weights in the types that shards store them in, and back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .weights import INTEGERS, Quantization, Weight

Array = NDArray[Any]

SMALL = 64  # values; fewer save nothing, and are often epsilons and sizes that a network hangs on
# Of uint8 on one grid for all channels. A channel of normal values that fills the grid has .009. On a MobileNet with
# folded batch norms, uint8 wherever this was at most .015 moved probabilities by .06, at most .025 by .48.
LIMIT = 0.015
DEAD = 1e-6  # of the largest channel: what is below cannot be heard in float32


@dataclass(frozen=True, kw_only=True, eq=False)
class Stored:
    """A weight with its values as they lie in the shards; strings are an array of ``bytes`` objects."""

    weight: Weight
    data: Array

    @property
    def name(self) -> str:
        return self.weight.name


def plain(name: str, array: Array) -> Stored:
    """The values as TensorFlow.js has them: floats as float32, integers as int32, bool, complex64, bytes as strings.

    Raises ValueError where a value is beyond float32 or int32, and for other types.
    """
    kind = array.dtype.kind
    if kind in "SO":
        data = np.array([bytes(value) for value in array.reshape(-1)], object).reshape(array.shape)
        return Stored(weight=Weight(name=name, shape=array.shape, dtype="string"), data=data)
    dtype = {"f": "float32", "i": "int32", "u": "int32", "b": "bool", "c": "complex64"}.get(kind)
    if dtype is None:
        raise ValueError(f"{name!r} is {array.dtype}, which TensorFlow.js does not know")
    if dtype == "int32" and array.size and not -(2**31) <= int(array.min()) <= int(array.max()) < 2**31:
        raise ValueError(f"{name!r} holds integers beyond int32, and TensorFlow.js knows no others")
    return Stored(weight=Weight(name=name, shape=array.shape, dtype=dtype), data=_narrow(name, array, dtype))


def half(name: str, array: Array) -> Stored:
    """float16. Raises ValueError where a finite value is beyond it."""
    return _quantised(name, array, Quantization(dtype="float16"), _narrow(name, array, "float16"))


def affine(name: str, array: Array, dtype: str) -> Stored:
    """uint8 or uint16 over the range of the values. Zero, where it lies in the range, is stored exactly.

    Raises ValueError for values that are not finite.
    """
    top = int(np.iinfo(dtype).max)
    low, high = (float(array.min()), float(array.max())) if array.size else (0.0, 0.0)
    if not np.isfinite([low, high]).all():
        raise ValueError(f"{name!r} holds values that are not finite")
    if low == high:
        return _quantised(name, array, Quantization(dtype=dtype, scale=1.0, min=low), np.zeros(array.shape, dtype))
    scale = (high - low) / top
    if low <= 0 <= high:
        low = -round(-low / scale) * scale
    steps = np.clip(np.round((array.astype(np.float64) - low) / scale), 0, top)
    return _quantised(name, array, Quantization(dtype=dtype, scale=scale, min=low), steps.astype(dtype))


def exact(name: str, array: Array, scale: float, zero_point: int) -> Stored:
    """uint8: the very integers of values that a fake-quant has rounded to (q − zero_point) × scale.

    Raises ValueError where they do not give every value back.
    """
    low = -zero_point * scale  # in double: from the float32 range that the fake-quant stores, zero would not be exact
    steps = np.round((array.astype(np.float64) - low) / scale)
    if steps.size and not (steps.min() >= 0 and steps.max() <= 255):
        raise ValueError(f"{name!r} reaches beyond the 256 values of its fake-quant")
    quantization = Quantization(dtype="uint8", scale=scale, min=low)
    stored = _quantised(name, array, quantization, steps.astype(np.uint8))
    if not np.array_equal(restore(stored), array):
        raise ValueError(f"{name!r} does not lie on the grid of its fake-quant")
    return stored


def widen(stored: Stored) -> Stored:
    """The same values as uint16, on the same grid, from uint8."""
    scale, low = stored.weight.grid
    quantization = Quantization(dtype="uint16", scale=scale, min=low)
    return _quantised(stored.name, stored.data, quantization, stored.data.astype(np.uint16))


def restore(stored: Stored) -> Array:
    """The values that TensorFlow.js will calculate with."""
    weight = stored.weight
    if weight.quantization is None:
        return stored.data
    if weight.stored == "float16":
        return stored.data.astype(np.float32)
    scale, low = stored.weight.grid
    values = stored.data.astype(np.float64) * scale + low
    # JavaScript's Math.round goes up at a half
    return (np.floor(values + 0.5) if weight.dtype == "int32" else values).astype(weight.dtype)


def suits(array: Array, dtype: str) -> bool:
    """Whether a recipe of this type means these floats: more than a few, and for integers no vectors, as biases are."""
    return array.size >= SMALL and (array.ndim > 1 or dtype not in INTEGERS)


def fit(name: str, array: Array, dtype: str, channels: Sequence[int] = (-1,)) -> Stored:
    """Floats in this type, or in the next wider that does not spoil them: uint8, float16, float32.

    channels: axes of the output channels.
    """
    if dtype == "float32":
        return plain(name, array)
    try:
        stored = half(name, array) if dtype == "float16" else affine(name, array, dtype)
    except ValueError:
        return plain(name, array)
    spoilt = dtype == "uint8" and spoils(stored, array, channels)
    return fit(name, array, "float16", channels) if spoilt else stored


def spoils(stored: Stored, array: Array, channels: Sequence[int] = (-1,)) -> bool:
    """Whether one grid is too coarse for the channels of these values: see LIMIT.

    channels: axes of the output channels. Needed where no fake-quant has seen to it in training.
    """
    return error(stored, array, channels) > LIMIT


def error(stored: Stored, array: Array, channels: Sequence[int] = (-1,)) -> float:
    """How far the stored values stray: each channel's RMS error over its RMS, and of those the RMS over channels."""
    kept = {axis % array.ndim for axis in channels} if array.ndim > 1 else set()
    others = tuple(axis for axis in range(array.ndim) if axis not in kept)
    wanted = array.astype(np.float64)
    strayed = np.sqrt(((restore(stored) - wanted) ** 2).mean(others))
    size = np.sqrt((wanted**2).mean(others))
    floor = DEAD * float(np.max(size))
    return float(np.sqrt(np.mean((strayed / np.maximum(size, floor)) ** 2))) if floor else 0.0


def _quantised(name: str, array: Array, quantization: Quantization, data: Array) -> Stored:
    weight = Weight(name=name, shape=array.shape, dtype="float32", quantization=quantization)
    return Stored(weight=weight, data=data)


def _narrow(name: str, array: Array, dtype: str) -> Array:
    with np.errstate(over="ignore"):
        data = array.astype(dtype)
    if data.dtype.kind in "fc" and (np.isfinite(array) & ~np.isfinite(data)).any():
        raise ValueError(f"{name!r} holds {np.abs(array[np.isfinite(array)]).max():g}, which is beyond {dtype}")
    return data
