"""TFLite metadata between its bytes and the JSON form of the public tools: only what is there, enumerations by name."""

import struct
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ...errors import SourceError, UserDataError
from ..flatbuffer import SCALARS, Field, FlatbufferError, Table, root
from ..flatbuffer import encode as encode_flatbuffer
from .metadata_schema import ENUMS, FIELD_VERSIONS, IDENTIFIER, ROOT, SCHEMA, UNIONS, VALUE_VERSIONS

Metadata = dict[str, Any]


def decode(data: bytes | memoryview) -> Metadata:
    """The metadata in its JSON form: nested dicts with the schema's field names, absent fields absent.

    Raises SourceError where the bytes are not TFLite metadata.
    """
    try:
        return _read_table(root(SCHEMA, ROOT, data, IDENTIFIER))
    except FlatbufferError as error:
        raise SourceError(
            f"The file's TFLITE_METADATA cannot be read: {error}.",
            cause="The metadata is damaged, or something else was stored under its name.",
            fix="Write it anew: edgekit metadata set FILE --default.",
        ) from None


def encode(metadata: Mapping[str, Any]) -> bytes:
    """Bytes of the metadata; the same metadata gives the same bytes, and ``decode`` gives it back.

    Raises UserDataError with the path of a field that the schema does not have or that has the wrong type.
    """
    return encode_flatbuffer(SCHEMA, ROOT, _write_table(ROOT, metadata, "metadata"), IDENTIFIER)


def min_parser_version(metadata: Mapping[str, Any]) -> str:
    """The oldest parser version that understands all of the metadata, such as '1.2.0'."""
    return ".".join(str(part) for part in max(_versions(ROOT, metadata), default=(1, 0, 0)))


def _versions(table: str, fields: Mapping[str, Any]) -> Iterator[tuple[int, int, int]]:
    yield 1, 0, 0
    for name, value in fields.items():
        if (table, name) in FIELD_VERSIONS:
            yield FIELD_VERSIONS[table, name]
        if isinstance(value, str) and (table, name, value) in VALUE_VERSIONS:
            yield VALUE_VERSIONS[table, name, value]
        inner = fields[f"{name}_type"] if (table, name) in UNIONS else SCHEMA[table][name].type.strip("[]")
        if inner in SCHEMA:
            for item in value if isinstance(value, list) else [value]:
                yield from _versions(inner, item)


def _read_table(table: Table) -> Metadata:
    fields: Metadata = {}
    for name in table.shallow():
        if (table.name, name) not in UNIONS:
            fields[name] = _read_value(table.name, name, table.get(name))
        elif (kind := str(fields.get(f"{name}_type"))) in SCHEMA:
            fields[name] = _read_table(table.union(name, kind))
    return fields


def _read_value(table: str, name: str, value: Any) -> Any:
    if names := _names(table, name):
        return names[value] if 0 <= value < len(names) else value
    if isinstance(value, Table):
        return _read_table(value)
    if isinstance(value, list):
        return [_read_table(item) if isinstance(item, Table) else item for item in value]
    if isinstance(value, memoryview):
        return list(value)
    if isinstance(value, tuple):
        return [_shortest(item) if isinstance(item, float) else item for item in value]
    return _shortest(value) if isinstance(value, float) else value


def _names(table: str, name: str) -> tuple[str, ...]:
    """Names of an enumeration's or a union type's values, empty for any other field."""
    return ENUMS.get((table, name)) or UNIONS.get((table, name.removesuffix("_type")), ())


def _shortest(value: float) -> float:
    """The number with the fewest digits that is stored as this float32: .2, not .200000003."""
    for digits in (6, 7, 8):
        short = float(f"{value:.{digits}g}")
        try:
            if struct.pack("<f", short) == struct.pack("<f", value):
                return short
        except OverflowError:  # the largest float32, rounded up
            continue
    return value


def _write_table(table: str, fields: Any, where: str) -> dict[str, Any]:
    if not isinstance(fields, Mapping):
        raise _wrong(where, f"a {table}", fields)
    for name in fields.keys() - SCHEMA[table].keys():
        raise _wrong(f"{where}.{name}", f"one of {', '.join(SCHEMA[table]) or 'no fields'}", name)
    written: dict[str, Any] = {}
    for name in (name for name in SCHEMA[table] if name in fields):  # the schema's order, whatever the dict's
        value, path = fields[name], f"{where}.{name}"
        if (table, name) in UNIONS:
            kind = str(fields.get(f"{name}_type"))
            if kind not in UNIONS[table, name][1:]:
                raise _wrong(f"{path}_type", f"one of {', '.join(UNIONS[table, name][1:])}", kind)
            written[name] = (kind, _write_table(kind, value, path))
        else:
            written[name] = _write_value(table, name, value, path)
    return written


def _write_value(table: str, name: str, value: Any, where: str) -> Any:
    field = SCHEMA[table][name]
    names = _names(table, name)
    if names and isinstance(value, str):
        if value not in names:
            raise _wrong(where, f"one of {', '.join(names)}", value)
        return names.index(value)
    if not field.type.startswith("["):
        return _write_item(field, field.type, value, where)
    if isinstance(value, str | bytes) or not isinstance(value, Sequence):
        raise _wrong(where, "a list", value)
    item = field.type[1:-1]
    return [_write_item(field, item, entry, f"{where}[{i}]") for i, entry in enumerate(value)]


def _write_item(field: Field, kind: str, value: Any, where: str) -> Any:
    if kind in SCHEMA:
        return _write_table(kind, value, where)
    if kind == "string":
        if not isinstance(value, str):
            raise _wrong(where, "a text", value)
        return value
    try:
        struct.pack(SCALARS[kind][0], value)
    except (struct.error, OverflowError, TypeError):
        raise _wrong(where, f"a number of type {kind}", value) from None
    return value


def _wrong(where: str, expected: str, got: object) -> UserDataError:
    return UserDataError(f"{where}: expected {expected}, got {got!r}.")
