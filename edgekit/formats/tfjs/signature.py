"""The signature of a graph model: the names by which a page feeds it and asks it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# TensorFlow's names of types, of those that a page can hand over or get.
DTYPES = {
    "DT_FLOAT": "float32",
    "DT_INT32": "int32",
    "DT_UINT8": "uint8",
    "DT_INT8": "int8",
    "DT_INT64": "int64",
    "DT_BOOL": "bool",
    "DT_STRING": "string",
    "DT_HALF": "float16",
    "DT_DOUBLE": "float64",
    "DT_COMPLEX64": "complex64",
}
_NAMES = {dtype: name for name, dtype in DTYPES.items()}


@dataclass(frozen=True, kw_only=True)
class TensorInfo:
    """name: output of a node, 'node:0' or 'node'. dtype: '' where unknown. shape: −1 if open, None where unknown."""

    name: str
    dtype: str
    shape: tuple[int, ...] | None


def signature(inputs: Mapping[str, TensorInfo], outputs: Mapping[str, TensorInfo]) -> dict[str, Any]:
    """The JSON form of a SignatureDef; key → tensor, in the order that ``predict`` keeps."""
    return {"inputs": _ports(inputs), "outputs": _ports(outputs)}


def _ports(ports: Mapping[str, TensorInfo]) -> dict[str, Any]:
    return {
        key: {
            "name": info.name if ":" in info.name else f"{info.name}:0",
            "dtype": _NAMES[info.dtype],
            "tensorShape": _shape_data(info.shape),
        }
        for key, info in ports.items()
    }


def _shape_data(shape: tuple[int, ...] | None) -> dict[str, Any]:
    return {"unknownRank": True} if shape is None else {"dim": [{"size": str(size)} for size in shape]}


def read_ports(data: Mapping[str, Any], side: str) -> dict[str, TensorInfo]:
    """Key → tensor of a signature from anywhere. side: 'inputs' or 'outputs'. What is malformed is left unknown."""
    ports = data.get(side)
    found = {}
    for key, info in ports.items() if isinstance(ports, dict) else ():
        info = info if isinstance(info, dict) else {}
        dtype = DTYPES.get(str(info.get("dtype")), "")
        found[key] = TensorInfo(name=str(info.get("name", "")), dtype=dtype, shape=read_shape(info.get("tensorShape")))
    return found


def read_shape(data: Any) -> tuple[int, ...] | None:
    """The JSON form of a TensorShapeProto; int64 may be a number or a text in it. None where it says no shape."""
    if not isinstance(data, dict) or data.get("unknownRank"):
        return None
    try:
        return tuple(int(dim.get("size", 0)) for dim in data.get("dim") or ())
    except (TypeError, ValueError, AttributeError, OverflowError):
        return None
