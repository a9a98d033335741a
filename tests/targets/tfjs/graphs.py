"""Small graphs with what exporters write around a convolution, and the jobs that make and run graphs in TensorFlow."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgekit.formats.graphdef import proto
from edgekit.formats.graphdef.graph import Graph
from edgekit.formats.graphdef.proto import NodeDef, Shape, make_constant, make_graph, make_node

FLOAT = np.dtype("float32")
PICTURE = (1, 8, 8, 3)
CHANNELS = 6
LAYOUT = {"T": FLOAT, "strides": [1, 1, 1, 1], "padding": "SAME", "data_format": "NHWC", "dilations": [1] * 4}


def values(*shape: int, seed: int = 0) -> NDArray[np.float32]:
    return np.random.default_rng(seed).normal(0, 1, shape).astype(np.float32)


def picture() -> NodeDef:
    return make_node("image", "Placeholder", dtype=FLOAT, shape=Shape(PICTURE))


def convolution(kind: str = "Conv2D") -> list[NodeDef]:
    """A picture, and 'layer' with 'weights' on it: CHANNELS of them."""
    kernel = (3, 3, 3, CHANNELS) if kind == "Conv2D" else (3, 3, 3, CHANNELS // 3)
    return [
        picture(),
        make_constant("weights", values(*kernel)),
        make_node("layer", kind, ["image", "weights"], **LAYOUT),
    ]


def batch_norm(source: str = "layer", *, epsilon: float = 0.01) -> list[NodeDef]:
    names = ("gamma", "beta", "mean", "variance")
    parts = [make_constant(name, np.abs(values(CHANNELS, seed=i)) + 0.1) for i, name in enumerate(names, start=1)]
    attributes: dict[str, Any] = {"T": FLOAT, "U": FLOAT, "epsilon": epsilon, "is_training": False}
    return [*parts, make_node("norm", "FusedBatchNormV3", [source, *names], data_format="NHWC", **attributes)]


def graph(nodes: Sequence[NodeDef]) -> Graph:
    return Graph.of(make_graph(nodes))


def constants(graph: Graph) -> dict[str, NDArray[Any]]:
    return {node.name: proto.constant(node) for node in graph.of_op("Const")}


def keras_classifier(path: Path, classes: int = 5) -> NDArray[np.float32]:
    """Write a frozen graph of a Keras classifier with seeded weights; gives its scores for ``noise``. A job.

    Its own layers with batch norms, as Keras 3 writes them: Mul and Add behind the convolution.
    """
    import tensorflow as tf
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    tf.keras.utils.set_random_seed(1)
    layers = tf.keras.layers
    model = tf.keras.Sequential(
        [
            layers.Input((32, 32, 3), batch_size=1),
            layers.Conv2D(16, 3, strides=2, padding="same", use_bias=False),
            layers.BatchNormalization(),
            layers.ReLU(6.0),
            layers.DepthwiseConv2D(3, padding="same", use_bias=False),
            layers.BatchNormalization(),
            layers.ReLU(6.0),
            layers.Conv2D(24, 1, use_bias=False),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.GlobalAveragePooling2D(),
            layers.Dense(classes, activation="softmax"),
        ]
    )
    random = np.random.default_rng(2)
    for layer in model.layers:
        if isinstance(layer, layers.BatchNormalization | layers.Dense):
            layer.set_weights([random.uniform(0.5, 1.5, weight.shape) for weight in layer.get_weights()])
    call = tf.function(lambda image: model(image, training=False))
    concrete = call.get_concrete_function(tf.TensorSpec((1, 32, 32, 3), tf.float32, name="image"))
    path.write_bytes(convert_variables_to_constants_v2(concrete).graph.as_graph_def().SerializeToString())
    scores: NDArray[np.float32] = model(noise(), training=False).numpy()
    return scores


def noise() -> NDArray[np.float32]:
    return np.random.default_rng(3).uniform(-1, 1, (1, 32, 32, 3)).astype(np.float32)


def evaluated(data: bytes, outputs: Sequence[str], image: NDArray[np.float32]) -> dict[str, NDArray[Any]]:
    """What a graph gives for its 'image'. A job."""
    import tensorflow as tf

    with tf.Graph().as_default() as imported:
        tf.import_graph_def(tf.compat.v1.GraphDef.FromString(data), name="")
    with tf.compat.v1.Session(graph=imported) as session:
        found = session.run([f"{name}:0" for name in outputs], {"image:0": image})
    return dict(zip(outputs, found, strict=True))


def with_op(path: Path, op: str) -> None:
    """Write a frozen classifier whose scores go through an op of three operands that browsers lack. A job."""
    import tensorflow as tf

    with tf.Graph().as_default() as built:
        image = tf.compat.v1.placeholder(tf.float32, (1, 32, 32, 3), name="image")
        means = tf.sigmoid(tf.reduce_mean(image, (1, 2)))
        found = tf.raw_ops.__dict__[op](a=means + 1, b=means + 2, x=means)
        tf.nn.softmax(tf.reshape(found, (1, 3)), name="scores")
    path.write_bytes(built.as_graph_def().SerializeToString())
