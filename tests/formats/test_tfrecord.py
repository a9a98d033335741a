"""TFRecord files: framing, checksums, compression, and the names of shards."""

import contextlib
import gzip
import io
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from edgekit.errors import EdgekitError, MissingToolError, StorageError, UsageError, UserDataError
from edgekit.formats import tfrecord
from tests.mutations import mutate

# Length 2, its checksum, "hi", its checksum: the bytes that TensorFlow writes
HI = bytes.fromhex("0200000000000000") + bytes.fromhex("78270b34") + b"hi" + bytes.fromhex("13d60856")
RECORDS = [b"", b"a", bytes(70_000), bytes(range(256))]


def gzipped(data: bytes) -> bytes:
    return gzip.compress(data, mtime=0)


def decoded(data: bytes) -> list[bytes]:
    return list(tfrecord.decode(io.BytesIO(data), "x.record"))


def test_framing_byte_for_byte() -> None:
    assert tfrecord.encode([b"hi"]) == HI
    assert decoded(HI) == [b"hi"]


def test_records_come_back(tmp_path: Path) -> None:
    path = tmp_path / "new" / "x.record"
    tfrecord.write(path, iter(RECORDS))
    assert list(tfrecord.read(path)) == RECORDS
    assert path.read_bytes() == tfrecord.encode(RECORDS)


@pytest.mark.parametrize("seed", range(20))
def test_any_records_come_back(seed: int) -> None:
    random = np.random.default_rng(seed)
    records = [random.bytes(int(size)) for size in random.geometric(0.01, int(random.integers(20))) - 1]
    data = tfrecord.encode(records)
    assert decoded(data) == decoded(gzipped(data)) == records


def test_an_empty_file_has_no_records(tmp_path: Path) -> None:
    tfrecord.write(tmp_path / "x.record", [])
    assert (tmp_path / "x.record").read_bytes() == b""
    assert list(tfrecord.read(tmp_path / "x.record")) == []


def test_a_length_that_begins_like_gzip_is_a_length() -> None:
    record = bytes(0x8B1F)
    assert tfrecord.encode([record]).startswith(b"\x1f\x8b")
    assert decoded(tfrecord.encode([record])) == [record]


def flipped(data: bytes, place: int) -> bytes:
    return data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]


BAD = [
    (HI + flipped(HI, 0), "x.record, record 2: the checksum of its length is wrong.\nThe file is damaged"),
    (HI + flipped(HI, 9), "record 2: the checksum of its length"),
    (HI + flipped(HI, 13), "record 2: the checksum of its data is wrong"),
    (flipped(HI, 15), "record 1: the checksum of its data"),
    (flipped(HI, 0), "x.record is no TFRecord file.\nIt is another kind of file, or its first bytes are damaged"),
    (HI + HI[:5], "x.record ends inside record 2"),
    (HI + HI[:12], "x.record ends inside record 2"),
    (HI[:-1], "x.record ends inside record 1"),
    (HI[:13], "x.record ends inside record 1"),
    (HI[:5], "no TFRecord file"),
    (gzipped(HI * 9)[:-9], "no whole gzip file: Compressed file ended"),
    (flipped(gzipped(HI * 9), 30), "no whole gzip file"),
    (gzipped(HI)[:-8] + bytes(8), "no whole gzip file: CRC check failed"),
    (gzipped(b"text that is compressed"), "record 1: the checksum of its length"),
    (zlib.compress(HI * 9), "x.record is compressed with ZLIB.\nWrite it with GZIP"),
    (zlib.compress(HI * 9, 0), "compressed with ZLIB"),
    (b"PK\x03\x04" + bytes(30), "no TFRecord file.\nIt is a zip archive"),
    (b"filename,width,height\n", "no TFRecord file.\nIt is a text file"),
    (b"<!DOCTYPE html>", "is a web page"),
    (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "git lfs pull"),
]


@pytest.mark.parametrize(("data", "message"), BAD, ids=range(len(BAD)))
def test_what_is_wrong_is_named(data: bytes, message: str) -> None:
    with pytest.raises(UserDataError) as caught:
        decoded(data)
    assert message in str(caught.value)
    assert caught.value.what.startswith("x.record")


def test_records_before_the_damage_are_given() -> None:
    records = tfrecord.decode(io.BytesIO(HI + HI + HI[:13]), "x.record")
    assert [next(records), next(records)] == [b"hi", b"hi"]
    with pytest.raises(UserDataError, match="inside record 3"):
        next(records)


def test_a_record_too_large_is_refused_before_it_is_read() -> None:
    head = (tfrecord.MAX_RECORD + 1).to_bytes(8, "little")
    claimed = head + tfrecord._CHECKSUM.pack(tfrecord._checksum()(head))
    with pytest.raises(UserDataError, match=f"record 1 has {tfrecord.MAX_RECORD + 1} bytes"):
        decoded(claimed)
    with pytest.raises(UserDataError, match=f"A record has {tfrecord.MAX_RECORD + 1} bytes"):
        tfrecord.encode([bytes(tfrecord.MAX_RECORD + 1)])


