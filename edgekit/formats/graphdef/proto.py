"""GraphDefs from bytes and back, their constants as arrays, and nodes made by hand."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from google.protobuf import text_format
from google.protobuf.message import DecodeError
from numpy.typing import DTypeLike, NDArray

from ...errors import SourceError
from ..foreign import refuse_foreign
from .schema import CLASSES, DATA_TYPES

# The classes are made at run time, so mypy cannot know their fields.
GraphDef = Any
NodeDef = Any

MAX_ELEMENTS = 2**29  # 2 GB of float32: all that a graph file can hold
MAX_REPEATED = 2**24  # of one value for many elements; more would let a small file unfold into a large array

_NUMPY = {
    "FLOAT": "<f4",
    "DOUBLE": "<f8",
    "INT32": "<i4",
    "UINT8": "u1",
    "INT16": "<i2",
    "INT8": "i1",
    "INT64": "<i8",
    "BOOL": "?",
    "UINT16": "<u2",
    "HALF": "<f2",
    "UINT32": "<u4",
    "UINT64": "<u8",
    "BFLOAT16": "<u2",  # widened below: numpy has no such type
}
_VALUES = {
    "FLOAT": "float_val",
    "DOUBLE": "double_val",
    "INT64": "int64_val",
    "BOOL": "bool_val",
    "HALF": "half_val",
    "BFLOAT16": "half_val",
    "UINT32": "uint32_val",
    "UINT64": "uint64_val",
}
_TYPES = {np.dtype(code): number for number, name in enumerate(DATA_TYPES) if (code := _NUMPY.get(name))} | {
    np.dtype("<u2"): DATA_TYPES.index("UINT16")
}
_NO_ATTRIBUTE = CLASSES["AttrValue"]()
_TEXT = re.compile(rb"\A(\s|#[^\n]*\n)*(node|versions|version|library)\s*[{:<]")


def read(data: bytes, name: str = "graph") -> GraphDef:
    """A GraphDef from its binary or text form.

    Raises SourceError for what is something else, naming it: empty, text, HTML, a Git LFS pointer, a truncated or
    damaged file, a SavedModel, a MetaGraphDef.
    """
    refuse_foreign(data, name)
    if is_text(data):
        return _read_text(data, name)
    graph = _parse("GraphDef", data)
    if graph is None or len(graph.node) < 2:  # what wraps a graph reads as one of no node, or of its one header
        _refuse_wrapped(data, name)
    if graph is None:
        raise SourceError(
            f"{name} is not a TensorFlow graph.",
            cause="Its bytes are no protocol buffer of a GraphDef: truncated, damaged, or another kind of file.",
            fix="Copy or download it again; a graph is a .pb or .pbtxt such as tflite_graph.pb.",
        )
    if not graph.node:
        raise SourceError(
            f"{name} holds no TensorFlow graph.",
            cause="It reads as an empty protocol buffer, without one node.",
            fix="Give a frozen graph such as tflite_graph.pb.",
        )
    return graph


def is_text(data: bytes) -> bool:
    """Whether the bytes begin as a GraphDef's text form does."""
    return _TEXT.match(data[:65536]) is not None


def _read_text(data: bytes, name: str) -> GraphDef:
    try:
        graph = text_format.Parse(data, CLASSES["GraphDef"](), allow_unknown_field=True)
    except (text_format.ParseError, UnicodeDecodeError, RecursionError, ValueError) as error:
        first = (str(error) or type(error).__name__).splitlines()[0][:200]
        raise SourceError(
            f"{name} is not a TensorFlow graph in text form.",
            cause=f"It begins like one, but does not read to its end: {first}",
            fix="Export it again, or give the binary .pb.",
        ) from None
    if not graph.node:
        raise SourceError(f"{name} holds no TensorFlow graph.", cause="It has not one node.")
    return graph


