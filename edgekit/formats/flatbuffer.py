"""Flatbuffers by schema: read with every offset checked, and rewrite without touching what is not understood.

A flatbuffer's offsets only point forward. So a changed file is the old file with a few new tables put in front of
it: the new root refers to new tables where something changed and into the old bytes where nothing did. Operators,
options and weights that this module has no schema for survive bit for bit, and a 4 MB model is rewritten in
milliseconds. Format: https://flatbuffers.dev/internals.
"""

import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

SCALARS = {
    "bool": ("<?", 1),
    "int8": ("<b", 1),
    "uint8": ("<B", 1),
    "int16": ("<h", 2),
    "uint16": ("<H", 2),
    "int32": ("<i", 4),
    "uint32": ("<I", 4),
    "int64": ("<q", 8),
    "uint64": ("<Q", 8),
    "float32": ("<f", 4),
    "float64": ("<d", 8),
}
ALIGNMENT = 16  # constants of a TFLite model are aligned to 16 bytes (force_align in its schema)
MAX_SIZE = 2**31 - 1  # what a flatbuffer can hold
MAX_TABLES = 500_000
MAX_COPIED = 64 << 20


class FlatbufferError(ValueError):
    """The bytes are not a flatbuffer of this schema."""


@dataclass(frozen=True)
class Field:
    """id: place in the vtable. type: a scalar, 'string', a table's name, 'union', or any of these in brackets.

    'union' is an offset to a table whose type stands in the field before; it is kept and never looked into.
    align: alignment of a vector's items where the schema forces one.
    """

    id: int
    type: str
    default: Any = None
    align: int = 0

    @property
    def is_scalar(self) -> bool:
        return self.type in SCALARS


Schema = Mapping[str, Mapping[str, Field]]


@dataclass(frozen=True)
class Ref:
    """An object of the old file, by its position there."""

    position: int


class _Budget:
    """What reading may still cost. Offsets may share: a small hostile file must not unfold into a large one."""

    def __init__(self, size: int) -> None:
        self.tables = MAX_TABLES
        self.bytes = min(4 * size + (1 << 16), MAX_COPIED)

    def take(self, *, tables: int = 0, copied: int = 0) -> None:
        self.tables -= tables
        self.bytes -= copied
        if self.tables < 0 or self.bytes < 0:
            raise FlatbufferError("the file unfolds into far more than its size")


