"""Small .tflite files that the real runtime runs, built from nothing but numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgekit.formats.flatbuffer import Field, encode
from edgekit.formats.tflite.schema import CUSTOM, IDENTIFIER, LARGEST_OLD_CODE, OPERATORS, SCHEMA, TYPES

SIZE = 4  # the picture's side; every pixel has one anchor
CLASSES = 3
CONV_2D_OPTIONS = 1  # BuiltinOptions
FULL_SCHEMA = {
    **SCHEMA,
    "Conv2DOptions": {
        "padding": Field(0, "int8", 0),
        "stride_w": Field(1, "int32", 0),
        "stride_h": Field(2, "int32", 0),
        "fused_activation_function": Field(3, "int8", 0),
        "dilation_w_factor": Field(4, "int32", 1),
        "dilation_h_factor": Field(5, "int32", 1),
    },
}
ZERO_POINTS = {"uint8": 128, "int8": 0, "int16": 0}


class Builder:
    """Collects tensors and operators of one subgraph."""

    def __init__(self) -> None:
        self.codes: list[dict[str, Any]] = []
        self.buffers: list[dict[str, Any]] = [{}]
        self.tensors: list[dict[str, Any]] = []
        self.operators: list[dict[str, Any]] = []

    def tensor(
        self,
        name: str,
        shape: Sequence[int],
        dtype: str = "float32",
        *,
        scale: float | Sequence[float] = (),
        zero_point: int | None = None,
        value: NDArray[Any] | None = None,
        **fields: Any,
    ) -> int:
        entry: dict[str, Any] = {"name": name, "shape": shape, "type": TYPES.index(dtype)}
        scales = [scale] if isinstance(scale, float) else list(scale)
        if scales:
            zero = ZERO_POINTS.get(dtype, 0) if zero_point is None else zero_point
            entry["quantization"] = {"scale": scales, "zero_point": [zero] * len(scales)}
        if value is not None:
            entry["buffer"] = len(self.buffers)
            self.buffers.append({"data": value.tobytes()})
        self.tensors.append(entry | fields)
        return len(self.tensors) - 1

    def operator(
        self, name: str, inputs: Sequence[int], outputs: Sequence[int], *, version: int = 1, **fields: Any
    ) -> None:
        number = OPERATORS.index(name) if name in OPERATORS else CUSTOM
        code = {
            "deprecated_builtin_code": min(number, LARGEST_OLD_CODE),
            "builtin_code": number,
            "version": version,
            "custom_code": name if number == CUSTOM else None,
        }
        if code not in self.codes:
            self.codes.append(code)
        entry = {"opcode_index": self.codes.index(code), "inputs": inputs, "outputs": outputs}
        self.operators.append(entry | fields)

    def build(self, inputs: Sequence[int], outputs: Sequence[int], **fields: Any) -> bytes:
        graph = {"tensors": self.tensors, "inputs": inputs, "outputs": outputs, "operators": self.operators}
        model = {"version": 3, "operator_codes": self.codes, "subgraphs": [graph], "buffers": self.buffers}
        return encode(FULL_SCHEMA, "Model", model | fields, IDENTIFIER)


def convolution(
    builder: Builder, name: str, image: int, channels: int, *, dtype: str, seed: int, batch: Mapping[str, Any]
) -> int:
    """A 1 × 1 convolution of the picture; its output tensor."""
    rng = np.random.default_rng(seed)
    shape = [channels, 1, 1, 3]
    if dtype == "float32":
        weights = builder.tensor(f"{name}/weights", shape, value=rng.normal(0, 1, shape).astype("<f4"))
        bias = builder.tensor(f"{name}/bias", [channels], value=rng.normal(0, 1, channels).astype("<f4"))
        out = builder.tensor(name, [1, SIZE, SIZE, channels], **batch)
    else:
        values = rng.integers(-100, 100, shape) + ZERO_POINTS[dtype]
        weights = builder.tensor(f"{name}/weights", shape, dtype, scale=1 / 64, value=values.astype(dtype))
        sums = rng.integers(-2000, 2000, channels).astype("<i4")
        bias = builder.tensor(f"{name}/bias", [channels], "int32", scale=1 / 128 / 64, value=sums)
        out = builder.tensor(name, [1, SIZE, SIZE, channels], dtype, scale=1 / 32, **batch)
    options = ("Conv2DOptions", {"stride_w": 1, "stride_h": 1, "dilation_w_factor": 1, "dilation_h_factor": 1})
    version = 3 if dtype == "int8" else 1
    builder.operator(
        "CONV_2D",
        [image, weights, bias],
        [out],
        version=version,
        builtin_options_type=CONV_2D_OPTIONS,
        builtin_options=options,
    )
    return out


def raw_detector(
    dtype: str = "float32", *, background: bool = True, open_batch: bool = False, signed: bool = True, **fields: Any
) -> bytes:
    """image [1, 4, 4, 3] → raw/boxes [1, 16, 4] and raw/scores [1, 16, 3 + background], logits."""
    builder = Builder()
    classes, count = CLASSES + background, SIZE * SIZE
    batch = {"shape_signature": [-1, SIZE, SIZE, 3]} if open_batch else {}
    scale: Any = () if dtype == "float32" else 1 / 128
    image = builder.tensor("pictures:0", [1, SIZE, SIZE, 3], dtype, scale=scale, **batch)
    heads = []
    for seed, (name, columns) in enumerate((("boxes", 4), ("scores", classes))):
        inner = {"shape_signature": [-1, SIZE, SIZE, columns]} if open_batch else {}
        map_ = convolution(builder, name, image, columns, dtype=dtype, seed=seed, batch=inner)
        shape = builder.tensor(f"{name}/shape", [3], "int32", value=np.array([1, count, columns], "<i4"))
        scale = () if dtype == "float32" else 1 / 32
        heads.append(builder.tensor(f"raw/{name}", [1, count, columns], dtype, scale=scale))
        builder.operator("RESHAPE", [map_, shape], [heads[-1]])
    maps = [{"name": name, "tensor_index": i} for name, i in zip(("first", "second"), heads, strict=True)]
    signature = {
        "signature_key": "main",
        "inputs": [{"name": "pixels", "tensor_index": image}],
        "outputs": maps,
    }
    return builder.build([image], heads, **{"signature_defs": [signature] if signed else None} | fields)


def anchors() -> NDArray[np.float32]:
    """One anchor a pixel, float32 [16, 4] of (y centre, x centre, height, width), off any 8-bit grid."""
    y, x = np.divmod(np.arange(SIZE * SIZE), SIZE)
    half = np.full(SIZE * SIZE, 0.4567)
    return np.stack([(y + 0.51234) / SIZE, (x + 0.5) / SIZE, half, half], axis=1).astype(np.float32)


def run(data: bytes, picture: NDArray[Any], *, xnnpack: bool = True) -> list[NDArray[Any]]:
    """The file's outputs, in its order, from the real runtime."""
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    resolver = OpResolverType.AUTO if xnnpack else OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    interpreter = Interpreter(model_content=data, experimental_op_resolver_type=resolver)
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], picture)
    interpreter.invoke()
    return [interpreter.get_tensor(detail["index"]).copy() for detail in interpreter.get_output_details()]


def signatures(data: bytes) -> dict[str, dict[str, list[str]]]:
    """Signatures as the real runtime lists them."""
    from ai_edge_litert.interpreter import Interpreter

    found: dict[str, dict[str, list[str]]] = Interpreter(model_content=data).get_signature_list()
    return found


def picture(dtype: str = "float32", seed: int = 0) -> NDArray[Any]:
    """Random pixels of the input's shape and type."""
    rng = np.random.default_rng(seed)
    if dtype == "float32":
        return rng.uniform(-1, 1, (1, SIZE, SIZE, 3)).astype(np.float32)
    limits = np.iinfo(dtype)
    return rng.integers(limits.min, limits.max + 1, (1, SIZE, SIZE, 3)).astype(dtype)
