"""GraphDefs read and written without TensorFlow."""

from typing import Any

import numpy as np
import pytest
from google.protobuf import text_format

from edgekit.errors import SourceError
from edgekit.formats.graphdef import proto
from edgekit.formats.graphdef.schema import CLASSES

ARRAYS = [
    np.array(2.5, np.float32),
    np.arange(6, dtype=np.float32).reshape(2, 3),
    np.array([1e300, -1.0]),
    np.array([[-3], [2**31 - 1]], np.int32),
    np.array([2**62], np.int64),
    np.array([0, 255], np.uint8),
    np.array([-128, 127], np.int8),
    np.array([True, False]),
    np.array([0.5, -2.0], np.float16),
    np.zeros((0, 4), np.float32),
]


def _listed(shape: list[int], dtype: int, **values: Any) -> Any:
    node = proto.make_node("c", "Const")
    tensor = CLASSES["TensorProto"](dtype=dtype, **values)
    tensor.tensor_shape.dim.extend(CLASSES["Dim"](size=size) for size in shape)
    node.attr["value"].tensor.CopyFrom(tensor)
    return node


@pytest.mark.parametrize("array", ARRAYS, ids=lambda array: f"{array.dtype}{list(array.shape)}")
def test_constants_come_back(array: np.ndarray[Any, Any]) -> None:
    back = proto.constant(proto.make_constant("c", array))
    assert back.dtype == array.dtype
    np.testing.assert_array_equal(back, array)


@pytest.mark.parametrize(
    ("node", "expected"),
    [
        (_listed([3], 1, float_val=[2.0]), np.full(3, 2.0, np.float32)),
        (_listed([2, 2], 3, int_val=[7, 8]), np.array([[7, 8], [8, 8]], np.int32)),
        (_listed([2], 3), np.zeros(2, np.int32)),
        (_listed([], 10, bool_val=[True]), np.array(True)),
        (_listed([2], 19, half_val=[0x3C00, 0xC000]), np.array([1.0, -2.0], np.float16)),
        (_listed([2], 14, half_val=[0x3F80, 0xC000]), np.array([1.0, -2.0], np.float32)),
        (_listed([1], 9, int64_val=[-5]), np.array([-5], np.int64)),
    ],
)
def test_values_written_one_by_one(node: Any, expected: np.ndarray[Any, Any]) -> None:
    got = proto.constant(node)
    assert got.dtype == expected.dtype
    np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize(
    ("node", "why"),
    [
        (_listed([2], 1, float_val=[1.0, 2.0, 3.0]), "3 values for 2"),
        (_listed([3], 1, tensor_content=b"\0" * 8), "8 bytes for 3"),
        (_listed([-1], 1), r"shape \[-1\]"),
        (_listed([2**20, 2**20], 1, float_val=[1.0]), "none of a constant"),
        (_listed([2**25], 1, float_val=[1.0]), "1 values for 33554432"),
        (_listed([1], 19, half_val=[70000]), "16 bits"),
        (_listed([1], 7, string_val=[b"x"]), "type string"),
        (_listed([1], 101, float_val=[1.0]), "not a constant of numbers"),
        (proto.make_node("r", "Relu", ["x"]), "it is a Relu"),
    ],
)
def test_constants_that_cannot_be(node: Any, why: str) -> None:
    with pytest.raises(SourceError, match=why):
        proto.constant(node)


def test_both_forms_read_alike(contrib: bytes) -> None:
    graph = proto.read(contrib)
    text = text_format.MessageToString(graph).encode()
    assert proto.read(b"# a comment\n\n" + text) == graph
    assert proto.write(graph) == contrib


def test_fields_that_the_table_lacks_survive(contrib: bytes) -> None:
    unknown = bytes([0x7A, 3]) + b"abc"  # field 15, which no GraphDef has
    assert proto.write(proto.read(contrib + unknown)) == contrib + unknown


