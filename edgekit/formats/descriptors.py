"""Protocol buffers' message classes, built at run time from a table in a descriptor pool of their own.

Fields that are not in a table survive reading and writing of the binary form. The private pool keeps clear of
TensorFlow's own classes, should both ever live in one process.
"""

from collections.abc import Container, Mapping
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

PACKAGE = "tensorflow"

_Field = descriptor_pb2.FieldDescriptorProto


def classes(
    messages: Mapping[str, str],
    *,
    oneofs: Mapping[str, str] | None = None,
    enums: Mapping[str, Mapping[str, int]] | None = None,
) -> dict[str, Any]:
    """Message name → its class, for proto3 messages of TensorFlow's package.

    messages: name → its fields, one a comma: number, name, type; '*' repeated, 'map' string → type. oneofs: message →
    the name of the one group that all its fields are in. enums: name → value names and numbers.
    """
    file = descriptor_pb2.FileDescriptorProto(name="edgekit.proto", package=PACKAGE, syntax="proto3")
    for name, numbers in (enums or {}).items():
        enum = file.enum_type.add(name=name)
        for value, number in numbers.items():
            enum.value.add(name=value, number=number)
    for name, fields in messages.items():
        message = file.message_type.add(name=name)
        if oneofs and name in oneofs:
            message.oneof_decl.add(name=oneofs[name])
        for text in fields.split(", "):
            _add_field(message, enums or {}, *text.split())
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{PACKAGE}.{name}")) for name in messages}


def _add_field(
    message: descriptor_pb2.DescriptorProto, enums: Container[str], number: str, name: str, kind: str, item: str = ""
) -> None:
    field = message.field.add(name=name, number=int(number), label=_Field.LABEL_OPTIONAL)
    if message.oneof_decl:
        field.oneof_index = 0
    if kind == "map":
        entry = message.nested_type.add(name=f"{name.capitalize()}Entry")
        entry.options.map_entry = True
        _add_field(entry, enums, "1", "key", "string")
        _add_field(entry, enums, "2", "value", item)
        _set_type(field, enums, f"{message.name}.{entry.name}")
        field.label = _Field.LABEL_REPEATED
        return
    if kind.endswith("*"):
        field.label = _Field.LABEL_REPEATED
    _set_type(field, enums, kind.rstrip("*"))


def _set_type(field: descriptor_pb2.FieldDescriptorProto, enums: Container[str], kind: str) -> None:
    if kind[0].islower():
        field.type = _Field.Type.Value(f"TYPE_{kind.upper()}")
    else:
        field.type = _Field.TYPE_ENUM if kind in enums else _Field.TYPE_MESSAGE
        field.type_name = f".{PACKAGE}.{kind}"
