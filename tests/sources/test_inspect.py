"""What ``inspect`` says, of good files and of everything that people hand over instead."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from edgekit.cli.inspect import inspect as command
from edgekit.errors import EdgekitError, SourceError, UsageError
from edgekit.formats.graphdef import proto
from edgekit.formats.graphdef.graph import Graph
from edgekit.formats.tflite import PORTS
from edgekit.sources import inspect, load
from edgekit.sources.inspection import GraphInspection, TfliteInspection
from edgekit.values.codec import to_data
from tests.formats import small_models
from tests.mutations import mutate

from . import fuzz
from .fuzz import examine, mutate_graph
from .graphs import anonymous, dropped, without

NODE = "TFLite_Detection_PostProcess"
FRESH = "FeatureExtractor/MobilenetV1/MobilenetV1/Conv2d_0"
WEB = ("tfjs-f32", "tfjs-f16", "tfjs-uint16", "tfjs-uint8")  # what every graph can become


def _graph(graph: Any, folder: Path) -> GraphInspection:
    path = folder / "tflite_graph.pb"
    path.write_bytes(proto.write(graph))
    found = inspect(path)
    assert isinstance(found, GraphInspection)
    return found


def _tflite(data: bytes, folder: Path) -> TfliteInspection:
    path = folder / "x.tflite"
    path.write_bytes(data)
    found = inspect(path)
    assert isinstance(found, TfliteInspection)
    return found


def _works(found: GraphInspection | TfliteInspection) -> list[str]:
    return [one.recipe for one in found.recipes if one.works]


def test_a_whole_graph(contrib: bytes, tmp_path: Path) -> None:
    found = _graph(proto.read(contrib), tmp_path)
    assert found.what == "an SSD detector (MobileNet), with its post-processing node"
    assert [(port.name, port.shape) for port in found.inputs] == [("normalized_input_image_tensor", (1, 128, 128, 3))]
    assert [port.shape for port in found.heads] == [(1, 640, 4), (1, 640, 4)]
    assert found.postprocess is not None
    assert (found.postprocess["nms_iou_threshold"], found.postprocess["max_detections"]) == (0.5, 25)
    assert found.anchors is not None
    assert found.anchors.count == 640
    assert (found.ranges.fake_quants, found.ranges.missing_weights) == (32, ())
    assert found.operators["DepthwiseConv2dNative"] == 5
    assert _works(found) == ["tflite-uint8", "tflite-f16", "tflite-f32", *WEB]
    refused = next(one for one in found.recipes if not one.works)
    assert "--requantise-weights symmetric" in refused.fix
    assert found.trouble == ""


def test_the_shortened_graph_is_a_detector_too(contrib: bytes, tmp_path: Path) -> None:
    found = _graph(_shortened(contrib), tmp_path)
    assert (found.trouble, found.anchors and found.anchors.count) == ("", 512)


def test_missing_ranges_are_named_and_stand_against_integers(contrib: bytes, tmp_path: Path) -> None:
    graph = without(proto.read(contrib), f"{FRESH}/act_quant/FakeQuantWithMinMaxVars")
    found = _graph(graph, tmp_path)
    assert found.ranges.missing_activations == (f"{FRESH}/Conv2D_Fold",)
    assert _works(found) == ["tflite-f16", "tflite-f32", *WEB]
    assert f"{FRESH}/Conv2D_Fold" in found.recipes[0].why


def test_a_float_graph(contrib: bytes, tmp_path: Path) -> None:
    graph = proto.read(contrib)
    found = _graph(without(graph, *(node.name for node in graph.node if node.op.startswith("FakeQuant"))), tmp_path)
    assert (found.ranges.fake_quants, found.ranges.missing_weights) == (0, ())
    assert _works(found) == ["tflite-f16", "tflite-f32", *WEB]


def test_what_has_to_be_said_is_a_note_and_no_trouble(contrib: bytes, tmp_path: Path) -> None:
    graph = anonymous(proto.read(contrib), "raw_outputs/box_encodings", "raw_outputs/class_predictions", NODE)
    found = _graph(graph, tmp_path)
    assert found.trouble == ""
    assert any("--mean" in note for note in found.notes)


def _classifier() -> Any:
    return proto.make_graph(
        [
            proto.make_node("input", "Placeholder", dtype=np.dtype("float32"), shape=proto.Shape((-1, 2, 2, 3))),
            proto.make_constant("shape", np.array([-1, 12], np.int32)),
            proto.make_node("flat", "Reshape", ["input", "shape"]),
            proto.make_constant("weights", np.zeros((12, 5), np.float32)),
            proto.make_node("logits", "MatMul", ["flat", "weights"]),
            proto.make_node("scores", "Softmax", ["logits"]),
        ]
    )


def _two_stages() -> Any:
    return proto.make_graph(
        [
            proto.make_node("image_tensor", "Placeholder", dtype=np.dtype("uint8"), shape=proto.Shape((-1, -1, -1, 3))),
            proto.make_node("boxes", "SomeProposals", ["image_tensor"]),
            proto.make_node("CropAndResize", "CropAndResize", ["image_tensor", "boxes"]),
            proto.make_node("detection_boxes", "Identity", ["CropAndResize"]),
        ]
    )


@pytest.mark.parametrize("change", ["second node", "two inputs"])
def test_a_graph_with_other_post_processing_is_read_and_only_conversion_refuses_it(
    contrib: bytes, tmp_path: Path, change: str
) -> None:
    graph = proto.read(contrib)
    node = next(node for node in graph.node if node.name == NODE)
    if change == "two inputs":
        del node.input[2]
    else:
        graph.node.add().CopyFrom(node)
        graph.node[-1].name = "again"
    found = _graph(graph, tmp_path)
    assert found.what == "a detector with post-processing that edgekit does not know"
    assert f"× {NODE}" in found.trouble
    assert found.recipes == ()
    with pytest.raises(SourceError, match=NODE):
        load(tmp_path / "tflite_graph.pb", out=tmp_path / "model")


@pytest.mark.parametrize("change", ["second operator", "two inputs", "other options"])
def test_a_tflite_with_other_post_processing_is_read_and_only_conversion_refuses_it(
    tmp_path: Path, change: str
) -> None:
    operators = {
        "second operator": lambda one: [one, one],
        "two inputs": lambda one: [one | {"inputs": [1, 2]}],
        "other options": lambda one: [one | {"custom_options": b"?"}],
    }
    found = _tflite(small_models.detector(operators=operators[change]), tmp_path)
    assert found.what == f"a detector with {NODE} that edgekit cannot use"
    assert NODE in found.trouble
    assert found.recipes == ()
    with pytest.raises(SourceError, match=NODE):
        load(tmp_path / "x.tflite", out=tmp_path / "model")


def test_a_classifier_needs_to_be_told_its_normalisation(tmp_path: Path) -> None:
    found = _graph(_classifier(), tmp_path)
    assert found.what == "a classifier of 5 classes"
    assert [head.meaning for head in found.heads] == ["scores of the classes"]
    assert "tfjs-f32" in _works(found)
    assert any("--mean 127.5" in note for note in found.notes)


def test_other_graphs_are_read_and_only_conversion_refuses_them(tmp_path: Path) -> None:
    found = _graph(_two_stages(), tmp_path)
    assert found.what.startswith("a two-stage detector")
    assert "a two-stage detector" in found.trouble
    assert found.recipes == ()
    assert CliRunner().invoke(command, [str(tmp_path / "tflite_graph.pb")]).exit_code == 0


def test_a_finished_file_is_read_by_its_ports(tmp_path: Path) -> None:
    order = ("scores", "boxes", "count", "classes")
    found = _tflite(small_models.detector(order=order), tmp_path)
    assert [port.meaning for port in found.outputs] == list(order)
    assert found.postprocess is not None
    assert found.postprocess["num_classes"] == 3
    assert {finding.outcome for finding in found.readers} >= {"refuses"}
    assert found.metadata is None


def test_a_file_of_another_kind_is_read_too(tmp_path: Path) -> None:
    found = _tflite(small_models.raw_detector(), tmp_path)
    assert found.what.startswith("a detector with raw heads")
    assert any("--anchors" in note for note in found.notes)
    assert _tflite(small_models.classifier(), tmp_path).what == "an image classifier"


@pytest.mark.parametrize("source", ["graph", "tflite"])
def test_json_is_the_same_as_data(source: str, contrib: bytes, tmp_path: Path) -> None:
    path = tmp_path / ("g.pb" if source == "graph" else "x.tflite")
    path.write_bytes(contrib if source == "graph" else small_models.detector(order=PORTS))
    result = CliRunner().invoke(command, ["--json", str(path)])
    assert result.exit_code == 0
    assert json.loads(result.output) == json.loads(json.dumps(to_data(inspect(path))))
    shown = CliRunner().invoke(command, [str(path)])
    assert shown.exit_code == 0
    for one in inspect(path).recipes:
        assert one.recipe in shown.output


@pytest.mark.parametrize(
    ("name", "data", "what"),
    [
        ("a.pb", b"", "empty"),
        ("a.tflite", b"", "empty"),
        ("a.bin", b"some words\nand more\n", "text file"),
        ("a.tflite", b"<!DOCTYPE html><html>", "HTML"),
        ("a.pb", b"version https://git-lfs.github.com/spec/v1\noid sha256:1\n", "LFS"),
        ("a.h5", b"\x89HDF\r\n\x1a\n" + bytes(90), "HDF5"),
        ("a.pt", b"\x80\x02}q\x00.", "pickle"),
        ("a.keras", b"PK\x03\x04" + bytes(90), "zip"),
        ("a.bin", bytes(range(256)), "no model that edgekit reads"),
        ("a.pb", b"\x0a\x05abcde", "not a TensorFlow graph"),
        ("a.tflite", b"\x1c\0\0\0TFL3", "damaged"),
    ],
)
def test_what_is_no_model_is_named(name: str, data: bytes, what: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(SourceError, match=what):
        inspect(tmp_path / name)


def test_folders_and_missing_files(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no file"):
        inspect(tmp_path / "nothing")
    with pytest.raises(SourceError, match="holds no model"):
        inspect(tmp_path)
    (tmp_path / "saved_model.pb").write_bytes(b"\x08\x01")
    with pytest.raises(SourceError, match="SavedModel"):
        inspect(tmp_path)


def test_the_model_inside_a_folder_is_named(tmp_path: Path) -> None:
    recipe, cut = tmp_path / "tflite-uint8", tmp_path / "model"
    for file in (recipe / "manifest.json", recipe / "model.tflite", cut / "graph.pb"):
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(b"")
    for folder, file in ((tmp_path, recipe / "model.tflite"), (cut, cut / "graph.pb")):
        with pytest.raises(SourceError) as caught:
            inspect(folder)
        assert str(file) in caught.value.fix


def test_truncation_anywhere_is_an_error(contrib: bytes, tmp_path: Path) -> None:
    file = small_models.detector()
    for name, data in (("a.pb", contrib), ("a.tflite", file)):
        for length in np.linspace(1, len(data) - 7, 40, dtype=int):
            (tmp_path / name).write_bytes(data[:length])
            with pytest.raises(EdgekitError):
                inspect(tmp_path / name)


def test_a_file_that_takes_too_long_is_told_and_the_alarm_given_back(
    contrib: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "graph.pb"
    path.write_bytes(contrib)
    before = signal.getsignal(signal.SIGALRM)
    monkeypatch.setattr(fuzz, "SECONDS", 1)
    monkeypatch.setattr(fuzz, "main", lambda _: time.sleep(30))
    assert "TooSlowError: more than 1 s" in examine(path)
    assert signal.getsignal(signal.SIGALRM) == before


@pytest.mark.parametrize("change", [mutate, mutate_graph])
def test_damaged_graphs_end_in_a_sentence(change: Any, contrib: bytes, tmp_path: Path) -> None:
    for seed in range(40):
        path = tmp_path / f"{seed}.pb"
        path.write_bytes(change(contrib, seed))
        assert examine(path) == ""


def test_damaged_files_end_in_a_sentence(tmp_path: Path) -> None:
    data = small_models.detector()
    for seed in range(100):
        path = tmp_path / f"{seed}.tflite"
        path.write_bytes(mutate(data, seed))
        assert examine(path) == ""


def _shortened(contrib: bytes) -> Any:
    """The handmade graph with one layer and one predictor: text is read in Python, and takes as long as it is."""
    graph = proto.read(contrib)
    for node in graph.node:
        if node.op == "ConcatV2":
            del node.input[1]
        elif node.op == "Conv2D" and node.name.startswith("BoxPredictor"):
            node.input[0] = f"{FRESH}/act_quant/FakeQuantWithMinMaxVars"
        elif node.name == "anchors":
            node.CopyFrom(proto.make_constant(node.name, proto.constant(node)[: 16 * 16 * 2]))
    return Graph.of(graph).cut([NODE]).message


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "kind"), [("graph.pb", ()), ("graph.pb", ("graph",)), ("finished.tflite", ()), ("text.pbtxt", ())]
)
def test_a_thousand_damaged_files_within_2_gb(name: str, kind: tuple[str, ...], contrib: bytes, tmp_path: Path) -> None:
    from google.protobuf import text_format

    from .test_load_tflite import _described

    contents = {
        "graph.pb": contrib,
        "finished.tflite": _described("uint8"),
        "text.pbtxt": text_format.MessageToString(_shortened(contrib)).encode(),
    }
    (tmp_path / name).write_bytes(contents[name])
    for first in range(0, 1000, 250):
        arguments = [str(tmp_path / name), str(first), "250", str(tmp_path), *kind]
        ended = subprocess.run([sys.executable, "-m", "tests.sources.fuzz", *arguments], capture_output=True, text=True)
        assert ended.returncode == 0, ended.stdout + ended.stderr


@pytest.mark.real
def test_published_models(real: Path, tmp_path: Path) -> None:
    folder = real / "coco_ssd_mobilenet_v1"
    file = inspect(folder / "ssd_mobilenet_v1.tflite")
    assert isinstance(file, TfliteInspection)
    assert [port.meaning for port in file.outputs] == list(PORTS)
    assert {f.reader.split()[0]: f.outcome for f in file.readers}["MediaPipe"] == "refuses"
    assert any("no metadata" in finding.why for finding in file.readers)
    assert file.integer_macs == 1.0
    assert file.recipes[0].works
    graph = inspect(folder / "tflite_graph.pb")
    assert isinstance(graph, GraphInspection)
    assert "MobileNet" in graph.what
    assert (graph.ranges.fake_quants, graph.ranges.layers, graph.ranges.missing_weights) == (96, 47, ())
    bare = _graph(dropped(proto.read((folder / "tflite_graph.pb").read_bytes()), NODE), tmp_path)
    assert [port.shape for port in bare.heads] == [(1, 1917, 4), (1, 1917, 91)]


@pytest.mark.real
@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("handtrack_ssd320_fpnlite/saved_model", "is a SavedModel"),
        (
            "handtrack_ssd320_fpnlite/saved_model/saved_model.pb",
            "is a SavedModel .tags serve, written by TensorFlow 2.18",
        ),
        ("coco_ssd_mobilenet_v1_checkpoint", "TensorFlow checkpoint"),
        (
            "coco_ssd_mobilenet_v1_checkpoint/model.ckpt.meta",
            "is a MetaGraphDef .* 9562 nodes, written by TensorFlow 1.5.0",
        ),
        ("mobilenet_v1_025_224/mobilenet_v1_0.25_224.h5", "Keras or HDF5"),
        ("photos/cat.bmp", "BMP picture"),
    ],
)
def test_published_files_of_other_kinds(real: Path, name: str, what: str) -> None:
    with pytest.raises(SourceError, match=what):
        inspect(real / name)
