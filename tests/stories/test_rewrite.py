"""TensorFlow.js models under other recipes: values, files, notes, and what is never overwritten."""

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import edgekit
from edgekit import rewrite
from edgekit.errors import SourceError, StorageError, UsageError
from edgekit.formats import manifest
from edgekit.formats.tfjs import reader
from edgekit.stories.cache import REPORT
from edgekit.values.artifact import Artifact, File
from edgekit.values.model import Source
from edgekit.values.spec import ImageInput, ModelSpec, RawHead, Selection
from tests.formats import tfjs_models as by_hand
from tests.formats.tfjs_models import BIAS, DEPTHWISE, KERNEL, SHAPE

STEP = 1 / 255  # of the largest difference between two weights of one tensor


@pytest.fixture
def web(tmp_path: Path) -> Path:
    """A foreign model in float32."""
    return by_hand.write(tmp_path / "web")


@pytest.fixture
def artifact(tmp_path: Path) -> Artifact:
    """One of edgekit's, with labels and anchors."""
    root = by_hand.write(tmp_path / "made" / "tfjs-f32").parent
    (root / "labels.txt").write_text("cat\ndog\n")
    (root / "anchors.f32").write_bytes(bytes(32))
    roles = {"model.json": "model", "group1-shard1of1.bin": "shard", "labels.txt": "labels", "anchors.f32": "anchors"}
    made = Artifact(
        root=root,
        spec=ModelSpec(
            name="pets",
            task="detection",
            input=ImageInput(name="image", height=6, width=6, mean=(127.5,), std=(127.5,)),
            head=RawHead(boxes="boxes", scores="scores", anchors="anchors.f32"),
            selection=Selection(),
            num_classes=2,
            labels=("cat", "dog"),
        ),
        recipe="tfjs-f32",
        files=tuple(described(root, name, role) for name, role in roles.items()),
        source=Source(kind="tf1-frozen", name="graph.pb", sha256="a" * 64),
        tools={"edgekit": "0.0.1", "tensorflow": "2.21"},
        key="b" * 64,
        assumptions=("mean and std are assumed",),
        licence="MIT",
    )
    manifest.write(made)
    return made


def described(root: Path, name: str, role: str) -> File:
    data = (root / name).read_bytes()
    return File(path=name, role=role, bytes=len(data), sha256=sha256(data).hexdigest())


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != ".edgekit.lock"
    }


def values(path: Path) -> dict[str, NDArray[Any]]:
    return reader.values(reader.read(path))


def types(path: Path) -> dict[str, str]:
    return {weight.name: weight.stored for weight in reader.read(path).weights}


@pytest.mark.parametrize(
    ("recipe", "stored", "bias", "near"),
    [
        ("tfjs-f32", "float32", "float32", 0),
        ("tfjs-f16", "float16", "float32", 2**-10),
        ("tfjs-uint16", "uint16", "float32", STEP / 256),
        ("tfjs-uint8", "uint8", "float32", STEP),
    ],
)
def test_every_recipe_stores_its_type(
    web: Path, tmp_path: Path, recipe: str, stored: str, bias: str, near: float
) -> None:
    said: list[str] = []
    (made,) = rewrite(web, to=recipe, out=tmp_path / "out", progress=said.append)
    assert said == [f"{recipe}: rewriting"]
    assert (made.root, made.recipe, made.notes) == (tmp_path / "out" / recipe, recipe, ())
    assert types(made.path) == {KERNEL: stored, BIAS: bias, DEPTHWISE: stored, SHAPE: "int32"}
    before, after = values(web), values(made.path)
    for name, value in before.items():
        reach = 1 if recipe == "tfjs-f16" else np.ptp(value)
        np.testing.assert_allclose(after[name], value, rtol=near, atol=near * reach)
    read, model = reader.read(web), reader.read(made.path)
    assert (model.topology, model.signature) == (read.topology, read.signature)
    assert model.generated_by == read.generated_by
    assert model.converted_by == f"edgekit {edgekit.__version__}"
    assert [(file.path, file.role) for file in made.files] == [
        ("group1-shard1of1.bin", "shard"),
        ("model.json", "model"),
    ]
    for file in made.files:
        assert file == described(made.root, file.path, file.role)


def test_shards_are_cut_anew_and_may_carry_their_digests(web: Path, tmp_path: Path) -> None:
    (made,) = rewrite(web, to="tfjs-f32", out=tmp_path / "out", shard_size=1000, hashed_shards=True)
    first, second = (file for file in made.files if file.role == "shard")
    assert (first.bytes, second.bytes) == (1000, 192)
    for number, file in enumerate((first, second), start=1):
        assert file.path == f"group1-shard{number}of2-{file.sha256[:16]}.bin"
    after = values(made.path)
    for name, value in values(web).items():
        np.testing.assert_array_equal(after[name], value)


