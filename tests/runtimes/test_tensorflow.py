"""The worker's own jobs, with real TensorFlow: treatments, the reference session, the converter."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgekit.errors import ConversionError, UsageError
from edgekit.formats.graphdef.proto import Shape, make_constant, make_graph, make_node, write
from edgekit.formats.tflite import read
from edgekit.runtimes.tensorflow import Worker, tensorflow_worker
from edgekit.runtimes.tensorflow.frozen import FrozenGraph, read_graph, to_tflite
from edgekit.runtimes.tensorflow.session import TensorflowSession, _prepared
from edgekit.runtimes.tensorflow.treat import nudge

from ..handmade import contrib_graph, picture

pytestmark = pytest.mark.slow

FLOAT = np.dtype("float32")
HEADS = ("raw_outputs/box_encodings", "raw_outputs/class_predictions")
FAKE_QUANT = "FakeQuantWithMinMaxVars"


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    with tensorflow_worker() as running:
        yield running


def one_quant(low: float, high: float, before: str = "Identity", op: str = FAKE_QUANT) -> bytes:
    """A placeholder [1, 1001], an op, and a fake-quant of the activation."""
    nodes = [
        make_node("image", "Placeholder", dtype=FLOAT, shape=Shape((1, 1001))),
        make_node("before", before, ["image"], T=FLOAT),
    ]
    if op == "FakeQuantWithMinMaxArgs":
        nodes.append(make_node("out", op, ["before"], min=low, max=high, num_bits=8, narrow_range=False))
    else:
        nodes += [make_constant("low", np.array(low, np.float32)), make_constant("high", np.array(high, np.float32))]
        nodes.append(make_node("out", op, ["before", "low", "high"], num_bits=8, narrow_range=False))
    return write(make_graph(nodes))


def run(worker: Worker, graph: FrozenGraph, inputs: Any) -> Any:
    session = TensorflowSession(worker, graph)
    session.feed({graph.input: inputs})
    session.invoke()
    return session.read()


def ops(graph: FrozenGraph) -> list[str]:
    """Ops of a treated graph. A job."""
    return sorted(node.op for node in read_graph(graph).node)


RAMP = np.linspace(-20, 20, 1001, dtype=np.float32)


@pytest.mark.parametrize("op", [FAKE_QUANT, "FakeQuantWithMinMaxArgs"])
@pytest.mark.parametrize(
    ("low", "high", "before", "added"),
    [
        (0.0, 6.0, "Identity", {"Relu6"}),
        (0.0, 6.0, "Relu6", {"Identity"}),
        (0.0, 4.7, "Relu6", {"Minimum"}),
        (0.0, 9.0, "Identity", {"Relu", "Minimum"}),
        (-3.3, 8.1, "Identity", {"Maximum", "Minimum"}),
        (-3.3, 8.1, "Relu6", {"Identity"}),
        (0.01, 5.0, "Identity", {"Relu", "Minimum"}),
    ],
)
def test_a_clip_is_the_fake_quant_without_its_rounding(
    worker: Worker, tmp_path: Path, low: float, high: float, before: str, added: set[str], op: str
) -> None:
    path = tmp_path / "graph.pb"
    path.write_bytes(one_quant(low, high, before, op))
    common = {"path": path, "input": "image", "shape": (1, 1001), "outputs": ("out",)}
    clip = FrozenGraph(**common, treatment="clip")
    simulated, clipped = (run(worker, g, RAMP[None])["out"][0] for g in (FrozenGraph(**common), clip))
    step = (high - min(low, 0)) / 255
    assert np.abs(simulated - clipped).max() <= step * 0.501
    if added != {"Identity"}:  # else the op before has the narrower range, and its ends lie off the grid
        np.testing.assert_allclose((clipped.min(), clipped.max()), (simulated.min(), simulated.max()), atol=1e-5)
    assert set(worker.run(ops, clip)) - {"Const", "Placeholder"} == {before} | added


def quantised_and_dequantised(op: str) -> bytes:
    """A MatMul whose weights and result pass an op of the second family of fake-quants."""
    grid: dict[str, Any] = {"T": FLOAT, "signed_input": True, "range_given": True}
    grid |= {} if op.endswith("V3") else {"num_bits": 8}
    bits = ["bits"] if op.endswith("V3") else []
    nodes = [
        make_node("image", "Placeholder", dtype=FLOAT, shape=Shape((1, 1001))),
        make_constant("raw", np.eye(1001, dtype=np.float32)),
        make_constant("low", np.float32(-1)),
        make_constant("high", np.float32(1)),
        make_constant("bits", np.int32(8)),
        make_node("weights", op, ["raw", "low", "high", *bits], **grid),
        make_node("product", "MatMul", ["image", "weights"], T=FLOAT),
        make_node("out", op, ["product", "low", "high", *bits], **grid),
    ]
    return write(make_graph(nodes))


@pytest.mark.parametrize(("op", "name"), [("QuantizeAndDequantizeV2", "out"), ("QuantizeAndDequantizeV3", "weights")])
def test_a_rounding_that_cannot_be_taken_out_is_refused(worker: Worker, tmp_path: Path, op: str, name: str) -> None:
    path = tmp_path / "graph.pb"
    path.write_bytes(quantised_and_dequantised(op))
    graph = FrozenGraph(path=path, input="image", shape=(1, 1001), outputs=("out",), treatment="clip")
    with pytest.raises(ConversionError, match=f"{name} cannot be taken out: it is a {op}"):
        worker.run(ops, graph)


def test_weights_of_the_second_family_are_evaluated(worker: Worker, tmp_path: Path) -> None:
    path = tmp_path / "graph.pb"
    path.write_bytes(quantised_and_dequantised("QuantizeAndDequantizeV2"))
    graph = FrozenGraph(path=path, input="image", shape=(1, 1001), outputs=("product",), treatment="clip")
    assert worker.run(ops, graph) == ["Const", "MatMul", "Placeholder"]


def test_nudged_range_is_what_the_kernel_clips_to(worker: Worker, tmp_path: Path) -> None:
    random = np.random.default_rng(5)
    for case in range(12):
        low, high = -float(random.uniform(0, 9)), float(random.uniform(0.5, 9))
        path = tmp_path / f"{case}.pb"
        path.write_bytes(one_quant(low, high))
        graph = FrozenGraph(path=path, input="image", shape=(1, 1001), outputs=("out",))
        out = run(worker, graph, RAMP[None])["out"]
        np.testing.assert_allclose((out.min(), out.max()), nudge(low, high, bits=8, narrow=False), rtol=1e-6)


@pytest.fixture(scope="module")
def handmade(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("handmade") / "tflite_graph.pb"
    path.write_bytes(contrib_graph())
    return path


def handmade_graph(path: Path, **treatment: Any) -> FrozenGraph:
    return FrozenGraph(
        path=path, input="normalized_input_image_tensor", shape=(1, 128, 128, 3), outputs=HEADS, **treatment
    )


def test_clipped_weights_are_the_rounded_ones(worker: Worker, handmade: Path) -> None:
    assert "FakeQuantWithMinMaxVars" not in worker.run(ops, handmade_graph(handmade, treatment="clip"))
    assert "FakeQuantWithMinMaxVars" in worker.run(ops, handmade_graph(handmade))


def test_symmetric_weights_lie_on_a_symmetric_grid_near_the_trained_ones(worker: Worker, handmade: Path) -> None:
    trained, symmetric = (worker.run(weights, handmade_graph(handmade, symmetric_weights=s)) for s in (False, True))
    assert trained.keys() == symmetric.keys()
    assert trained
    for name, values in symmetric.items():
        # (height, width, channels, multiplier) of a depthwise weight, (…, in, out) of any other: by output channel
        depthwise = "depthwise" in name
        channels = (-1, values.shape[2] * values.shape[3]) if depthwise else (-1, values.shape[3])
        by_channel, before = values.reshape(channels), trained[name].reshape(channels)
        step = np.abs(before).max(axis=0) / 127
        np.testing.assert_allclose(by_channel / step, np.rint(by_channel / step), atol=1e-3)
        assert (np.abs(by_channel - before) <= 0.501 * step).all()


def weights(graph: FrozenGraph) -> dict[str, Any]:
    """Values of a graph's weight fake-quants. A job."""
    import tensorflow as tf

    definition = read_graph(graph)
    convolutions = [node for node in definition.node if node.op in ("Conv2D", "DepthwiseConv2dNative")]
    names = [node.input[1] for node in convolutions]
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        tf.import_graph_def(definition, name="")
        return dict(zip(names, session.run([f"{name}:0" for name in names]), strict=True))


