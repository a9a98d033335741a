"""Graph models of TensorFlow.js: what is read, and everything that people hand over instead."""

import json
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgekit.errors import EdgekitError, SourceError, StorageError, UsageError
from edgekit.formats import tfjs
from edgekit.formats.tfjs import reader
from tests.mutations import mutate

from . import tfjs_models as by_hand
from .tfjs_models import BIAS, DEPTHWISE, KERNEL, SHAPE

ENDLESS = '"dtype": "float32", "quantization": {"dtype": "uint8", "scale": 1, "min": 1e999}'
UINT8 = {"dtype": "uint8", "scale": 0.1, "min": -1.0}


def test_what_is_written_is_read(tmp_path: Path) -> None:
    wanted = by_hand.floats()
    model = reader.read(
        by_hand.write(tmp_path, by_hand.entries(wanted), userDefinedMetadata={"a": 1}, trainingConfig={})
    )
    assert [weight.name for weight in model.weights] == [KERNEL, BIAS, DEPTHWISE, SHAPE]
    assert model.weights[0] == reader.Weight(name=KERNEL, shape=(3, 3, 3, 8), dtype="float32")
    assert (model.generated_by, model.converted_by) == ("2.18.0", "TensorFlow.js Converter v4.22.0")
    assert (model.metadata, model.others) == ({"a": 1}, {"trainingConfig": {}})
    assert (model.signature, model.topology) == (by_hand.signature(), by_hand.topology())
    assert [(shard.path, shard.bytes) for shard in model.shards] == [("group1-shard1of1.bin", 4 * (216 + 8 + 72 + 2))]
    found = reader.values(model)
    for name, value in wanted.items():
        np.testing.assert_array_equal(found[name], value)
    np.testing.assert_array_equal(found[SHAPE], [1, -1])


def test_weights_lie_across_shards_of_several_groups(tmp_path: Path) -> None:
    data, content = by_hand.model(by_hand.entries())
    told = data["weightsManifest"][0]["weights"]
    data["weightsManifest"] = [
        {"paths": ["a.bin", "sub/b.bin"], "weights": told[:2]},
        {"paths": ["c.bin", "empty.bin", "d.bin"], "weights": told[2:]},
    ]
    cuts = {"a.bin": content[:700], "sub/b.bin": content[700:896], "c.bin": content[896:900], "empty.bin": b""}
    path = by_hand.write_parts(tmp_path, data, {**cuts, "d.bin": content[900:]})
    found = reader.values(reader.read(path))
    for name, value in by_hand.floats().items():
        np.testing.assert_array_equal(found[name], value)


@pytest.mark.parametrize(
    ("stored", "dtype", "quantization", "values"),
    [
        (
            np.array([0, 255], "u1"),
            "float32",
            {"dtype": "uint8", "scale": 0.1, "min": -12.8},
            [-12.8, 0.1 * 255 - 12.8],
        ),
        (np.array([1, 65535], "<u2"), "float32", {"dtype": "uint16", "scale": 3, "min": 1}, [4, 196606]),
        (np.array([1.5, -2], "<f2"), "float32", {"dtype": "float16", "original_dtype": "float32"}, [1.5, -2]),
        # JavaScript rounds halves up
        (np.array([1, 3, 4], "u1"), "int32", {"dtype": "uint8", "scale": 0.5, "min": -2}, [-1, 0, 0]),
        (np.array([0, 1, 7], "u1"), "bool", {}, [False, True, True]),
        (np.array([1 + 2j], "<c8"), "complex64", {}, [1 + 2j]),
        (np.zeros((0, 4), "<f4"), "float32", {}, np.zeros((0, 4))),
        (np.array(2.5, "<f4"), "float32", {}, 2.5),
    ],
)
def test_every_type_is_what_the_loader_makes_of_it(
    tmp_path: Path, stored: Any, dtype: str, quantization: dict[str, Any], values: Any
) -> None:
    topology = {"node": [by_hand.constant("x")], "versions": {}}
    path = by_hand.write(tmp_path, [by_hand.entry("x", stored, dtype, quantization)], modelTopology=topology)
    found = reader.values(reader.read(path))["x"]
    assert found.dtype == dtype
    np.testing.assert_array_equal(found, np.array(values, dtype))