def test_the_same_source_gives_the_same_bytes_and_old_shards_go(web: Path, tmp_path: Path) -> None:
    (made,) = rewrite(web, to="tfjs-f32", out=tmp_path / "out")
    first = contents(made.root)
    rewrite(web, to="tfjs-f32", out=tmp_path / "out", shard_size=1000)
    assert [*contents(made.root)] == ["group1-shard1of2.bin", "group1-shard2of2.bin", "model.json"]
    rewrite(web.parent, to="tfjs-f32", out=tmp_path / "out")
    assert contents(made.root) == first


def test_integers_survive_every_recipe_but_a_narrower_one(web: Path, tmp_path: Path) -> None:
    (small,) = rewrite(web, to="tfjs-uint8", out=tmp_path / "a")
    again = rewrite(small.root, to=["tfjs-uint8", "tfjs-uint16", "tfjs-f16", "tfjs-f32"], out=tmp_path / "b")
    wanted = values(small.path)
    for made in again:
        for name, value in values(made.path).items():
            np.testing.assert_array_equal(value, wanted[name])
    assert contents(again[0].root) == contents(small.root)
    assert [made.notes for made in again] == [
        (),
        (f"Left in uint8, which uint16 would only round once more: {KERNEL}, {DEPTHWISE}.",),
        (f"Left in uint8, which float16 would only round once more: {KERNEL}, {DEPTHWISE}.",),
        (f"Now float32, with the precision that uint8 had left: {KERNEL}, {DEPTHWISE}.",),
    ]


def test_a_layer_that_uint8_would_spoil_stays_float16_and_is_named(tmp_path: Path) -> None:
    weights = by_hand.floats()
    weights[DEPTHWISE] *= np.array([1, 0.01] * 4, "<f4")[:, None]
    web = by_hand.write(tmp_path / "web", by_hand.entries(weights))
    (made,) = rewrite(web, to="tfjs-uint8", out=tmp_path / "out")
    assert made.notes == (f"Left in float16, because uint8 would spoil: {DEPTHWISE}.",)
    assert types(made.path)[DEPTHWISE] == "float16"
    (made,) = rewrite(web, to="tfjs-uint8", out=tmp_path / "asked", quantise=["*=uint8", "conv/*=none"])
    assert types(made.path) == {KERNEL: "float32", BIAS: "float32", DEPTHWISE: "uint8", SHAPE: "int32"}
    assert made.notes == (f"uint8 as asked, which is coarse for: {DEPTHWISE}.",)


def test_a_second_graph_and_metadata_come_along(tmp_path: Path) -> None:
    initializer = {"node": [by_hand.constant("keys")], "versions": {}}
    more = {"modelInitializer": initializer, "initializerSignature": {"outputs": {}}, "userDefinedMetadata": {"a": 1}}
    texts = ({"name": "keys", "shape": [2], "dtype": "string"}, b"\1\0\0\0a\0\0\0\0")
    web = by_hand.write(tmp_path / "web", [*by_hand.entries(), texts], **more)
    (made,) = rewrite(web, to="tfjs-f16", out=tmp_path / "out")
    model = reader.read(made.path)
    assert model.others == {key: value for key, value in more.items() if key != "userDefinedMetadata"}
    assert model.metadata == {"a": 1}
    assert values(made.path)["keys"].tolist() == [b"a", b""]


def test_an_artifact_stays_one(artifact: Artifact, tmp_path: Path) -> None:
    (made,) = rewrite(artifact.root, to="tfjs-uint8", out=tmp_path / "out", shard_size=1000)
    found = manifest.read(made.root)
    manifest.check(found)
    assert found.files == made.files
    assert [file.role for file in found.files] == ["shard", "model", "labels", "anchors"]
    assert found == replace(
        artifact,
        root=made.root,
        recipe="tfjs-uint8",
        files=made.files,
        key="",
        tools={"edgekit": edgekit.__version__, "tensorflow": "2.21"},
    )
    assert (made.root / "labels.txt").read_text() == "cat\ndog\n"


def test_an_artifact_may_be_rewritten_where_it_lies_and_tells_what_it_lost(artifact: Artifact) -> None:
    out = artifact.root.parent
    (out / REPORT).write_text("passed")
    rewrite(artifact.path, to="tfjs-uint8", out=out)
    assert (out / REPORT).exists()
    (made,) = rewrite(out / "tfjs-uint8", to="tfjs-f32", out=out)
    note = f"Now float32, with the precision that uint8 had left: {KERNEL}, {DEPTHWISE}."
    assert made.notes == (note,)
    assert manifest.read(made.root).assumptions == ("mean and std are assumed", note)
    assert not (out / REPORT).exists()


