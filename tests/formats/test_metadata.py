"""TFLite metadata: equal to the reference writer's, complete, and in its place in the file."""

import contextlib
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from edgekit.cli import edgekit
from edgekit.errors import EdgekitError, SourceError, UsageError, UserDataError
from edgekit.formats import flatbuffer, labels
from edgekit.formats.tflite import archive, schema
from edgekit.formats.tflite.calibration import Calibration, parse
from edgekit.formats.tflite.metadata import (
    Details,
    annotate,
    decode,
    describe,
    encode,
    min_parser_version,
    pack,
    revise,
    unpack,
)
from edgekit.formats.tflite.reader import read
from edgekit.values.spec import ClassHead, Encoding, FinalHead, Head, ImageInput, ModelSpec, RawHead, Selection

from .small_models import classifier, detector, raw_detector

GOLDEN = Path(__file__).parents[1] / "golden" / "metadata"
UINT8 = Encoding(dtype="uint8", scale=1 / 128, zero_point=128)
LABELS = ("red", "green", "blue")
ONE = (127.5,)


def golden(name: str) -> Any:
    """What tflite-support 0.4.4 writes for a small model; a classifier's texts are edgekit's own and not compared."""
    return json.loads((GOLDEN / f"{name}.json").read_text("utf-8"))


def spec_of(
    *,
    head: Head | None = None,
    encoding: Encoding = UINT8,
    mean: tuple[float, ...] = ONE,
    std: tuple[float, ...] = ONE,
    labels: tuple[str, ...] = LABELS,
    colour: str = "RGB",
) -> ModelSpec:
    picture = ImageInput(name="image", height=8, width=8, mean=mean, std=std, encoding=encoding, colour=colour)
    task = "classification" if isinstance(head, ClassHead) else "detection"
    return ModelSpec(
        name="small",
        task=task,
        input=picture,
        head=head or FinalHead(),
        selection=Selection() if task == "detection" else None,
        num_classes=len(labels),
        labels=labels,
    )


def without_texts(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: without_texts(item) for key, item in value.items() if key != "description"}
    return [without_texts(item) for item in value] if isinstance(value, list) else value


def rounded(value: Any) -> Any:
    """The reference prints six digits after the point."""
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [rounded(item) for item in value]
    return round(value, 5) if isinstance(value, float) else value


def test_float_detector_equals_the_reference_writers() -> None:
    spec = spec_of(encoding=Encoding(), mean=(123.0, 116.0, 103.0), std=(58.0, 57.0, 57.5))
    assert rounded(describe(spec)) == rounded(golden("detector_float32"))


def test_outputs_follow_the_order_of_the_file() -> None:
    spec = spec_of(encoding=Encoding(), head=FinalHead(order=(1, 3, 0, 2)))
    assert describe(spec) == golden("detector_other_order")


@pytest.mark.parametrize("dtype", ["float32", "uint8"])
def test_classifier_equals_the_reference_writers(dtype: str) -> None:
    encoding = UINT8 if dtype == "uint8" else Encoding()
    spec = spec_of(head=ClassHead(scores="scores"), encoding=encoding, labels=(*LABELS, "none"))
    expected = golden(f"classifier_{dtype}")
    expected["subgraph_metadata"][0]["output_tensor_metadata"][0]["associated_files"][0]["name"] = "labels.txt"
    assert without_texts(describe(spec, scores=dtype)) == expected
    assert without_texts(describe(spec, default=True)) == golden("classifier_default")


@pytest.mark.real
def test_coco_detector_equals_both_golden_files(real: Path) -> None:
    folder = real / "coco_ssd_mobilenet_v1"
    full = json.loads((folder / "ssd_mobilenet_v1.json").read_text())
    default = json.loads((folder / "ssd_mobilenet_v1_default.json").read_text())
    spec = spec_of(labels=tuple((folder / "labelmap.txt").read_text().splitlines()))
    assert describe(spec, Details(labels_file="labelmap.txt")) == full
    assert describe(spec, default=True) == default
    assert decode(encode(full)) == full
    assert decode(encode(default)) == default
    packed = annotate((folder / "ssd_mobilenet_v1.tflite").read_bytes(), spec, Details(labels_file="labelmap.txt"))
    found, files = unpack(packed)
    assert found == full | {"min_parser_version": "1.2.0"}
    assert files == {"labelmap.txt": (folder / "labelmap.txt").read_bytes()}


