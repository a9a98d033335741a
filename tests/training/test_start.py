"""What a training takes from a checkpoint."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgekit.errors import EdgekitError, SourceError, UsageError
from edgekit.formats import checkpoint
from edgekit.training import start
from edgekit.training.architecture import Architecture
from edgekit.training.start import About, Checkpoint, begin, read
from edgekit.values.codec import to_data

from .networks import SIZE, floats, small

LABELS = ("red", "green", "blue")
SIZES = tuple(grid.sizes for grid in small().grids)
ABOUT = About(kind="compact", multiplier=0.25, height=64, width=64, strides=(8, 16), sizes=SIZES, labels=LABELS)


def trained(architecture: Architecture | None = None) -> Checkpoint:
    return Checkpoint(name="x.npz", variables=floats(architecture or small()), about=ABOUT)


def heads(architecture: Architecture) -> set[str]:
    return {layer.name for layer in architecture.layers if layer.head}


def test_a_network_like_that_of_the_checkpoint_takes_all() -> None:
    known = trained()
    found = begin(known, small(), LABELS)
    assert found.fresh == ()
    assert set(found.variables) == set(known.variables)
    assert all(found.variables[path] is value for path, value in known.variables.items())
    assert found.sentences == (
        f"Taken from the checkpoint: {len(found.taken)} layers, {found.taken[0]} to {found.taken[-1]}.",
    )


@pytest.mark.parametrize(
    ("changes", "labels", "fresh"),
    [
        ({}, ("red", "green", "grey"), {"BoxEncodingPredictor", "ClassPredictor"}),
        ({}, ("green", "red", "blue"), {"BoxEncodingPredictor", "ClassPredictor"}),
        ({"classes": 5}, ("a", "b", "c", "d", "e"), {"BoxEncodingPredictor", "ClassPredictor"}),
        ({"sizes": ((SIZE,) * 4, (SIZE,) * 4)}, LABELS, {"BoxEncodingPredictor", "ClassPredictor"}),
        ({"height": 96, "width": 64}, LABELS, set()),
    ],
)
def test_heads_begin_anew_for_other_classes_and_anchors(
    changes: dict[str, Any], labels: tuple[str, ...], fresh: set[str]
) -> None:
    architecture = small(**changes)
    found = begin(trained(), architecture, labels)
    assert {name.rpartition("/")[-1] for name in found.fresh} == fresh
    assert set(found.fresh) == (heads(architecture) if fresh else set())
    assert set(found.taken) | set(found.fresh) == {layer.name for layer in architecture.layers}
    assert not [path for path in found.variables if path.rpartition("/")[0] in found.fresh]
    if fresh:
        assert found.sentences[1] == f"Begun anew: {', '.join(found.fresh)}."


@pytest.mark.parametrize(("before", "now"), [((8, 16), (4, 8, 16)), ((8, 16), (16,)), ((16,), (8, 16, 32))])
def test_other_maps_keep_the_backbone(before: tuple[int, ...], now: tuple[int, ...]) -> None:
    old, new = (small(strides=strides, sizes=((SIZE,),) * len(strides)) for strides in (before, now))
    found = begin(trained(old), new, LABELS)
    shapes = {layer.name: layer.kernel for layer in new.layers}
    known = {layer.name for layer in old.layers}
    backbone = {name for name in shapes if "/Conv2d_" in name}
    assert {name for name in backbone if name in known} <= set(found.taken)
    assert set(found.fresh) & backbone == backbone - known
    assert all(found.variables[f"{name}/weights"].shape == shapes[name] for name in found.taken)


def test_another_backbone_is_refused_with_what_to_type() -> None:
    with pytest.raises(
        SourceError, match=r"x\.npz is a checkpoint of another network: .*Conv2d_0 has 3 × 3 × 3 × 8"
    ) as caught:
        begin(trained(), small(multiplier=1.0), LABELS)
    assert "--architecture compact --width 0.25" in caught.value.fix
    with pytest.raises(SourceError, match=r"another network: .* has no such layer"):
        begin(Checkpoint(name="x.npz", variables={}, about=ABOUT), small(), LABELS)


def test_reading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known = floats(small())
    path = tmp_path / start.FILE
    path.write_bytes(checkpoint.encode(known, to_data(ABOUT)))
    for place in (path, tmp_path):
        found = read(str(place))
        assert (found.name, found.about) == (str(place), ABOUT)
        assert all(np.array_equal(found.variables[name], value) for name, value in known.items())
    monkeypatch.setitem(start.BUNDLED, "shelf", path)
    monkeypatch.chdir(tmp_path)
    assert read("shelf").about == ABOUT


def test_what_is_no_checkpoint_to_begin_with(tmp_path: Path) -> None:
    (tmp_path / "state.npz").write_bytes(checkpoint.encode({}, {"key": "k", "step": 3}))
    for name, about in (("other.npz", {"epoch": 3}), ("odd.npz", to_data(ABOUT) | {"strides": "8"})):
        (tmp_path / name).write_bytes(checkpoint.encode({}, about))
    (tmp_path / "x.h5").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(100))
    (tmp_path / "empty").mkdir()
    cases: tuple[tuple[str, type[EdgekitError], str], ...] = (
        ("state.npz", SourceError, "(?s)no checkpoint to begin with.*not finished"),
        ("other.npz", SourceError, "(?s)no checkpoint to begin with.*About.kind: missing"),
        ("odd.npz", SourceError, "(?s)no checkpoint to begin with.*About.strides: expected a list, got '8'"),
        ("x.h5", SourceError, "(?s)no checkpoint of edgekit's.*It is a Keras or HDF5 file"),
        ("empty", UsageError, "empty holds no checkpoint"),
        ("nothing.npz", UsageError, "(?s)no checkpoint .*nothing.*shelf"),
    )
    for name, error, message in cases:
        with pytest.raises(error, match=message):
            read(str(tmp_path / name))
