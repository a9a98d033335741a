"""TensorFlow.js in a real browser: small graph models by hand against numpy, and what goes wrong."""

import base64
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from edgekit.browser import Page
from edgekit.errors import ConversionError, MissingToolError, SourceError, UsageError
from edgekit.formats.tfjs.ops import missing
from edgekit.runtimes import tfjs
from edgekit.runtimes.tfjs import TfjsSession, tfjs_page

from ..formats.tfjs_models import Entry, constant, entry, node, write

Array = NDArray[Any]
FLOAT = {"type": "DT_FLOAT"}
SIDE = 7
IMAGE = np.random.default_rng(1).normal(size=(1, SIDE, SIDE, 3)).astype(np.float32) * 4
KERNEL = np.random.default_rng(2).normal(size=(3, 3, 3, 5)).astype(np.float32)
DEPTHWISE = np.random.default_rng(3).normal(size=(3, 3, 3, 2)).astype(np.float32)
BIAS = np.random.default_rng(4).normal(size=5).astype(np.float32)
COLUMNS = np.random.default_rng(5).normal(size=(3, 5)).astype(np.float32)
SAME = {
    "padding": {"s": base64.b64encode(b"SAME").decode()},
    "data_format": {"s": base64.b64encode(b"NHWC").decode()},
    "dilations": {"list": {"i": ["1", "1", "1", "1"]}},
    "T": FLOAT,
}


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    with tfjs_page() as opened:
        yield opened


def strides(step: int) -> dict[str, Any]:
    return {"strides": {"list": {"i": ["1", str(step), str(step), "1"]}}}


def fused(*ops: str) -> dict[str, Any]:
    names = [base64.b64encode(op.encode()).decode() for op in ops]
    return {"fused_ops": {"list": {"s": names}}, "num_args": {"i": str(int("BiasAdd" in ops))}}


def placeholder(name: str, dtype: str, *shape: int) -> dict[str, Any]:
    dims = {"dim": [{"size": str(size)} for size in shape]}
    return node(name, "Placeholder", dtype={"type": dtype}, shape={"shape": dims})


def image(*shape: int) -> dict[str, Any]:
    return placeholder("image", "DT_FLOAT", *(shape or IMAGE.shape))


def weight(name: str, array: Array) -> tuple[dict[str, Any], Entry]:
    """A constant and its values."""
    told = {"float32": "DT_FLOAT", "int32": "DT_INT32"}[array.dtype.name]
    return constant(name, told, array.shape), entry(name, array, array.dtype.name)


def save(
    folder: Path, nodes: list[Any], outputs: Mapping[str, str] | None = None, inputs: Mapping[str, str] | None = None
) -> Path:
    """The folder of a model. nodes: with the values of constants among them. outputs, inputs: key → node."""
    graph = [one[0] if isinstance(one, tuple) else one for one in nodes]
    weights = [one[1] for one in nodes if isinstance(one, tuple)]
    ports = {
        side: {key: {"name": f"{name}:0"} for key, name in (named or {}).items()}
        for side, named in (("inputs", inputs or {"image": "image"}), ("outputs", outputs))
    }
    topology = {"node": graph, "library": {}, "versions": {"producer": 134}}
    return write(folder, weights, modelTopology=topology, signature=ports if outputs else None).parent


def answer(folder: Path, page: Page, backend: str, inputs: Mapping[str, Array] | None = None) -> dict[str, Array]:
    session = TfjsSession(folder, page, backend=backend)
    session.feed({"image": IMAGE} if inputs is None else inputs)
    session.invoke()
    return session.read()


