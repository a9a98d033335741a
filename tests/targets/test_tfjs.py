"""Graphs become TensorFlow.js models, with real TensorFlow and in a real browser."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from edgekit.browser import Page
from edgekit.errors import ConversionError, MissingToolError, UsageError
from edgekit.formats import model as model_file
from edgekit.formats.graphdef import proto
from edgekit.formats.graphdef.graph import Graph
from edgekit.formats.model import MODEL
from edgekit.formats.tfjs import reader
from edgekit.runtimes.tensorflow import Worker, tensorflow_worker
from edgekit.runtimes.tensorflow.frozen import FrozenGraph
from edgekit.runtimes.tensorflow.session import TensorflowSession
from edgekit.runtimes.tensorflow.treat import freeze_weights
from edgekit.runtimes.tfjs import TfjsSession, tfjs_page
from edgekit.stories.convert import convert
from edgekit.targets.tfjs import acceptance
from edgekit.targets.tfjs.passes import Order, run
from edgekit.values.artifact import Artifact
from edgekit.values.model import Model

from ..handmade import contrib_graph
from .tfjs import graphs

pytestmark = pytest.mark.slow

BACKENDS = ("wasm", "webgl")
HEADS = ("boxes", "scores")
NAMES = (
    ("normalized_input_image_tensor", "image"),
    ("raw_outputs/box_encodings", "boxes"),
    ("raw_outputs/class_predictions", "scores"),
)
Tensors = dict[str, NDArray[Any]]


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    with tfjs_page() as opened:
        yield opened


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    with tensorflow_worker() as running:
        yield running


@pytest.fixture(scope="module")
def classifier(worker: Worker, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, NDArray[np.float32]]:
    """A graph that Keras made and TensorFlow froze, and what Keras says of the noise."""
    path = tmp_path_factory.mktemp("keras") / "classifier.pb"
    return path, worker.run(graphs.keras_classifier, path)


def answers(folder: Path, page: Page, backend: str, picture: NDArray[np.float32]) -> Tensors:
    session = TfjsSession(folder, page, backend=backend)
    session.feed({"image": picture})
    session.invoke()
    return session.read()


def source_answers(model: Model, worker: Worker, treatment: str, picture: NDArray[np.float32]) -> Tensors:
    head: Any = model.spec.head
    frozen = FrozenGraph(
        path=model.path,
        input=model.spec.input.name,
        shape=picture.shape,
        outputs=(head.boxes, head.scores),
        treatment=treatment,
    )
    session = TensorflowSession(worker, frozen)
    session.feed({model.spec.input.name: picture})
    session.invoke()
    return dict(zip(HEADS, session.read().values(), strict=True))


def apart(found: Tensors, expected: Tensors) -> float:
    """Largest difference as a fraction of the tensor's range."""
    return max(float(np.abs(found[name] - expected[name]).max() / np.ptp(expected[name])) for name in expected)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("recipe", ["tfjs-f32", "tfjs-uint8"])
def test_heads_are_those_of_the_source_clipped_alike(
    converted: dict[str, Artifact], page: Page, worker: Worker, recipe: str, backend: str
) -> None:
    artifact = converted[recipe]
    picture = acceptance.noise(artifact.spec.input)
    expected = source_answers(model_file.read(artifact.root.parent / MODEL), worker, "clip", picture)
    assert apart(answers(artifact.root, page, backend, picture), expected) <= 1e-4


def test_shards_hold_the_very_integers_of_the_fake_quants(converted: dict[str, Artifact], worker: Worker) -> None:
    model = reader.read(converted["tfjs-uint8"].path)
    integers = [weight.name for weight in model.weights if weight.stored == "uint8"]
    values, frozen = reader.values(model), worker.run(weights_of, contrib_graph(0))
    assert sorted(integers) == sorted(frozen)
    for name in integers:
        assert np.array_equal(values[name], frozen[name]), name


def weights_of(data: bytes) -> Tensors:
    """Every weight as its fake-quant makes it. A job."""
    frozen = freeze_weights(Graph.of(proto.read(data)))
    return {name: proto.constant(frozen.graph.nodes[name]) for name in frozen.grids}


def test_layers_are_fused_and_no_fake_quant_is_left(converted: dict[str, Artifact]) -> None:
    ops = {node["op"] for node in reader.read(converted["tfjs-f32"].path).topology["node"]}
    assert ops >= {"_FusedConv2D", "FusedDepthwiseConv2dNative"}
    assert not any("FakeQuant" in op or op in ("Conv2D", "DepthwiseConv2dNative", "BiasAdd", "Mul") for op in ops)


