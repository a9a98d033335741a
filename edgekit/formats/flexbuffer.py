"""FlexBuffers, as far as an operator's options need them: one map of names to numbers.

The package ``flatbuffers`` has a reader too; this one needs no numpy, checks every offset, and knows one error.
Format: https://flatbuffers.dev/flexbuffers.
"""

import struct
from collections.abc import Mapping

Scalar = bool | int | float | None

_NULL, _INT, _UINT, _FLOAT, _INDIRECT_INT, _INDIRECT_UINT, _INDIRECT_FLOAT, _MAP, _BOOL = 0, 1, 2, 3, 6, 7, 8, 9, 26
_CODES = {_INT: "bhiq", _UINT: "BHIQ", _FLOAT: " efd", _BOOL: "BHIQ"}
_DIRECT = {_INDIRECT_INT: _INT, _INDIRECT_UINT: _UINT, _INDIRECT_FLOAT: _FLOAT}
_MAX_ENTRIES = 1000


class FlexbufferError(ValueError):
    """The bytes are not a map of names to numbers."""


def read_map(data: bytes) -> dict[str, Scalar]:
    """The numbers of a map by name. Values of other kinds (strings, vectors, maps) are left out."""
    if len(data) < 3:
        raise FlexbufferError(f"{len(data)} bytes are too few")
    packed, width = data[-2], data[-1]
    if packed >> 2 != _MAP or width not in (1, 2, 4, 8):
        raise FlexbufferError("the options are not a map")
    start = _follow(data, len(data) - 2 - width, width)
    width = 1 << (packed & 3)
    count = _unsigned(data, start - width, width)
    if count > _MAX_ENTRIES:
        raise FlexbufferError(f"{count} entries")
    keys = _follow(data, start - 3 * width, width)
    key_width = _unsigned(data, start - 2 * width, width)
    if key_width not in (1, 2, 4, 8):
        raise FlexbufferError(f"keys of {key_width} bytes")
    result: dict[str, Scalar] = {}
    for i in range(count):
        kind = _unsigned(data, start + count * width + i, 1)
        name = _key(data, _follow(data, keys + i * key_width, key_width))
        if kind >> 2 == _NULL:
            result[name] = None
        elif kind >> 2 in _CODES or kind >> 2 in _DIRECT:
            result[name] = _scalar(data, start + i * width, width, kind)
    return result


def write_map(values: Mapping[str, Scalar]) -> bytes:
    """The map as bytes; floats are stored as float32, as the converters write them."""
    from flatbuffers import flexbuffers

    builder = flexbuffers.Builder()
    with builder.Map():
        for name, value in values.items():
            builder.Key(name)
            if isinstance(value, float):
                builder.Float(value, 4)
            else:
                builder.Add(value)
    return bytes(builder.Finish())


def _scalar(data: bytes, position: int, width: int, packed: int) -> Scalar:
    kind = packed >> 2
    if kind in _DIRECT:
        position, width, kind = _follow(data, position, width), 1 << (packed & 3), _DIRECT[kind]
    code = _CODES[kind][width.bit_length() - 1]
    if code == " ":
        raise FlexbufferError("a float of one byte")
    value = _unpack(data, position, code)
    return bool(value) if kind == _BOOL else value


def _unpack(data: bytes, position: int, code: str) -> int | float:
    if position < 0 or position + struct.calcsize(code) > len(data):
        raise FlexbufferError(f"offset {position} is outside the {len(data)} bytes")
    value: int | float = struct.unpack_from(f"<{code}", data, position)[0]
    return value


def _unsigned(data: bytes, position: int, width: int) -> int:
    return int(_unpack(data, position, "BHIQ"[width.bit_length() - 1]))


def _follow(data: bytes, position: int, width: int) -> int:
    target = position - _unsigned(data, position, width)
    if target < 0:
        raise FlexbufferError(f"offset at {position} leads outside the {len(data)} bytes")
    return target


def _key(data: bytes, position: int) -> str:
    end = data.find(b"\0", position)
    if end < 0:
        raise FlexbufferError("a key without end")
    return data[position:end].decode("utf-8", "replace")