def test_asking_for_an_attribute_leaves_the_node_alone(contrib: bytes) -> None:
    node = proto.make_node("n", "Relu")
    assert proto.attribute(node, "num_bits").i == 0
    assert not node.attr


def test_attributes_as_plain_data() -> None:
    node = proto.make_node(
        "n", "Op", f=0.6, i=3, b=True, s="SAME", t=np.dtype("float32"), l=[1, 2], w=proto.Shape((1, -1))
    )
    plain = {name: proto.plain(value) for name, value in node.attr.items()}
    assert plain == {"f": 0.6, "i": 3, "b": True, "s": "SAME", "t": "float", "l": [1, 2], "w": [1, -1]}


def test_a_graph_is_parsed_once(contrib: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    for kind in ("SavedModel", "MetaGraphDef"):
        monkeypatch.delitem(CLASSES, kind)
    assert proto.read(contrib).node


def _saved_model() -> bytes:
    message = CLASSES["SavedModel"](saved_model_schema_version=1)
    message.meta_graphs.add().CopyFrom(CLASSES["MetaGraphDef"].FromString(_meta_graph()))
    return bytes(message.SerializeToString())


def _meta_graph() -> bytes:
    message = CLASSES["MetaGraphDef"]()
    message.meta_info_def.tensorflow_version = "1.5.0"
    message.meta_info_def.tags.append("serve")
    message.graph_def.node.add(name="x", op="Placeholder")
    return bytes(message.SerializeToString())


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"", "empty"),
        (b"<!DOCTYPE html><html></html>", "HTML"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 3\n", "LFS"),
        (b"\x0a\xff\xff\xff\xff\x0f", "not a TensorFlow graph"),
        (b"\x22\x03\x08\xbe\x0f", "no TensorFlow graph"),
        (b"node {\n  name: 'a'\n  op: ", "not a TensorFlow graph in text form"),
        (b"node " + b"{ attr { key: 'a' value { list { func { attr " * 400, "not a TensorFlow graph in text form"),
        (b"versions { producer: 27 }", "no TensorFlow graph"),
        (_saved_model(), "SavedModel .tags serve, written by TensorFlow 1.5.0"),
        (_meta_graph(), "MetaGraphDef .* 1 nodes"),
    ],
)
def test_what_is_no_graph_is_named(data: bytes, what: str) -> None:
    with pytest.raises(SourceError, match=what):
        proto.read(data, "file")


@pytest.mark.parametrize("length", [10, 1000, 40_000, 82_000])
def test_truncated_graphs_are_refused(contrib: bytes, length: int) -> None:
    with pytest.raises(SourceError):
        proto.read(contrib[:length])


def test_absurdly_deep_messages_are_refused() -> None:
    inner = b""
    for _ in range(5000):  # AttrValue.func.attr["a"].func.attr["a"]…
        value = b"\x52" + _length(inner) + inner
        entry = b"\x0a\x01a\x12" + _length(value) + value
        inner = b"\x12" + _length(entry) + entry
    value = b"\x52" + _length(inner) + inner
    entry = b"\x0a\x01a\x12" + _length(value) + value
    node = b"\x0a\x01n\x12\x01o\x2a" + _length(entry) + entry
    with pytest.raises(SourceError, match="not a TensorFlow graph"):
        proto.read(b"\x0a" + _length(node) + node)


def _length(data: bytes) -> bytes:
    size, result = len(data), b""
    while size > 127:
        result, size = result + bytes([size & 127 | 128]), size >> 7
    return result + bytes([size])


@pytest.mark.slow
def test_tensorflow_reads_constants_alike(contrib: bytes) -> None:
    tensorflow = pytest.importorskip("tensorflow")
    judge = tensorflow.compat.v1.GraphDef.FromString(contrib)
    ours = proto.read(contrib)
    assert [node.name for node in judge.node] == [node.name for node in ours.node]
    for theirs, node in zip(judge.node, ours.node, strict=True):
        if node.op == "Const":
            np.testing.assert_array_equal(proto.constant(node), tensorflow.make_ndarray(theirs.attr["value"].tensor))