@pytest.mark.parametrize("damage", ["fused_ops", "shards"])
def test_a_folder_that_answers_wrongly_is_found_out(
    converted: dict[str, Artifact], page: Page, worker: Worker, tmp_path: Path, damage: str
) -> None:
    """TensorFlow.js raises nothing for either: only the numbers tell."""
    artifact = converted["tfjs-f32"]
    folder = shutil.copytree(artifact.root, tmp_path / "copy")
    stored = list(reader.stored(reader.read(artifact.path)))
    if damage == "fused_ops":
        model = json.loads(artifact.path.read_bytes())
        node = next(node for node in model["modelTopology"]["node"] if node["op"] == "_FusedConv2D")
        del node["attr"]["fused_ops"]
        (folder / artifact.path.name).write_text(json.dumps(model))
    else:
        large = next(place for place, one in enumerate(stored) if one.data.size > 100)
        start = sum(one.data.nbytes for one in stored[:large])
        shard = next(folder.glob("*.bin"))
        data = bytearray(shard.read_bytes())
        data[start : start + 400] = bytes(400)
        shard.write_bytes(data)
    graph = worker.run(run, Order(path=artifact.root.parent / MODEL / "graph.pb", names=NAMES))
    plain = Graph.of(proto.read(graph.graph))
    acceptance.try_out(artifact.root, plain, stored, artifact.spec, "tfjs-f32", worker, page, rounded=False)
    with pytest.raises(ConversionError, match=r"tfjs-f32, wasm: .* is off by"):
        acceptance.try_out(folder, plain, stored, artifact.spec, "tfjs-f32", worker, page, rounded=False)


def test_rounding_can_be_kept(converted: dict[str, Artifact], page: Page, worker: Worker, tmp_path: Path) -> None:
    """The answers come nearer to the phone's: to those of the source with its rounding."""
    model = model_file.read(converted["tfjs-uint8"].root.parent / MODEL)
    (rounded,) = convert(model, to="tfjs-uint8", out=tmp_path / "out", emulate_activations=True)
    assert rounded.emulated
    picture = acceptance.noise(model.spec.input)
    expected = source_answers(model, worker, "simulate", picture)
    found = [spread(answers(one.root, page, "wasm", picture), expected) for one in (rounded, converted["tfjs-uint8"])]
    assert found[0] < found[1] / 2


def spread(found: Tensors, expected: Tensors) -> float:
    return sum(float(np.sqrt(((found[name] - expected[name]) ** 2).mean()) / np.ptp(expected[name])) for name in HEADS)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(("recipe", "limit"), [("tfjs-f32", 1e-5), ("tfjs-f16", 1e-3), ("tfjs-uint16", 1e-4)])
def test_a_graph_that_keras_made(
    classifier: tuple[Path, NDArray[np.float32]], page: Page, tmp_path: Path, recipe: str, limit: float, backend: str
) -> None:
    path, scores = classifier
    (artifact,) = convert(path, to=recipe, out=tmp_path / "out", mean=127.5, std=127.5)
    ops = {node["op"] for node in reader.read(artifact.path).topology["node"]}
    assert ops >= {"_FusedConv2D", "FusedDepthwiseConv2dNative", "_FusedMatMul"}
    assert not ops & {"Mul", "AddV2", "BiasAdd", "Relu6", "MatMul"}
    found = answers(artifact.root, page, backend, graphs.noise())
    assert list(found) == ["scores"]
    np.testing.assert_allclose(found["scores"], scores, rtol=0, atol=limit)


def test_options_of_the_shards(classifier: tuple[Path, Any], tmp_path: Path) -> None:
    path, _ = classifier
    (artifact,) = convert(
        path,
        to="tfjs-uint16",
        out=tmp_path / "out",
        mean=0,
        std=255,
        shard_size=1000,
        hashed_shards=True,
        quantise=["*=none"],
    )
    shards = [file for file in artifact.files if file.role == "shard"]
    assert len(shards) > 3
    assert all(file.bytes == 1000 for file in shards[:-1])
    assert all(file.sha256[:16] in file.path for file in shards)
    assert {weight.stored for weight in reader.read(artifact.path).weights} == {"float32", "int32"}
    (again,) = convert(path, to="tfjs-uint16", out=tmp_path / "out", mean=0, std=255)
    names = {file.path for file in again.files} | {"manifest.json"}
    assert {entry.name for entry in again.root.iterdir()} == names


def test_an_op_without_a_kernel_is_named(worker: Worker, page: Page, tmp_path: Path) -> None:
    path = tmp_path / "odd.pb"
    worker.run(graphs.with_op, path, "Betainc")
    with pytest.raises(ConversionError, match=r"(?s)no kernels for these ops.*Betainc: not on cpu, wasm"):
        convert(path, to="tfjs-f32", out=tmp_path / "out", mean=0, std=1)
    assert not (tmp_path / "out" / "tfjs-f32").exists()


def test_without_fake_quants_there_is_no_rounding_to_keep(classifier: tuple[Path, Any], tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no fake-quants whose rounding"):
        convert(classifier[0], to="tfjs-f32", out=tmp_path / "out", mean=0, std=1, emulate_activations=True)


def test_without_a_browser_nothing_is_written(
    classifier: tuple[Path, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EDGEKIT_CHROMIUM", str(tmp_path / "none"))
    with pytest.raises(MissingToolError, match="There is no browser"):
        convert(classifier[0], to="tfjs-f32", out=tmp_path / "out", mean=0, std=1)
    assert not (tmp_path / "out" / "tfjs-f32").exists()
