"""What a detector is punished for: classification and localisation losses in TensorFlow."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..runtimes.tensorflow import lazy as tf
from .options import LossOptions

Tensor = Any

FAR = 1.0  # from where smooth L1 is straight


def total(
    boxes: Tensor, logits: Tensor, targets: dict[str, Tensor], anchors: Tensor, coder: Tensor, options: LossOptions
) -> tuple[Tensor, Tensor]:
    """(classification, localisation) loss of a batch, weighted, each divided by the number of anchors with a box.

    boxes: [B, N, 4]. logits: [B, N, classes + 1]. targets: as ``vision.assign.Targets``. anchors: [N, 4].
    """
    encoded = tf.reshape(boxes, [-1, 4])
    columns = logits.shape[-1]
    flat = tf.reshape(logits, [-1, columns])
    count = tf.maximum(tf.cast(tf.size(targets["anchors"]), tf.float32), 1.0)
    found = tf.gather(encoded, targets["anchors"])
    mine = tf.gather(anchors, targets["anchors"] % tf.cast(tf.shape(anchors)[0], tf.int64))
    overlap, generalised = _overlap(found, targets["encodings"], mine, coder)
    apart = 1.0 - generalised if options.localisation == "giou" else _smooth_l1(found - targets["encodings"])
    localisation = tf.reduce_sum(apart) / count
    is_quality = options.classification == "quality_focal"
    quality = tf.stop_gradient(overlap) if is_quality else tf.ones_like(overlap)
    wanted = _wanted(targets, quality, tf.shape(flat)[0], columns)
    each = _CLASSIFICATION[options.classification](flat, wanted, options)
    ignored = tf.ones_like(targets["ignored"], tf.float32)
    keep = 1.0 - tf.scatter_nd(targets["ignored"][:, None], ignored, [tf.shape(flat, tf.int64)[0]])
    each *= keep
    if options.negatives:
        each = _hardest(each, targets["anchors"], tf.shape(logits)[0], options.negatives)
    classification = tf.reduce_sum(each) / count
    return classification * options.classification_weight, localisation * options.localisation_weight


def _wanted(targets: dict[str, Tensor], quality: Tensor, count: Tensor, columns: int) -> Tensor:
    """[places, columns]: what each column should say; the first is the background's."""
    places = tf.stack([targets["anchors"], targets["classes"] + 1], axis=1)
    foreground = tf.scatter_nd(places, quality, [tf.cast(count, tf.int64), columns])
    taken = tf.scatter_nd(targets["anchors"][:, None], tf.ones_like(quality), [tf.cast(count, tf.int64)])
    return foreground + tf.one_hot(0, columns) * (1.0 - taken)[:, None]


def _sigmoid(logits: Tensor, wanted: Tensor, options: LossOptions) -> Tensor:
    loss = tf.nn.sigmoid_cross_entropy_with_logits(wanted, logits)
    return tf.reduce_sum(loss * _column_weights(logits, options), axis=-1)


def _softmax(logits: Tensor, wanted: Tensor, options: LossOptions) -> Tensor:
    return tf.nn.softmax_cross_entropy_with_logits(wanted, logits)


def _focal(logits: Tensor, wanted: Tensor, options: LossOptions) -> Tensor:
    """Lin et al., Focal Loss for Dense Object Detection, 2017, equation 5."""
    chance = tf.sigmoid(logits)
    right = wanted * chance + (1 - wanted) * (1 - chance)
    alpha = wanted * options.alpha + (1 - wanted) * (1 - options.alpha)
    loss = alpha * (1 - right) ** options.gamma * tf.nn.sigmoid_cross_entropy_with_logits(wanted, logits)
    return tf.reduce_sum(loss * _column_weights(logits, options), axis=-1)


def _quality_focal(logits: Tensor, wanted: Tensor, options: LossOptions) -> Tensor:
    """Li et al., Generalized Focal Loss, 2020, equation 4: a score is to be the overlap that its box reaches."""
    loss = tf.abs(wanted - tf.sigmoid(logits)) ** options.gamma
    loss *= tf.nn.sigmoid_cross_entropy_with_logits(wanted, logits)
    return tf.reduce_sum(loss * _column_weights(logits, options), axis=-1)


_CLASSIFICATION: dict[str, Callable[[Tensor, Tensor, LossOptions], Tensor]] = {
    "sigmoid": _sigmoid,
    "softmax": _softmax,
    "focal": _focal,
    "quality_focal": _quality_focal,
}


def _column_weights(logits: Tensor, options: LossOptions) -> Tensor:
    return tf.constant([options.background_weight] + [1.0] * (logits.shape[-1] - 1))


def _hardest(each: Tensor, taken: Tensor, pictures: Tensor, ratio: float) -> Tensor:
    """The losses with only the ``ratio`` worst backgrounds for each anchor with a box kept, picture by picture."""
    rows = tf.reshape(each, [pictures, -1])
    positive = tf.scatter_nd(taken[:, None], tf.ones_like(taken, tf.float32), [tf.size(each, tf.int64)])
    positive = tf.reshape(positive, tf.shape(rows))
    wanted = tf.cast(tf.maximum(tf.reduce_sum(positive, 1), 1.0) * ratio, tf.int32)
    order = tf.argsort(tf.argsort(rows * (1 - positive), axis=1, direction="DESCENDING"), axis=1)
    kept = tf.maximum(positive, tf.cast(order < wanted[:, None], tf.float32))
    return tf.reshape(rows * tf.stop_gradient(kept), [-1])


def _smooth_l1(difference: Tensor) -> Tensor:
    size = tf.abs(difference)
    return tf.where(size < FAR, 0.5 * size**2 / FAR, size - 0.5 * FAR)


def _overlap(found: Tensor, wanted: Tensor, anchors: Tensor, coder: Tensor) -> tuple[Tensor, Tensor]:
    """IoU and GIoU (p,) of encoded boxes (p, 4) with those they should be.

    GIoU: Rezatofighi et al., Generalized Intersection over Union, 2019, algorithm 1.
    """
    areas, corners = [], []
    for encoded in (found, wanted):
        centre = encoded[:, :2] / coder[:2] * anchors[:, 2:] + anchors[:, :2]
        size = tf.exp(tf.minimum(encoded[:, 2:] / coder[2:], 4.0)) * anchors[:, 2:]  # e⁴ times an anchor is far off
        corners.append((centre - size / 2, centre + size / 2))
        areas.append(tf.reduce_prod(size, axis=1))
    (low, high), (true_low, true_high) = corners
    shared = tf.reduce_prod(tf.maximum(tf.minimum(high, true_high) - tf.maximum(low, true_low), 0.0), axis=1)
    hull = tf.reduce_prod(tf.maximum(high, true_high) - tf.minimum(low, true_low), axis=1)
    union = areas[0] + areas[1] - shared
    return shared / union, shared / union - (hull - union) / hull