def test_texts_are_read_and_kept_as_bytes(tmp_path: Path) -> None:
    told = {"name": "x", "shape": [3], "dtype": "string"}
    content = b"\x02\0\0\0ab" + b"\0\0\0\0" + b"\x03\0\0\0\xff\xfec"
    topology = {"node": [by_hand.constant("x"), by_hand.constant("y")], "versions": {}}
    weights = [(told, content), by_hand.entry("y", np.array([7], "<i4"), "int32")]
    found = reader.values(reader.read(by_hand.write(tmp_path, weights, modelTopology=topology)))
    assert found["x"].tolist() == [b"ab", b"", b"\xff\xfec"]
    assert found["y"].tolist() == [7]


def test_constants_of_functions_and_of_the_initializer_have_weights_too(tmp_path: Path) -> None:
    body = [by_hand.constant("f/one"), by_hand.node("add", "AddV2", "x", "f/one:output:0")]
    topology = by_hand.topology() | {"library": {"function": [{"nodeDef": body}, {"signature": {"name": "empty"}}]}}
    initializer = {"node": [by_hand.constant("keys")], "versions": {}}
    more = [by_hand.real(name, np.ones(1, "<f4")) for name in ("f/one", "keys")]
    path = by_hand.write(tmp_path, by_hand.entries() + more, modelTopology=topology, modelInitializer=initializer)
    assert reader.read(path).others == {"modelInitializer": initializer}


def test_a_signature_among_the_metadata_counts(tmp_path: Path) -> None:
    path = by_hand.write(tmp_path, signature=None, userDefinedMetadata={"signature": by_hand.signature()})
    assert reader.read(path).signature == by_hand.signature()


def changed(change: Callable[[dict[str, Any]], Any]) -> tuple[Any, bytes]:
    """The whole model after a change; what the change returns stands in its place."""
    data, content = by_hand.model(by_hand.entries())
    return change(data) or data, content


def with_weight(**fields: Any) -> tuple[Any, bytes]:
    return changed(lambda data: data["weightsManifest"][0]["weights"][0].update(fields))


def with_paths(*paths: Any) -> tuple[Any, bytes]:
    return changed(lambda data: data["weightsManifest"][0].update(paths=[*paths]))


def with_nodes(*nodes: Any) -> tuple[Any, bytes]:
    return changed(lambda data: data["modelTopology"]["node"].extend(nodes))


