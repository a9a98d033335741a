"""The manifest: what is written is read back, is what the schema says, and nothing else is believed."""

import json
import subprocess
import sys
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import jsonschema
import numpy as np
import pytest

from edgekit.errors import EdgekitError, SourceError, StorageError, UsageError
from edgekit.formats import labels, manifest
from edgekit.values.artifact import Artifact, File
from edgekit.values.model import Source
from edgekit.values.spec import ClassHead, Encoding, FinalHead, ImageInput, ModelSpec, RawHead, Selection

SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "formats" / "manifest.schema.json").read_text("utf-8"))

IMAGE = ImageInput(
    name="image",
    height=20,
    width=30,
    mean=(127.5,),
    std=(127.5,),
    encoding=Encoding(dtype="uint8", scale=1 / 128, zero_point=128),
)


def write_files(root: Path, **contents: bytes) -> tuple[File, ...]:
    names = {"model": "model.tflite", "labels": "labels.txt", "anchors": "anchors.f32"}
    files = []
    for role, data in contents.items():
        (root / names[role]).write_bytes(data)
        files.append(File(path=names[role], role=role, bytes=len(data), sha256=sha256(data).hexdigest()))
    return tuple(files)


@pytest.fixture
def detector(tmp_path: Path) -> Artifact:
    names = ("cola", "???", "0  crème ../x")
    spec = ModelSpec(
        name="shelf",
        task="detection",
        input=IMAGE,
        head=FinalHead(order=(3, 1, 0, 2)),
        selection=Selection(regular=True, iou=0.5),
        num_classes=3,
        labels=names,
        groups={"Cola & Co": ("cola",), "empty": ()},
    )
    return Artifact(
        root=tmp_path,
        spec=spec,
        recipe="tflite-uint8",
        files=write_files(tmp_path, model=b"TFL3", labels=labels.encode(names)),
        source=Source(kind="tf1-frozen", name="tflite_graph.pb", sha256="a" * 64),
        tools={"edgekit": "1.0", "tensorflow": "2.21"},
        key="b" * 64,
        assumptions=("mean and std are the usual ones",),
        display_score=0.6,
        licence="Apache-2.0",
    )


def raw(artifact: Artifact) -> Artifact:
    files = write_files(artifact.root, model=b"TFL3", anchors=bytes(32))
    head = RawHead(boxes="boxes", scores="scores", anchors="anchors.f32", activation="sigmoid")
    return replace(artifact, spec=replace(artifact.spec, head=head, labels=(), groups={}), files=files)


def classifier(artifact: Artifact) -> Artifact:
    spec = replace(artifact.spec, task="classification", head=ClassHead(scores="scores"), selection=None)
    return replace(artifact, spec=spec)


@pytest.mark.parametrize("change", [lambda a: a, raw, classifier, lambda a: replace(a, emulated=True)])
def test_what_is_written_is_read_back_and_fits_the_schema(detector: Artifact, change) -> None:
    artifact = change(detector)
    path = manifest.write(artifact)
    assert manifest.read(artifact.root) == artifact
    jsonschema.validate(json.loads(path.read_text("utf-8")), SCHEMA)
    manifest.check(artifact)