def _refuse_wrapped(data: bytes, name: str) -> None:
    """Raise SourceError where a graph is there, but inside a SavedModel or a checkpoint's .meta file."""
    saved = _parse("SavedModel", data)
    if (
        saved is not None
        and saved.saved_model_schema_version
        and any(m.HasField("graph_def") for m in saved.meta_graphs)
    ):
        tags = ", ".join(tag for meta in saved.meta_graphs for tag in meta.meta_info_def.tags)
        version = saved.meta_graphs[0].meta_info_def.tensorflow_version
        raise SourceError(
            f"{name} is a SavedModel (tags {tags or 'none'}, written by TensorFlow {version or 'unknown'}), "
            "not a frozen graph.",
            cause="Its weights lie in the folder variables/ beside it.",
            fix="Export a frozen tflite_graph.pb, or convert it to a .tflite and give that.",
        )
    meta = _parse("MetaGraphDef", data)
    if meta is not None and meta.graph_def.node and all(node.op for node in meta.graph_def.node):
        raise SourceError(
            f"{name} is a MetaGraphDef (the .meta file of a checkpoint, {len(meta.graph_def.node)} nodes, written by "
            f"TensorFlow {meta.meta_info_def.tensorflow_version or 'unknown'}), not a frozen graph.",
            cause="Its weights lie in the .data files of the checkpoint.",
            fix="Freeze it first: export_tflite_ssd_graph.py writes tflite_graph.pb.",
        )


def _parse(kind: str, data: bytes) -> Any:
    try:
        return CLASSES[kind].FromString(data)
    except DecodeError:
        return None


def attribute(node: NodeDef, name: str) -> Any:
    """The AttrValue of this name, an empty one where the node has none; asking the map itself would add it."""
    return node.attr.get(name, _NO_ATTRIBUTE)


def plain(value: Any) -> Any:
    """An attribute as plain data: number, text, list; a float with the fewest digits that name its float32."""
    kind = value.WhichOneof("value")
    content: Any = getattr(value, kind) if kind else None
    if kind == "list":
        lists = [(field.name, items) for field, items in content.ListFields()]
        return [plain(CLASSES["AttrValue"](**{name: item})) for name, items in lists for item in items]
    if kind == "f":
        return float(str(np.float32(content))) if np.isfinite(content) else str(content)
    if kind == "s":
        return content.decode("utf-8", "replace")
    if kind == "type":
        return DATA_TYPES[content].lower() if 0 <= content < len(DATA_TYPES) else str(content)
    if kind == "shape":
        return [dim.size for dim in content.dim]
    return content if kind in ("i", "b") else f"({kind})"


def dtype_name(node: NodeDef, name: str = "dtype") -> str:
    """'float32', 'uint8', … of a type attribute; '' where the node has none."""
    number = attribute(node, name).type
    kind = DATA_TYPES[number] if 0 < number < len(DATA_TYPES) else ""
    if kind in ("", "BFLOAT16"):
        return kind.lower()
    return np.dtype(_NUMPY[kind]).name if kind in _NUMPY else kind.lower()


def constant(node: NodeDef) -> NDArray[Any]:
    """The array of a Const node; one value for all elements comes as a read-only view that takes no memory.

    Raises SourceError where content and shape disagree, or for types without numbers (strings, resources).
    """
    tensor = attribute(node, "value").tensor
    name = DATA_TYPES[tensor.dtype] if 0 <= tensor.dtype < len(DATA_TYPES) else "?"
    if node.op != "Const" or name not in _NUMPY:
        raise _bad(node, f"it is a {node.op} of type {name.lower()}, not a constant of numbers")
    shape = tuple(dim.size for dim in tensor.tensor_shape.dim)
    count = 1
    for size in shape:
        count *= size
    if any(size < 0 for size in shape) or count > MAX_ELEMENTS or tensor.tensor_shape.unknown_rank:
        raise _bad(node, f"shape {list(shape)} is none of a constant")
    dtype = np.dtype(_NUMPY[name])
    if tensor.tensor_content:
        if len(tensor.tensor_content) != count * dtype.itemsize:
            raise _bad(node, f"{len(tensor.tensor_content)} bytes for {count} values of {name.lower()}")
        flat = np.frombuffer(tensor.tensor_content, dtype)
    else:
        flat = _listed(node, tensor, name, count)
    return _widen(flat, name).reshape(shape) if flat.size == count else np.broadcast_to(_widen(flat, name), shape)


