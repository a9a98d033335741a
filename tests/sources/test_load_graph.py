"""SSD graphs become models: as they are, without their post-processing node, with other names, with faults."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgekit.errors import EdgekitError, SourceError, UsageError, UserDataError
from edgekit.formats import model as model_file
from edgekit.formats.graphdef import proto
from edgekit.formats.graphdef.graph import Graph
from edgekit.sources import LoadOptions, load
from edgekit.values.model import Model
from edgekit.values.spec import ClassHead, RawHead, Selection

from ..handmade import BOX_CODER, LABELS, SELECTION
from .graphs import anonymous, copy_of, dropped, renamed, without

NODE = "TFLite_Detection_PostProcess"
INPUT = "normalized_input_image_tensor"
BOXES, SCORES = "raw_outputs/box_encodings", "raw_outputs/class_predictions"


def _load(graph: Any, folder: Path, **options: Any) -> Model:
    path = folder / "tflite_graph.pb"
    path.write_bytes(proto.write(graph))
    return load(path, out=folder / "model", **options)


@pytest.fixture
def graph(contrib: bytes) -> Any:
    return proto.read(contrib)


def _file(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def test_a_whole_graph(graph: Any, tmp_path: Path) -> None:
    labels, groups = (
        _file(tmp_path / "labels.txt", "red\ngreen\nblue\n"),
        _file(tmp_path / "groups.json", '{"warm": ["red"]}'),
    )
    model = _load(graph, tmp_path, labels=labels, groups=groups, name="shelf")
    spec = model.spec
    assert (spec.name, spec.task, spec.num_classes, spec.labels) == ("shelf", "detection", 3, LABELS)
    assert spec.groups == {"warm": ("red",)}
    assert (spec.input.name, spec.input.height, spec.input.width, spec.input.mean) == (INPUT, 128, 128, (127.5,))
    assert spec.head == RawHead(boxes=BOXES, scores=SCORES, anchors="anchors.npy", box_coder=BOX_CODER)
    assert spec.selection == SELECTION
    assert (model.quantisation.kind, model.quantisation.missing, model.quantisation.symmetric) == (
        "fake-quant",
        (),
        False,
    )
    assert any("127.5 is assumed" in sentence for sentence in model.assumptions)
    stored = Graph.of(proto.read(model.path.read_bytes()))
    assert NODE not in stored.nodes
    assert "anchors" not in stored.nodes
    assert len(list(stored.of_op("FakeQuantWithMinMaxVars"))) == 32
    table = np.load(model.root / "anchors.npy")
    np.testing.assert_array_equal(table, proto.constant(Graph.of(graph).nodes["anchors"]))
    assert model_file.read(model.root) == model


def test_the_same_source_gives_the_same_bytes(graph: Any, tmp_path: Path) -> None:
    first, second = (_load(graph, tmp_path, name=name) for name in ("a", "a"))
    assert first.path.read_bytes() == second.path.read_bytes()
    assert first == second


def test_without_the_node_the_raw_outputs_and_anchors_are_found_by_name(graph: Any, tmp_path: Path) -> None:
    model = _load(dropped(graph, NODE), tmp_path)
    assert model.spec.num_classes == 3
    assert model.spec.selection == Selection()
    said = " ".join(model.assumptions)
    assert "Box coder 10, 10, 5, 5" in said
    assert "4 columns of scores are 3 classes" in said


def test_labels_say_whether_there_is_a_background(graph: Any, tmp_path: Path) -> None:
    bare = dropped(graph, NODE)
    model = _load(bare, tmp_path, labels=_file(tmp_path / "four.txt", "a\nb\nc\nd\n"))
    assert isinstance(model.spec.head, RawHead)
    assert (model.spec.num_classes, model.spec.head.background) == (4, False)
    model = _load(bare, tmp_path, labels=_file(tmp_path / "three.txt", "background\nb\nc\nd\n"))
    assert (model.spec.num_classes, model.spec.labels) == (3, ("b", "c", "d"))


def test_anchors_from_a_file(graph: Any, tmp_path: Path) -> None:
    table = np.linspace(0.1, 0.9, 640 * 4, dtype=np.float32).reshape(640, 4)
    np.save(tmp_path / "a.npy", table)
    np.savetxt(tmp_path / "a.csv", table, delimiter=",", fmt="%.9g")
    for name in ("a.npy", "a.csv"):
        model = _load(dropped(graph, NODE, "anchors"), tmp_path, anchors=tmp_path / name)
        np.testing.assert_array_equal(np.load(model.root / "anchors.npy"), table)


@pytest.mark.parametrize(
    "content", [b"", b"1,2,3\n4,5,6\n", b"a,b,c,d\n", b"\x93NUMPY\x01\x00", b"0 0 1 0\n", b"\xff\xfe"]
)
def test_anchor_files_that_are_none(graph: Any, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a").write_bytes(content)
    with pytest.raises(UserDataError, match="no table of anchors"):
        _load(dropped(graph, NODE, "anchors"), tmp_path, anchors=tmp_path / "a")


def test_other_names_are_told(graph: Any, tmp_path: Path) -> None:
    other = renamed(dropped(graph, NODE), {BOXES: "b", SCORES: "s", INPUT: "image"})
    with pytest.raises(SourceError, match="neither the node"):
        _load(other, tmp_path)
    model = _load(other, tmp_path, outputs=("b", "s"))
    assert isinstance(model.spec.head, RawHead)
    assert (model.spec.head.boxes, model.spec.head.scores, model.spec.input.name) == ("b", "s", "image")


def test_an_input_inside_the_graph(graph: Any, tmp_path: Path) -> None:
    """A graph that normalises its picture itself is cut behind that."""
    before = copy_of(graph)
    for node in before.node:
        node.input[:] = ["normal" if reference == INPUT else reference for reference in node.input]
    before.node.extend(
        [proto.make_constant("half", np.float32(127.5)), proto.make_node("normal", "Sub", [INPUT, "half"])]
    )
    model = _load(before, tmp_path, input="normal")
    stored = Graph.of(proto.read(model.path.read_bytes()))
    assert stored.nodes["normal"].op == "Placeholder"
    assert INPUT not in stored.nodes


def test_logits_need_a_word(graph: Any, tmp_path: Path) -> None:
    bare = without(dropped(graph, NODE), "convert_scores")
    with pytest.raises(UsageError, match="without sigmoid or softmax"):
        _load(bare, tmp_path)
    model = _load(bare, tmp_path, activation="sigmoid")
    assert isinstance(model.spec.head, RawHead)
    assert model.spec.head.activation == "sigmoid"


def test_a_network_without_a_name_needs_mean_and_std(graph: Any, tmp_path: Path) -> None:
    """The handmade graph has five depthwise layers, too few to be taken for a MobileNet without its names."""
    other = anonymous(graph, INPUT, NODE, BOXES, SCORES)
    with pytest.raises(UsageError, match="does not say how pixels"):
        _load(other, tmp_path)
    model = _load(other, tmp_path, mean=(0.0,), std=(255.0,))
    assert (model.spec.input.mean, model.assumptions) == ((0.0,), ())


def test_options_override_the_node(graph: Any, tmp_path: Path) -> None:
    model = _load(graph, tmp_path, score=0.3, max_detections=7, regular=True)
    assert model.spec.selection == Selection(score=0.3, iou=0.5, max_detections=7, regular=True)
    with pytest.raises(UsageError, match="max_detections"):
        _load(graph, tmp_path, max_detections=0)


def test_a_text_graph(graph: Any, tmp_path: Path) -> None:
    from google.protobuf import text_format

    path = tmp_path / "tflite_graph.pbtxt"
    path.write_text(text_format.MessageToString(graph))
    assert load(path, out=tmp_path / "model").spec.num_classes == 3


def _attribute(node: str, name: str, **values: Any) -> Any:
    def change(graph: Any) -> Any:
        changed = copy_of(graph)
        target = next(other for other in changed.node if other.name == node)
        target.attr[name].CopyFrom(proto.make_node("", "", **{name: values["to"]}).attr[name])
        return changed

    return change


def _batch_and_size(*shape: int) -> Any:
    return _attribute(INPUT, "shape", to=proto.Shape(shape))


@pytest.mark.parametrize(
    ("change", "error", "what"),
    [
        (_batch_and_size(1, -1, -1, 3), SourceError, r"\[1, -1, -1, 3\]"),
        (_batch_and_size(1, 128, 128, 4), SourceError, r"\[1, 128, 128, 4\]"),
        (_batch_and_size(8, 128, 128, 3), SourceError, r"\[8, 128, 128, 3\]"),
        (_attribute(INPUT, "dtype", to=np.dtype("uint8")), SourceError, "uint8"),
        (_attribute(NODE, "num_classes", to=9), SourceError, "says 9 classes"),
        (_attribute(NODE, "max_detections", to=-1), SourceError, "max_detections"),
        (_attribute(NODE, "nms_iou_threshold", to=1.5), SourceError, "iou"),
        (_attribute(NODE, "y_scale", to=0.0), SourceError, "box_coder"),
        (_attribute(NODE, "y_scale", to="ten"), SourceError, NODE),
        (_attribute("concat_1", "T", to=np.dtype("float32")), None, ""),
        (_attribute("anchors", "value", to=np.ones((5, 4), np.float32)), SourceError, "640"),
        (_attribute("anchors", "value", to=np.zeros((640, 4), np.float32)), SourceError, "above 0"),
        (lambda graph: dropped(graph, NODE, "anchors"), UsageError, "no anchors"),
        (lambda graph: dropped(graph, NODE, BOXES, SCORES), SourceError, "neither the node"),
    ],
)
def test_faults(graph: Any, tmp_path: Path, change: Any, error: type[EdgekitError] | None, what: str) -> None:
    if error is None:
        _load(change(graph), tmp_path)
        return
    with pytest.raises(error, match=what):
        _load(change(graph), tmp_path)


def test_an_open_batch_becomes_one(graph: Any, tmp_path: Path) -> None:
    model = _load(_batch_and_size(-1, 128, 128, 3)(graph), tmp_path)
    stored = Graph.of(proto.read(model.path.read_bytes()))
    assert proto.plain(stored.nodes[INPUT].attr["shape"]) == [1, 128, 128, 3]


def test_variables_are_not_frozen(graph: Any, tmp_path: Path) -> None:
    changed = copy_of(graph)
    weights = "FeatureExtractor/MobilenetV1/Conv2d_0/weights"
    next(node for node in changed.node if node.name == weights).op = "VariableV2"
    with pytest.raises(SourceError, match=f"variables: {weights}"):
        _load(changed, tmp_path)


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ({"input": "nowhere"}, "no node nowhere"),
        ({"outputs": (BOXES, "nowhere")}, "no node nowhere"),
        ({"outputs": (BOXES,)}, r"are \[1, 640, 4\]"),
        ({"outputs": (BOXES, SCORES, "anchors")}, "names 3 nodes"),
        ({"input": "anchors"}, "anchors"),
        ({"mean": (1.0, 2.0), "std": (1.0, 2.0)}, "normalised"),
    ],
)
def test_names_that_lead_nowhere(graph: Any, tmp_path: Path, options: dict[str, Any], what: str) -> None:
    with pytest.raises(EdgekitError, match=what):
        _load(graph, tmp_path, **options)


def test_a_classifier_by_the_name_of_its_scores(graph: Any, tmp_path: Path) -> None:
    """Pooled over all boxes, for want of a better one."""
    axis = proto.make_constant("axis", np.int32(1))
    flags = {"T": np.dtype("float32"), "Tidx": np.dtype("int32"), "keep_dims": False}
    graph.node.extend([axis, proto.make_node("pooled", "Mean", [SCORES, "axis"], **flags)])
    model = _load(graph, tmp_path, outputs="pooled", activation="sigmoid", labels=["a", "b", "c", "d"])
    spec = model.spec
    assert (spec.task, spec.num_classes, spec.selection) == ("classification", 4, None)
    assert spec.head == ClassHead(scores="pooled", activation="sigmoid")
    assert model.files == ("graph.pb",)
    with pytest.raises(UsageError, match="no use for --score"):
        _load(graph, tmp_path, outputs="pooled", activation="none", score=0.5)


def test_half_of_a_normalisation_is_refused() -> None:
    with pytest.raises(UsageError, match="belong together"):
        LoadOptions(mean=(127.5,))


@pytest.mark.real
def test_the_published_graph_and_its_raw_half(real: Path, tmp_path: Path) -> None:
    folder = real / "coco_ssd_mobilenet_v1"
    whole = load(folder / "tflite_graph.pb", out=tmp_path / "whole", labels=folder / "labelmap.txt")
    assert (whole.spec.name, whole.spec.num_classes, whole.spec.label(0)) == ("coco_ssd_mobilenet_v1", 90, "person")
    assert whole.quantisation.missing == ()
    assert any("127.5 is assumed" in sentence for sentence in whole.assumptions)  # known by structure, names are lost
    bare = _load(dropped(proto.read((folder / "tflite_graph.pb").read_bytes()), NODE), tmp_path)
    assert (bare.spec.num_classes, bare.spec.head) == (90, whole.spec.head)
    assert bare.path.read_bytes() == whole.path.read_bytes()