class Table:
    """A table inside ``data``; fields are read when asked for, and every read is checked against the end."""

    __slots__ = ("_budget", "_size", "_slots", "_vtable", "data", "name", "position", "schema")

    def __init__(
        self, schema: Schema, name: str, data: bytes | memoryview, position: int, budget: _Budget | None = None
    ) -> None:
        self.schema, self.name, self.data, self.position = schema, name, data, position
        self._budget = budget or _Budget(len(data))
        self._budget.take(tables=1)
        (distance,) = self._unpack("<i", position)
        self._vtable = int(position - distance)
        size, self._size = self._unpack("<HH", self._vtable)
        if size < 4 or size % 2 or self._vtable + size > len(data) or position + self._size > len(data):
            raise FlatbufferError(f"{name} at {position}: its field list lies outside the file")
        known = min((size - 4) // 2, 1 + max((spec.id for spec in schema[name].values()), default=-1))
        self._slots = struct.unpack_from(f"<{known}H", data, self._vtable + 4)

    def _unpack(self, code: str, position: int) -> tuple[Any, ...]:
        if position < 0 or position + struct.calcsize(code) > len(self.data):
            raise FlatbufferError(f"{self.name}: offset {position} is outside the file of {len(self.data)} bytes")
        return struct.unpack_from(code, self.data, position)

    def _slot(self, index: int) -> int:
        """Position of a field's inline data, 0 where the table does not have it."""
        offset = self._slots[index] if index < len(self._slots) else 0
        if offset >= self._size and offset:
            raise FlatbufferError(f"{self.name}: field {index} lies outside its table")
        return self.position + offset if offset else 0

    def _follow(self, position: int) -> int:
        (distance,) = self._unpack("<I", position)
        if distance == 0 or position + distance >= len(self.data):
            raise FlatbufferError(f"{self.name}: offset at {position} leads outside the file")
        return int(position + distance)

    def get(self, name: str) -> Any:
        """A field's value: number, str, Table, list of these, Ref for a union, default where absent.

        Vectors of scalars come as tuples, except uint8, which comes as a memoryview.
        """
        spec = self.schema[self.name][name]
        slot = self._slot(spec.id)
        if not slot:
            return spec.default
        if spec.is_scalar:
            return self._unpack(SCALARS[spec.type][0], slot)[0]
        target = self._follow(slot)
        if spec.type == "string":
            return self._string(target)
        if spec.type.startswith("["):
            return self._vector(spec.type[1:-1], target)
        if spec.type == "union":
            return Ref(target)
        return Table(self.schema, spec.type, self.data, target, self._budget)

    def union(self, name: str, kind: str) -> "Table":
        """The table that a present union leads to; the field before the union says which kind of table it is."""
        slot = self._slot(self.schema[self.name][name].id)
        return Table(self.schema, kind, self.data, self._follow(slot), self._budget)

    def span(self, name: str) -> tuple[int, int]:
        """Position of a byte vector's first item and their number; (0, 0) where the field is absent."""
        slot = self._slot(self.schema[self.name][name].id)
        return self._extent(self._follow(slot), 1) if slot else (0, 0)

    def copy(self, start: int, size: int) -> bytes:
        """Bytes from anywhere in the data, counted against what reading this file may cost."""
        if start + size > len(self.data):
            raise FlatbufferError(f"{self.name}: {size} bytes at {start} leave the file of {len(self.data)} bytes")
        self._budget.take(copied=size)
        return bytes(self.data[start : start + size])

    def _string(self, position: int) -> str:
        return self.copy(*self._extent(position, 1)).decode("utf-8", "replace")

    def _extent(self, position: int, item: int) -> tuple[int, int]:
        (length,) = self._unpack("<I", position)
        if position + 4 + length * item > len(self.data):
            raise FlatbufferError(f"{self.name}: a vector of {length} items leaves the file")
        return position + 4, int(length)

    def _vector(self, item: str, position: int) -> Any:
        if item in SCALARS:
            code, size = SCALARS[item]
            start, length = self._extent(position, size)
            if item == "uint8":
                return memoryview(self.data)[start : start + length]
            self._budget.take(copied=length * size)
            return struct.unpack_from(f"<{length}{code[1]}", self.data, start)
        start, length = self._extent(position, 4)
        self._budget.take(copied=4 * length)
        targets = [self._follow(start + 4 * i) for i in range(length)]
        if item == "string":
            return [self._string(target) for target in targets]
        return [Table(self.schema, item, self.data, target, self._budget) for target in targets]

    def shallow(self) -> dict[str, Any]:
        """Every present field for rewriting this table: scalars as values, everything else as a Ref.

        Raises FlatbufferError where the table has a field that the schema does not know: it would be lost.
        """
        fields = self.schema[self.name]
        (size,) = self._unpack("<H", self._vtable)
        entries = struct.unpack_from(f"<{(size - 4) // 2}H", self.data, self._vtable + 4)
        known = {spec.id for spec in fields.values()}
        if unknown := [index for index, offset in enumerate(entries) if offset and index not in known]:
            raise FlatbufferError(f"{self.name} has field {unknown[0]}, which a newer schema must have added")
        result: dict[str, Any] = {}
        for name, spec in fields.items():
            slot = self._slot(spec.id)
            if slot:
                result[name] = self.get(name) if spec.is_scalar else Ref(self._follow(slot))
        return result


def root(schema: Schema, name: str, data: bytes | memoryview, identifier: bytes) -> Table:
    """The root table of a flatbuffer that carries this 4-byte identifier."""
    if len(data) < 8 or bytes(data[4:8]) != identifier:
        raise FlatbufferError(f"no identifier {identifier.decode()!r} at byte 4")
    (position,) = struct.unpack_from("<I", data, 0)
    return Table(schema, name, data, position)


def encode(
    schema: Schema, name: str, fields: Mapping[str, Any], identifier: bytes, tail: bytes | memoryview = b""
) -> bytes:
    """Bytes of a new root table in front of ``tail``, into which any Ref points.

    fields: name → number, str, bytes or sequence of numbers (vector of scalars), dict (table), list of str, dict or
    Ref (vector), (table name, dict) for a union, or Ref. None and absent are the same. The result ends with ``tail``
    and as many zeros as make its length a multiple of ALIGNMENT.
    """
    import flatbuffers  # here, because numpy comes with it, and reading needs neither

    # Offsets count from the end of the buffer. The builder holds only what is new and knows nothing of the tail,
    # so an object of the tail lies at a negative offset; both parts are multiples of the alignment.
    builder = flatbuffers.Builder(1 << 12)
    builder.minalign = ALIGNMENT
    position = _write_table(builder, schema, name, fields)
    builder.Finish(position, file_identifier=identifier)
    result = b"".join((builder.Output(), tail, bytes(-len(tail) % ALIGNMENT)))
    if len(result) > MAX_SIZE:
        raise FlatbufferError(f"{len(result)} bytes are more than the 2 GB that a flatbuffer can hold")
    return result


def _write_table(builder: Any, schema: Schema, name: str, fields: Mapping[str, Any]) -> int:
    specs = schema[name]
    present = {key: value for key, value in fields.items() if value is not None}
    if unknown := present.keys() - specs.keys():
        raise KeyError(f"{name} has no field {', '.join(sorted(unknown))}")
    offsets = {
        key: _write_object(builder, schema, specs[key], value)
        for key, value in present.items()
        if not specs[key].is_scalar
    }
    builder.StartObject(max((spec.id for spec in specs.values()), default=-1) + 1)
    # Larger scalars first, as flatc orders them, keeps the padding small.
    for key, value in sorted(present.items(), key=lambda item: -_width(specs[item[0]])):
        spec = specs[key]
        if spec.is_scalar:
            builder.Prep(_width(spec), 0)
            _place(builder, SCALARS[spec.type][0], [value])
        else:
            builder.PrependUOffsetTRelative(offsets[key])
        builder.Slot(spec.id)
    return int(builder.EndObject())


def _width(spec: Field) -> int:
    return SCALARS[spec.type][1] if spec.is_scalar else 4


def _place(builder: Any, code: str, values: Iterable[Any]) -> None:
    builder.head -= struct.calcsize(code)
    struct.pack_into(code, builder.Bytes, builder.head, *values)


def _write_object(builder: Any, schema: Schema, spec: Field, value: Any) -> int:
    if isinstance(value, Ref):
        return -value.position
    if spec.type == "string":
        return int(builder.CreateString(value))
    if spec.type.startswith("["):
        return _write_vector(builder, schema, spec, value)
    if isinstance(value, tuple):  # (table name, fields): the value of a union
        return _write_table(builder, schema, value[0], value[1])
    return _write_table(builder, schema, spec.type, value)


def _write_vector(builder: Any, schema: Schema, spec: Field, value: Sequence[Any] | bytes) -> int:
    item = spec.type[1:-1]
    if item in SCALARS:
        code, size = SCALARS[item]
        builder.StartVector(size, len(value), max(size, spec.align))
        if item == "uint8":
            _place(builder, f"{len(value)}s", [bytes(value)])
        else:
            _place(builder, f"<{len(value)}{code[1]}", value)
        return int(builder.EndVector())
    item_spec = Field(0, item)
    offsets = [_write_object(builder, schema, item_spec, entry) for entry in value]
    builder.StartVector(4, len(offsets), 4)
    for offset in reversed(offsets):
        builder.PrependUOffsetTRelative(offset)
    return int(builder.EndVector())
