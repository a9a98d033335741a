"""A Model's folder: what was written is read, and damage is seen."""

import json
from pathlib import Path
from typing import Any

import pytest

from edgekit.errors import SourceError, StorageError
from edgekit.formats import model as model_file
from edgekit.values.model import Model, Quantisation, Source
from edgekit.values.spec import ImageInput, ModelSpec, RawHead, Selection


@pytest.fixture
def model(tmp_path: Path) -> Model:
    (tmp_path / "graph.pb").write_bytes(b"graph")
    (tmp_path / "anchors.npy").write_bytes(b"anchors")
    model = Model(
        root=tmp_path,
        file="graph.pb",
        spec=ModelSpec(
            name="small",
            task="detection",
            input=ImageInput(name="image", height=8, width=8, mean=(0.0,), std=(1.0,)),
            head=RawHead(boxes="boxes", scores="scores", anchors="anchors.npy"),
            selection=Selection(),
            num_classes=2,
        ),
        quantisation=Quantisation(kind="none"),
        source=Source(kind="tf1-frozen", name="graph.pb", sha256=64 * "0"),
    )
    model_file.write(model)
    return model


def test_a_model_comes_back(model: Model) -> None:
    assert model_file.read(model.root) == model
    model_file.check(model.root)


def test_files_of_others_beside_it_do_not_matter(model: Model) -> None:
    (model.root / "notes.txt").write_text("mine")
    model_file.check(model.root)


@pytest.mark.parametrize("name", ["graph.pb", "anchors.npy", model_file.NAME, model_file.SUMS])
@pytest.mark.parametrize("gone", [True, False])
def test_damage_is_seen(model: Model, name: str, gone: bool) -> None:
    path = model.root / name
    if gone:
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:-1])
    assert not model_file.whole(model.root)
    with pytest.raises(StorageError, match="other bytes"):
        model_file.check(model.root)


@pytest.mark.parametrize("text", ["", "no digest", "\n", "\udcff"])
def test_sums_that_say_nothing_are_damage(model: Model, text: str) -> None:
    (model.root / model_file.SUMS).write_bytes(text.encode("utf-8", "surrogateescape"))
    assert not model_file.whole(model.root)


@pytest.mark.parametrize(
    ("place", "value", "said"),
    [
        (("file",), "../graph.pb", "inside its folder"),
        (("spec", "head", "anchors"), "../../../etc/passwd", "inside its folder"),
        (("spec", "head", "anchors"), "c:anchors", "inside its folder"),
        (("spec", "input", "mean"), [10**400], "too large"),
        (("root",), 5, "root: expected str"),
    ],
)
def test_a_value_that_cannot_be_is_refused(model: Model, place: tuple[str, ...], value: Any, said: str) -> None:
    path = model.root / model_file.NAME
    data = part = json.loads(path.read_text("utf-8"))
    for key in place[:-1]:
        part = part[key]
    part[place[-1]] = value
    path.write_text(json.dumps(data), "utf-8")
    with pytest.raises(SourceError, match=said):
        model_file.read(model.root)
