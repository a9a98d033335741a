"""TensorFlow.js artifacts against their source, in a real browser; and faults that must be seen."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from edgekit.errors import SourceError, StorageError
from edgekit.formats import manifest
from edgekit.proofs import verify
from edgekit.system import sha256
from edgekit.values.artifact import Artifact
from edgekit.values.proof import SAME, Proof
from edgekit.values.recipe import recipes

from ..handmade import picture

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("samples")
    for seed in range(3):
        Image.fromarray(picture(seed).pixels).save(folder / f"{seed}.png")
    return folder


@pytest.fixture
def out(converted: dict[str, Artifact], tmp_path: Path) -> Path:
    """OUT with the handmade graph's source and its tfjs-uint8."""
    place = converted["tfjs-uint8"].root.parent
    for name in ("model", "tfjs-uint8"):
        shutil.copytree(place / name, tmp_path / name)
    return tmp_path


def outcomes(proof: Proof) -> dict[str, str]:
    return {check.name: check.outcome for check in proof.checks}


def changed(out: Path, **by_op: Any) -> None:
    """Another attribute for every node of an op, in a folder whose manifest says that it is as it should be."""
    root = out / "tfjs-uint8"
    path = root / "model.json"
    model = json.loads(path.read_bytes())
    for node in model["modelTopology"]["node"]:
        if node["op"] in by_op and len(node.get("input", [])) != 2:  # not those without a bias
            node["attr"] |= by_op[node["op"]]
    path.write_text(json.dumps(model))
    data = json.loads((root / manifest.NAME).read_bytes())
    for file in data["files"]:
        if file["path"] == "model.json":
            file |= {"bytes": path.stat().st_size, "sha256": sha256(path)}
    (root / manifest.NAME).write_text(json.dumps(data))


def test_every_type_answers_as_its_source(converted: dict[str, Artifact], samples: Path) -> None:
    web = [name for name in recipes() if name.startswith("tfjs-")]
    for name in web:
        (proof,) = verify(converted[name], samples=samples)
        assert {*outcomes(proof).values()} == {"pass"}, [check.sentence for check in proof.checks]
        assert proof.references[0].treatment == "clip"
        assert proof.layers
        assert {row.kind for row in proof.operators} == {"float"}
        assert "_FusedConv2D" in {row.name for row in proof.operators}
        parts = [file.bytes for file in converted[name].files if file.role in ("model", "shard")]
        assert proof.sizes[0].bytes == sum(parts)


def test_weights_of_a_fake_quantised_source_lose_nothing(converted: dict[str, Artifact], samples: Path) -> None:
    proofs = [verify(converted[name], samples=samples)[0] for name in ("tfjs-uint8", "tfjs-f32")]
    assert proofs[0].heads[SAME] == proofs[1].heads[SAME]
    assert proofs[0].pairs[0].candidate == proofs[1].pairs[0].candidate


def test_an_activation_that_is_left_out_is_seen(out: Path, samples: Path) -> None:
    bias_alone = {"fused_ops": {"list": {"s": ["Qmlhc0FkZA=="]}}}  # BiasAdd, in base64
    changed(out, _FusedConv2D=bias_alone, FusedDepthwiseConv2dNative=bias_alone)
    (proof,) = verify(out, samples=samples)
    assert proof.outcome == "fail"
    assert outcomes(proof)["raw scores"] == "fail"


def test_what_does_not_load_is_said(out: Path, samples: Path) -> None:
    changed(out, Placeholder={"dtype": {"type": "DT_STRING"}})
    with pytest.raises(SourceError, match="takes string as its input 'image'"):
        verify(out, samples=samples)


def test_a_shard_of_another_length_is_said(out: Path, samples: Path) -> None:
    shard = next((out / "tfjs-uint8").glob("*.bin"))
    shard.write_bytes(shard.read_bytes()[:-9])
    with pytest.raises(StorageError, match="the manifest says"):
        verify(out, samples=samples)


def test_few_weights_in_the_recipes_type_are_a_question(
    converted: dict[str, Artifact], samples: Path, tmp_path: Path
) -> None:
    from edgekit import convert
    from edgekit.formats import model as model_file

    model = model_file.read(converted["tfjs-uint8"].root.parent / "model")
    (artifact,) = convert(model, to="tfjs-uint8", out=tmp_path / "out", quantise=["*=none"])
    (proof,) = verify(artifact, samples=samples)
    assert outcomes(proof)["types"] == "unsure"
    (types,) = [check for check in proof.checks if check.name == "types"]
    assert types.sentence == "0.0% of the weights are stored as uint8, 100.0% as float32."
    assert np.isclose(types.value, 0)