EVERYTHING: dict[str, Any] = {
    "name": "Käse",
    "description": "",
    "version": "v1",
    "author": "me",
    "license": "Apache-2.0",
    "min_parser_version": "1.5.0",
    "associated_files": [{"name": "a", "type": "DESCRIPTIONS", "version": "2"}, {"name": "b", "type": 99}],
    "subgraph_metadata": [
        {
            "name": "main",
            "description": "all there is",
            "associated_files": [{"name": "index", "type": "SCANN_INDEX_FILE"}],
            "input_process_units": [
                {
                    "options_type": "BertTokenizerOptions",
                    "options": {"vocab_file": [{"name": "v", "type": "VOCABULARY"}]},
                },
                {
                    "options_type": "SentencePieceTokenizerOptions",
                    "options": {"sentencePiece_model": [{"name": "m"}], "vocab_file": []},
                },
                {"options_type": "RegexTokenizerOptions", "options": {"delim_regex_pattern": "[^a-z]+"}},
            ],
            "output_process_units": [{"options_type": "ScoreThresholdingOptions", "options": {}}],
            "input_tensor_groups": [{"name": "g", "tensor_names": ["x", ""]}],
            "output_tensor_groups": [{}],
            "custom_metadata": [{"name": "DETECTOR_METADATA", "data": [0, 255, 7]}],
            "input_tensor_metadata": [
                {
                    "name": "sound",
                    "dimension_names": ["time"],
                    "content": {
                        "content_properties_type": "AudioProperties",
                        "content_properties": {"sample_rate": 16000, "channels": 1},
                        "range": {"min": -1, "max": 3},
                    },
                    "process_units": [
                        {
                            "options_type": "NormalizationOptions",
                            "options": {"mean": [0.1, 1e-8], "std": [3.4028235e38]},
                        },
                    ],
                    "stats": {"max": [], "min": [-0.2]},
                },
                {
                    "content": {
                        "content_properties_type": "ImageProperties",
                        "content_properties": {"color_space": "GRAYSCALE", "default_size": {"width": 9, "height": 8}},
                    },
                },
            ],
            "output_tensor_metadata": [
                {
                    "content": {
                        "content_properties_type": "BoundingBoxProperties",
                        "content_properties": {"index": [3, 2], "type": "CENTER", "coordinate_type": "PIXEL"},
                    },
                    "process_units": [
                        {
                            "options_type": "ScoreCalibrationOptions",
                            "options": {"score_transformation": "INVERSE_LOGISTIC", "default_score": 0.2},
                        },
                    ],
                    "associated_files": [{"name": "l", "type": "TENSOR_AXIS_LABELS", "locale": "de"}],
                },
            ],
        },
    ],
}


def test_everything_in_the_schema_survives() -> None:
    assert decode(encode(EVERYTHING)) == EVERYTHING
    assert encode(EVERYTHING) == encode(decode(encode(EVERYTHING)))


def tensor(**fields: Any) -> dict[str, Any]:
    return {"subgraph_metadata": [{"input_tensor_metadata": [fields]}]}


