"""Where a training stands, on disk."""

from pathlib import Path

import numpy as np
import pytest

from edgekit.errors import StorageError
from edgekit.training.progress import FLOAT, QUANTISED, Progress
from edgekit.training.state import Counters, State, restore
from edgekit.vision.metrics import evaluate
from tests.mutations import mutate

PROGRESS = Progress(
    phase=FLOAT,
    step=20,
    steps=100,
    classification=1.5,
    localisation=0.1 + 0.2,  # must come back to the last bit
    rate=1e-3,
    pictures_per_second=99.5,
    seconds_left=7.0,
)
LOOKED = Progress(**{**vars(PROGRESS), "step": 40, "figures": evaluate([]).figures, "best": True})
COUNTERS = Counters(key="k", phase=QUANTISED, step=7, best=0.25, waited=2, seconds=12.5, history=(PROGRESS, LOOKED))


def state() -> State:
    random = np.random.default_rng(0)
    return State(
        counters=COUNTERS,
        network={"a/weights": random.normal(size=(3, 3, 2, 4)).astype(np.float32), "a/b:0": np.float32(2.5)},  # type: ignore[dict-item]
        best={"a/weights": np.zeros(3, np.float32)},
        optimiser={"0": np.array(17, np.int64)},
        floats={},
    )


def test_everything_comes_back(tmp_path: Path) -> None:
    saved = state()
    saved.save(tmp_path / "new" / "state.npz")
    found = restore(tmp_path / "new" / "state.npz", "k")
    assert found.counters == COUNTERS
    for part in ("network", "best", "optimiser", "floats"):
        before, after = getattr(saved, part), getattr(found, part)
        assert after.keys() == before.keys()
        for name, value in before.items():
            assert (after[name].dtype, after[name].shape) == (value.dtype, value.shape)
            np.testing.assert_array_equal(after[name], value)


@pytest.mark.parametrize("damage", ["other key", "absent", "empty", "cut", "another file"])
def test_what_cannot_be_gone_on_from_is_begun_anew(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "state.npz"
    state().save(path)
    if damage == "absent":
        path.unlink()
    elif damage != "other key":
        path.write_bytes(
            {"empty": b"", "cut": path.read_bytes()[:-30], "another file": b"PK\x03\x04 no archive"}[damage]
        )
    found = restore(path, "other" if damage == "other key" else "k")
    assert found.counters == Counters(key="other" if damage == "other key" else "k")
    assert (found.network, found.best, found.optimiser, found.floats) == ({}, {}, {}, {})


def test_any_damage_is_begun_anew_or_without_consequence(tmp_path: Path) -> None:
    path = tmp_path / "state.npz"
    state().save(path)
    whole = path.read_bytes()
    outcomes = set()
    for seed in range(300):
        path.write_bytes(mutate(whole, seed))
        found = restore(path, "k")
        outcomes.add(found.counters == COUNTERS)
        assert found.counters in (COUNTERS, Counters(key="k"))
    assert outcomes == {True, False}


def test_the_old_state_stays_where_the_new_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "state.npz"
    state().save(path)
    before = path.read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(StorageError, match=r"(?s)state\.npz cannot be written: No space left.*Free some space"):
        State(counters=Counters(key="k")).save(path)
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["state.npz"]
