"""A detector that is small enough to be read: its raw heads are the pixels themselves, laid out anew.

The picture [1, 4, 4, 3] is 48 numbers: 6 boxes of 4 encodings, then 6 rows of scores for background and 3 classes.
"""

import struct
from dataclasses import replace
from typing import Any

import numpy as np

from edgekit.formats import flatbuffer, tflite
from edgekit.formats.tflite import schema
from edgekit.values.spec import ClassHead, Encoding, ImageInput, ModelSpec, RawHead, Selection

LABELS = ("red", "green", "blue")
RESHAPE, SLICE, REVERSE = 22, 65, 105
STORED = {"float32": 0, "int32": 2, "uint8": 3}
SELECTION = Selection(score=0.2, iou=0.6, max_detections=5)
ANCHORS = np.array([[y, x, 0.3, 0.3] for y in (0.2, 0.7) for x in (0.2, 0.5, 0.8)], np.float32)


def spec(dtype: str = "uint8") -> ModelSpec:
    """What the raw detector means."""
    encoding = Encoding(dtype="uint8", scale=1 / 128, zero_point=128) if dtype == "uint8" else Encoding()
    return ModelSpec(
        name="small",
        task="detection",
        input=ImageInput(name="image", height=4, width=4, mean=(127.5,), std=(127.5,), encoding=encoding),
        head=RawHead(boxes="boxes", scores="scores", anchors="anchors.npy"),
        selection=SELECTION,
        num_classes=3,
        labels=LABELS,
    )


def raw(dtype: str = "uint8", *, first_score: int = 6, rows: int = 6) -> bytes:
    """The detector without post-processing. first_score: row in which the scores begin; another than 6 is a fault.

    rows: of boxes and of scores; fewer than 6 make another model.
    """
    constants = [(1, 12, 4), (0, 0, 0), (1, rows, 4), (0, first_score, 0)]
    tensors = [
        _tensor("image", (1, 4, 4, 3), dtype),
        _tensor("rows", (1, 12, 4), dtype),
        _tensor("boxes", (1, rows, 4), dtype),
        _tensor("scores", (1, rows, 4), dtype),
        *(_tensor(f"constant{i}", (3,), "int32", buffer=i + 1) for i in range(4)),
    ]
    operators = [
        {"opcode_index": 0, "inputs": [0, 4], "outputs": [1]},
        {"opcode_index": 1, "inputs": [1, 5, 6], "outputs": [2]},
        {"opcode_index": 1, "inputs": [1, 7, 6], "outputs": [3]},
    ]
    fields = {
        "version": 3,
        "operator_codes": [_code(RESHAPE), _code(SLICE)],
        "subgraphs": [{"tensors": tensors, "inputs": [0], "outputs": [2, 3], "operators": operators}],
        "buffers": [{}, *({"data": struct.pack("<3i", *values)} for values in constants)],
    }
    data = flatbuffer.encode(schema.SCHEMA, "Model", fields, schema.IDENTIFIER)
    return tflite.canonical(data, inputs={"image": "image"}, outputs={"boxes": "boxes", "scores": "scores"})


def finished(data: bytes, selection: Selection = SELECTION) -> bytes:
    """The detector with its post-processing."""
    options = tflite.PostprocessOptions(selection=selection, num_classes=len(LABELS))
    whole = tflite.attach(data, options=options, anchors=ANCHORS, boxes="boxes", scores="scores")
    return tflite.canonical(whole, inputs={"image": "image"})


def classifier_spec() -> ModelSpec:
    """A classifier of 48 classes, one a number of the picture."""
    detector = spec()
    head = ClassHead(scores="scores")
    return replace(detector, task="classification", head=head, selection=None, num_classes=48, labels=())


def classifier(*, reversed_rows: bool = False) -> bytes:
    """The scores are the picture's numbers. reversed_rows: a fault, the last row of the picture comes first."""
    tensors = [
        _tensor("image", (1, 4, 4, 3), "uint8"),
        _tensor("turned", (1, 4, 4, 3), "uint8"),
        _tensor("scores", (1, 48), "uint8"),
        _tensor("shape", (2,), "int32", buffer=1),
        _tensor("axis", (1,), "int32", buffer=2),
    ]
    reshape = {"opcode_index": 0, "inputs": [1 if reversed_rows else 0, 3], "outputs": [2]}
    turn = {"opcode_index": 1, "inputs": [0, 4], "outputs": [1]}
    fields = {
        "version": 3,
        "operator_codes": [_code(RESHAPE), _code(REVERSE)],
        "subgraphs": [
            {
                "tensors": tensors,
                "inputs": [0],
                "outputs": [2],
                "operators": [turn, reshape] if reversed_rows else [reshape],
            }
        ],
        "buffers": [{}, {"data": struct.pack("<2i", 1, 48)}, {"data": struct.pack("<i", 1)}],
    }
    data = flatbuffer.encode(schema.SCHEMA, "Model", fields, schema.IDENTIFIER)
    return tflite.canonical(data, inputs={"image": "image"}, outputs={"scores": "scores"})


def _code(number: int) -> dict[str, Any]:
    return {"deprecated_builtin_code": number, "builtin_code": number, "version": 1}


def _tensor(name: str, shape: tuple[int, ...], dtype: str, *, buffer: int = 0) -> dict[str, Any]:
    tensor = {"name": name, "shape": list(shape), "type": STORED[dtype], "buffer": buffer}
    if dtype == "uint8":
        tensor["quantization"] = {"scale": [1 / 128], "zero_point": [128]}
    return tensor
