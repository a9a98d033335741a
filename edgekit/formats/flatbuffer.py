"""Flatbuffers by schema: read with every offset checked, and rewrite without touching what is not understood.

A flatbuffer's offsets only point forward. So a changed file is the old file with a few new tables put in front of
it: the new root refers to new tables where something changed and into the old bytes where nothing did. Operators,
options and weights that this module has no schema for survive bit for bit, and a 4 MB model is rewritten in
milliseconds. Format: https://flatbuffers.dev/internals.
"""

import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import flatbuffers

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
MAX_TABLES = 1_000_000  # the C++ verifier's own limit: a small file must not unfold into a large one


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


@dataclass
class _Budget:
    tables: int = MAX_TABLES


@dataclass(frozen=True)
class Table:
    """A table inside ``data``; fields are read when asked for, and every read is checked against the end."""

    schema: Schema
    name: str
    data: bytes | memoryview
    position: int
    budget: _Budget = field(default_factory=_Budget, repr=False, compare=False)

    def __post_init__(self) -> None:
        self.budget.tables -= 1
        if self.budget.tables < 0:
            raise FlatbufferError(f"more than {MAX_TABLES} tables")
        vtable = self._vtable
        size, table_size = self._unpack("<HH", vtable)
        if size < 4 or size % 2 or vtable + size > len(self.data) or self.position + table_size > len(self.data):
            raise FlatbufferError(f"{self.name} at {self.position}: vtable outside the file")

    @property
    def _vtable(self) -> int:
        (distance,) = self._unpack("<i", self.position)
        return int(self.position - distance)

    def _unpack(self, code: str, position: int) -> tuple[Any, ...]:
        if position < 0 or position + struct.calcsize(code) > len(self.data):
            raise FlatbufferError(f"{self.name}: offset {position} is outside the file of {len(self.data)} bytes")
        return struct.unpack_from(code, self.data, position)

    def _slot(self, index: int) -> int:
        """Position of a field's inline data, 0 where the table does not have it."""
        vtable = self._vtable
        size, table_size = self._unpack("<HH", vtable)
        entry = 4 + 2 * index
        if entry >= size:
            return 0
        (offset,) = self._unpack("<H", vtable + entry)
        if offset >= table_size and offset:
            raise FlatbufferError(f"{self.name}: field {index} lies outside its table")
        return self.position + offset if offset else 0

    def _follow(self, position: int) -> int:
        (distance,) = self._unpack("<I", position)
        if distance == 0 or position + distance >= len(self.data):
            raise FlatbufferError(f"{self.name}: offset at {position} leads outside the file")
        return int(position + distance)

    def has(self, name: str) -> bool:
        return self._slot(self.schema[self.name][name].id) != 0

    def get(self, name: str) -> Any:
        """A field's value: number, str, Table, list of these, or memoryview for a vector of scalars' raw bytes.

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
        return Table(self.schema, spec.type, self.data, target, self.budget)

    def _string(self, position: int) -> str:
        start, length = self._extent(position, 1)
        return bytes(self.data[start : start + length]).decode("utf-8", "replace")

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
            return struct.unpack_from(f"<{length}{code[1]}", self.data, start)
        start, length = self._extent(position, 4)
        targets = [self._follow(start + 4 * i) for i in range(length)]
        if item == "string":
            return [self._string(target) for target in targets]
        return [Table(self.schema, item, self.data, target, self.budget) for target in targets]

    def shallow(self) -> dict[str, Any]:
        """Every present field for rewriting this table: scalars as values, everything else as a Ref.

        Raises FlatbufferError where the table has a field that the schema does not know: it would be lost.
        """
        fields = self.schema[self.name]
        known = {spec.id for spec in fields.values()}
        (size,) = self._unpack("<H", self._vtable)
        for index in range((size - 4) // 2):
            if index not in known and self._slot(index):
                raise FlatbufferError(f"{self.name} has field {index}, which a newer schema must have added")
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


def encode(schema: Schema, name: str, fields: Mapping[str, Any], identifier: bytes, tail: bytes = b"") -> bytes:
    """Bytes of a new root table in front of ``tail``, into which any Ref points.

    fields: name → number, str, bytes or sequence of numbers (vector of scalars), dict (table), list of str, dict or
    Ref (vector), or Ref. None and absent are the same.
    """
    tail += bytes(-len(tail) % ALIGNMENT)
    builder = _builder_before(tail)
    position = _write_table(builder, schema, name, fields, len(tail))
    builder.Finish(position, file_identifier=identifier)
    return bytes(builder.Output())


def _builder_before(tail: bytes) -> Any:
    # Builders grow downwards from the end of their buffer: starting one on top of old bytes needs only these fields.
    builder = flatbuffers.Builder(0)
    room = 1 << 16
    builder.Bytes = bytearray(room) + tail
    builder.head = room
    builder.minalign = ALIGNMENT
    return builder


def _write_table(builder: Any, schema: Schema, name: str, fields: Mapping[str, Any], end: int) -> int:
    specs = schema[name]
    present = {key: value for key, value in fields.items() if value is not None}
    if unknown := present.keys() - specs.keys():
        raise KeyError(f"{name} has no field {', '.join(sorted(unknown))}")
    offsets = {
        key: _write_object(builder, schema, specs[key], value, end)
        for key, value in present.items()
        if not specs[key].is_scalar
    }
    builder.StartObject(max(spec.id for spec in specs.values()) + 1)
    # Larger scalars first, as flatc orders them, keeps the padding small.
    for key, value in sorted(present.items(), key=lambda item: -_width(specs[item[0]])):
        spec = specs[key]
        if spec.is_scalar:
            builder.Prep(_width(spec), 0)
            _place(builder, spec.type, value)
        else:
            builder.PrependUOffsetTRelative(offsets[key])
        builder.Slot(spec.id)
    return int(builder.EndObject())


def _width(spec: Field) -> int:
    return SCALARS[spec.type][1] if spec.is_scalar else 4


def _place(builder: Any, scalar: str, value: Any) -> None:
    code, size = SCALARS[scalar]
    builder.head -= size
    struct.pack_into(code, builder.Bytes, builder.head, value)


def _write_object(builder: Any, schema: Schema, spec: Field, value: Any, end: int) -> int:
    if isinstance(value, Ref):
        return end - value.position
    if spec.type == "string":
        return int(builder.CreateString(value))
    if spec.type.startswith("["):
        return _write_vector(builder, schema, spec, value, end)
    if isinstance(value, tuple):  # (table name, fields): the value of a union
        return _write_table(builder, schema, value[0], value[1], end)
    return _write_table(builder, schema, spec.type, value, end)


def _write_vector(builder: Any, schema: Schema, spec: Field, value: Sequence[Any] | bytes, end: int) -> int:
    item = spec.type[1:-1]
    if item in SCALARS:
        code, size = SCALARS[item]
        raw = bytes(value) if item == "uint8" else struct.pack(f"<{len(value)}{code[1]}", *value)
        builder.StartVector(size, len(value), max(size, spec.align))
        builder.head -= len(raw)
        builder.Bytes[builder.head : builder.head + len(raw)] = raw
        return int(builder.EndVector())
    item_spec = Field(0, item)
    offsets = [_write_object(builder, schema, item_spec, entry, end) for entry in value]
    builder.StartVector(4, len(offsets), 4)
    for offset in reversed(offsets):
        builder.PrependUOffsetTRelative(offset)
    return int(builder.EndVector())


def walk(table: Table) -> Iterator[tuple[str, Any]]:
    """Present fields of a table by name, in the schema's order."""
    for name in table.schema[table.name]:
        if table.has(name):
            yield name, table.get(name)
