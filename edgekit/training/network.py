"""A network's variables and its answer, in TensorFlow: with batch norms first, then folded and fake-quantised."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..runtimes.tensorflow import lazy as tf
from .architecture import BOX, BOX_RANGE, DEPTHWISE, IMAGE, LEAST_RANGE, SCORE_RANGE, Architecture, Layer, Merge
from .options import Quantisation

Array = NDArray[np.float32]
Tensor = Any

EPSILON = 1e-3  # of the batch norms
MOMENTUM = 0.97  # of their moving averages: a training is a few thousand steps, not a million
PRIOR = 0.02  # what an untrained network thinks of any class; high priors make the first steps diverge
RANGE_MOMENTUM = 0.99  # of the moving averages of activation ranges
WARM = 10.0  # steps in which that of a range is still a plain mean


def forward(
    architecture: Architecture,
    pixels: Tensor,
    layer: Callable[[Tensor, Layer], Tensor],
    quantise: Callable[[Tensor, str], Tensor],
) -> tuple[Tensor, Tensor]:
    """Box encodings [B, N, 4] and logits [B, N, classes + 1]. ``layer`` applies one, ``quantise`` goes over the rest.

    Fake-quants of one range before and after a concat are one on the whole; and only the whole has that range.
    """
    values = {IMAGE: pixels}
    for step in architecture.steps:
        if isinstance(step, Merge):
            values[step.name] = quantise(_added(values[step.source], values[step.lateral]), step.name)
        else:
            values[step.name] = layer(values[step.source], step)
    boxes, scores = [], []
    for place in architecture.maps:
        boxes.append(tf.reshape(values[place.boxes], [-1, place.grid.count, BOX]))
        scores.append(tf.reshape(values[place.scores], [-1, place.grid.count, architecture.columns]))
    return quantise(tf.concat(boxes, 1), BOX_RANGE), quantise(tf.concat(scores, 1), SCORE_RANGE)


def normalise(pixels: Tensor) -> Tensor:
    """What the Object Detection API's MobileNets take: uint8 pixels to [-1, 1]."""
    return tf.cast(pixels, tf.float32) / 127.5 - 1.0


class FloatNetwork:
    """Convolutions with batch norms; trained first."""

    def __init__(self, architecture: Architecture, *, seed: int) -> None:
        self.architecture = architecture
        random = np.random.default_rng(seed)
        self.weights = {}
        self.values: dict[str, Any] = {}  # all others, by path
        for layer in architecture.layers:
            self.weights[layer.name] = tf.Variable(_initial(layer, random), name=f"{layer.name}/weights")
            for part, value, trained in _others(layer, architecture.columns):
                path = f"{layer.name}/{part}"
                self.values[path] = tf.Variable(value, trainable=trained, name=path)

    def __call__(self, pixels: Tensor, *, training: bool) -> tuple[Tensor, Tensor]:
        def apply(value: Tensor, layer: Layer) -> Tensor:
            value = _convolve(value, self.weights[layer.name], layer)
            if layer.head:
                return tf.nn.bias_add(value, self.values[f"{layer.name}/biases"])
            return tf.nn.relu6(self._normalised(value, layer.name, training))

        return forward(self.architecture, pixels, apply, lambda value, _: value)

    def _normalised(self, value: Tensor, path: str, training: bool) -> Tensor:
        gamma, beta = self.values[f"{path}/gamma"], self.values[f"{path}/beta"]
        mean, variance = self.values[f"{path}/moving_mean"], self.values[f"{path}/moving_variance"]
        if not training:
            result, *_ = tf.compat.v1.nn.fused_batch_norm(
                value, gamma, beta, mean, variance, epsilon=EPSILON, is_training=False
            )
            return result
        result, batch_mean, batch_variance = tf.compat.v1.nn.fused_batch_norm(value, gamma, beta, epsilon=EPSILON)
        mean.assign(mean * MOMENTUM + batch_mean * (1 - MOMENTUM))
        variance.assign(variance * MOMENTUM + batch_variance * (1 - MOMENTUM))
        return result

    @property
    def trained(self) -> list[Any]:
        """The variables that an optimiser may change."""
        return [*self.weights.values(), *(variable for variable in self.values.values() if variable.trainable)]

    def state(self) -> dict[str, Array]:
        """Every variable's value, by its path."""
        weights = {f"{name}/weights": value.numpy() for name, value in self.weights.items()}
        return weights | {path: value.numpy() for path, value in self.values.items()}

    def restore(self, state: Mapping[str, Array]) -> None:
        """Take the values that ``state`` has; shapes must fit."""
        for name, variable in self.weights.items():
            if (path := f"{name}/weights") in state:
                variable.assign(state[path])
        for path, variable in self.values.items():
            if path in state:
                variable.assign(state[path])


def fold(architecture: Architecture, state: Mapping[str, Array]) -> dict[str, Array]:
    """Weights and biases by path, with every batch norm multiplied into them."""
    folded = {}
    for layer in architecture.layers:
        weights = state[f"{layer.name}/weights"]
        if layer.head:
            biases = state[f"{layer.name}/biases"]
        else:
            scale = state[f"{layer.name}/gamma"] / np.sqrt(state[f"{layer.name}/moving_variance"] + EPSILON)
            biases = state[f"{layer.name}/beta"] - state[f"{layer.name}/moving_mean"] * scale
            weights = weights * (scale[:, None] if layer.kind == DEPTHWISE else scale)
        folded[f"{layer.name}/weights"] = weights.astype(np.float32)
        folded[f"{layer.name}/biases"] = biases.astype(np.float32)
    return folded


