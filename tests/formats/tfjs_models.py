"""Small graph models of TensorFlow.js for tests, put together by hand: JSON and bytes as its own converter has them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Entry = tuple[dict[str, Any], bytes]

KERNEL, DEPTHWISE, BIAS, SHAPE = "conv/weights", "depthwise/weights", "conv/bias", "shape"
SIZE = 6  # height and width of the picture
CHANNELS = 8


def node(name: str, op: str, *inputs: str, **attributes: Any) -> dict[str, Any]:
    """Nodes without inputs or attributes have no such key."""
    parts = {"input": [*inputs], "attr": attributes}
    return {"name": name, "op": op} | {key: value for key, value in parts.items() if value}


def constant(name: str, dtype: str = "DT_FLOAT", shape: Sequence[int] = ()) -> dict[str, Any]:
    told = {"dtype": dtype, "tensorShape": {"dim": [{"size": str(size)} for size in shape]}}
    return node(name, "Const", dtype={"type": dtype}, value={"tensor": told})


def entry(name: str, array: NDArray[Any], dtype: str, quantization: Mapping[str, Any] | None = None) -> Entry:
    """What weightsManifest says of a weight, and its bytes."""
    data = {"name": name, "shape": [*array.shape], "dtype": dtype}
    return data | ({"quantization": {**quantization}} if quantization else {}), array.tobytes()


def real(name: str, array: NDArray[np.float32]) -> Entry:
    return entry(name, array, "float32")


def floats(seed: int = 0) -> dict[str, NDArray[np.float32]]:
    """Values of the weights of ``topology``: normal, each channel of the same size."""
    random = np.random.default_rng(seed)
    shapes = {KERNEL: (3, 3, 3, CHANNELS), DEPTHWISE: (3, 3, CHANNELS, 1), BIAS: (CHANNELS,)}
    return {name: random.normal(size=shape).astype("<f4") for name, shape in shapes.items()}


def topology() -> dict[str, Any]:
    """image → convolution with bias and Relu6 → depthwise convolution → scores [1, N]."""
    picture = {"dim": [{"size": str(size)} for size in (1, SIZE, SIZE, 3)]}
    fused = {"list": {"s": ["Qmlhc0FkZA==", "UmVsdTY="]}}
    nodes = [
        node("image", "Placeholder", dtype={"type": "DT_FLOAT"}, shape={"shape": picture}),
        constant(KERNEL, shape=(3, 3, 3, CHANNELS)),
        constant(BIAS, shape=(CHANNELS,)),
        node("conv", "_FusedConv2D", "image", KERNEL, BIAS, num_args={"i": "1"}, fused_ops=fused),
        constant(DEPTHWISE, shape=(3, 3, CHANNELS, 1)),
        node("depthwise", "DepthwiseConv2dNative", "conv", DEPTHWISE),
        constant(SHAPE, "DT_INT32", (2,)),
        node("scores", "Reshape", "depthwise", f"{SHAPE}:0"),
    ]
    return {"node": nodes, "library": {}, "versions": {"producer": 134}}


def signature() -> dict[str, Any]:
    def port(name: str, *shape: int) -> dict[str, Any]:
        return {"name": f"{name}:0", "dtype": "DT_FLOAT", "tensorShape": {"dim": [{"size": str(n)} for n in shape]}}

    return {"inputs": {"image": port("image", 1, SIZE, SIZE, 3)}, "outputs": {"scores": port("scores", 1, -1)}}


def entries(values: Mapping[str, NDArray[np.float32]] | None = None) -> list[Entry]:
    """The weights of ``topology`` in float32, in its order."""
    chosen = values or floats()
    return [
        real(KERNEL, chosen[KERNEL]),
        real(BIAS, chosen[BIAS]),
        real(DEPTHWISE, chosen[DEPTHWISE]),
        entry(SHAPE, np.array([1, -1], "<i4"), "int32"),
    ]


def model(weights: Sequence[Entry], **keys: Any) -> tuple[dict[str, Any], bytes]:
    """model.json as data and the bytes of its one shard. keys: instead of those of ``topology``, None for none."""
    data = {
        "format": "graph-model",
        "generatedBy": "2.18.0",
        "convertedBy": "TensorFlow.js Converter v4.22.0",
        "signature": signature(),
        "modelTopology": topology(),
        "weightsManifest": [{"paths": ["group1-shard1of1.bin"], "weights": [told for told, _ in weights]}],
    }
    kept = {key: value for key, value in (data | keys).items() if value is not None}
    return kept, b"".join(content for _, content in weights)


def write(folder: Path, weights: Sequence[Entry] | None = None, **keys: Any) -> Path:
    """The path of a model.json beside its shard, in a new folder."""
    data, content = model(entries() if weights is None else weights, **keys)
    return write_parts(folder, data, {"group1-shard1of1.bin": content})


def write_parts(folder: Path, data: Any, shards: Mapping[str, bytes]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in shards.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    (folder / "model.json").write_text(data if isinstance(data, str) else json.dumps(data))
    return folder / "model.json"
