"""What ``inspect`` says of TensorFlow.js models, whoever wrote them, and what ``load`` says instead."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from edgekit.cli.inspect import inspect as command
from edgekit.errors import SourceError, UsageError
from edgekit.sources import inspect, load
from edgekit.sources.inspection import Port, StoredWeights, TfjsInspection
from edgekit.values.codec import to_data
from edgekit.values.recipe import recipes
from tests.formats import tfjs_models as by_hand
from tests.formats.tfjs_models import BIAS, DEPTHWISE, KERNEL
from tests.mutations import mutate

from .fuzz import examine


def inspected(path: Path) -> TfjsInspection:
    found = inspect(path)
    assert isinstance(found, TfjsInspection)
    return found


def mixed() -> list[by_hand.Entry]:
    """A weight of every stored type."""
    values = by_hand.floats()
    uint8 = {"dtype": "uint8", "scale": 0.02, "min": -2.5}
    return [
        by_hand.entry(KERNEL, np.zeros((3, 3, 3, 8), "u1"), "float32", uint8),
        by_hand.real(BIAS, values[BIAS]),
        by_hand.entry(DEPTHWISE, values[DEPTHWISE].astype("<f2"), "float32", {"dtype": "float16"}),
        by_hand.entries()[3],
    ]


def test_a_whole_model(tmp_path: Path) -> None:
    path = by_hand.write(tmp_path, mixed())
    found = inspected(path)
    assert found == inspect(tmp_path)
    assert found.what == "a TensorFlow.js graph model of 8 nodes"
    assert (found.generated_by, found.converted_by) == ("2.18.0", "TensorFlow.js Converter v4.22.0")
    assert found.inputs == (Port(name="image", dtype="float32", shape=(1, 6, 6, 3)),)
    assert found.outputs == (Port(name="scores", dtype="float32", shape=(1, -1)),)
    assert found.operators == {
        "Const": 4,
        "Placeholder": 1,
        "_FusedConv2D": 1,
        "DepthwiseConv2dNative": 1,
        "Reshape": 1,
    }
    assert found.weights == (
        StoredWeights(dtype="uint8", count=1, values=216, bytes=216),
        StoredWeights(dtype="float16", count=1, values=72, bytes=144),
        StoredWeights(dtype="float32", count=1, values=8, bytes=32),
        StoredWeights(dtype="int32", count=1, values=2, bytes=8),
    )
    assert [(shard.path, shard.bytes) for shard in found.shards] == [("group1-shard1of1.bin", 400)]
    assert found.bytes == 400 + path.stat().st_size
    assert [one.recipe for one in found.recipes if one.works] == [name for name in recipes() if name.startswith("tfjs")]
    assert (found.without_kernels, found.trouble, found.notes) == ({}, "", ())


def test_keys_of_the_signature_are_shown_with_their_nodes(tmp_path: Path) -> None:
    signature = by_hand.signature()
    signature["outputs"]["probabilities"] = signature["outputs"].pop("scores")
    (port,) = inspected(by_hand.write(tmp_path, signature=signature)).outputs
    assert (port.name, port.meaning) == ("probabilities", "node scores:0")


def test_without_a_signature_nodes_are_named(tmp_path: Path) -> None:
    found = inspected(by_hand.write(tmp_path, signature=None))
    assert found.inputs == (Port(name="image", dtype="float32", shape=(1, 6, 6, 3)),)
    assert found.outputs == (Port(name="scores", dtype="", shape=None),)
    assert "no signature" in found.notes[0]


def test_ops_that_browsers_cannot_run_and_fake_quants_are_named(tmp_path: Path) -> None:
    topology = by_hand.topology()
    topology["node"] += [
        by_hand.node("fft", "RFFT2D", "scores"),
        by_hand.node("own", "OwnOp", "scores"),
        by_hand.node("quant", "FakeQuantWithMinMaxVars", "scores"),
    ]
    found = inspected(by_hand.write(tmp_path, modelTopology=topology))
    assert "OwnOp" in found.without_kernels
    assert "wasm" in found.without_kernels["OwnOp"]
    assert "Reshape" not in found.without_kernels
    assert found.notes == (
        "1 fake-quants are left in; TensorFlow.js hands their input on unchanged, without clipping it.",
    )


def no_shard(folder: Path) -> None:
    (folder / "group1-shard1of1.bin").unlink()


def longer_shard(folder: Path) -> None:
    with (folder / "group1-shard1of1.bin").open("ab") as stream:
        stream.write(b"x")


def not_a_number(folder: Path) -> None:
    values = by_hand.floats()
    values[BIAS][3] = np.nan
    by_hand.write(folder, by_hand.entries(values))


@pytest.mark.parametrize(
    ("change", "trouble", "lengths"),
    [
        (no_shard, "group1-shard1of1.bin is missing, of 1 shards", [None]),
        (longer_shard, "the shards hold 1193 bytes, the weights need 1192", [1193]),
        (not_a_number, "'conv/bias' holds NaN, 1 of 8 values, the first at [3]", [1192]),
    ],
)
def test_trouble_is_said_and_nothing_is_promised(
    tmp_path: Path, change: Callable[[Path], None], trouble: str, lengths: list[int | None]
) -> None:
    path = by_hand.write(tmp_path)
    change(tmp_path)
    found = inspected(path)
    assert trouble in found.trouble
    assert found.recipes == ()
    assert [shard.bytes for shard in found.shards] == lengths
    shown = CliRunner().invoke(command, [str(path)])
    assert shown.exit_code == 0
    assert "✗ nothing" in shown.output
    assert ("missing" in shown.output) == (lengths == [None])


@pytest.mark.parametrize(
    ("name", "text", "what"),
    [
        ("model.json", "", "empty"),
        ("model.json", "<html>", "web page"),
        ("model.json", "version https://git-lfs.github.com/spec/v1\noid sha256:1\n", "LFS"),
        ("model.json", '{"format": "layers-model", "modelTopology": {}}', "Layers model .* edgekit reads graph models"),
        ("annotations.json", '{"images": []}', "not a model of TensorFlow.js"),
        ("web_model", '{"modelTopology": 3}', "not a sound model of TensorFlow.js"),
    ],
)
def test_other_files_are_named(tmp_path: Path, name: str, text: str, what: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(SourceError, match=what):
        inspect(tmp_path / name)


def test_it_can_only_become_one_again(tmp_path: Path) -> None:
    path = by_hand.write(tmp_path / "web")
    with pytest.raises(UsageError, match="can only become one again") as caught:
        load(path, out=tmp_path / "out")
    assert f"edgekit convert {path} --to tfjs-uint16" in caught.value.fix
    assert not (tmp_path / "out").exists()


def test_a_folder_of_models_names_them(tmp_path: Path) -> None:
    path = by_hand.write(tmp_path / "out" / "tfjs-f32")
    cut = tmp_path / "out" / "model"
    cut.mkdir()
    for name in ("model.json", "SHA256SUMS"):
        (cut / name).write_text("{}")
    with pytest.raises(SourceError, match="is a folder") as caught:
        inspect(tmp_path / "out")
    assert caught.value.fix == f"Give the file inside it: {path}"


def test_json_is_the_same_as_data(tmp_path: Path) -> None:
    path = by_hand.write(tmp_path, mixed())
    result = CliRunner().invoke(command, ["--json", str(path)])
    data: Any = json.loads(result.output)
    assert data == json.loads(json.dumps(to_data(inspect(path))))
    assert data["kind"] == "tfjs"
    shown = CliRunner().invoke(command, [str(tmp_path)]).output
    for said in ("1 × uint8", "216 values", "group1-shard1of1.bin", "400 bytes", "_FusedConv2D", "tfjs-uint16"):
        assert said in shown


def test_damaged_files_end_in_a_sentence(tmp_path: Path) -> None:
    text = by_hand.write(tmp_path, mixed()).read_bytes()
    for seed in range(150):
        path = tmp_path / "model.json"
        path.write_bytes(mutate(text, seed))
        assert examine(path) == ""
