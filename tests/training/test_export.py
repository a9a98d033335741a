"""A trained network as the old exporter's graph: every reader of such graphs understands it."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgekit import inspect, load
from edgekit.formats.graphdef import proto
from edgekit.formats.graphdef.graph import Graph
from edgekit.sources.inspection import GraphInspection
from edgekit.training.architecture import BOX_RANGE, COMPACT, KINDS, LEAST_RANGE, SCORE_RANGE, Architecture
from edgekit.training.export import graph, weight_range
from edgekit.training.options import LossOptions, Quantisation, SsdOptions
from edgekit.values.model import Model
from edgekit.values.spec import RawHead, Selection
from edgekit.vision.anchors import table

from .networks import folded, quantised, small

LABELS = ("red", "green", "blue")
OPTIONS = SsdOptions(
    box_coder=(8.0, 9.0, 4.0, 5.0), selection=Selection(score=0.03, iou=0.55, max_detections=42, regular=True)
)


def read(
    architecture: Architecture, folder: Path, *, ranges: bool = True, options: SsdOptions = OPTIONS
) -> tuple[Any, Model]:
    state = quantised(architecture) if ranges else folded(architecture)
    path = folder / "tflite_graph.pb"
    path.write_bytes(graph(architecture, state, options))
    return inspect(path), load(path, out=folder / "model", labels=LABELS)


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_read_as_what_it_is(kind: str, tmp_path: Path) -> None:
    architecture = small(kind)
    found, model = read(architecture, tmp_path)
    assert isinstance(found, GraphInspection)
    assert found.what == "an SSD detector (MobileNet), with its post-processing node"
    assert found.trouble == ""
    count = sum(grid.count for grid in architecture.grids)
    assert [port.shape for port in found.heads] == [(1, count, 4), (1, count, 4)]
    spec = model.spec
    assert (spec.input.height, spec.input.width, spec.num_classes, spec.labels) == (64, 96, 3, LABELS)
    assert isinstance(spec.head, RawHead)
    assert (spec.head.box_coder, spec.head.background, spec.selection) == (OPTIONS.box_coder, True, OPTIONS.selection)
    np.testing.assert_array_equal(np.load(model.root / "anchors.npy"), table(architecture.grids))


@pytest.mark.parametrize("kind", KINDS)
def test_every_range_is_there(kind: str, tmp_path: Path) -> None:
    architecture = small(kind)
    found, model = read(architecture, tmp_path)
    layers, merges = len(architecture.layers), len(architecture.steps) - len(architecture.layers)
    assert found.ranges.layers == layers
    assert found.ranges.fake_quants == 2 * layers + merges + 2  # weights and results; merges; boxes and scores
    assert (found.ranges.missing_weights, found.ranges.missing_activations) == ((), ())
    assert found.ranges.asymmetric_weights == ()
    assert (model.quantisation.kind, model.quantisation.missing, model.quantisation.symmetric) == (
        "fake-quant",
        (),
        True,
    )
    assert {one.recipe for one in found.recipes if one.works} >= {"tflite-uint8", "tflite-int8", "tflite-f32"}


def test_what_is_concatenated_has_one_range(tmp_path: Path) -> None:
    architecture = small()
    nodes = Graph.of(proto.read(graph(architecture, quantised(architecture), OPTIONS))).nodes
    state = quantised(architecture)
    for head, joined, shared in (
        ("BoxEncodingPredictor", "concat", BOX_RANGE),
        ("ClassPredictor", "concat_1", SCORE_RANGE),
    ):
        for path in (*(f"BoxPredictor_{index}/{head}" for index in range(2)), joined):
            for end in ("min", "max"):
                assert proto.constant(nodes[f"{path}/act_quant/{end}"]) == state[f"{shared}/{end}"]


def test_weights_keep_their_values_and_their_ranges(tmp_path: Path) -> None:
    architecture = small()
    for symmetric in (True, False):
        options = replace(OPTIONS, quantisation=Quantisation(symmetric=symmetric))
        found, _ = read(architecture, tmp_path, options=options)
        assert bool(found.ranges.asymmetric_weights) is not symmetric
    nodes = Graph.of(proto.read((tmp_path / "tflite_graph.pb").read_bytes())).nodes
    state = quantised(architecture)
    for layer in architecture.layers:
        weights = state[f"{layer.name}/weights"]
        name = "depthwise_weights" if layer.kernel[3] == 1 and "depthwise" in layer.name else "weights"
        np.testing.assert_array_equal(proto.constant(nodes[f"{layer.name}/{name}"]), weights)
        limits = [proto.constant(nodes[f"{layer.name}/weights_quant/{end}"]) for end in ("min", "max")]
        np.testing.assert_allclose(limits, [weights.min(), weights.max()], rtol=1e-6)


@pytest.mark.parametrize(
    ("weights", "symmetric", "expected"),
    [
        ([-1.0, 3.0], True, (-3.0, 3.0)),
        ([-4.0, 3.0], True, (-4.0, 4.0)),
        ([-1.0, 3.0], False, (-1.0, 3.0)),
        ([1.0, 3.0], True, (-3.0, 3.0)),
        ([1.0, 3.0], False, (-LEAST_RANGE, 3.0)),
        ([-2.0, -1.0], False, (-2.0, LEAST_RANGE)),
        ([0.0, 0.0], True, (-LEAST_RANGE, LEAST_RANGE)),
    ],
)
def test_the_range_of_weights_holds_them_and_zero(weights: list[float], symmetric: bool, expected: object) -> None:
    assert weight_range(np.array(weights, np.float32), symmetric=symmetric) == pytest.approx(expected)


@pytest.mark.parametrize(("loss", "op"), [("softmax", "Softmax"), ("focal", "Sigmoid")])
def test_scores_are_activated(loss: str, op: str, tmp_path: Path) -> None:
    found, model = read(small(), tmp_path, options=replace(OPTIONS, losses=LossOptions(classification=loss)))
    assert found.operators[op] == 1
    assert isinstance(model.spec.head, RawHead)
    assert model.spec.head.activation == "none"


@pytest.mark.parametrize("kind", KINDS)
def test_without_ranges_it_is_a_float_graph(kind: str, tmp_path: Path) -> None:
    found, model = read(small(kind), tmp_path, ranges=False, options=replace(OPTIONS, quantisation=None))
    assert (found.trouble, found.ranges.fake_quants, model.quantisation.kind) == ("", 0, "none")
    works = [one.recipe for one in found.recipes if one.works]
    assert works[:2] == ["tflite-f16", "tflite-f32"]
    assert all(name.startswith("tfjs-") for name in works[2:])


def test_the_same_weights_give_the_same_bytes() -> None:
    first, second = (graph(small(COMPACT), quantised(small(COMPACT)), OPTIONS) for _ in range(2))
    assert first == second
    assert first != graph(small(COMPACT), quantised(small(COMPACT), seed=1), OPTIONS)
