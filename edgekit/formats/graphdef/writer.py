"""SSD graphs written node by node, as the Object Detection API's exporter left them for TFLite; without TensorFlow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...values.spec import Selection
from .proto import NodeDef, Shape, make_constant, make_node

POSTPROCESS = "TFLite_Detection_PostProcess"
INPUT = "normalized_input_image_tensor"
BOXES, SCORES, ANCHORS = "raw_outputs/box_encodings", "raw_outputs/class_predictions", "anchors"
Range = tuple[float, float]


@dataclass
class Writer:
    """Nodes of a graph in the order that they are written. Every method gives the name of the node it wrote."""

    nodes: list[NodeDef] = field(default_factory=list)

    def constant(self, name: str, value: NDArray[Any] | np.generic) -> str:
        self.nodes.append(make_constant(name, value))
        return name

    def node(self, name: str, op: str, *inputs: str, **attributes: Any) -> str:
        self.nodes.append(make_node(name, op, inputs, **attributes))
        return name

    def real(self, name: str, op: str, *inputs: str, **attributes: Any) -> str:
        """A node on float32."""
        return self.node(name, op, *inputs, T=np.dtype("float32"), **attributes)

    def image(self, height: int, width: int) -> str:
        """The exporter's input: one normalised picture."""
        return self.node(INPUT, "Placeholder", dtype=np.dtype("float32"), shape=Shape((1, height, width, 3)))

    def quantise(self, name: str, source: str, limits: Range, *, narrow: bool = False) -> str:
        """A fake-quant whose range is two constants beside it, as contrib.quantize leaves it after freezing."""
        low = self.constant(f"{name}/min", np.float32(limits[0]))
        high = self.constant(f"{name}/max", np.float32(limits[1]))
        full = f"{name}/FakeQuantWithMinMaxVars"
        return self.node(full, "FakeQuantWithMinMaxVars", source, low, high, num_bits=8, narrow_range=narrow)

    def convolve(self, name: str, source: str, weights: str, *, stride: int = 1, depthwise: bool = False) -> str:
        """A convolution with SAME padding."""
        op = "DepthwiseConv2dNative" if depthwise else "Conv2D"
        layout = {"strides": [1, stride, stride, 1], "padding": "SAME", "data_format": "NHWC", "dilations": [1] * 4}
        return self.real(name, op, source, weights, **layout)

    def reshape(self, name: str, source: str, shape: Sequence[int]) -> str:
        target = self.constant(f"{name}/shape", np.array(shape, np.int32))
        return self.real(name, "Reshape", source, target, Tshape=np.dtype("int32"))

    def concat(self, name: str, parts: Sequence[str]) -> str:
        """One after another along axis 1."""
        axis = self.constant(f"{name}/axis", np.int32(1))
        return self.real(name, "ConcatV2", *parts, axis, N=len(parts), Tidx=np.dtype("int32"))

    def heads(self, boxes: str, scores: str, anchors: NDArray[np.float32]) -> tuple[str, str, str]:
        """The exporter's names for encodings [1, N, 4], activated scores [1, N, columns] and anchors [N, 4]."""
        return (
            self.real(BOXES, "Identity", boxes),
            self.real(SCORES, "Identity", scores),
            self.constant(ANCHORS, anchors),
        )

    def postprocess(
        self, inputs: tuple[str, str, str], selection: Selection, box_coder: Sequence[float], num_classes: int
    ) -> str:
        """The exporter's last node, with its attributes."""
        y_scale, x_scale, h_scale, w_scale = map(float, box_coder)
        return self.node(
            POSTPROCESS,
            POSTPROCESS,
            *inputs,
            _output_quantized=True,
            _output_types=[np.dtype("float32")] * 4,
            _support_output_type_float_in_quantized_op=True,
            max_detections=selection.max_detections,
            max_classes_per_detection=selection.max_classes_per_detection,
            detections_per_class=selection.detections_per_class,
            use_regular_nms=selection.regular,
            nms_score_threshold=float(selection.score),
            nms_iou_threshold=float(selection.iou),
            num_classes=num_classes,
            y_scale=y_scale,
            x_scale=x_scale,
            h_scale=h_scale,
            w_scale=w_scale,
        )
