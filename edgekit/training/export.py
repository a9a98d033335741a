"""What the Object Detection API's exporter would have written of a trained network: tflite_graph.pb."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from ..formats.graphdef.proto import make_graph, write
from ..formats.graphdef.writer import Range, Writer
from ..vision.anchors import table
from .architecture import BOX, BOX_RANGE, DEPTHWISE, IMAGE, LEAST_RANGE, SCORE_RANGE, Architecture, Layer, Merge
from .options import SsdOptions

Array = NDArray[np.float32]
ACTIVATIONS = {"sigmoid": "Sigmoid", "softmax": "Softmax"}


def graph(architecture: Architecture, state: Mapping[str, Array], options: SsdOptions) -> bytes:
    """The bytes of a tflite_graph.pb. state: weights, biases and, of a quantised network, ranges, by path.

    Without ranges the graph has no fake-quants and is for float recipes.
    """
    writer = Writer()
    ranges = _ranges(state)
    values = {IMAGE: writer.image(architecture.height, architecture.width)}
    sizes: dict[str, tuple[int, int]] = {IMAGE: (architecture.height, architecture.width)}
    for step in architecture.steps:
        if isinstance(step, Merge):
            sizes[step.name] = sizes[step.lateral]
            values[step.name] = _merge(writer, step, values, sizes[step.name], ranges.get(step.name))
        else:
            sizes[step.name] = (-(-sizes[step.source][0] // step.stride), -(-sizes[step.source][1] // step.stride))
            values[step.name] = _layer(writer, values[step.source], step, state, ranges, options)
    boxes, scores = [], []
    for index, place in enumerate(architecture.maps):
        path, count = f"BoxPredictor_{index}", place.grid.count
        boxes.append(writer.reshape(f"{path}/Reshape", values[place.boxes], (1, count, BOX)))
        scores.append(writer.reshape(f"{path}/Reshape_1", values[place.scores], (1, count, architecture.columns)))
    box = _joined(writer, "concat", boxes, ranges.get(BOX_RANGE))
    score = _joined(writer, "concat_1", scores, ranges.get(SCORE_RANGE))
    activated = writer.real("convert_scores", ACTIVATIONS[options.losses.activation], score)
    heads = writer.heads(box, activated, table(architecture.grids))
    writer.postprocess(heads, options.selection, options.box_coder, architecture.classes)
    return write(make_graph(writer.nodes))


def _ranges(state: Mapping[str, Array]) -> dict[str, Range]:
    names = [path.removesuffix("/min") for path in state if path.endswith("/min")]
    return {name: (float(state[f"{name}/min"]), float(state[f"{name}/max"])) for name in names}


def _layer(
    writer: Writer,
    source: str,
    layer: Layer,
    state: Mapping[str, Array],
    ranges: Mapping[str, Range],
    options: SsdOptions,
) -> str:
    depthwise = layer.kind == DEPTHWISE
    kernel = state[f"{layer.name}/weights"]
    weights = writer.constant(f"{layer.name}/{'depthwise_weights' if depthwise else 'weights'}", kernel)
    if ranges:
        assert options.quantisation is not None
        limits = weight_range(kernel, symmetric=options.quantisation.symmetric)
        weights = writer.quantise(f"{layer.name}/weights_quant", weights, limits, narrow=True)
    name = f"{layer.name}/{'depthwise' if depthwise else 'Conv2D'}"
    convolved = writer.convolve(name, source, weights, stride=layer.stride, depthwise=depthwise)
    biases = writer.constant(f"{layer.name}/biases", state[f"{layer.name}/biases"])
    value = writer.real(f"{layer.name}/BiasAdd", "BiasAdd", convolved, biases)
    if not layer.head:
        value = writer.real(f"{layer.name}/Relu6", "Relu6", value)
    # The heads of all maps are concatenated, and what is concatenated has one range
    shared = SCORE_RANGE if layer.name.endswith("ClassPredictor") else BOX_RANGE
    limits_of = ranges.get(shared if layer.head else layer.name)
    return value if limits_of is None else writer.quantise(f"{layer.name}/act_quant", value, limits_of)


def _merge(writer: Writer, merge: Merge, values: Mapping[str, str], size: tuple[int, int], limits: Range | None) -> str:
    wanted = writer.constant(f"{merge.name}/size", np.array(size, np.int32))
    enlarged = writer.real(f"{merge.name}/Enlarged", "ResizeNearestNeighbor", values[merge.source], wanted)
    added = writer.real(f"{merge.name}/Add", "AddV2", enlarged, values[merge.lateral])
    return added if limits is None else writer.quantise(f"{merge.name}/act_quant", added, limits)


def _joined(writer: Writer, name: str, parts: list[str], limits: Range | None) -> str:
    joined = writer.concat(name, parts)
    return joined if limits is None else writer.quantise(f"{name}/act_quant", joined, limits)


def weight_range(weights: Array, *, symmetric: bool) -> Range:
    """The range of a weight's fake-quant, as training computes it in every step."""
    low, high = float(weights.min()), float(weights.max())
    if symmetric:
        high = max(-low, high)
        low = -high
    return min(low, -LEAST_RANGE), max(high, LEAST_RANGE)