class QuantisedNetwork:
    """Folded convolutions with fake-quants where the converter needs them: weights, activations, heads, concats."""

    def __init__(self, architecture: Architecture, folded: Mapping[str, Array], options: Quantisation) -> None:
        self.architecture = architecture
        self._options = options
        self.weights = {layer.name: tf.Variable(folded[f"{layer.name}/weights"]) for layer in architecture.layers}
        self.biases = {layer.name: tf.Variable(folded[f"{layer.name}/biases"]) for layer in architecture.layers}
        ranged = [*architecture.ranged, BOX_RANGE, SCORE_RANGE]
        self.low = {name: tf.Variable(0.0, trainable=False) for name in ranged}
        self.high = {name: tf.Variable(0.0, trainable=False) for name in ranged}
        self.seen = tf.Variable(0.0, trainable=False)  # batches that the ranges were averaged over

    def __call__(self, pixels: Tensor, *, training: bool) -> tuple[Tensor, Tensor]:
        def quantise(value: Tensor, name: str) -> Tensor:
            if training:
                self._widen(value, name)
            return tf.quantization.fake_quant_with_min_max_vars(
                value, self.low[name], self.high[name], num_bits=self._options.activation_bits
            )

        def apply(value: Tensor, layer: Layer) -> Tensor:
            value = _convolve(value, self._rounded(self.weights[layer.name]), layer)
            value = tf.nn.bias_add(value, self.biases[layer.name])
            return value if layer.head else quantise(tf.nn.relu6(value), layer.name)

        answer = forward(self.architecture, pixels, apply, quantise)
        if training:
            self.seen.assign_add(1.0)
        return answer

    def _widen(self, value: Tensor, name: str) -> None:
        """Move a range towards that of this batch; 0 always lies inside."""
        momentum = tf.minimum(RANGE_MOMENTUM, self.seen / (self.seen + WARM))
        for variable, found in (
            (self.low[name], tf.minimum(tf.reduce_min(value), 0.0)),
            (self.high[name], tf.maximum(tf.reduce_max(value), LEAST_RANGE)),
        ):
            variable.assign(variable * momentum + found * (1 - momentum))

    def _rounded(self, weights: Tensor) -> Tensor:
        low, high = tf.reduce_min(weights), tf.reduce_max(weights)
        if self._options.symmetric:
            high = tf.maximum(-low, high)
            low = -high
        low, high = tf.minimum(low, -LEAST_RANGE), tf.maximum(high, LEAST_RANGE)
        return tf.quantization.fake_quant_with_min_max_vars(
            weights, low, high, num_bits=self._options.weight_bits, narrow_range=True
        )

    @property
    def trained(self) -> list[Any]:
        """The variables that an optimiser may change."""
        return [*self.weights.values(), *self.biases.values()]

    def state(self) -> dict[str, Array]:
        """Weights, biases and ranges, by path."""
        state = {"seen": self.seen.numpy()}
        for part, variables in self._parts().items():
            state |= {f"{name}/{part}": variable.numpy() for name, variable in variables.items()}
        return state

    def restore(self, state: Mapping[str, Array]) -> None:
        """Take every value of ``state``."""
        self.seen.assign(state["seen"])
        for part, variables in self._parts().items():
            for name, variable in variables.items():
                variable.assign(state[f"{name}/{part}"])

    def _parts(self) -> dict[str, dict[str, Any]]:
        return {"weights": self.weights, "biases": self.biases, "min": self.low, "max": self.high}


def _added(coarse: Tensor, fine: Tensor) -> Tensor:
    """A fine map and a coarse one, whose cells are repeated."""
    return tf.raw_ops.ResizeNearestNeighbor(images=coarse, size=fine.shape[1:3]) + fine


def _convolve(value: Tensor, weights: Tensor, layer: Layer) -> Tensor:
    strides = [1, layer.stride, layer.stride, 1]
    if layer.kind == DEPTHWISE:
        return tf.nn.depthwise_conv2d(value, weights, strides, "SAME")
    return tf.nn.conv2d(value, weights, strides, "SAME")


def _initial(layer: Layer, random: np.random.Generator) -> Array:
    """He et al., Delving Deep into Rectifiers, 2015; heads begin near nothing."""
    height, width, inputs, _ = layer.kernel
    fan = height * width * (1 if layer.kind == DEPTHWISE else inputs)
    deviation = 0.01 if layer.head else np.sqrt(2 / fan)
    return random.normal(0, deviation, layer.kernel).astype(np.float32)


def _others(layer: Layer, columns: int) -> list[tuple[str, Array, bool]]:
    """(part, initial value, whether it is trained) of a layer's variables besides its weights."""
    channels = layer.channels
    if layer.head:
        start = np.zeros(channels, np.float32)
        if layer.name.endswith("ClassPredictor"):
            # The background is as sure as the classes are not: thousands of anchors would first have to learn that
            certain = np.log((1 - PRIOR) / PRIOR)
            start = np.resize([certain] + [-certain] * (columns - 1), channels).astype(np.float32)
        return [("biases", start, True)]
    ones, zeros = np.ones(channels, np.float32), np.zeros(channels, np.float32)
    return [
        ("gamma", ones, True),
        ("beta", zeros, True),
        ("moving_mean", zeros, False),
        ("moving_variance", ones, False),
    ]
