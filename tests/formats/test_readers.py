"""The readers' lint: each thing that a reader refuses or misreads is found, and nothing else is.

tests/slow/test_judges.py asks the real MediaPipe and the real Task Library about the same kinds of change.
"""

import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edgekit.formats.tflite import archive
from edgekit.formats.tflite.calibration import Calibration
from edgekit.formats.tflite.metadata import Details, encode, pack, revise, unpack
from edgekit.formats.tflite.reader import read
from edgekit.formats.tflite.readers import Finding, lint, operator_versions, readers

from .small_models import classifier, detector, raw_detector

LABELS = ("red", "green", "blue")
NORMAL = {"mean": (127.5,), "std": (127.5,)}
MEDIAPIPE, TASK_LIBRARY, BROWSER, ANDROID = (f"{reader.name} {reader.version}" for reader in readers())
TASKS = {MEDIAPIPE, TASK_LIBRARY}


def good(data: bytes | None = None, **details: Any) -> bytes:
    """The model with metadata that every reader accepts."""
    return revise(data or detector(), Details(**{"labels": LABELS, **NORMAL, **details}))[0]


def changed(change: Callable[[dict[str, Any]], None], data: bytes | None = None) -> bytes:
    """A good file whose metadata's one subgraph was changed."""
    data = data or good()
    metadata, files = unpack(data)
    assert metadata is not None
    change(metadata["subgraph_metadata"][0])
    return pack(data, metadata, files)