@pytest.mark.parametrize(
    ("metadata", "version"),
    [
        ({}, "1.0.0"),
        (tensor(name="x", stats={}), "1.0.0"),
        ({"associated_files": [{"name": "v", "type": "VOCABULARY"}]}, "1.0.1"),
        ({"subgraph_metadata": [{"input_process_units": []}]}, "1.1.0"),
        (tensor(process_units=[{"options_type": "BertTokenizerOptions", "options": {}}]), "1.1.0"),
        ({"subgraph_metadata": [{"output_tensor_groups": []}]}, "1.2.0"),
        (tensor(process_units=[{"options_type": "RegexTokenizerOptions", "options": {}}]), "1.2.1"),
        (tensor(content={"content_properties_type": "AudioProperties", "content_properties": {}}), "1.3.0"),
        (tensor(associated_files=[{"type": "SCANN_INDEX_FILE"}]), "1.4.0"),
        (tensor(associated_files=[{"version": "1"}]), "1.4.1"),
        (EVERYTHING, "1.5.0"),
    ],
)
def test_min_parser_version(metadata: dict[str, Any], version: str) -> None:
    assert min_parser_version(metadata) == version


@pytest.mark.parametrize(
    ("metadata", "says"),
    [
        ({"title": "x"}, "metadata.title: expected one of name"),
        ({"name": 1}, "metadata.name: expected a text, got 1"),
        ({"subgraph_metadata": {}}, "expected a list"),
        ({"subgraph_metadata": [[]]}, r"metadata.subgraph_metadata\[0\]: expected a SubGraphMetadata"),
        ({"associated_files": [{"type": "LABELS"}]}, r"associated_files\[0\].type: expected one of UNKNOWN"),
        (tensor(content={"content_properties_type": "Nothing", "content_properties": {}}), "content_properties_type"),
        (tensor(content={"content_properties": {}}), "content_properties_type"),
        (tensor(stats={"max": ["high"]}), r"stats.max\[0\]: expected a number of type float32"),
        (tensor(content={"range": {"min": 2**40}}), "range.min: expected a number of type int32"),
    ],
)
def test_wrong_metadata_is_named(metadata: dict[str, Any], says: str) -> None:
    with pytest.raises(UserDataError, match=says):
        encode(metadata)


def test_damaged_metadata_ends_in_an_error_of_ours() -> None:
    data = encode(EVERYTHING)
    for position in range(len(data)):
        for broken in (data[:position], data[:position] + b"\xff" + data[position + 1 :]):
            with contextlib.suppress(SourceError):  # whatever else comes out is a bug of ours
                assert isinstance(decode(broken), dict)


def test_packing_puts_metadata_files_and_parser_version_in_their_places() -> None:
    data = annotate(detector(), spec_of())
    found, files = unpack(data)
    assert found == describe(spec_of()) | {"min_parser_version": "1.2.0"}
    assert files == {"labels.txt": b"red\ngreen\nblue\n"}
    before, after = read(detector()), read(data)
    assert (after.subgraphs, after.version) == (before.subgraphs, before.version)
    with zipfile.ZipFile(io.BytesIO(data)) as file:
        assert file.read("labels.txt") == b"red\ngreen\nblue\n"


def test_packing_twice_is_packing_once() -> None:
    once = annotate(detector(), spec_of())
    assert annotate(once, spec_of()) == once
    other = annotate(annotate(detector(), spec_of(labels=("a", "b", "c"))), spec_of())
    assert unpack(other) == unpack(once)
    assert len([name for name in read(other).metadata if name == "TFLITE_METADATA"]) == 1


def test_other_entries_and_others_files_survive() -> None:
    data = detector(metadata=[{"name": "min_runtime_version", "buffer": 1}], buffers=[{}, {"data": b"1.5.0"}])
    stream = io.BytesIO(data)
    with zipfile.ZipFile(stream, "a", zipfile.ZIP_DEFLATED) as file:
        file.writestr("metadata.json", '{"names": {"0": "red"}}')
    packed = annotate(annotate(stream.getvalue(), spec_of()), spec_of(), Details(labels_file="names.txt"))
    assert read(packed).metadata["min_runtime_version"] == b"1.5.0"
    assert set(unpack(packed)[1]) == {"metadata.json", "names.txt"}
    assert archive.read(packed).compressed == ()


