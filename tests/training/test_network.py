"""Networks and losses in TensorFlow, against the exported graph and against numpy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgekit import load
from edgekit.runtimes.tensorflow import tensorflow_worker
from edgekit.runtimes.tensorflow.frozen import FrozenGraph
from edgekit.runtimes.tensorflow.session import run_frozen
from edgekit.training import export, losses, network
from edgekit.training.architecture import COMPACT, MOBILENET_V1, Architecture, build
from edgekit.training.options import LossOptions, Quantisation, SsdOptions
from edgekit.values.spec import RawHead
from edgekit.vision import decode
from edgekit.vision.anchors import ssd_sizes, table

pytestmark = pytest.mark.slow
pytest.importorskip("tensorflow")

SIDE = 64
CODER = (10.0, 10.0, 5.0, 5.0)


def architecture(kind: str) -> Architecture:
    strides = (8, 16) if kind == COMPACT else (16, 32)
    return build(
        kind, height=SIDE, width=SIDE, classes=3, sizes=ssd_sizes(len(strides)), strides=strides, multiplier=0.25
    )


def outputs_of_each(kind: str, pixels: np.ndarray[Any, Any]) -> dict[str, tuple[Any, Any, dict[str, Any]]]:
    """A job for the worker: answers of a float network in training and inference, folded, quantised; and its state."""
    shape = architecture(kind)
    floats = network.FloatNetwork(shape, seed=3)
    for _ in range(20):
        floats(network.normalise(pixels), training=True)
    folded = network.fold(shape, floats.state())
    quantised = network.QuantisedNetwork(shape, folded, Quantisation())
    for _ in range(3):
        quantised(network.normalise(pixels), training=True)
    answers = {
        "float": floats(network.normalise(pixels), training=False),
        "quantised": quantised(network.normalise(pixels), training=False),
    }
    states = {"float": folded, "quantised": quantised.state()}
    return {name: (boxes.numpy(), logits.numpy(), states[name]) for name, (boxes, logits) in answers.items()}


@pytest.mark.parametrize("kind", [COMPACT, MOBILENET_V1])
def test_the_graph_answers_as_the_network_did(kind: str, tmp_path: Path) -> None:
    """Of the folded float network and of the fake-quantised one, whose roundings must be the same but for ties."""
    pixels = np.random.default_rng(0).integers(0, 256, (2, SIDE, SIDE, 3), np.uint8)
    options = SsdOptions(height=SIDE, width=SIDE)
    with tensorflow_worker() as worker:
        for name, (boxes, logits, state) in worker.run(outputs_of_each, kind, pixels).items():
            path = tmp_path / name / "tflite_graph.pb"
            path.parent.mkdir()
            path.write_bytes(export.graph(architecture(kind), state, options))
            model = load(path, out=tmp_path / name / "model")
            head = model.spec.head
            assert isinstance(head, RawHead)
            graph = FrozenGraph(
                path=model.path,
                input=model.spec.input.name,
                shape=(1, SIDE, SIDE, 3),
                outputs=(head.boxes, head.scores),
            )
            found = worker.run(run_frozen, graph, pixels.astype(np.float32) / 127.5 - 1)
            step = 0.0 if name == "float" else float(state["boxes/max"] - state["boxes/min"]) / 255
            assert np.abs(found[head.boxes] - boxes).max() <= 1.01 * step + 1e-4
            assert np.abs(found[head.scores] - decode.activate(logits, "sigmoid")).max() <= 0.01
            assert np.mean(np.abs(found[head.boxes] - boxes) > 1e-4) < 0.01


def losses_of(
    options: LossOptions, boxes: Any, logits: Any, targets: dict[str, Any], anchors: Any
) -> tuple[float, float]:
    """A job for the worker."""
    import tensorflow as tf

    as_tensors = {name: tf.constant(value) for name, value in targets.items()}
    found = losses.total(
        tf.constant(boxes), tf.constant(logits), as_tensors, tf.constant(anchors), tf.constant(CODER), options
    )
    return float(found[0]), float(found[1])


@pytest.mark.parametrize("kind", ["sigmoid", "softmax", "focal", "quality_focal"])
@pytest.mark.parametrize(("localisation", "negatives"), [("smooth_l1", 0.0), ("giou", 3.0)])
def test_losses_are_those_of_the_papers(kind: str, localisation: str, negatives: float) -> None:
    """Against numpy, anchor by anchor, in double precision."""
    random = np.random.default_rng(5)
    anchors = table(architecture(COMPACT).grids)
    count, pictures = len(anchors), 2
    boxes = random.normal(0, 1, (pictures, count, 4)).astype(np.float32)
    logits = random.normal(-1, 2, (pictures, count, 4)).astype(np.float32)
    places = random.choice(pictures * count, 30, replace=False)
    targets = {
        "anchors": np.sort(places[:20]),
        "classes": random.integers(0, 3, 20),
        "encodings": random.normal(0, 1, (20, 4)).astype(np.float32),
        "ignored": np.sort(places[20:]),
    }
    options = LossOptions(
        classification=kind,
        localisation=localisation,
        negatives=negatives,
        classification_weight=2.0,
        localisation_weight=0.5,
    )
    with tensorflow_worker() as worker:
        found = worker.run(losses_of, options, boxes, logits, targets, anchors)
    assert found == pytest.approx(expected(options, boxes, logits, targets, anchors), rel=1e-4)


def expected(
    options: LossOptions, boxes: Any, logits: Any, targets: dict[str, Any], anchors: Any
) -> tuple[float, float]:
    """(classification, localisation), written from the formulas."""
    count = len(anchors)
    rows = logits.reshape(-1, 4).astype(np.float64)
    wanted = np.zeros_like(rows)
    wanted[:, 0] = 1
    localisation = 0.0
    for place, index, encoding in zip(targets["anchors"], targets["classes"], targets["encodings"], strict=True):
        found = boxes.reshape(-1, 4)[place]
        anchor = anchors[place % count][None]
        corners = [decode.decode_boxes(one[None], anchor, CODER)[0] for one in (found, encoding)]
        if options.localisation == "giou":
            localisation += 1 - generalised_overlap(*corners)
        else:
            size = np.abs(found - encoding)
            localisation += np.where(size < 1, size**2 / 2, size - 0.5).sum()
        quality = overlap(*corners) if options.classification == "quality_focal" else 1.0
        wanted[place] = 0
        wanted[place, index + 1] = quality
    each = np.array([one(options, row, want) for row, want in zip(rows, wanted, strict=True)])
    each[targets["ignored"]] = 0
    if options.negatives:
        positive = np.zeros(len(each), bool)
        positive[targets["anchors"]] = True
        for picture in range(len(each) // count):
            part = slice(picture * count, (picture + 1) * count)
            kept = int(max(positive[part].sum(), 1) * options.negatives)
            order = np.argsort(-np.where(positive[part], 0, each[part]), kind="stable")
            dropped = np.setdiff1d(order[kept:], np.flatnonzero(positive[part]))
            each[part][dropped] = 0
    number = len(targets["anchors"])
    return (
        each.sum() / number * options.classification_weight,
        localisation / number * options.localisation_weight,
    )


def one(options: LossOptions, row: Any, wanted: Any) -> float:
    """The classification loss of one anchor."""
    if options.classification == "softmax":
        return float(-(wanted * (row - np.log(np.exp(row).sum()))).sum())
    chance = 1 / (1 + np.exp(-row))
    entropy = -(wanted * np.log(chance) + (1 - wanted) * np.log(1 - chance))
    weights = np.array([options.background_weight, 1, 1, 1])
    if options.classification == "sigmoid":
        return float((weights * entropy).sum())
    if options.classification == "quality_focal":
        return float((weights * np.abs(wanted - chance) ** options.gamma * entropy).sum())
    right = np.where(wanted == 1, chance, 1 - chance)
    alpha = np.where(wanted == 1, options.alpha, 1 - options.alpha)
    return float((weights * alpha * (1 - right) ** options.gamma * entropy).sum())


def generalised_overlap(a: Any, b: Any) -> float:
    """GIoU: the IoU, less the share of the smallest box around both that neither covers."""
    hull = float((np.maximum(a[2:], b[2:]) - np.minimum(a[:2], b[:2])).prod())
    iou = overlap(a, b)
    union = float((a[2:] - a[:2]).prod() + (b[2:] - b[:2]).prod()) / (1 + iou)
    return iou - (hull - union) / hull


def overlap(a: Any, b: Any) -> float:
    """IoU of (ymin, xmin, ymax, xmax)."""
    sides = np.maximum(np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2]), 0)
    shared = float(sides.prod())
    return shared / (float((a[2:] - a[:2]).prod() + (b[2:] - b[:2]).prod()) - shared)
