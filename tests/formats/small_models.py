"""Small .tflite files for tests: right in their structure, with operators that need not run."""

from collections.abc import Callable, Sequence
from typing import Any

from edgekit.formats import flatbuffer, tflite
from edgekit.formats.tflite import schema
from edgekit.values.spec import Selection

TYPES = {"float32": 0, "uint8": 3, "int8": 9}
CUSTOM = 32
PORTS = tflite.PORTS


def detector(
    *,
    dtype: str = "uint8",
    order: Sequence[str] = PORTS,
    classes: int = 3,
    channels: int = 3,
    regular: bool = False,
    operators: Callable[[dict[str, Any]], list[dict[str, Any]]] = lambda one: [one],
    **extra: Any,
) -> bytes:
    """A detector whose outputs stand in ``order``; ``extra`` are further fields of the Model table.

    operators: what is to stand in the place of the post-processing operator.
    """
    shapes = {"boxes": [1, 10, 4], "classes": [1, 10], "scores": [1, 10], "count": [1]}
    raw = {"encodings": [1, 6, 4], "predictions": [1, 6, classes + 1], "anchors": [6, 4]}
    tensors = [_tensor("image", [1, 8, 8, channels], dtype), *(_tensor(name, raw[name]) for name in raw)]
    tensors += [_tensor(name, shapes[name]) for name in PORTS]
    options = tflite.PostprocessOptions(selection=Selection(regular=regular), num_classes=classes).encode()
    operator = {"opcode_index": 0, "inputs": [1, 2, 3], "outputs": [4, 5, 6, 7], "custom_options": options}
    code = {"deprecated_builtin_code": CUSTOM, "builtin_code": CUSTOM, "custom_code": tflite.CUSTOM_NAME}
    outputs = [4 + PORTS.index(name) for name in order]
    return _model([code], tensors, operators(operator), outputs, extra)


def classifier(*, dtype: str = "uint8", classes: int = 4, version: int = 1) -> bytes:
    """An image classifier of one FULLY_CONNECTED in this version."""
    tensors = [_tensor("image", [1, 8, 8, 3], dtype), _tensor("scores", [1, classes], dtype)]
    code = {"deprecated_builtin_code": 9, "builtin_code": 9, "version": version}
    return _model([code], tensors, [{"opcode_index": 0, "inputs": [0], "outputs": [1]}], [1], {})


def raw_detector(*, classes: int = 3, dtype: str = "uint8") -> bytes:
    """A detector without post-processing, with a column of scores for the background."""
    tensors = [_tensor("image", [1, 8, 8, 3], dtype), _tensor("b", [1, 6, 4]), _tensor("s", [1, 6, classes + 1])]
    return _model([], tensors, [], [1, 2], {})


def _tensor(name: str, shape: list[int], dtype: str = "float32") -> dict[str, Any]:
    return {"name": name, "shape": shape, "type": TYPES[dtype], "buffer": 0}


def _model(codes: Any, tensors: Any, operators: Any, outputs: list[int], extra: dict[str, Any]) -> bytes:
    subgraph = {"tensors": tensors, "inputs": [0], "outputs": outputs, "operators": operators}
    fields = {"version": 3, "operator_codes": codes, "subgraphs": [subgraph], "buffers": [{}], **extra}
    return flatbuffer.encode(schema.SCHEMA, "Model", fields, schema.IDENTIFIER)