def test_constants_outside_the_flatbuffer_are_found_where_they_went() -> None:
    weights = bytes(range(64))
    position = 0
    for _ in range(2):  # how long the flatbuffer is shows when it is there
        data = detector(buffers=[{}, {"offset": position, "size": len(weights)}])
        position = len(data)
    data = annotate(data + weights, spec_of())
    table = flatbuffer.root(schema.SCHEMA, "Model", data, schema.IDENTIFIER)
    buffer = table.get("buffers")[1]
    assert data[buffer.get("offset") :][: buffer.get("size")] == weights


@pytest.mark.parametrize(
    ("metadata", "files", "says"),
    [
        ({"subgraph_metadata": []}, {}, "exactly one subgraph, this describes 0"),
        ({"subgraph_metadata": [{}]}, {}, "describes 0 inputs, the model has 1"),
        (describe(spec_of()), {}, "names files that are not given: labels.txt"),
        (describe(spec_of()), {"../x": b"", "labels.txt": b""}, "cannot carry"),
    ],
)
def test_metadata_that_does_not_fit_the_file(metadata: dict[str, Any], files: dict[str, bytes], says: str) -> None:
    with pytest.raises(UserDataError, match=says):
        pack(detector(), metadata, files)


@pytest.mark.parametrize("data", [b"", b"TFL3", b"\0\0\0\0TFL3", b"x" * 99, detector()[:20]])
def test_files_that_are_no_models(data: bytes) -> None:
    with pytest.raises(SourceError):
        unpack(data)
    with pytest.raises(EdgekitError):
        pack(data, describe(spec_of()), {"labels.txt": b""})


def test_score_threshold_calibration_and_locales() -> None:
    details = Details(
        score_threshold=0.25,
        calibration=Calibration(
            sigmoids=((1, 2, 3), None, (0.5, 0.25, -1, 0.1)), transformation="LOG", default_score=0.2
        ),
        locale_labels={"de": ("rot", "grün", "blau")},
    )
    found, files = unpack(annotate(detector(), spec_of(), details))
    assert found is not None
    category, score = found["subgraph_metadata"][0]["output_tensor_metadata"][1:3]
    assert score["process_units"] == [
        {"options_type": "ScoreThresholdingOptions", "options": {"global_score_threshold": 0.25}},
        {"options_type": "ScoreCalibrationOptions", "options": {"score_transformation": "LOG", "default_score": 0.2}},
    ]
    assert [(f["name"], f.get("locale")) for f in category["associated_files"]] == [
        ("labels.txt", None),
        ("labels_de.txt", "de"),
    ]
    assert files["score_calibration.csv"] == b"1,2,3\n\n0.5,0.25,-1,0.1"
    assert files["labels_de.txt"] == "rot\ngrün\nblau\n".encode()
    assert found["min_parser_version"] == "1.2.0"


@pytest.mark.parametrize(
    ("text", "lines"),
    [("1,2,3\n\n", 2), ("1,2,3\n\n", 3), ("1,2,3\r\n,", None), ("1,2\n", None), ("1,2,nan", None), ("-1,2,3", None),
     ("\n\n", None), ("", None), ("\xff", None)],
)  # fmt: skip
def test_calibration_files(text: str, lines: int | None) -> None:
    data = text.encode("latin-1")
    if lines is not None:
        assert len(parse(data, name="c.csv", num_classes=lines).sigmoids) == lines
    else:
        with pytest.raises(UserDataError, match=r"c\.csv"):
            parse(data, name="c.csv", num_classes=None)


def test_calibration_of_another_length() -> None:
    with pytest.raises(UserDataError, match="has 1 lines for 3 classes"):
        parse(b"1,2,3\n", name="c.csv", num_classes=3)
    with pytest.raises(UserDataError, match="1 lines, the model 3 classes"):
        describe(spec_of(), Details(calibration=Calibration(sigmoids=((1, 2, 3),))))


def test_colours_that_the_schema_has_no_name_for_are_left_unnamed() -> None:
    picture = describe(spec_of(colour="BGR"))["subgraph_metadata"][0]["input_tensor_metadata"][0]
    assert picture["content"]["content_properties"] == {}