BAD = {
    "layers": (changed(lambda d: d.update(format="layers-model")), "a Layers model of TensorFlow.js"),
    "layers of old": (changed(lambda d: {"modelTopology": {"model_config": {}}}), "a Layers model of TensorFlow.js"),
    "layers saved": (changed(lambda d: {"modelTopology": {"class_name": "Model"}}), "a Layers model of TensorFlow.js"),
    "other JSON": (changed(lambda d: {"images": []}), "it has no modelTopology"),
    "list": (changed(lambda d: [1]), "it has no modelTopology"),
    "cut": (changed(lambda d: json.dumps(d)[:900]), "is not valid JSON"),
    "no JSON": (changed(lambda d: "model:\n"), "is not valid JSON"),
    "deep": (changed(lambda d: "[" * 100_000), "is not valid JSON"),
    "NaN in JSON": (with_weight(quantization=UINT8 | {"scale": float("nan")}), "NaN is no number in JSON"),
    "empty": (changed(lambda d: " "), "is not valid JSON"),
    "web page": (changed(lambda d: "<!DOCTYPE html><html>"), "a web page"),
    "topology": (changed(lambda d: d.update(modelTopology=[])), "modelTopology: expected an object"),
    "no nodes": (changed(lambda d: d["modelTopology"].pop("node") and None), "modelTopology.node: expected a list"),
    "no versions": (
        changed(lambda d: d["modelTopology"].pop("versions") and None),
        "modelTopology.versions: expected an object, got None",
    ),
    "node": (with_nodes(7), r"modelTopology.node\[8\]: expected an object, got 7"),
    "no op": (with_nodes({"name": "x"}), r"node\[8\].op: expected a text"),
    "inputs": (with_nodes({"name": "x", "op": "Relu", "input": "conv"}), "input: expected a list"),
    "attributes": (with_nodes({"name": "x", "op": "Relu", "attr": []}), "attr: expected an object"),
    "nowhere": (with_nodes(by_hand.node("x", "Relu", "y:1")), "'x' takes 'y:1', which no node produces"),
    "names": (with_nodes(by_hand.node("conv", "Relu")), "two nodes are called 'conv'"),
    "library": (changed(lambda d: d["modelTopology"].update(library=[])), "library: expected an object"),
    "function": (changed(lambda d: d["modelTopology"].update(library={"function": [1]})), "expected an object, got 1"),
    "body": (
        changed(lambda d: d["modelTopology"].update(library={"function": [{"nodeDef": {}}]})),
        r"function\[0\].nodeDef: expected a list",
    ),
    "initializer": (changed(lambda d: d.update(modelInitializer=1)), "modelInitializer: expected an object"),
    "signature": (changed(lambda d: d.update(signature=[1])), "signature: expected an object"),
    "metadata": (changed(lambda d: d.update(userDefinedMetadata="x")), "userDefinedMetadata: expected an object"),
    "manifest": (changed(lambda d: d.update(weightsManifest={})), "weightsManifest: expected a list"),
    "group": (changed(lambda d: d.update(weightsManifest=[1])), r"weightsManifest\[0\]: expected an object"),
    "paths": (changed(lambda d: d["weightsManifest"][0].pop("paths") and None), "paths: expected a list"),
    "up": (with_paths("../a.bin"), "relative, inside its folder, got '../a.bin'"),
    "inner up": (with_paths("a/../../b.bin"), "relative, inside its folder"),
    "absolute": (with_paths("/etc/passwd"), "relative, inside its folder"),
    "backslash": (with_paths("..\\a.bin"), "relative, inside its folder"),
    "address": (with_paths("https://example.org/a.bin"), "relative, inside its folder"),
    "number": (with_paths(3), "paths: expected a text, got 3"),
    "no name": (with_weight(name=""), "name: expected a text"),
    "shape": (with_weight(shape="8"), "'conv/weights': shape: expected a list"),
    "real shape": (with_weight(shape=[1.0]), "shape: expected an integer, got 1.0"),
    "yes": (with_weight(shape=[True]), "shape: expected an integer, got True"),
    "negative": (with_weight(shape=[-1, 8]), r"shape: expected sizes from 0 up, got \[-1, 8\]"),
    "huge": (with_weight(shape=[2**20, 2**20]), "shape: expected at most 2147483647 bytes"),
    "beyond": (with_weight(shape=[2**70]), "shape: expected an integer"),
    "many axes": (with_weight(shape=[1] * 99), "shape: expected at most 32 dimensions, got 99"),
    "dtype": (with_weight(dtype="float64"), "dtype: expected one of float32, int32, bool, complex64, string"),
    "no dtype": (with_weight(dtype=None), "dtype: expected a text, got None"),
    "quantization": (with_weight(quantization=[1]), "quantization: expected an object"),
    "quantised type": (with_weight(quantization={"dtype": "int8"}), "expected uint8, uint16 or float16, got 'int8'"),
    "no scale": (with_weight(quantization={"dtype": "uint8", "min": 0}), "scale: expected a finite number, got None"),
    "infinite": (with_weight(quantization=UINT8 | {"min": 10**400}), "min: expected a finite number, got a value"),
    "endless": (
        changed(lambda d: json.dumps(d).replace('"dtype": "float32"', ENDLESS, 1)),
        "min: expected a finite number, got a value of type float",
    ),
    "half integers": (with_weight(dtype="int32", quantization={"dtype": "float16"}), "expected float32, got 'int32'"),
    "uint8 bools": (with_weight(dtype="bool", quantization=UINT8), "expected float32 or int32, got 'bool'"),
    "twice": (changed(lambda d: d.update(weightsManifest=d["weightsManifest"] * 2)), "lists twice: conv/weights, conv"),
    "no weight": (with_nodes(by_hand.constant("alone")), "no weights for the constants alone"),
    "no constant": (with_weight(name="alone"), "no weights for the constants conv/weights"),
    "idle": (changed(lambda d: d["modelTopology"].update(node=[])), "no constants for the weights conv/weights, conv"),
}


