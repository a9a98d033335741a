"""The handmade detector: what it is made of, and that it finds what is in its pictures."""

from pathlib import Path

import numpy as np
import pytest

from edgekit.formats.graphdef import proto
from edgekit.formats.graphdef.graph import Graph
from edgekit.sources import load
from edgekit.values.answers import Detections
from edgekit.values.spec import RawHead
from edgekit.vision.decode import answer
from edgekit.vision.matching import match
from edgekit.vision.preprocess import real, tensor

from . import handmade

PICTURES = 20


def test_a_seed_gives_the_same_bytes_and_another_gives_others() -> None:
    assert handmade.contrib_graph(3) == handmade.contrib_graph(3)
    assert handmade.contrib_graph(3) != handmade.contrib_graph(4)
    np.testing.assert_array_equal(handmade.picture(3).pixels, handmade.picture(3).pixels)


def test_it_is_written_as_the_old_exporter_wrote(contrib: bytes) -> None:
    graph = Graph.of(proto.read(contrib))
    path = "FeatureExtractor/MobilenetV1/MobilenetV1/Conv2d_0"
    for name, op in (
        ("normalized_input_image_tensor", "Placeholder"),
        ("FeatureExtractor/MobilenetV1/Conv2d_0/weights", "Const"),
        (f"{path}/mul_fold", "Mul"),
        (f"{path}/weights_quant/FakeQuantWithMinMaxVars", "FakeQuantWithMinMaxVars"),
        (f"{path}/Conv2D_Fold", "Conv2D"),
        (f"{path}/add_fold", "Add"),
        (f"{path}/Relu6", "Relu6"),
        (f"{path}/act_quant/FakeQuantWithMinMaxVars", "FakeQuantWithMinMaxVars"),
        ("BoxPredictor_0/ClassPredictor/BiasAdd", "BiasAdd"),
        ("raw_outputs/box_encodings", "Identity"),
        ("raw_outputs/class_predictions", "Identity"),
        ("anchors", "Const"),
        ("TFLite_Detection_PostProcess", "TFLite_Detection_PostProcess"),
    ):
        assert graph.nodes[name].op == op
    relu = graph.nodes[f"{path}/act_quant/FakeQuantWithMinMaxVars"].input[0]
    assert relu == f"{path}/Relu6"
    assert len(contrib) < 300_000


def test_its_anchors_lie_off_the_uint8_grid(contrib: bytes) -> None:
    anchors = proto.constant(Graph.of(proto.read(contrib)).nodes["anchors"])
    scale = (anchors.max() - min(anchors.min(), 0)) / 255
    off = np.abs(anchors / scale - np.rint(anchors / scale))
    assert off.max() > 0.25


def test_pictures_hold_products_that_do_not_touch() -> None:
    for seed in range(PICTURES):
        shown = handmade.picture(seed)
        assert shown.pixels.shape == (2 * handmade.SIZE, 2 * handmade.SIZE, 3)
        assert len(shown.boxes) == len(shown.classes) >= 2
        assert shown.boxes.min() >= 0
        assert shown.boxes.max() <= 1
        for i, a in enumerate(shown.boxes):
            for b in shown.boxes[i + 1 :]:
                assert (np.maximum(a[:2], b[:2]) >= np.minimum(a[2:], b[2:])).any()


@pytest.mark.slow
def test_it_finds_its_products(tmp_path: Path) -> None:
    """In TensorFlow, fake-quants simulated: nine of ten products at IoU .5, and little that is none."""
    pytest.importorskip("tensorflow")
    from edgekit.runtimes.tensorflow import tensorflow_worker
    from edgekit.runtimes.tensorflow.frozen import FrozenGraph
    from edgekit.runtimes.tensorflow.session import run_frozen

    source = tmp_path / "tflite_graph.pb"
    source.write_bytes(handmade.contrib_graph(1))
    model = load(source, out=tmp_path / "model")
    spec, anchors = model.spec, np.load(model.root / "anchors.npy")
    assert isinstance(spec.head, RawHead)
    shown = [handmade.picture(seed) for seed in range(PICTURES)]
    inputs = np.concatenate([real(tensor(one.pixels, spec.input), spec.input.encoding) for one in shown])
    graph = FrozenGraph(
        path=model.path,
        input=spec.input.name,
        shape=(1, spec.input.height, spec.input.width, spec.input.channels),
        outputs=(spec.head.boxes, spec.head.scores),
    )
    with tensorflow_worker() as worker:
        outputs = worker.run(run_frozen, graph, inputs)
    found, products, boxes = 0, 0, 0
    for index, one in enumerate(shown):
        answered = answer(spec, {name: value[index : index + 1] for name, value in outputs.items()}, anchors)
        assert isinstance(answered, Detections)
        answered = answered.above(0.5)
        truth = Detections(boxes=one.boxes, scores=np.ones(len(one.boxes), np.float32), classes=one.classes)
        found += len(match(answered, truth, iou=0.5))
        products, boxes = products + len(one.boxes), boxes + len(answered)
    assert found / products >= 0.9
    assert boxes <= 1.2 * products
