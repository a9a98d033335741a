"""A .tflite file that holds nothing but TFLite_Detection_PostProcess, and the real kernel's answer to it."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from flatbuffers import flexbuffers
from numpy.typing import NDArray

from edgekit.formats.flatbuffer import Field, encode
from edgekit.values.spec import Encoding, Selection

FLOAT32, UINT8, CUSTOM = 0, 3, 32

SCHEMA = {
    "Model": {
        "version": Field(0, "uint32"),
        "operator_codes": Field(1, "[OperatorCode]"),
        "subgraphs": Field(2, "[SubGraph]"),
        "buffers": Field(4, "[Buffer]"),
    },
    "OperatorCode": {
        "deprecated_builtin_code": Field(0, "int8"),
        "custom_code": Field(1, "string"),
        "version": Field(2, "int32"),
        "builtin_code": Field(3, "int32"),
    },
    "SubGraph": {
        "tensors": Field(0, "[Tensor]"),
        "inputs": Field(1, "[int32]"),
        "outputs": Field(2, "[int32]"),
        "operators": Field(3, "[Operator]"),
    },
    "Tensor": {
        "shape": Field(0, "[int32]"),
        "type": Field(1, "int8"),
        "buffer": Field(2, "uint32"),
        "quantization": Field(4, "QuantizationParameters"),
    },
    "QuantizationParameters": {"scale": Field(2, "[float32]"), "zero_point": Field(3, "[int64]")},
    "Operator": {
        "opcode_index": Field(0, "uint32"),
        "inputs": Field(1, "[int32]"),
        "outputs": Field(2, "[int32]"),
        "custom_options": Field(5, "[uint8]"),
    },
    "Buffer": {"data": Field(0, "[uint8]", align=16)},
}


def model(
    anchors: int,
    columns: int,
    num_classes: int,
    selection: Selection,
    box_coder: Sequence[float],
    *,
    width: int = 4,
    encodings: Sequence[Encoding] = (),
) -> bytes:
    """Inputs: boxes [1, anchors, width], scores [1, anchors, columns], anchors [anchors, 4]; outputs as the op's.

    encodings: of the three inputs where they are uint8.
    """
    options = flexbuffers.Dumps(
        {
            "max_detections": selection.max_detections,
            "max_classes_per_detection": selection.max_classes_per_detection,
            "detections_per_class": selection.detections_per_class,
            "use_regular_nms": selection.regular,
            "nms_score_threshold": selection.score,
            "nms_iou_threshold": selection.iou,
            "num_classes": num_classes,
            **dict(zip(("y_scale", "x_scale", "h_scale", "w_scale"), box_coder, strict=True)),
        }
    )
    shapes: list[list[int]] = [[1, anchors, width], [1, anchors, columns], [anchors, 4], [], [], [], []]
    operator = {"opcode_index": 0, "inputs": [0, 1, 2], "outputs": [3, 4, 5, 6], "custom_options": bytes(options)}
    tensors: list[dict[str, Any]] = [{"shape": shape, "type": FLOAT32, "buffer": 0} for shape in shapes]
    for tensor, encoding in zip(tensors, encodings, strict=False):
        quantization = {"scale": [encoding.scale], "zero_point": [encoding.zero_point]}
        tensor |= {"type": UINT8, "quantization": quantization}
    graph = {
        "tensors": tensors,
        "inputs": [0, 1, 2],
        "outputs": [3, 4, 5, 6],
        "operators": [operator],
    }
    code = {
        "deprecated_builtin_code": CUSTOM,
        "custom_code": "TFLite_Detection_PostProcess",
        "version": 1,
        "builtin_code": CUSTOM,
    }
    fields = {"version": 3, "operator_codes": [code], "subgraphs": [graph], "buffers": [{}]}
    return encode(SCHEMA, "Model", fields, b"TFL3")


def run(data: bytes, *inputs: NDArray[Any]) -> tuple[NDArray[np.float32], ...]:
    """boxes [rows, 4], classes [rows], scores [rows] and count [1] of the real kernel."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_content=data, num_threads=1)
    interpreter.allocate_tensors()
    for detail, value in zip(interpreter.get_input_details(), inputs, strict=True):
        interpreter.set_tensor(detail["index"], value.reshape(detail["shape"]))
    interpreter.invoke()
    boxes, classes, scores, count = (interpreter.get_tensor(d["index"]) for d in interpreter.get_output_details())
    return boxes[0], classes[0], scores[0], count