def test_schema_is_a_schema_and_refuses(detector: Artifact) -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    data = manifest.to_manifest(detector)
    for wrong in ({"edgekit": 2}, {"label_offset": 1}, {"head": {"kind": "other"}}, {"selection": None}, {"files": []}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(data | wrong, SCHEMA)


def test_same_artifact_same_bytes(detector: Artifact) -> None:
    first = manifest.write(detector).read_bytes()
    assert manifest.write(manifest.read(detector.root)).read_bytes() == first


def test_unknown_keys_and_absent_optional_ones_are_no_error(detector: Artifact) -> None:
    data = manifest.to_manifest(detector)
    kept = {
        k: v
        for k, v in data.items()
        if k not in ("tools", "licence", "key", "assumptions", "groups", "display", "label_offset")
    }
    save(detector.root, kept | {"new": {"a": 1}, "input": data["input"] | {"new": 2}})
    read = manifest.read(detector.root)
    assert (read.key, read.licence, dict(read.tools), read.display_score) == ("", "", {}, 0.5)


def save(root: Path, data: object) -> None:
    (root / manifest.NAME).write_text(json.dumps(data), "utf-8")


def with_file(data: dict, **changes: object) -> dict:
    return {
        **data,
        "model": changes.get("path", data["model"]),
        "files": [data["files"][0] | changes, *data["files"][1:]],
    }


def with_head(data: dict, **fields: object) -> dict:
    return {**data, "head": {"kind": "raw", "boxes": "boxes", "scores": "scores"} | fields}


BAD = [
    (lambda d: d | {"edgekit": 2}, "pip install --upgrade"),
    (lambda d: d | {"edgekit": True}, "no version"),
    (lambda d: [], "no version"),
    (lambda d: {k: v for k, v in d.items() if k != "input"}, "'input' is missing"),
    (lambda d: d | {"input": d["input"] | {"width": "30"}}, "width"),
    (lambda d: d | {"input": d["input"] | {"scale": float("nan")}}, "NaN"),
    (lambda d: d | {"head": {"kind": "tail"}}, "raw, final, class"),
    (lambda d: d | {"num_classes": 4}, "labels: expected 4, got 3"),
    (lambda d: d | {"label_offset": 1}, "label_offset"),
    (lambda d: d | {"labels": "../labels.txt"}, "labels"),
    (lambda d: d | {"labels": None}, "labels"),
    (lambda d: with_file(d, path="../model.tflite"), "inside its folder"),
    (lambda d: with_file(d, path="/etc/passwd"), "inside its folder"),
    (lambda d: with_file(d, path="C:model"), "inside its folder"),
    (lambda d: with_file(d, path="..\\model"), "inside its folder"),
    (lambda d: with_file(d, path="a\0"), "inside its folder"),
    (lambda d: with_head(d, anchors="../../../etc/passwd"), "inside its folder"),
    (lambda d: with_head(d, anchors="C:passwd"), "inside its folder"),
    (lambda d: with_head(d, anchors="manifest.json"), "the file with role anchors"),
    (lambda d: d | {"input": d["input"] | {"mean": [10**400]}}, "mean[0]: the number is too large"),
    (lambda d: with_file(d, path="labels.txt"), "different paths"),
    (lambda d: d | {"files": "x"}, "not a manifest"),
    (lambda d: d | {"display": 5}, "not a manifest"),
]


@pytest.mark.parametrize(("change", "message"), BAD)
def test_bad_manifests_are_refused(detector: Artifact, change, message: str) -> None:
    save(detector.root, change(manifest.to_manifest(detector)))
    with pytest.raises(SourceError) as caught:
        manifest.read(detector.root)
    assert message in str(caught.value)


@pytest.mark.parametrize("text", [b"", b"{", b"\xff\xfe\x00", b"[" * 100_000, b"<html>", b"null"])
def test_bytes_that_are_no_json_are_refused(tmp_path: Path, text: bytes) -> None:
    (tmp_path / manifest.NAME).write_bytes(text)
    with pytest.raises(SourceError):
        manifest.read(tmp_path)


def places(data: object) -> list[tuple]:
    """The way to every value inside, and to all of it."""
    items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    return [(), *((key, *rest) for key, value in items for rest in places(value))]


def changed(data: object, place: tuple, value: object) -> object:
    if not place:
        return value
    copy = dict(data) if isinstance(data, dict) else list(data)
    copy[place[0]] = changed(copy[place[0]], place[1:], value)
    return copy


@pytest.mark.parametrize("value", [None, 5, -1, 10**400, 1e400, True, "", "\0", "../x", [], [[]], {}, {"a": []}])
@pytest.mark.parametrize("change", [lambda a: a, raw])
def test_any_value_anywhere_is_read_or_refused(detector: Artifact, change, value: object) -> None:
    artifact = change(detector)
    data = manifest.to_manifest(artifact)
    refused = 0
    for place in places(data):
        save(artifact.root, changed(data, place, value))
        try:
            manifest.check(manifest.read(artifact.root))
        except EdgekitError:
            refused += 1
    assert refused


def test_a_folder_without_manifest_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        manifest.read(tmp_path)


def test_check_finds_every_kind_of_damage(detector: Artifact) -> None:
    manifest.write(detector)
    model = detector.path
    for damage, message in [
        (lambda: model.write_bytes(b"TFL4"), "other bytes"),
        (lambda: model.write_bytes(b"TFL34"), "5 bytes"),
        (lambda: model.unlink(), "missing"),
        (lambda: model.symlink_to("/etc/hostname"), "out of the artifact"),
    ]:
        damage()
        with pytest.raises(StorageError, match=message):
            manifest.check(detector)


def test_a_missing_labels_file_is_damage(detector: Artifact) -> None:
    manifest.write(detector)
    (detector.root / "labels.txt").unlink()
    with pytest.raises(StorageError):
        manifest.read(detector.root)


def test_labels_and_their_file_go_together(detector: Artifact) -> None:
    with pytest.raises(ValueError, match="labels"):
        manifest.write(replace(detector, files=detector.files[:1]))


def test_every_cut_of_a_manifest_is_refused_clearly(detector: Artifact) -> None:
    path = manifest.write(detector)
    whole = path.read_bytes()
    for end in range(0, len(whole) - 2, 7):
        path.write_bytes(whole[:end])
        with pytest.raises(EdgekitError):
            manifest.read(detector.root)


def test_reading_is_light() -> None:
    heavy = {"numpy", "rich", "google.protobuf"}
    code = f"import sys, edgekit.formats.manifest; print(sorted({heavy} & set(sys.modules)))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


def test_artifacts_of_a_folder_are_found_by_name(detector: Artifact, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert manifest.find(out) == ()
    for name in ("b", "a", "model"):
        (out / name).mkdir(parents=True)
    for name in ("b", "a"):
        (out / name / manifest.NAME).write_text("{}")
    assert manifest.find(out) == (out / "a", out / "b")
    assert manifest.find(out / "a") == (out / "a",)


def test_anchors_are_whole_or_damaged(detector: Artifact) -> None:
    assert manifest.anchors(detector) is None
    head = RawHead(boxes="boxes", scores="scores", anchors="anchors.f32")
    raw = replace(detector, spec=replace(detector.spec, head=head))
    path = detector.root / "anchors.f32"
    with pytest.raises(StorageError, match="missing"):
        manifest.anchors(raw)
    for damaged in (b"", bytes(15)):
        path.write_bytes(damaged)
        with pytest.raises(StorageError, match="no whole number of anchors"):
            manifest.anchors(raw)
    path.write_bytes(np.arange(8, dtype="<f4").tobytes())
    anchors = manifest.anchors(raw)
    assert anchors is not None
    assert anchors.tolist() == [[0, 1, 2, 3], [4, 5, 6, 7]]