def test_several_pictures_are_one_job(worker: Worker, handmade: Path) -> None:
    pictures = np.stack([picture(seed, side=128).pixels for seed in range(3)]).astype(np.float32) / 127.5 - 1
    graph = handmade_graph(handmade)
    together = run(worker, graph, pictures)
    for index in range(3):
        alone = run(worker, graph, pictures[index : index + 1])
        for name in HEADS:
            np.testing.assert_array_equal(together[name][index], alone[name][0])


def test_each_treatment_is_imported_once(worker: Worker, handmade: Path) -> None:
    """As many take turns as there are, chunk after chunk of a verification."""
    graphs = [
        handmade_graph(handmade, treatment=treatment, symmetric_weights=symmetric)
        for treatment in ("simulate", "clip")
        for symmetric in (False, True)
    ]
    chunk = picture(0, side=128).pixels[None].astype(np.float32) / 127.5 - 1
    for graph in graphs:
        run(worker, graph, chunk)
    before = worker.run(imports)
    for graph in graphs:
        run(worker, graph, chunk)
    assert worker.run(imports) == before


def imports() -> int:
    """How many graphs were imported so far. A job."""
    return _prepared.cache_info().misses


def test_an_unknown_input_says_which_there_is(worker: Worker, handmade: Path) -> None:
    with pytest.raises(UsageError, match="It has: normalized_input_image_tensor"):
        TensorflowSession(worker, handmade_graph(handmade)).feed({"image": RAMP})


@pytest.mark.parametrize("dtype", ["uint8", "int8"])
def test_the_converter_keeps_the_fake_quants(worker: Worker, handmade: Path, dtype: str) -> None:
    graph = handmade_graph(handmade, symmetric_weights=dtype == "int8")
    zero_point = 128 if dtype == "uint8" else 0
    data = worker.run(
        to_tflite, graph, weights=dtype, activations=dtype, input_scale=1 / 128, input_zero_point=zero_point
    )
    model = read(data)
    tensor = model.subgraphs[0].tensors[model.subgraphs[0].inputs[0]]
    assert tensor.dtype == dtype
    assert tensor.quantisation is not None
    assert (tensor.quantisation.scales, tensor.quantisation.zero_points) == ((1 / 128,), (zero_point,))
    assert {t.dtype for t in model.subgraphs[0].tensors} == {dtype, "int32"}