def _listed(node: NodeDef, tensor: Any, name: str, count: int) -> NDArray[Any]:
    """Values written one by one; TensorFlow repeats the last of them to the end."""
    dtype = np.dtype(_NUMPY[name])
    values = getattr(tensor, _VALUES.get(name, "int_val"))
    if len(values) > count or (len(values) < count and count > MAX_REPEATED):
        raise _bad(node, f"{len(values)} values for {count} places")
    if name in ("HALF", "BFLOAT16"):
        bits = np.asarray(values, np.int64)
        if bits.size and (bits.min() < 0 or bits.max() > 0xFFFF):
            raise _bad(node, "half_val holds more than 16 bits")
        flat = bits.astype("<u2").view(dtype)
    else:
        flat = np.asarray(values).astype(dtype)
    if flat.size <= 1 or flat.size == count:
        return flat if flat.size else np.zeros(min(count, 1), dtype)
    return np.concatenate([flat, np.broadcast_to(flat[-1:], (count - flat.size,))])


def _widen(flat: NDArray[Any], name: str) -> NDArray[Any]:
    return (flat.astype(np.uint32) << 16).view(np.float32) if name == "BFLOAT16" else flat


def _bad(node: NodeDef, why: str) -> SourceError:
    return SourceError(
        f"The constant {node.name!r} of the graph cannot be read: {why}.",
        cause="The file is damaged, or was not written by TensorFlow.",
        fix="Export the graph again.",
    )


class Shape(tuple[int, ...]):
    """A shape attribute; −1 is an open dimension."""


def make_node(name: str, op: str, inputs: Sequence[str] = (), **attributes: Any) -> NodeDef:
    """A NodeDef. Attributes by Python type: bool, int, float, str, bytes, numpy dtype, array, Shape, list of ints."""
    node = CLASSES["NodeDef"](name=name, op=op, input=inputs)
    for key, value in attributes.items():
        _set_attribute(node.attr[key], value)
    return node


def make_constant(name: str, value: NDArray[Any] | np.generic) -> NodeDef:
    """A Const node of this array or number."""
    return make_node(name, "Const", value=np.asarray(value), dtype=value.dtype)


def _set_attribute(attribute: Any, value: Any) -> None:
    if isinstance(value, bool):
        attribute.b = value
    elif isinstance(value, int):
        attribute.i = value
    elif isinstance(value, float):
        attribute.f = value
    elif isinstance(value, str | bytes):
        attribute.s = value.encode() if isinstance(value, str) else value
    elif isinstance(value, Shape):
        attribute.shape.SetInParent()
        attribute.shape.dim.extend(CLASSES["Dim"](size=size) for size in value)
    elif isinstance(value, np.ndarray):
        attribute.tensor.CopyFrom(tensor(value))
    elif isinstance(value, np.dtype):
        attribute.type = type_number(value)
    elif all(isinstance(item, np.dtype) for item in value):
        attribute.list.type.extend(type_number(item) for item in value)
    else:
        attribute.list.i.extend(value)


def tensor(value: NDArray[Any]) -> Any:
    """The TensorProto of an array."""
    result = CLASSES["TensorProto"](dtype=type_number(value.dtype), tensor_content=value.tobytes())
    result.tensor_shape.SetInParent()
    result.tensor_shape.dim.extend(CLASSES["Dim"](size=size) for size in value.shape)
    return result


def type_number(dtype: DTypeLike) -> int:
    """TensorFlow's number of a numpy type."""
    return _TYPES[np.dtype(dtype)]


def make_graph(nodes: Sequence[NodeDef], producer: int = 134) -> GraphDef:
    """A GraphDef of these nodes; 134 is the version that TensorFlow 1.15 wrote."""
    return CLASSES["GraphDef"](node=nodes, versions=CLASSES["VersionDef"](producer=producer))


def write(graph: GraphDef) -> bytes:
    """The binary form; equal graphs give equal bytes."""
    return bytes(graph.SerializeToString(deterministic=True))
