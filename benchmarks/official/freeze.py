"""Freezes a Keras model of one picture into a GraphDef, with the Keras of whoever runs it: MODEL.h5 GRAPH.pb.

Where there is tf_keras beside Keras 3, it is Keras 2.
"""

import importlib.util
import os
import sys
from pathlib import Path
from typing import Any

os.environ |= {
    "CUDA_VISIBLE_DEVICES": "-1",
    "TF_USE_LEGACY_KERAS": "1" if importlib.util.find_spec("tf_keras") else "0",
}

import tensorflow as tf
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2


class DepthwiseConv2D(tf.keras.layers.DepthwiseConv2D):  # type: ignore[misc]
    """Takes what older files say of groups, which Keras 3 refuses."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**{name: value for name, value in settings.items() if name != "groups"})


def main() -> None:
    """Read, freeze, write; the output is the node Identity."""
    source, target = map(Path, sys.argv[1:])
    model = tf.keras.models.load_model(source, compile=False, custom_objects={"DepthwiseConv2D": DepthwiseConv2D})
    shape = (1, *model.input_shape[1:])
    call = tf.function(lambda image: model(image, training=False))
    frozen = convert_variables_to_constants_v2(
        call.get_concrete_function(tf.TensorSpec(shape, tf.float32, name="image"))
    )
    target.write_bytes(frozen.graph.as_graph_def().SerializeToString())


main()
