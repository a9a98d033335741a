"""What weightsManifest says of a weight: its name, shape and type, and in what type its values are stored."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ...values.spec import expect
from .fields import a_list, a_number, a_text, an_integer, an_object

# As tfjs-core reads them: io_utils.ts, types.ts. Everything is little-endian.
SIZES = {"float32": 4, "int32": 4, "bool": 1, "complex64": 8, "float16": 2, "uint16": 2, "uint8": 1}
DTYPES = ("float32", "int32", "bool", "complex64", "string")
INTEGERS = ("uint8", "uint16")
LARGEST = 2**31 - 1  # bytes of one weight: what a typed array surely holds
RANK = 32  # dimensions of one weight: more than any tensor has


@dataclass(frozen=True, kw_only=True)
class Quantization:
    """dtype: of the stored values. float32(q × scale + min), calculated in double; float16 has neither of them."""

    dtype: str
    scale: float | None = None
    min: float | None = None

    def __post_init__(self) -> None:
        expect(self.dtype in (*INTEGERS, "float16"), "quantization.dtype", "uint8, uint16 or float16", self.dtype)
        for name in ("scale", "min") if self.dtype in INTEGERS else ():
            value = getattr(self, name)
            expect(value is not None and math.isfinite(value), f"quantization.{name}", "a finite number", value)


@dataclass(frozen=True, kw_only=True)
class Weight:
    """One entry of weightsManifest. name: that of a Const node. dtype: what TensorFlow.js makes of it."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    quantization: Quantization | None = None

    def __post_init__(self) -> None:
        expect(self.dtype in DTYPES, "dtype", f"one of {', '.join(DTYPES)}", self.dtype)
        expect(all(size >= 0 for size in self.shape), "shape", "sizes from 0 up", list(self.shape))
        expect(
            self.count <= LARGEST // SIZES.get(self.stored, 1), "shape", f"at most {LARGEST} bytes", list(self.shape)
        )
        if self.quantization is not None:
            suited = ("float32",) if self.stored == "float16" else ("float32", "int32")
            expect(self.dtype in suited, f"dtype of {self.stored} values", " or ".join(suited), self.dtype)

    @property
    def stored(self) -> str:
        """The type of the values in the shards."""
        return self.quantization.dtype if self.quantization else self.dtype

    @property
    def count(self) -> int:
        return math.prod(self.shape)

    @property
    def bytes(self) -> int | None:
        """In the shards; None for strings, which carry their own lengths."""
        return None if self.dtype == "string" else self.count * SIZES[self.stored]

    @property
    def grid(self) -> tuple[float, float]:
        """scale and min of stored integers."""
        assert self.quantization is not None
        assert self.quantization.scale is not None
        assert self.quantization.min is not None
        return self.quantization.scale, self.quantization.min


def entry(weight: Weight) -> dict[str, Any]:
    """The weight as weightsManifest has it."""
    data: dict[str, Any] = {"name": weight.name, "shape": list(weight.shape), "dtype": weight.dtype}
    if (quantization := weight.quantization) is not None:
        scales = {} if quantization.scale is None else {"min": quantization.min, "scale": quantization.scale}
        data["quantization"] = {**scales, "dtype": quantization.dtype, "original_dtype": weight.dtype}
    return data


def read_entry(data: Any) -> Weight:
    """The weight of an entry. Raises ValueError where it cannot be one; unknown keys are passed over."""
    fields = an_object(data, "weight")
    shape = a_list(fields.get("shape"), "shape")
    expect(len(shape) <= RANK, "shape", f"at most {RANK} dimensions", len(shape))
    quantization = fields.get("quantization")
    return Weight(
        name=a_text(fields.get("name"), "name"),
        shape=tuple(an_integer(size, "shape") for size in shape),
        dtype=a_text(fields.get("dtype"), "dtype"),
        quantization=None if quantization is None else _quantization(an_object(quantization, "quantization")),
    )


def _quantization(fields: Mapping[str, Any]) -> Quantization:
    dtype = a_text(fields.get("dtype"), "quantization.dtype")
    names = ("scale", "min") if dtype in INTEGERS else ()
    return Quantization(dtype=dtype, **{name: a_number(fields.get(name), f"quantization.{name}") for name in names})