def test_int8_inputs_have_no_range() -> None:
    spec = spec_of(encoding=Encoding(dtype="int8", scale=1 / 128, zero_point=0))
    assert describe(spec)["subgraph_metadata"][0]["input_tensor_metadata"][0]["stats"] == {}


def test_raw_heads_name_the_background() -> None:
    head = RawHead(boxes="b", scores="s", anchors="anchors.npy")
    found, files = unpack(annotate(raw_detector(), spec_of(head=head)))
    assert found is not None
    assert [t["name"] for t in found["subgraph_metadata"][0]["output_tensor_metadata"]] == ["boxes", "scores"]
    assert files["labels.txt"] == b"background\nred\ngreen\nblue\n"


@pytest.mark.parametrize("order", [("boxes", "classes", "scores", "count"), ("scores", "boxes", "count", "classes")])
def test_setting_metadata_on_any_detector_goes_by_the_ops_ports(order: tuple[str, ...]) -> None:
    data, notes = revise(detector(order=order), Details(labels=("background", *LABELS), mean=ONE, std=ONE))
    found, files = unpack(data)
    assert found is not None
    names = {"boxes": "location", "classes": "category", "scores": "score", "count": "number of detections"}
    outputs = [t["name"] for t in found["subgraph_metadata"][0]["output_tensor_metadata"]]
    assert outputs == [names[port] for port in order]
    assert files == {"labels.txt": b"red\ngreen\nblue\n"}
    assert "background" in notes[0]


def test_revised_metadata_keeps_what_no_option_names() -> None:
    data, _ = revise(detector(), Details(labels=LABELS, mean=ONE, std=ONE, author="me"))
    data, _ = revise(data, Details(version="2", score_threshold=0.5))
    found, files = unpack(data)
    assert found is not None
    assert (found["author"], found["version"], set(files)) == ("me", "2", {"labels.txt"})
    assert found["subgraph_metadata"][0]["input_tensor_metadata"][0]["process_units"][0]["options"]["mean"] == [127.5]
    fresh, _ = revise(data, Details(), default=True)
    assert unpack(fresh) == (describe(spec_of(), default=True) | {"min_parser_version": "1.2.0"}, {})


@pytest.mark.parametrize("damage", ["checksum", "directory"])
def test_the_default_form_is_the_way_out_of_a_damaged_archive(damage: str) -> None:
    packed = archive.write({"labels.txt": b"red\n"})
    damaged = packed.replace(b"red", b"rad") if damage == "checksum" else packed.replace(b"PK\1\2", b"PK\1\7")
    with pytest.raises(SourceError, match="--default"):
        revise(detector() + damaged, Details(author="me"))
    data, _ = revise(detector() + damaged, Details(labels=LABELS), default=True)
    assert unpack(data)[1] == {"labels.txt": labels.encode(LABELS)}


def test_metadata_from_before_the_post_processing_is_brought_into_step() -> None:
    stale = annotate(raw_detector(), spec_of(head=RawHead(boxes="b", scores="s", anchors="a")), Details(author="me"))
    metadata, files = unpack(stale)
    assert metadata is not None
    buffers = [{}, {"data": encode(metadata)}]
    attached = detector(metadata=[{"name": "TFLITE_METADATA", "buffer": 1}], buffers=buffers) + archive.write(files)
    found, files = unpack(revise(attached, Details(labels=LABELS))[0])
    assert found is not None
    assert found["author"] == "me"
    assert (
        found["subgraph_metadata"][0]["output_tensor_metadata"]
        == (describe(spec_of())["subgraph_metadata"][0]["output_tensor_metadata"])
    )
    assert files == {"labels.txt": b"red\ngreen\nblue\n"}


def test_float_input_needs_its_normalisation() -> None:
    with pytest.raises(UsageError, match="float32"):
        revise(detector(dtype="float32"), Details(labels=LABELS))


def test_labels_that_do_not_fit() -> None:
    with pytest.raises(UserDataError, match="2 labels, the model has 4 classes"):
        revise(classifier(), Details(labels=("a", "b")))