@pytest.mark.parametrize(("parts", "message"), BAD.values(), ids=BAD.keys())
def test_what_is_no_sound_graph_model_is_said(tmp_path: Path, parts: tuple[Any, bytes], message: str) -> None:
    path = by_hand.write_parts(tmp_path, parts[0], {"group1-shard1of1.bin": parts[1]})
    with pytest.raises(SourceError, match=message) as caught:
        reader.read(path)
    assert str(path) in caught.value.what
    assert len(str(caught.value)) < 1000


def cut(content: bytes) -> dict[str, bytes]:
    """Three shards, the middle one too short."""
    return {"a.bin": content[:400], "b.bin": content[400:790], "c.bin": content[800:]}


@pytest.mark.parametrize(
    ("shards", "message"),
    [
        ({}, "a.bin, b.bin, c.bin are missing, of 3 shards"),
        ({"a.bin": b"", "c.bin": b""}, "b.bin is missing, of 3 shards"),
        (cut, r"the shards hold 1182 bytes, the weights need 1192 \(b.bin is shorter than the others\)"),
        (lambda content: {"a.bin": content[:-1], "b.bin": b"", "c.bin": b""}, "hold 1191 bytes, the weights need 1192"),
        (lambda content: {"a.bin": content, "b.bin": b"x", "c.bin": b""}, "hold 1193 bytes, the weights need 1192"),
    ],
)
def test_shards_that_do_not_fit_are_named(tmp_path: Path, shards: Any, message: str) -> None:
    data, content = by_hand.model(by_hand.entries())
    data["weightsManifest"][0]["paths"] = ["a.bin", "b.bin", "c.bin"]
    path = by_hand.write_parts(tmp_path, data, shards(content) if callable(shards) else shards)
    with pytest.raises(SourceError, match=message):
        reader.read(path)
    assert reader.describe(path).weights


def test_texts_that_reach_beyond_the_shards_are_too_few_bytes(tmp_path: Path) -> None:
    topology = {"node": [by_hand.constant("x")], "versions": {}}
    for count, content in ((1, b"\x09\0\0\0ab"), (2, b"\0\0\0\0"), (10**8, b"\0\0\0\0" * 3)):
        weights = [({"name": "x", "shape": [count], "dtype": "string"}, content)]
        with pytest.raises(SourceError, match="the weights need"):
            reader.read(by_hand.write(tmp_path, weights, modelTopology=topology))


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_nan_is_said_where_it_is(tmp_path: Path, dtype: str) -> None:
    values = by_hand.floats()
    values[DEPTHWISE][1, 2, 3, 0] = values[DEPTHWISE][2, 2, 7, 0] = np.nan
    weights = by_hand.entries(values)
    if dtype == "float16":
        weights[2] = by_hand.entry(DEPTHWISE, values[DEPTHWISE].astype("<f2"), "float32", {"dtype": "float16"})
    model = reader.read(by_hand.write(tmp_path, weights))
    with pytest.raises(
        SourceError, match=r"'depthwise/weights' holds NaN, 2 of 72 values, the first at \[1, 2, 3, 0\]"
    ):
        reader.values(model)