def repacked(data: bytes, files: dict[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    """The file with another archive behind it, made by Python's own writer."""
    stream = io.BytesIO(data[: archive.read(data).start])
    stream.seek(0, 2)
    with zipfile.ZipFile(stream, "a", method) as file:
        for name, content in files.items():
            file.writestr(name, content)
    return stream.getvalue()


def outcomes(data: bytes) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for finding in lint(read(data)):
        found.setdefault(finding.reader, set()).add(finding.outcome)
    return found


def of(data: bytes, reader: str) -> list[Finding]:
    return [finding for finding in lint(read(data)) if finding.reader == reader]


@pytest.mark.parametrize(
    "data",
    [
        good(),
        good(detector(order=("scores", "boxes", "count", "classes"))),
        good(detector(dtype="float32")),
        good(classifier(classes=3)),
        good(classifier(classes=3, dtype="float32")),
        good(score_threshold=0.5, calibration=Calibration(sigmoids=((1.0, 1.0, 0.0), None, None))),
        good(locale_labels={"de": LABELS}),
        revise(detector(), Details())[0],
        classifier(),
    ],
    ids=[
        "detector",
        "other order",
        "float",
        "classifier",
        "float classifier",
        "calibrated",
        "locale",
        "default",
        "none",
    ],
)
def test_every_reader_accepts_what_edgekit_writes(data: bytes) -> None:
    assert outcomes(data) == {reader: {"accepts"} for reader in (*TASKS, BROWSER, ANDROID)}


def location(subgraph: dict[str, Any]) -> dict[str, Any]:
    box: dict[str, Any] = subgraph["output_tensor_metadata"][0]["content"]
    return box


def swap(i: int, j: int) -> Callable[[dict[str, Any]], None]:
    def change(subgraph: dict[str, Any]) -> None:
        outputs = subgraph["output_tensor_metadata"]
        outputs[i], outputs[j] = outputs[j], outputs[i]

    return change


def labels_by_axis(subgraph: dict[str, Any]) -> None:
    subgraph["output_tensor_metadata"][1]["associated_files"][0]["type"] = "TENSOR_AXIS_LABELS"


def without_boxes(subgraph: dict[str, Any]) -> None:
    subgraph["output_tensor_metadata"][0]["content"] = {
        "content_properties_type": "FeatureProperties",
        "content_properties": {},
    }


def unnormalised(subgraph: dict[str, Any]) -> None:
    del subgraph["input_tensor_metadata"][0]["process_units"]


def twice_normalised(subgraph: dict[str, Any]) -> None:
    subgraph["input_tensor_metadata"][0]["process_units"] *= 2


def grey(subgraph: dict[str, Any]) -> None:
    subgraph["input_tensor_metadata"][0]["content"]["content_properties"] = {"color_space": "GRAYSCALE"}


def uncalibrated(subgraph: dict[str, Any]) -> None:
    unit = {"options_type": "ScoreCalibrationOptions", "options": {}}
    subgraph["output_tensor_metadata"][2]["process_units"] = [unit]


def newer(data: bytes) -> bytes:
    """A file that wants a parser of the future, which ``pack`` never writes."""
    metadata, files = unpack(good())
    assert metadata is not None
    content = encode(metadata | {"min_parser_version": "1.10.0"})
    entry = {"metadata": [{"name": "TFLITE_METADATA", "buffer": 1}], "buffers": [{}, {"data": content}]}
    return detector(**entry) + archive.write(files)


CASES: dict[str, tuple[bytes, dict[str, str]]] = {
    "no metadata": (detector(), dict.fromkeys(TASKS, "refuses")),
    "float32 without metadata": (classifier(dtype="float32"), dict.fromkeys(TASKS, "refuses")),
    "int8 input": (good(detector(dtype="int8")), dict.fromkeys((*TASKS, BROWSER), "refuses")),
    "compressed archive": (
        repacked(good(), {"labels.txt": b"red\ngreen\nblue\n"}, zipfile.ZIP_DEFLATED),
        dict.fromkeys(TASKS, "refuses"),
    ),
    "missing label file": (repacked(good(), {"other.txt": b""}), dict.fromkeys(TASKS, "refuses")),
    "no box properties": (changed(without_boxes), dict.fromkeys(TASKS, "refuses")),
    "pixel boxes": (
        changed(lambda s: location(s)["content_properties"].update(coordinate_type="PIXEL")),
        dict.fromkeys(TASKS, "refuses"),
    ),
    "other side order": (
        changed(lambda s: location(s)["content_properties"].pop("index")),
        dict.fromkeys(TASKS, "misreads"),
    ),
    "float32 without normalisation": (
        changed(unnormalised, good(detector(dtype="float32"))),
        dict.fromkeys(TASKS, "refuses"),
    ),
    "normalised twice": (changed(twice_normalised), dict.fromkeys(TASKS, "refuses")),
    "normalised by channel": (
        good(detector(dtype="float32"), mean=(1.0, 2.0, 3.0), std=(1.0, 1.0, 1.0)),
        {MEDIAPIPE: "refuses"},
    ),
    "boxes and count swapped": (changed(swap(0, 3)), dict.fromkeys(TASKS, "refuses")),
    "category and score swapped": (changed(swap(1, 2)), dict.fromkeys(TASKS, "misreads")),
    "labels declared by axis": (changed(labels_by_axis), dict.fromkeys(TASKS, "misreads")),
    "grey": (changed(grey), dict.fromkeys(TASKS, "refuses")),
    "four channels": (good(detector(channels=4)), dict.fromkeys(TASKS, "refuses")),
    "fewer labels": (
        repacked(good(), {"labels.txt": b"red\ngreen\n"}),
        {MEDIAPIPE: "misreads", TASK_LIBRARY: "refuses"},
    ),
    "more labels": (repacked(good(), {"labels.txt": b"bg\nred\ngreen\nblue\n"}), dict.fromkeys(TASKS, "misreads")),
    "calibration without file": (changed(uncalibrated), dict.fromkeys(TASKS, "refuses")),
    "newer parser": (newer(good()), dict.fromkeys(TASKS, "refuses")),
    "raw heads": (good(raw_detector()), dict.fromkeys(TASKS, "refuses")),
    "version 12": (classifier(version=12), {TASK_LIBRARY: "refuses", ANDROID: "refuses"}),
    "version 11": (classifier(version=11), {TASK_LIBRARY: "refuses"}),
    "version of the future": (classifier(version=99), dict.fromkeys((*TASKS, ANDROID), "refuses")),
}


@pytest.mark.parametrize(("data", "expected"), CASES.values(), ids=CASES.keys())
def test_what_readers_refuse_or_misread(data: bytes, expected: dict[str, str]) -> None:
    everybody = {reader: {expected.get(reader, "accepts")} for reader in (*TASKS, BROWSER, ANDROID)}
    assert outcomes(data) == everybody
    for finding in lint(read(data)):
        assert finding.why
        assert bool(finding.fix) == (finding.outcome != "accepts"), finding


def test_calibration_with_a_final_newline_is_one_line_too_many_for_the_task_library() -> None:
    data = good(calibration=Calibration(sigmoids=((1.0, 1.0, 0.0), None, None)))
    files = unpack(data)[1]
    broken = repacked(data, files | {"score_calibration.csv": files["score_calibration.csv"] + b"\n"})
    assert outcomes(broken) == {r: {"refuses" if r == TASK_LIBRARY else "accepts"} for r in (*TASKS, BROWSER, ANDROID)}


def test_hostile_archive_is_a_finding() -> None:
    data = repacked(good(), {"../labels.txt": b""})
    assert any("leads out of its folder" in finding.why for finding in of(data, MEDIAPIPE))


def test_damaged_metadata_is_a_finding() -> None:
    data = detector(metadata=[{"name": "TFLITE_METADATA", "buffer": 1}], buffers=[{}, {"data": b"nothing"}])
    (finding,) = of(data, MEDIAPIPE)
    assert (finding.outcome, "TFLITE_METADATA cannot be read" in finding.why) == ("refuses", True)


def test_unknown_custom_operator_is_named() -> None:
    from edgekit.formats import flatbuffer
    from edgekit.formats.tflite import schema

    def model(name: str) -> bytes:
        code = {"deprecated_builtin_code": 32, "builtin_code": 32, "custom_code": name}
        subgraph = {
            "tensors": [{"shape": [1, 8, 8, 3], "type": 3, "name": "x"}, {"shape": [1, 4], "type": 3, "name": "y"}],
            "inputs": [0],
            "outputs": [1],
            "operators": [{"opcode_index": 0, "inputs": [0], "outputs": [1]}],
        }
        fields = {"version": 3, "operator_codes": [code], "subgraphs": [subgraph], "buffers": [{}]}
        return flatbuffer.encode(schema.SCHEMA, "Model", fields, schema.IDENTIFIER)

    for finding in lint(read(model("FlexErf"))):
        assert (finding.outcome, "FlexErf" in finding.why, bool(finding.fix)) == ("refuses", True, True)


def test_operator_tables_hold_what_is_known_of_them() -> None:
    android = operator_versions()["tensorflow 2.16.1"]
    assert android["FULLY_CONNECTED"] == [1, 11]  # TensorFlow 2.21 writes 12 for dynamic-range models
    assert android["CONV_2D"][1] >= 5
    assert {reader.operators for reader in readers()} - {""} == set(operator_versions())


@pytest.mark.real
def test_published_file_lacks_its_metadata(real: Path) -> None:
    data = (real / "coco_ssd_mobilenet_v1" / "ssd_mobilenet_v1.tflite").read_bytes()
    assert outcomes(data) == {
        MEDIAPIPE: {"refuses"},
        TASK_LIBRARY: {"refuses"},
        BROWSER: {"accepts"},
        ANDROID: {"accepts"},
    }
    labels = tuple((real / "coco_ssd_mobilenet_v1" / "labelmap.txt").read_text().splitlines())
    assert outcomes(good(data, labels=labels)) == {r: {"accepts"} for r in (*TASKS, BROWSER, ANDROID)}


def test_suppression_by_class_is_for_one_thread() -> None:
    assert outcomes(good(detector(regular=True))) == {reader: {"misreads"} for reader in outcomes(good())}
    assert outcomes(good()) == {reader: {"accepts"} for reader in outcomes(good())}