def run(*arguments: object) -> tuple[int, str]:
    """Exit code and output of a command line; errors of ours come out as they are."""
    result = CliRunner().invoke(edgekit, [str(argument) for argument in arguments], catch_exceptions=False)
    return result.exit_code, result.output


def test_command_line(tmp_path: Path) -> None:
    model, labels, german = tmp_path / "m.tflite", tmp_path / "l.txt", tmp_path / "de.txt"
    model.write_bytes(detector(dtype="float32"))
    labels.write_text("red\ngreen\nblue\n")
    german.write_text("rot\ngrün\nblau\n")
    csv = tmp_path / "c.csv"
    csv.write_text("1,1,0\n\n1,2,0\n")
    assert run("metadata", "show", model) == (0, f"{model}\n└── no metadata\n")
    code, _ = run(
        *("metadata", "set", model, "--labels", labels, "--locale-labels", f"de={german}", "--mean", "1,2,3"),
        *("--std", "4,5,6", "--name", "N", "--author", "A", "--description", "D", "--version", "V", "--licence", "L"),
        *("--score-threshold", "0.5", "--score-calibration", csv, "--score-transformation", "log"),
        *("--default-score", ".1", "-o", tmp_path / "out" / "m.tflite"),
    )
    assert code == 0
    assert model.read_bytes() == detector(dtype="float32")
    code, printed = run("metadata", "show", tmp_path / "out" / "m.tflite", "--json")
    found = json.loads(printed)
    assert {key: found[key] for key in ("name", "author", "description", "version", "license")} == {
        "name": "N",
        "author": "A",
        "description": "D",
        "version": "V",
        "license": "L",
    }
    assert "labels_de.txt" in run("metadata", "show", tmp_path / "out" / "m.tflite")[1]
    assert run("metadata", "set", tmp_path / "out" / "m.tflite", "--author", "B")[0] == 0
    assert json.loads(run("metadata", "show", tmp_path / "out" / "m.tflite", "--json")[1])["author"] == "B"


@pytest.mark.parametrize(
    "options",
    [("--mean", "1"), ("--mean", "1", "--std", "0"), ("--mean", "x", "--std", "1"), ("--locale-labels", "de"),
     ("--default-score", "1"), ("--mean", "1,2", "--std", "1,2"), ("--score-threshold", "nan"),
     ("--score-threshold", "7")],
)  # fmt: skip
def test_command_line_refuses(tmp_path: Path, options: tuple[str, ...]) -> None:
    model = tmp_path / "m.tflite"
    model.write_bytes(detector())
    with pytest.raises(UsageError):
        run("metadata", "set", model, *options)
    assert model.read_bytes() == detector()


def test_text_from_a_file_cannot_move_the_cursor(tmp_path: Path) -> None:
    model = tmp_path / "m.tflite"
    model.write_bytes(revise(detector(), Details(name="\x1b[2J\x9b1A"))[0])
    assert not {"\x1b", "\x9b"} & set(run("metadata", "show", model)[1])


def test_command_line_leaves_the_digest_of_an_artifact_alone(tmp_path: Path) -> None:
    model = tmp_path / "m.tflite"
    model.write_bytes(detector())
    (tmp_path / "manifest.json").write_text("{}")
    with pytest.raises(UsageError, match="belongs to a converted model"):
        run("metadata", "set", model, "--author", "A")
    assert model.read_bytes() == detector()
    assert run("metadata", "set", model, "--author", "A", "-o", tmp_path / "copy" / "m.tflite")[0] == 0


def test_setting_nothing_is_refused_unless_it_brings_metadata_into_step(tmp_path: Path) -> None:
    file = tmp_path / "model.tflite"
    file.write_bytes(revise(detector(), Details(labels=LABELS, mean=ONE, std=ONE))[0])
    result = CliRunner().invoke(edgekit, ["metadata", "set", str(file)])
    assert isinstance(result.exception, UsageError), result.output
    assert "nothing to set" in str(result.exception)