@pytest.mark.parametrize("data", [tfrecord.encode(RECORDS), gzipped(tfrecord.encode(RECORDS))], ids=["", "gzip"])
def test_damaged_bytes_never_pass_for_other_records(data: bytes) -> None:
    for seed in range(300):
        damaged = mutate(data, seed, reach=200)
        with contextlib.suppress(EdgekitError):
            assert all(record in RECORDS for record in decoded(damaged))


def test_a_file_stays_where_its_successor_fails(tmp_path: Path) -> None:
    def failing() -> Iterator[bytes]:
        yield b"new"
        raise UserDataError("no more")

    tfrecord.write(tmp_path / "x.record", [b"old"])
    with pytest.raises(UserDataError, match="no more"):
        tfrecord.write(tmp_path / "x.record", failing())
    assert list(tfrecord.read(tmp_path / "x.record")) == [b"old"]
    assert [path.name for path in tmp_path.iterdir()] == ["x.record"]


def test_missing_files_folders_and_places(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="There is no file"):
        list(tfrecord.read(tmp_path / "none.record"))
    with pytest.raises(UsageError, match="is a folder"):
        list(tfrecord.read(tmp_path))
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StorageError):
        tfrecord.write(tmp_path / "file" / "x.record", [b""])


def test_the_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "google_crc32c", None)
    with pytest.raises(MissingToolError, match=r"edgekit\[train\]"):
        decoded(HI)
    with pytest.raises(MissingToolError, match=r"edgekit\[train\]"):
        tfrecord.encode([b"hi"])


THREE = [f"train.record-0000{number}-of-00003" for number in range(3)]
FILES = [*THREE, "val-00001-of-00002.record", "val-00000-of-00002.record", "b.record", "a.record", "[1].record", "c@2"]


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("a.record", ["a.record"]),
        ("[1].record", ["[1].record"]),
        ("?.record", ["a.record", "b.record"]),
        ("train.record-?????-of-00003", THREE),
        ("train.record-*", THREE),
        ("train*", THREE),
        ("train.record@3", THREE),
        ("train.record-0000[01]-of-00003", THREE[:2]),
        (THREE[1], THREE[1:2]),
        ("val-*.record", ["val-00000-of-00002.record", "val-00001-of-00002.record"]),
        ("c@2", ["c@2"]),
    ],
)
def test_names_of_shards(tmp_path: Path, pattern: str, expected: list[str]) -> None:
    for name in FILES:
        (tmp_path / name).touch()
    (tmp_path / "folder.record-00000-of-00003").mkdir()
    assert [path.name for path in tfrecord.paths(f"{tmp_path}/{pattern}")] == expected


def test_sets_in_several_folders_are_each_whole(tmp_path: Path) -> None:
    for folder in ("a", "b/c"):
        (tmp_path / folder).mkdir(parents=True)
        for name in THREE:
            (tmp_path / folder / name).touch()
    assert len(tfrecord.paths(f"{tmp_path}/**/*-of-*")) == 6
    (tmp_path / "b" / "c" / THREE[0]).unlink()
    with pytest.raises(UserDataError, match=f"There is no {tmp_path}/b/c/{THREE[0]}"):
        tfrecord.paths(f"{tmp_path}/**/*-of-*")


@pytest.mark.parametrize("pattern", ["train.record-?????-of-00003", "train.record*", "train.record@3", "*"])
def test_missing_shards_are_named(tmp_path: Path, pattern: str) -> None:
    for name in (THREE[0], THREE[2], "other"):
        (tmp_path / name).touch()
    with pytest.raises(UserDataError) as caught:
        tfrecord.paths(f"{tmp_path}/{pattern}")
    assert "1 of 3 shards are missing" in caught.value.what
    assert f"There is no {tmp_path}/{THREE[1]}." in caught.value.cause


def test_of_many_missing_shards_five_are_named(tmp_path: Path) -> None:
    (tmp_path / "a-00000-of-99999").touch()
    with pytest.raises(UserDataError, match=r"99998 of 99999 .*\n.*a-00001-.*a-00005-of-99999, …\.\n"):
        tfrecord.paths(f"{tmp_path}/a-*")


@pytest.mark.parametrize("pattern", ["none.record", "*.record", "none@3", "none-?????-of-00003", ""])
def test_a_pattern_of_no_file_is_a_usage_error(tmp_path: Path, pattern: str) -> None:
    with pytest.raises(UsageError, match="There is no file"):
        tfrecord.paths(f"{tmp_path}/{pattern}")


@pytest.mark.slow
@pytest.mark.parametrize("compression", ["", "GZIP"])
def test_tensorflow_reads_and_writes_the_same_bytes(tmp_path: Path, compression: str) -> None:
    import tensorflow as tf

    theirs, ours = tmp_path / "theirs.record", tmp_path / "ours.record"
    with tf.io.TFRecordWriter(str(theirs), compression) as writer:
        for record in RECORDS:
            writer.write(record)
    tfrecord.write(ours, RECORDS)
    assert list(tfrecord.read(theirs)) == RECORDS
    assert [bytes(record.numpy()) for record in tf.data.TFRecordDataset(str(ours))] == RECORDS
    assert (theirs.read_bytes() == ours.read_bytes()) == (not compression)
