"""The converter of frozen graphs. Its functions are jobs for the worker: TensorFlow is imported inside them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...formats.graphdef.graph import Graph
from ...formats.graphdef.proto import read, write
from ...system import read_file
from .treat import symmetric_weights, treat


@dataclass(frozen=True, kw_only=True)
class FrozenGraph:
    """A stored GraphDef and what is to become of its fake-quants. treatment: simulate or clip; names are nodes'."""

    path: Path
    input: str
    shape: tuple[int, ...]
    outputs: tuple[str, ...]
    treatment: str = "simulate"
    symmetric_weights: bool = False


def read_graph(graph: FrozenGraph) -> Any:
    """TensorFlow's GraphDef of the part that the outputs need, under its treatment."""
    import tensorflow as tf

    needed = [graph.input, *graph.outputs]
    treated = Graph.of(read(read_file(graph.path), graph.path.name)).cut(needed)
    if graph.symmetric_weights:
        treated = symmetric_weights(treated)
    treated = treat(treated, graph.treatment).cut(needed)
    return tf.compat.v1.GraphDef.FromString(write(treated.message))


def to_tflite(
    graph: FrozenGraph, *, weights: str, activations: str, input_scale: float, input_zero_point: int
) -> bytes:
    """What TensorFlow's converter makes of a graph; the caller must read from it what it really is.

    weights, activations: dtypes of a recipe. An integer input stores real / input_scale + input_zero_point.
    """
    import tensorflow as tf

    definition = read_graph(graph)
    converter = tf.compat.v1.lite.TFLiteConverter(
        definition,
        input_tensors=None,
        output_tensors=None,
        input_arrays_with_shape=[(graph.input, list(graph.shape))],
        output_arrays=list(graph.outputs),
    )
    if activations != "float32":
        converter.inference_type = tf.as_dtype(activations)
        converter.quantized_input_stats = {graph.input: (float(input_zero_point), 1 / input_scale)}
    if weights == "float16":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.target_spec.supported_types = [tf.float16]
    result: bytes = converter.convert()
    return result
