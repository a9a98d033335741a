"""The files of a graph model: bytes as specified, read back as they were, the same every time."""

import json
from dataclasses import replace
from hashlib import sha256
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgekit.errors import UsageError
from edgekit.formats.tfjs import reader
from edgekit.formats.tfjs.layers import channels
from edgekit.formats.tfjs.quantise import Stored, affine, half, plain, restore
from edgekit.formats.tfjs.signature import TensorInfo, read_ports, read_shape, signature
from edgekit.formats.tfjs.writer import encode

from . import tfjs_models as by_hand
from .tfjs_models import BIAS, DEPTHWISE, KERNEL, SHAPE


def stored() -> list[Stored]:
    values = by_hand.floats()
    return [
        affine(KERNEL, values[KERNEL], "uint16"),
        plain(BIAS, values[BIAS]),
        half(DEPTHWISE, values[DEPTHWISE]),
        plain(SHAPE, np.array([1, -1])),
    ]


def made(**options: Any) -> dict[str, bytes]:
    given = {"signature": by_hand.signature(), "generated_by": "2.21.0", "converted_by": "edgekit 0.1.0"}
    return encode(by_hand.topology(), stored(), **(given | options))


def save(folder: Path, files: dict[str, bytes]) -> Path:
    folder.mkdir(exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder / "model.json"


def test_a_file_of_one_weight_to_the_byte() -> None:
    topology = {"node": [by_hand.constant("x")], "versions": {}}
    files = encode(
        topology,
        [affine("x", np.array([0, 510, 2], np.float32), "uint8")],
        signature={},
        generated_by="2.21.0",
        converted_by="edgekit 0.1.0",
    )
    assert files == {
        "group1-shard1of1.bin": b"\x00\xff\x01",
        "model.json": b'{"format":"graph-model","generatedBy":"2.21.0","convertedBy":"edgekit 0.1.0",'
        b'"modelTopology":{"node":[{"attr":{"dtype":{"type":"DT_FLOAT"},"value":{"tensor":{"dtype":"DT_FLOAT",'
        b'"tensorShape":{"dim":[]}}}},"name":"x","op":"Const"}],"versions":{}},"weightsManifest":[{"paths":'
        b'["group1-shard1of1.bin"],"weights":[{"name":"x","shape":[3],"dtype":"float32","quantization":{"min":0.0,'
        b'"scale":2.0,"dtype":"uint8","original_dtype":"float32"}}]}]}',
    }


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    texts = Stored(
        weight=plain("texts", np.array([b"a", b"", b"\xff" * 300], object)).weight,
        data=np.array([b"a", b"", b"\xff" * 300], object),
    )
    topology = by_hand.topology()
    topology["node"].append(by_hand.constant("texts", "DT_STRING", (3,)))
    initializer = {"node": [by_hand.constant("flag")], "versions": {}}
    parts = [*stored(), texts, plain("flag", np.array([True, False]))]
    files = encode(
        topology,
        parts,
        signature=by_hand.signature(),
        shard_size=1000,
        metadata={"a": [1]},
        generated_by="2.21.0",
        converted_by="edgekit 0.1.0",
        others={"modelInitializer": initializer, "initializerSignature": {}},
    )
    model = reader.read(save(tmp_path, files))
    assert (model.topology, model.signature, model.metadata) == (topology, by_hand.signature(), {"a": [1]})
    assert model.others == {"modelInitializer": initializer, "initializerSignature": {}}
    assert model.weights == tuple(one.weight for one in parts)
    for name, value in reader.values(model).items():
        np.testing.assert_array_equal(value, restore(next(one for one in parts if one.name == name)))


def test_what_fits_is_one_shard() -> None:
    assert len(made(shard_size=1000)["group1-shard1of1.bin"]) == 2 * 216 + 4 * 8 + 2 * 72 + 4 * 2


def test_shards_are_full_but_for_the_last_and_model_json_comes_after_them() -> None:
    big = plain("x", np.arange(1000, dtype=np.float32))
    topology = {"node": [by_hand.constant("x")], "versions": {}}
    files = encode(topology, [big], signature={}, shard_size=1500, generated_by="", converted_by="")
    assert [*files] == [f"group1-shard{number}of3.bin" for number in (1, 2, 3)] + ["model.json"]
    assert [len(content) for content in files.values()][:3] == [1500, 1500, 1000]
    assert b"".join([*files.values()][:3]) == big.data.tobytes()


def test_hashed_names_tell_the_content() -> None:
    *shards, (_, text) = made(hashed=True, shard_size=1000).items()
    for name, content in shards:
        assert name == f"group1-shard1of1-{sha256(content).hexdigest()[:16]}.bin"
    assert json.loads(text)["weightsManifest"][0]["paths"] == [name for name, _ in shards]


def test_a_model_without_weights_has_no_shard(tmp_path: Path) -> None:
    topology = {"node": [by_hand.node("x", "Placeholder")], "versions": {}}
    files = encode(topology, [], signature={}, generated_by="", converted_by="")
    assert [*files] == ["model.json"]
    assert reader.values(reader.read(save(tmp_path, files))) == {}


def test_same_parts_same_bytes_whatever_the_order_of_a_map() -> None:
    def turned(data: Any) -> Any:
        if isinstance(data, dict):
            return {key: turned(data[key]) for key in reversed(data)}
        return [turned(item) for item in data] if isinstance(data, list) else data

    again = encode(
        turned(by_hand.topology()),
        stored(),
        signature=by_hand.signature(),
        generated_by="2.21.0",
        converted_by="edgekit 0.1.0",
    )
    assert again == made()


def test_values_in_the_graph_and_devices_are_left_out() -> None:
    topology = by_hand.topology()
    plainly = made()
    for node in topology["node"]:
        node["device"] = "/device:CPU:0"
        if node["op"] == "Const":
            node["attr"]["value"]["tensor"]["tensorContent"] = "AAAA"
    assert (
        encode(topology, stored(), signature=by_hand.signature(), generated_by="2.21.0", converted_by="edgekit 0.1.0")
        == plainly
    )
    assert topology["node"][1]["attr"]["value"]["tensor"]["tensorContent"] == "AAAA"


@pytest.mark.parametrize("size", [0, -1, 999])
def test_shards_are_not_too_small(size: int) -> None:
    with pytest.raises(UsageError, match=f"Shards of {size} bytes are too small"):
        made(shard_size=size)


def test_weights_and_constants_must_match() -> None:
    parts = stored()
    for wrong in (
        parts[1:],
        [*parts, parts[0]],
        [*parts, replace(parts[0], weight=replace(parts[0].weight, name="y"))],
    ):
        with pytest.raises(ValueError, match="weights and constants differ"):
            encode(by_hand.topology(), wrong, signature={}, generated_by="", converted_by="")


def test_a_signature_is_read_as_it_was_written() -> None:
    inputs = {"image": TensorInfo(name="picture:0", dtype="float32", shape=(1, 8, 8, 3))}
    outputs = {
        "boxes": TensorInfo(name="heads:1", dtype="float32", shape=(1, -1, 4)),
        "count": TensorInfo(name="count:0", dtype="int32", shape=None),
        "scalar": TensorInfo(name="scalar:0", dtype="bool", shape=()),
    }
    data = signature(inputs, outputs)
    assert read_ports(data, "inputs") == inputs
    assert [*read_ports(data, "outputs").items()] == [*outputs.items()]
    assert data["outputs"]["boxes"] == {
        "name": "heads:1",
        "dtype": "DT_FLOAT",
        "tensorShape": {"dim": [{"size": "1"}, {"size": "-1"}, {"size": "4"}]},
    }
    bare = {"image": replace(inputs["image"], name="picture")}
    assert signature(bare, outputs) == data


@pytest.mark.parametrize(
    ("data", "shape"),
    [
        ({"dim": [{"size": 3}, {"size": "4"}, {}]}, (3, 4, 0)),
        ({}, ()),
        ({"unknownRank": True}, None),
        ({"dim": [{"size": "x"}]}, None),
        ({"dim": [{"size": None}]}, None),
        ({"dim": [7]}, None),
        ({"dim": 7}, None),
        (None, None),
    ],
)
def test_shapes_from_anywhere(data: Any, shape: tuple[int, ...] | None) -> None:
    assert read_shape(data) == shape


@pytest.mark.parametrize("data", [{}, {"inputs": 3}, {"inputs": []}])
def test_a_signature_may_say_nothing(data: Any) -> None:
    assert read_ports(data, "inputs") == {}
    found = read_ports({"inputs": {"x": 7}}, "inputs")
    assert found == {"x": TensorInfo(name="", dtype="", shape=None)}


def test_output_channels_lie_where_the_layer_has_them() -> None:
    topology = by_hand.topology()
    topology["node"] += [
        by_hand.node("up", "Conv2DBackpropInput", "image", "up/weights:0", "conv"),
        by_hand.node("product", "MatMul", "image", "m/weights", transpose_b={"b": True}),
        by_hand.node("other", "_FusedMatMul", "image", "n/weights", transpose_b={"b": False}),
    ]
    assert channels(topology) == {DEPTHWISE: (2, 3), "up/weights": (2,), "m/weights": (0,)}


def test_shards_of_equal_content_have_names_of_their_own() -> None:
    zeros = plain("x", np.zeros(1000, np.float32))
    topology = {"node": [by_hand.constant("x")], "versions": {}}
    files = encode(topology, [zeros], signature={}, shard_size=2000, hashed=True, generated_by="", converted_by="")
    assert len(files) == 3
    assert all(one != other for one, other in pairwise(files))