def test_one_weight_at_a_time_is_in_memory(tmp_path: Path) -> None:
    count, each = 24, 2**20
    topology = {"node": [by_hand.constant(f"w{index}") for index in range(count)], "versions": {}}
    weights = [by_hand.real(f"w{index}", np.full(each // 4, index, "<f4")) for index in range(count)]
    model = reader.read(by_hand.write(tmp_path, weights, modelTopology=topology))
    del weights
    tracemalloc.start()
    total = sum(float(one.data[0]) for one in reader.stored(model))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert total == sum(range(count))
    assert peak < 6 * each


def test_files_that_are_not_there_or_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="There is no file"):
        reader.read(tmp_path / "model.json")
    path = by_hand.write(tmp_path)
    monkeypatch.setattr(reader, "MAX_BYTES", 100)
    with pytest.raises(StorageError, match="More than the 100"):
        reader.read(path)


def test_a_shard_that_shrinks_while_it_is_read_is_an_error(tmp_path: Path) -> None:
    model = reader.read(by_hand.write(tmp_path))
    (tmp_path / "group1-shard1of1.bin").write_bytes(b"short")
    with pytest.raises(SourceError, match="The shards end within the weight 'conv/weights'"):
        reader.values(model)


def test_a_folder_means_the_model_in_it_unless_it_is_the_cut_source(tmp_path: Path) -> None:
    path = by_hand.write(tmp_path / "web")
    assert (tfjs.find(path), tfjs.find(path.parent), tfjs.find(tmp_path)) == (path, path, None)
    assert tfjs.find(tmp_path / "other.JSON") == tmp_path / "other.JSON"
    assert tfjs.find(tmp_path / "graph.pb") is None
    (path.parent / "SHA256SUMS").write_text("")
    assert tfjs.find(path.parent) is None


def test_damaged_files_end_in_a_sentence_or_are_read(tmp_path: Path) -> None:
    data, content = by_hand.model(by_hand.entries())
    text = json.dumps(data).encode()
    outcomes = set()
    for seed in range(250):
        (tmp_path / "model.json").write_bytes(mutate(text, seed))
        (tmp_path / "group1-shard1of1.bin").write_bytes(content)
        try:
            reader.values(reader.read(tmp_path / "model.json"))
            outcomes.add("read")
        except EdgekitError as error:
            outcomes.add(type(error).__name__)
    assert outcomes == {"read", "SourceError"}


OTHERS = (None, True, -1, 0, 1.5, 1e308, 2**63, 10**400, "", "x", "../x", [], {}, [[]], {"a": 1}, [1], ["x"], [None])


def places(data: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to every part of JSON data."""
    for key in data if isinstance(data, dict) else range(len(data)) if isinstance(data, list) else ():
        yield (*place, key)
        yield from places(data[key], (*place, key))


def test_models_that_say_something_else_end_in_a_sentence_or_are_read(tmp_path: Path) -> None:
    sound, content = by_hand.model(by_hand.entries())
    sound["weightsManifest"][0]["weights"][0]["quantization"] = UINT8
    content = content[:216] + content[4 * 216 :]
    everywhere = list(places(sound))
    outcomes = set()
    for seed in range(250):
        random = np.random.default_rng(seed)
        data = json.loads(json.dumps(sound))
        *way, last = everywhere[int(random.integers(len(everywhere)))]
        part = data
        for key in way:
            part = part[key]
        if random.random() < 0.2:
            del part[last]
        else:
            part[last] = OTHERS[int(random.integers(len(OTHERS)))]
        path = by_hand.write_parts(tmp_path, data, {"group1-shard1of1.bin": content})
        try:
            reader.values(reader.read(path))
            outcomes.add("read")
        except EdgekitError as error:
            outcomes.add(type(error).__name__)
    assert outcomes == {"read", "SourceError"}


def test_truncation_anywhere_is_an_error(tmp_path: Path) -> None:
    path = by_hand.write(tmp_path)
    text = path.read_bytes()
    for length in np.linspace(0, len(text) - 1, 60, dtype=int):
        path.write_bytes(text[:length])
        with pytest.raises(SourceError):
            reader.read(path)
