"""TensorFlow's graph messages, built at run time from a table in a descriptor pool of their own.

Field numbers are those of tensorflow/core/framework/*.proto and core/protobuf/{meta_graph,saved_model}.proto. Fields
that are not in the table survive reading and writing of the binary form. The private pool keeps clear of TensorFlow's
own classes, should both ever live in one process.
"""

from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

PACKAGE = "tensorflow"

# One field a comma: number, name, type; '*' repeated, 'map' string → type.
MESSAGES = {
    "GraphDef": "1 node NodeDef*, 2 library FunctionDefLibrary, 3 version int32, 4 versions VersionDef",
    "VersionDef": "1 producer int32, 2 min_consumer int32, 3 bad_consumers int32*",
    "FunctionDefLibrary": "1 function FunctionDef*",
    "FunctionDef": "1 signature OpDef, 3 node_def NodeDef*",
    "OpDef": "1 name string",
    "NodeDef": "1 name string, 2 op string, 3 input string*, 4 device string, 5 attr map AttrValue",
    "AttrValue": "1 list ListValue, 2 s bytes, 3 i int64, 4 f float, 5 b bool, 6 type DataType, "
    "7 shape TensorShapeProto, 8 tensor TensorProto, 9 placeholder string, 10 func NameAttrList",
    "ListValue": "2 s bytes*, 3 i int64*, 4 f float*, 5 b bool*, 6 type DataType*, 7 shape TensorShapeProto*, "
    "8 tensor TensorProto*, 9 func NameAttrList*",
    "NameAttrList": "1 name string, 2 attr map AttrValue",
    "TensorShapeProto": "2 dim Dim*, 3 unknown_rank bool",
    "Dim": "1 size int64, 2 name string",
    "TensorProto": "1 dtype DataType, 2 tensor_shape TensorShapeProto, 3 version_number int32, 4 tensor_content bytes, "
    "5 float_val float*, 6 double_val double*, 7 int_val int32*, 8 string_val bytes*, 9 scomplex_val float*, "
    "10 int64_val int64*, 11 bool_val bool*, 12 dcomplex_val double*, 13 half_val int32*, 16 uint32_val uint32*, "
    "17 uint64_val uint64*",
    "SavedModel": "1 saved_model_schema_version int64, 2 meta_graphs MetaGraphDef*",
    "MetaGraphDef": "1 meta_info_def MetaInfoDef, 2 graph_def GraphDef",
    "MetaInfoDef": "4 tags string*, 5 tensorflow_version string",
}
ONEOFS = {"AttrValue": "value"}
DATA_TYPES = (
    *("INVALID", "FLOAT", "DOUBLE", "INT32", "UINT8", "INT16", "INT8", "STRING", "COMPLEX64", "INT64", "BOOL", "QINT8"),
    *("QUINT8", "QINT32", "BFLOAT16", "QINT16", "QUINT16", "UINT16", "COMPLEX128", "HALF", "RESOURCE", "VARIANT"),
    *("UINT32", "UINT64"),
)
REF = 100  # DT_FLOAT_REF = DT_FLOAT + 100, and so on

_Field = descriptor_pb2.FieldDescriptorProto


def _file() -> descriptor_pb2.FileDescriptorProto:
    file = descriptor_pb2.FileDescriptorProto(name="edgekit/graph.proto", package=PACKAGE, syntax="proto3")
    enum = file.enum_type.add(name="DataType")
    for number, name in enumerate(DATA_TYPES):
        enum.value.add(name=f"DT_{name}", number=number)
    for number, name in enumerate(DATA_TYPES[1:], REF + 1):
        enum.value.add(name=f"DT_{name}_REF", number=number)
    for name, fields in MESSAGES.items():
        message = file.message_type.add(name=name)
        if name in ONEOFS:
            message.oneof_decl.add(name=ONEOFS[name])
        for text in fields.split(", "):
            _add_field(message, *text.split())
    return file


def _add_field(message: descriptor_pb2.DescriptorProto, number: str, name: str, kind: str, item: str = "") -> None:
    field = message.field.add(name=name, number=int(number), label=_Field.LABEL_OPTIONAL)
    if message.oneof_decl:
        field.oneof_index = 0
    if kind == "map":
        entry = message.nested_type.add(name=f"{name.capitalize()}Entry")
        entry.options.map_entry = True
        _add_field(entry, "1", "key", "string")
        _add_field(entry, "2", "value", item)
        _set_type(field, f"{message.name}.{entry.name}")
        field.label = _Field.LABEL_REPEATED
        return
    if kind.endswith("*"):
        field.label = _Field.LABEL_REPEATED
    _set_type(field, kind.rstrip("*"))


def _set_type(field: descriptor_pb2.FieldDescriptorProto, kind: str) -> None:
    if kind[0].islower():
        field.type = _Field.Type.Value(f"TYPE_{kind.upper()}")
    else:
        field.type = _Field.TYPE_ENUM if kind == "DataType" else _Field.TYPE_MESSAGE
        field.type_name = f".{PACKAGE}.{kind}"


def _classes() -> dict[str, Any]:
    pool = descriptor_pool.DescriptorPool()
    pool.Add(_file())
    return {name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{PACKAGE}.{name}")) for name in MESSAGES}


CLASSES = _classes()
