"""TensorFlow's graph messages, as the table that ``descriptors`` makes classes of.

Field numbers are those of tensorflow/core/framework/*.proto and core/protobuf/{meta_graph,saved_model}.proto.
"""

from ..descriptors import classes

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


def _numbers() -> dict[str, int]:
    plain = {f"DT_{name}": number for number, name in enumerate(DATA_TYPES)}
    return plain | {f"DT_{name}_REF": number for number, name in enumerate(DATA_TYPES[1:], REF + 1)}


CLASSES = classes(MESSAGES, oneofs=ONEOFS, enums={"DataType": _numbers()})
