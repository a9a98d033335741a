"""Checkpoints: what is written comes back, and nothing else is taken for one."""

import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgekit.errors import EdgekitError, SourceError
from edgekit.formats import checkpoint
from tests.mutations import mutate

RANDOM = np.random.default_rng(0)
VARIABLES: dict[str, np.ndarray[Any, Any]] = {
    "a/weights": RANDOM.normal(size=(3, 3, 4, 8)).astype(np.float32),
    "a/biases": np.zeros(8, np.float32),
    "optimiser:0": np.array(12, np.int64),
    "file": np.float32(1.5),  # type: ignore[dict-item]
    "allow_pickle": np.zeros((0, 4), np.uint8),
    "transposed": RANDOM.normal(size=(4, 6)).T,
    "größe": np.ones(2, np.float64),
}
ABOUT = {"kind": "compact", "labels": ["red", "grün"], "width": 0.25}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "checkpoint.npz"


def zipped(**entries: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return stream.getvalue()


def npy(array: Any, *, pickles: bool = False) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=pickles)
    return stream.getvalue()


def test_what_is_written_comes_back(path: Path) -> None:
    path.write_bytes(checkpoint.encode(VARIABLES, ABOUT))
    variables, about = checkpoint.read(path)
    assert about == ABOUT
    assert variables.keys() == VARIABLES.keys()
    for name, value in VARIABLES.items():
        assert (variables[name].dtype, variables[name].shape) == (value.dtype, value.shape)
        np.testing.assert_array_equal(variables[name], value)


def test_equal_contents_give_equal_bytes() -> None:
    whole = checkpoint.encode(VARIABLES, ABOUT)
    assert checkpoint.encode(dict(reversed(VARIABLES.items())), dict(reversed(ABOUT.items()))) == whole
    assert checkpoint.encode(VARIABLES | {"a/biases": np.ones(8, np.float32)}, ABOUT) != whole
    assert checkpoint.encode(VARIABLES, ABOUT | {"width": 0.5}) != whole


def test_numpy_reads_it_too(path: Path) -> None:
    path.write_bytes(checkpoint.encode(VARIABLES, ABOUT))
    with np.load(path) as archive:
        assert set(archive.files) == {*VARIABLES, checkpoint.ABOUT}
        np.testing.assert_array_equal(archive["a/weights"], VARIABLES["a/weights"])


def test_objects_are_not_written() -> None:
    with pytest.raises(ValueError, match="Object arrays"):
        checkpoint.encode({"x": np.array([{}], object)}, {})


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "It is empty"),
        (b"\x89HDF\r\n\x1a\n" + bytes(50), "It is a Keras or HDF5 file"),
        (b"version https://git-lfs.github.com/spec/v1\n", "It is a Git-LFS pointer"),
        (npy(np.zeros(4)), "It is damaged, or another tool wrote it"),
        (zipped(**{"a.npy": npy(np.zeros(4))}), r"it has no about\.json"),
        (zipped(**{"about.json": b'{"kind": 1}'}), "no checkpoint"),
        (zipped(**{"about.json.npy": npy(np.frombuffer(b"[]", np.uint8))}), "is no object"),
        (zipped(**{"about.json.npy": npy(np.frombuffer(b"{", np.uint8))}), "no checkpoint"),
        (zipped(**{"about.json.npy": npy(np.array([{}], object), pickles=True)}), "no checkpoint"),
        (checkpoint.encode(VARIABLES, ABOUT)[:-40], "no checkpoint"),
    ],
)
def test_what_is_no_checkpoint(path: Path, data: bytes, message: str) -> None:
    path.write_bytes(data)
    with pytest.raises(SourceError, match=f"(?s)checkpoint.*{message}|{message}.*checkpoint"):
        checkpoint.read(path)


def test_damage_is_refused_or_without_consequence(path: Path) -> None:
    whole = checkpoint.encode(VARIABLES, ABOUT)
    refused = 0
    for seed in range(300):
        path.write_bytes(mutate(whole, seed))
        try:
            variables, about = checkpoint.read(path)
        except EdgekitError:
            refused += 1
            continue
        assert isinstance(about, dict)
        for name in variables.keys() & VARIABLES.keys():  # bytes have a checksum, names have none
            np.testing.assert_array_equal(variables[name], VARIABLES[name])
    assert 100 < refused < 300