def windows(side: int, step: int) -> Iterator[tuple[int, int, Array]]:
    """3 × 3 pieces of IMAGE as SAME padding has them: row and column of the result, the piece."""
    size = -(-side // step)
    padding = max((size - 1) * step + 3 - side, 0)
    padded = np.pad(IMAGE[0], ((padding // 2, padding - padding // 2),) * 2 + ((0, 0),))
    for row in range(size):
        for column in range(size):
            yield row, column, padded[row * step : row * step + 3, column * step : column * step + 3]


def convolved(step: int) -> Array:
    size = -(-SIDE // step)
    result = np.zeros((1, size, size, 5))
    for row, column, piece in windows(SIDE, step):
        result[0, row, column] = np.tensordot(piece, KERNEL, 3)
    return result


def depthwise(step: int) -> Array:
    size = -(-SIDE // step)
    result = np.zeros((1, size, size, 6))
    for row, column, piece in windows(SIDE, step):
        result[0, row, column] = (piece[..., None] * DEPTHWISE).sum((0, 1)).reshape(-1)
    return result


def resized(size: int) -> Array:
    """Bilinear, with half-pixel centres."""
    centres = (np.arange(size) + 0.5) * SIDE / size - 0.5
    shares = np.array([np.interp(centres, range(SIDE), line) for line in np.eye(SIDE)])
    return np.einsum("si,tj,nstc->nijc", shares, shares, IMAGE)


def softmax(values: Array) -> Array:
    powers = np.exp(values - values.max(-1, keepdims=True))
    return np.asarray(powers / powers.sum(-1, keepdims=True))


CASES: dict[str, tuple[list[Any], Callable[[], Array]]] = {
    "convolution": (
        [weight("w", KERNEL), node("out", "Conv2D", "image", "w", **strides(2), **SAME)],
        lambda: convolved(2),
    ),
    "fused convolution": (
        [
            weight("w", KERNEL),
            weight("b", BIAS),
            node("out", "_FusedConv2D", "image", "w", "b", **strides(1), **SAME, **fused("BiasAdd", "Relu6")),
        ],
        lambda: np.clip(convolved(1) + BIAS, 0, 6),
    ),
    "depthwise": (
        [weight("w", DEPTHWISE), node("out", "DepthwiseConv2dNative", "image", "w", **strides(1), **SAME)],
        lambda: depthwise(1),
    ),
    "fused depthwise": (
        [
            weight("w", DEPTHWISE),
            weight("b", np.arange(6, dtype=np.float32)),
            node(
                "out", "FusedDepthwiseConv2dNative", "image", "w", "b", **strides(2), **SAME, **fused("BiasAdd", "Relu")
            ),
        ],
        lambda: np.maximum(depthwise(2) + np.arange(6), 0),
    ),
    "matrices": (
        [
            weight("shape", np.array([-1, 3], np.int32)),
            node("rows", "Reshape", "image", "shape", T=FLOAT),
            weight("w", COLUMNS),
            weight("b", BIAS),
            node("out", "_FusedMatMul", "rows", "w", "b", T=FLOAT, **fused("BiasAdd")),
        ],
        lambda: IMAGE.reshape(-1, 3) @ COLUMNS + BIAS,
    ),
    "clamp": ([node("out", "Relu6", "image", T=FLOAT)], lambda: np.clip(IMAGE, 0, 6)),
    "resize": (
        [
            weight("size", np.array([12, 12], np.int32)),
            node("out", "ResizeBilinear", "image", "size", T=FLOAT, half_pixel_centers={"b": True}),
        ],
        lambda: resized(12),
    ),
    "join": (
        [
            weight("axis", np.int32(3)),
            node("both", "ConcatV2", "image", "image", "axis", N={"i": "2"}, T=FLOAT),
            node("out", "Softmax", "both", T=FLOAT),
        ],
        lambda: softmax(np.concatenate([IMAGE, IMAGE], 3)),
    ),
    "compare": (
        [weight("zero", np.float32(0)), node("out", "Greater", "image", "zero", T=FLOAT)],
        lambda: IMAGE > 0,
    ),
    "index": (
        [weight("axis", np.int32(3)), node("out", "ArgMax", "image", "axis", T=FLOAT)],
        lambda: IMAGE.argmax(3).astype(np.int32),
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("backend", tfjs.BACKENDS)
@pytest.mark.parametrize("case", CASES)
def test_it_computes_what_the_graph_says(tmp_path: Path, page: Page, case: str, backend: str) -> None:
    nodes, expected = CASES[case]
    result = answer(save(tmp_path / "m", [image(), *nodes], {"result": "out"}), page, backend)
    assert list(result) == ["result"]
    wanted = expected()
    assert result["result"].dtype == (np.float32 if wanted.dtype.kind == "f" else wanted.dtype)
    assert result["result"].shape == wanted.shape
    np.testing.assert_allclose(result["result"], wanted, rtol=2e-5, atol=2e-5)


def test_the_table_of_ops_knows_these() -> None:
    assert not missing(one["op"] for nodes, _ in CASES.values() for one in nodes if isinstance(one, dict))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("op", "attributes"),
    [
        ("Einsum", {"N": {"i": "1"}, "equation": {"s": base64.b64encode(b"abcd->dabc").decode()}}),
        ("TFLite_Detection_PostProcess", {}),
    ],
)
@pytest.mark.parametrize("backend", ["wasm", "webgl"])
def test_what_the_table_says_cannot_be_run(
    tmp_path: Path, page: Page, op: str, attributes: dict[str, Any], backend: str
) -> None:
    folder = save(tmp_path / "m", [image(), node("out", op, "image", **attributes)], {"result": "out"})
    if backend not in missing([op])[op]:
        assert answer(folder, page, backend)["result"].shape == (3, 1, SIDE, SIDE)
        return
    with pytest.raises(ConversionError, match=op) as caught:
        answer(folder, page, backend)
    assert caught.value.what == f"The browser cannot run {folder / 'model.json'}."


@pytest.mark.slow
@pytest.mark.parametrize("backend", tfjs.BACKENDS)
def test_integers_and_truths_go_in(tmp_path: Path, page: Page, backend: str) -> None:
    """A uint8 input is one of int32 in TensorFlow.js."""
    nodes = [
        placeholder("count", "DT_UINT8", 1, 4),
        placeholder("truth", "DT_BOOL", 1, 4),
        node("not", "LogicalNot", "truth"),
        node("twice", "AddV2", "count", "count", T={"type": "DT_INT32"}),
    ]
    inputs = {"counts": "count", "truths": "truth"}
    folder = save(tmp_path / "m", nodes, {"no": "not", "two": "twice"}, inputs)
    result = answer(folder, page, backend, {"counts": np.array([[0, 1, 254.6, 255]]), "truths": np.eye(4)[:1]})
    assert result["no"].tolist() == [[False, True, True, True]]
    assert (result["two"].dtype, result["two"].tolist()) == (np.int32, [[0, 2, 510, 510]])


@pytest.mark.slow
def test_without_a_signature_the_nodes_names_count(tmp_path: Path, page: Page) -> None:
    session = TfjsSession(save(tmp_path / "m", [image(-1, SIDE, SIDE, 3), node("out", "Relu", "image")]), page)
    assert (session.shapes, session.outputs) == ({"image": (-1, SIDE, SIDE, 3)}, ("out",))
    two = np.concatenate([IMAGE, -IMAGE])
    session.feed({"image": two})
    session.invoke()
    np.testing.assert_array_equal(session.read()["out"], np.maximum(two, 0))


@pytest.mark.slow
def test_inner_tensors_inputs_and_weights_are_given_and_stay(tmp_path: Path, page: Page) -> None:
    nodes = [image(), weight("w", KERNEL), node("conv", "Conv2D", "image", "w", **strides(1), **SAME)]
    session = TfjsSession(save(tmp_path / "m", [*nodes, node("out", "Relu6", "conv")], {"result": "out"}), page)
    session.feed({"image": IMAGE})
    session.invoke()
    inner = session.read_inner(["conv", "image", "w"])
    np.testing.assert_array_equal(inner["image"], IMAGE)
    np.testing.assert_array_equal(inner["w"], KERNEL)
    session.invoke()
    np.testing.assert_array_equal(session.read()["result"], np.clip(inner["conv"], 0, 6))
    with pytest.raises(ConversionError, match=r"cannot give inner tensors of (?s:.*)nothing"):
        session.read_inner(["nothing"])


@pytest.mark.slow
def test_sessions_of_both_backends_take_turns_and_leave_nothing(tmp_path: Path, page: Page) -> None:
    folder = save(tmp_path / "m", [image(), *CASES["fused convolution"][0]], {"result": "out"})
    first = TfjsSession(folder, page, backend="wasm")
    before = first.memory()
    second = TfjsSession(folder, page, backend="webgl")
    for _ in range(3):
        for session, picture in ((first, IMAGE), (second, -IMAGE)):
            session.feed({"image": picture})
            session.invoke()
    assert not np.allclose(first.read()["result"], second.read()["result"])
    second.feed({"image": IMAGE})
    second.invoke()
    np.testing.assert_allclose(first.read()["result"], second.read()["result"], atol=2e-5)
    assert 0 < first.run_seconds < 60
    assert 0 < first.load_seconds < 60
    second.close()
    held = first.memory()
    assert held["tensors"] == before["tensors"] + 2  # the input and the output of the first
    assert held["bytes"] == before["bytes"] + IMAGE.nbytes + SIDE * SIDE * 5 * 4
    with pytest.raises(ConversionError, match="The model was unloaded"):
        second.invoke()


@pytest.mark.slow
def test_threads_change_nothing(tmp_path: Path, page: Page) -> None:
    folder = save(tmp_path / "m", [image(), *CASES["fused convolution"][0]], {"result": "out"})
    with tfjs_page(threads=2) as threaded:
        results = [answer(folder, one, "wasm")["result"] for one in (page, threaded)]
    np.testing.assert_allclose(*results, atol=1e-6)


@pytest.mark.slow
def test_inputs_must_be_those_of_the_model(tmp_path: Path, page: Page) -> None:
    session = TfjsSession(save(tmp_path / "m", [image(), node("out", "Relu6", "image")], {"result": "out"}), page)
    with pytest.raises(UsageError, match=r"no input 'picture'\.\nIt has: image"):
        session.feed({"picture": IMAGE})
    for shape in ((1, SIDE, SIDE, 4), (2, SIDE, SIDE, 3), (SIDE, SIDE, 3)):
        with pytest.raises(SourceError, match=r"'image' takes the shape \[1, 7, 7, 3\], not \["):
            session.feed({"image": np.zeros(shape, np.float32)})
    with pytest.raises(ConversionError, match=r"Missing the following inputs: \[image\]"):
        session.invoke()


def test_a_backend_must_be_known(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no backend 'webgpu'\.\nThere are: wasm, webgl, cpu"):
        TfjsSession(tmp_path, None, backend="webgpu")  # type: ignore[arg-type]


def spoil(folder: Path, what: str) -> None:
    shard, model = folder / "group1-shard1of1.bin", folder / "model.json"
    match what:
        case "short":
            shard.write_bytes(shard.read_bytes()[:-400])
        case "absent":
            shard.unlink()
        case "no model":
            model.unlink()
        case "no json":
            model.write_text(model.read_text()[:-20])
        case "no graph":
            model.write_text('{"modelTopology": {}, "weightsManifest": []}')
        case "dangling":
            model.write_text(model.read_text().replace('"image", "w"', '"image", "gone"'))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("what", "words"),
    [
        ("short", "the tensor should have 135 values but has 35"),
        ("absent", "There is no file {folder}/group1-shard1of1.bin."),
        ("no model", "There is no file {folder}/model.json."),
        ("no json", "Failed to parse model JSON of response from {folder}/model.json."),
        ("no graph", ""),
        ("dangling", ""),
    ],
)
def test_a_damaged_model_is_refused_in_the_pages_own_words(tmp_path: Path, page: Page, what: str, words: str) -> None:
    folder = save(tmp_path / "m", [image(), *CASES["convolution"][0]], {"result": "out"})
    spoil(folder, what)
    with pytest.raises(ConversionError) as caught:
        TfjsSession(folder, page)
    assert caught.value.what == f"The browser cannot load {folder / 'model.json'}."
    assert words.format(folder=folder) in caught.value.cause


def test_a_page_that_was_not_built_is_a_missing_tool(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tfjs, "APP", tmp_path)
    with pytest.raises(MissingToolError, match="Type: make web"), tfjs_page():
        pytest.fail("it opened")