def test_a_damaged_artifact_is_not_rewritten(artifact: Artifact, tmp_path: Path) -> None:
    (artifact.root / "labels.txt").write_text("cat\ncow\n")
    with pytest.raises(StorageError, match="has other bytes than the manifest says"):
        rewrite(artifact.root, to="tfjs-f16", out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_the_manifest_of_a_web_app_is_none_of_ours(web: Path, tmp_path: Path) -> None:
    (web.parent / "manifest.json").write_text('{"name": "Shop", "start_url": "/"}')
    (made,) = rewrite(web, to="tfjs-f16", out=tmp_path / "out")
    assert not (made.root / "manifest.json").exists()
    (made.root / "manifest.json").write_text('{"name": "Shop", "start_url": "/"}')
    with pytest.raises(UsageError, match="was not made by edgekit alone"):
        rewrite(web, to="tfjs-f16", out=tmp_path / "out")


def stranger(folder: Path) -> None:
    by_hand.write(folder)


def more_than_ours(folder: Path) -> None:
    rewrite(by_hand.write(folder.parent.parent / "other"), to=folder.name, out=folder.parent)
    (folder / "notes.txt").write_text("mine")


def a_file(folder: Path) -> None:
    folder.parent.mkdir()
    folder.write_text("mine")


def no_model(folder: Path) -> None:
    folder.mkdir(parents=True)


@pytest.mark.parametrize("there", [stranger, more_than_ours, a_file, no_model])
def test_what_edgekit_did_not_make_is_not_replaced(web: Path, tmp_path: Path, there: Callable[[Path], None]) -> None:
    out = tmp_path / "out"
    there(out / "tfjs-f16")
    before = contents(out)
    with pytest.raises(UsageError, match="exists and was not made by edgekit"):
        rewrite(web, to=["tfjs-f32", "tfjs-f16"], out=out)
    assert contents(out) == before


def test_models_of_different_sources_do_not_share_a_folder(web: Path, artifact: Artifact) -> None:
    out = artifact.root.parent
    before = contents(out)
    with pytest.raises(UsageError, match="holds tfjs-f32, made from another source"):
        rewrite(web, to="tfjs-f16", out=out)
    assert contents(out) == before


BAD: list[tuple[dict[str, Any], str]] = [
    ({"to": []}, "No recipe was named"),
    ({"to": "tflite-uint8"}, "cannot become tflite-uint8: it can only become one again"),
    ({"to": "tfjs-int4"}, "cannot become tfjs-int4"),
    ({"shard_size": 0}, "Shards of 0 bytes are too small"),
    ({"quantise": "conv=uint8"}, "--quantize conv: no weight has such a name"),
    ({"quantise": [f"{SHAPE}=uint8"]}, "no weight has such a name"),
    ({"quantise": ["conv/*=int8"]}, "expected PATTERN="),
    ({"source": "graph.pb"}, "is no TensorFlow.js model"),
    ({"source": "absent.json"}, "There is no file"),
]


@pytest.mark.parametrize(("options", "message"), BAD)
def test_what_cannot_be_asked_for_is_refused(web: Path, tmp_path: Path, options: dict[str, Any], message: str) -> None:
    given = {"source": web, "to": "tfjs-uint8"} | options
    source = tmp_path / given.pop("source")
    with pytest.raises(UsageError, match=message):
        rewrite(source, out=tmp_path / "out", **given)
    assert not (tmp_path / "out").exists()


def test_a_failure_leaves_the_old_results_and_nothing_half_written(web: Path, tmp_path: Path) -> None:
    rewrite(web, to="tfjs-f16", out=tmp_path / "out")
    before = contents(tmp_path / "out")
    broken = by_hand.floats()
    broken[DEPTHWISE][0, 0, 0, 0] = np.nan
    by_hand.write(web.parent, by_hand.entries(broken))
    with pytest.raises(SourceError, match="'depthwise/weights' holds NaN"):
        rewrite(web, to=["tfjs-f16", "tfjs-f32"], out=tmp_path / "out")
    huge = by_hand.floats()
    huge[DEPTHWISE] *= np.float32(1e9)
    by_hand.write(web.parent, by_hand.entries(huge))
    with pytest.raises(UsageError, match="beyond float16"):
        rewrite(web, to="tfjs-f32", out=tmp_path / "out", quantise=["depth*=float16"])
    assert contents(tmp_path / "out") == before
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [".edgekit.lock", "tfjs-f16"]


def test_neither_tensorflow_nor_protobuf_is_needed(web: Path, tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "for name in ('tensorflow', 'google.protobuf', 'flatbuffers', 'ai_edge_litert'): sys.modules[name] = None\n"
        "import edgekit\n"
        f"edgekit.rewrite({str(web)!r}, to='tfjs-uint8', out={str(tmp_path / 'out')!r})\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    assert json.loads((tmp_path / "out" / "tfjs-uint8" / "model.json").read_text())["format"] == "graph-model"


def test_the_source_itself_is_never_replaced(tmp_path: Path) -> None:
    source = tmp_path / "out" / "tfjs-f16"
    by_hand.write(source)
    before = {path.name: path.read_bytes() for path in source.iterdir()}
    with pytest.raises(UsageError, match="would be replaced by what is made of it"):
        rewrite(source, to="tfjs-f16", out=tmp_path / "out")
    assert {path.name: path.read_bytes() for path in source.iterdir()} == before
