"""Graphs become .tflite files, with real TensorFlow: the handmade graph to all recipes, the published one to uint8."""

from pathlib import Path

import numpy as np
import pytest

from edgekit.errors import ConversionError
from edgekit.formats.tflite import CUSTOM_NAME, find, read
from edgekit.formats.tflite.audit import audit
from edgekit.runtimes.litert import LitertSession
from edgekit.stories.convert import convert
from edgekit.stories.subject import Runner, open_subject
from edgekit.values.answers import Detections
from edgekit.values.artifact import Artifact
from edgekit.vision.images import load
from edgekit.vision.matching import match
from edgekit.vision.preprocess import real as real_numbers
from edgekit.vision.preprocess import tensor

from ..handmade import contrib_graph, picture

pytestmark = pytest.mark.slow

RECIPES = ("tflite-uint8", "tflite-int8", "tflite-f16", "tflite-f32")


def truth(seed: int) -> Detections:
    drawn = picture(seed)
    return Detections(boxes=drawn.boxes, scores=np.ones(len(drawn.boxes), np.float32), classes=drawn.classes)


@pytest.mark.parametrize("recipe", RECIPES)
def test_the_handmade_graph_still_finds_its_products(converted: dict[str, Artifact], recipe: str) -> None:
    runner = Runner(open_subject(converted[recipe].root))
    found = wanted = 0
    for seed in range(100, 110):
        answer = runner.answer(picture(seed).pixels)
        assert isinstance(answer, Detections)
        found += len(match(truth(seed), answer.above(0.5), iou=0.5))
        wanted += len(truth(seed))
    assert found >= 0.9 * wanted


@pytest.mark.parametrize(
    ("recipe", "weights", "activations"),
    [
        ("tflite-uint8", "uint8", "uint8"),
        ("tflite-int8", "int8", "int8"),
        ("tflite-f16", "float16", "float32"),
        ("tflite-f32", "float32", "float32"),
    ],
)
def test_the_files_types_are_those_of_the_recipe(
    converted: dict[str, Artifact], recipe: str, weights: str, activations: str
) -> None:
    found = audit(read(converted[recipe].path.read_bytes()))
    assert {(row.weights, row.outputs) for row in found.rows if row.weights} == {(weights, (activations,))}
    if activations != "float32":
        assert {op.operator for op in found.floats} == {"DEQUANTIZE", CUSTOM_NAME}
        assert found.integer_mac_share == 1


def test_all_recipes_take_a_picture_of_the_same_spec(phone: dict[str, Artifact]) -> None:
    dtypes = {recipe: artifact.spec.input.encoding.dtype for recipe, artifact in phone.items()}
    assert dtypes == {
        "tflite-uint8": "uint8",
        "tflite-int8": "uint8",
        "tflite-f16": "float32",
        "tflite-f32": "float32",
    }


def test_int8_weights_have_no_zero_point(converted: dict[str, Artifact]) -> None:
    graph = read(converted["tflite-int8"].path.read_bytes()).main
    constants = [t for t in graph.tensors if t.has_data and t.dtype == "int8" and t.quantisation is not None]
    assert constants
    assert {zero for t in constants if t.quantisation for zero in t.quantisation.zero_points} == {0}


def test_rounding_weights_anew_is_said(phone: dict[str, Artifact]) -> None:
    said = {recipe: any("rounded anew" in one for one in made.assumptions) for recipe, made in phone.items()}
    assert said == {recipe: recipe == "tflite-int8" for recipe in RECIPES}


def test_anchors_lose_no_precision(phone: dict[str, Artifact]) -> None:
    stored = np.load(phone["tflite-uint8"].root.parent / "model" / "anchors.npy")
    for artifact in phone.values():
        model = read(artifact.path.read_bytes())
        found = find(model)
        assert found is not None
        values = np.frombuffer(model.constant(found.anchors), "<f4").reshape(-1, 4)
        np.testing.assert_array_equal(values, stored)


def test_a_missing_range_is_refused_by_name(tmp_path: Path) -> None:
    from edgekit.formats.graphdef import proto

    graph = proto.read(contrib_graph())
    quant = next(node for node in graph.node if node.op.startswith("FakeQuant") and "act_quant" in node.name)
    source, name = quant.input[0], quant.name
    quant.Clear()
    quant.CopyFrom(proto.make_node(name, "Identity", [source], T=np.dtype("float32")))
    (tmp_path / "tflite_graph.pb").write_bytes(proto.write(graph))
    with pytest.raises(ConversionError, match=r"(?s)cannot become tflite-uint8.*would stay float"):
        convert(tmp_path / "tflite_graph.pb", to="tflite-uint8", out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.real
def test_the_published_graph_becomes_the_published_file(real: Path, coco: Artifact) -> None:
    """On identical tensors of every picture: each published answer is ours, score within 1/128, IoU at least .98."""
    ours = LitertSession(coco.path)
    published = LitertSession(real / "coco_ssd_mobilenet_v1" / "ssd_mobilenet_v1.tflite")
    (image,) = (name for name, shape in published.shapes.items() if shape == (1, 300, 300, 3))
    pictures = sorted(path for path in (real / "photos").iterdir() if path.suffix in (".jpg", ".bmp"))
    assert len(pictures) == 7
    for path in pictures:
        stored = tensor(load(path), coco.spec.input)
        numbers = real_numbers(stored, coco.spec.input.encoding)
        theirs = answers(published, image, numbers, ["TFLite_Detection_PostProcess" + s for s in ("", ":1", ":2")])
        mine = answers(ours, "image", numbers, ["boxes", "classes", "scores"])
        pairs = match(theirs, mine, iou=0.98)
        assert len(pairs) == len(theirs) == 10, path.name
        for i, j in pairs:
            assert abs(float(theirs.scores[i]) - float(mine.scores[j])) <= 1 / 128, path.name
    found = audit(read(coco.path.read_bytes()))
    assert [op.operator for op in found.floats] == ["DEQUANTIZE", CUSTOM_NAME]


def answers(session: LitertSession, image: str, numbers: np.ndarray, names: list[str]) -> Detections:
    session.feed({image: numbers})
    session.invoke()
    outputs = session.read()
    boxes, classes, scores = (outputs[name][0] for name in names)
    return Detections(boxes=boxes[:, [1, 0, 3, 2]], scores=scores, classes=classes.astype(np.int64))
