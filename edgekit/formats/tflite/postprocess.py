"""The operator TFLite_Detection_PostProcess: its options, and what the outputs of a file with it mean.

Its ports are fixed: inputs boxes, scores, anchors; outputs boxes, classes, scores, count. Names and order of a file's
outputs are not, and exporters differ. Source: tensorflow/lite/kernels/detection_postprocess.cc.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...errors import SourceError
from ...values.spec import Selection
from ..flexbuffer import FlexbufferError, Scalar, read_map, write_map
from .reader import Operator, Tensor, TfliteModel
from .schema import BITS

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

CUSTOM_NAME = "TFLite_Detection_PostProcess"
PORTS = ("boxes", "classes", "scores", "count")
DETECTIONS_PER_CLASS = 100  # the kernel's default; exporters of TensorFlow 2 leave the option out


@dataclass(frozen=True, kw_only=True)
class PostprocessOptions:
    """The operator's options. num_classes: without background. box_coder: scales of (ty, tx, th, tw)."""

    selection: Selection
    num_classes: int
    box_coder: tuple[float, float, float, float] = (10.0, 10.0, 5.0, 5.0)

    def encode(self) -> bytes:
        """The options as the kernel reads them."""
        selection = self.selection
        scales = dict(zip(_SCALES, map(float, self.box_coder), strict=True))
        return write_map(
            {
                "max_detections": selection.max_detections,
                "max_classes_per_detection": selection.max_classes_per_detection,
                "detections_per_class": selection.detections_per_class,
                "use_regular_nms": selection.regular,
                "nms_score_threshold": float(selection.score),
                "nms_iou_threshold": float(selection.iou),
                "num_classes": self.num_classes,
                **scales,
            }
        )

    @classmethod
    def decode(cls, data: bytes) -> PostprocessOptions:
        """Options from an operator's bytes. Raises SourceError where the kernel could not work with them."""
        try:
            options = read_map(data)
            selection = Selection(
                score=_real(options, "nms_score_threshold"),
                iou=_real(options, "nms_iou_threshold"),
                max_detections=_integer(options, "max_detections"),
                max_classes_per_detection=_integer(options, "max_classes_per_detection"),
                detections_per_class=_integer(options, "detections_per_class", DETECTIONS_PER_CLASS),
                regular=bool(options.get("use_regular_nms")),
            )
            y, x, height, width = (_real(options, name) for name in _SCALES)
            num_classes = _integer(options, "num_classes")
            if min(y, x, height, width) <= 0 or num_classes <= 0:
                raise FlexbufferError(f"{num_classes} classes, scales {y}, {x}, {height}, {width}")
        except ValueError as error:
            raise SourceError(
                f"The options of {CUSTOM_NAME} cannot be used: {error}.",
                cause="The file is damaged, or its writer set options that the operator does not have.",
            ) from None
        return cls(selection=selection, num_classes=num_classes, box_coder=(y, x, height, width))


@dataclass(frozen=True, kw_only=True)
class Postprocess:
    """The operator inside a file.

    boxes, scores, anchors: tensors that go in. order: places of PORTS among the file's outputs, None where they are
    not all outputs of the file.
    """

    operator: Operator
    boxes: Tensor
    scores: Tensor
    anchors: Tensor
    order: tuple[int, int, int, int] | None
    options: PostprocessOptions


def find(model: TfliteModel) -> Postprocess | None:
    """The post-processing operator of a file, None where it has none.

    Raises SourceError where there are several, or one with other ports or with unusable options.
    """
    graph = model.main
    found = [operator for operator in graph.operators if operator.custom and operator.name == CUSTOM_NAME]
    if not found:
        return None
    operator = found[0]
    ports = (*operator.inputs, *operator.outputs)
    if len(found) > 1 or (len(operator.inputs), len(operator.outputs)) != (3, 4) or min(ports) < 0:
        raise SourceError(
            f"The file has {len(found)} × {CUSTOM_NAME} with {len(operator.inputs)} inputs and "
            f"{len(operator.outputs)} outputs; edgekit knows one with 3 and 4."
        )
    boxes, scores, anchors = (graph.tensors[i] for i in operator.inputs)
    places = [graph.outputs.index(i) if i in graph.outputs else -1 for i in operator.outputs]
    complete = sorted(places) == [0, 1, 2, 3] and len(graph.outputs) == len(PORTS)
    return Postprocess(
        operator=operator,
        boxes=boxes,
        scores=scores,
        anchors=anchors,
        order=(places[0], places[1], places[2], places[3]) if complete else None,
        options=PostprocessOptions.decode(operator.custom_options),
    )


def find_usable(model: TfliteModel) -> Postprocess | None:
    """As ``find``, but None also where the operator cannot be used: for those who only look."""
    try:
        return find(model)
    except SourceError:
        return None


def anchors(model: TfliteModel, found: Postprocess) -> NDArray[np.float32]:
    """The anchors of a file as float32 [N, 4] of (y centre, x centre, height, width)."""
    import numpy as np

    tensor, quantisation = found.anchors, found.anchors.quantisation
    content = model.constant(tensor)
    fits = (
        len(tensor.shape) == 2
        and tensor.shape[1] == 4
        and 8 * len(content) >= tensor.elements * BITS.get(tensor.dtype, 0)
    )
    if not fits or tensor.dtype not in ("float32", "uint8") or (tensor.dtype == "uint8") != bool(quantisation):
        raise SourceError(
            f"The anchors are no constant table [N, 4] of float32 or uint8, but {tensor.dtype} {list(tensor.shape)}."
        )
    stored = np.frombuffer(content, np.dtype(tensor.dtype), count=tensor.elements).reshape(tensor.shape)
    if quantisation is None:
        return stored.astype(np.float32)
    # As the kernel does it: in float32, difference first.
    return (stored.astype(np.float32) - np.float32(quantisation.zero_points[0])) * np.float32(quantisation.scales[0])


_SCALES = ("y_scale", "x_scale", "h_scale", "w_scale")


def _integer(options: dict[str, Scalar], name: str, default: int | None = None) -> int:
    value = options.get(name)
    value = default if value is None else value
    if not isinstance(value, int | float) or not abs(value) < 2**31:
        raise FlexbufferError(f"{name} is {value}")
    return int(value)


def _real(options: dict[str, Scalar], name: str) -> float:
    value = options.get(name)
    if not isinstance(value, int | float) or not math.isfinite(value) or abs(value) > 3e38:
        raise FlexbufferError(f"{name} is {value}")
    return _shortest(float(value))


def _shortest(value: float) -> float:
    """The number with the fewest digits that has the same float32: .6, not .6000000238."""
    stored = struct.pack("<f", value)
    candidates = (float(f"{value:.{digits}g}") for digits in range(1, 10))
    return next((number for number in candidates if struct.pack("<f", number) == stored), value)
