"""TFRecord files: length, its checksum, data, its checksum, over and over; and the names of files in many shards.

Format: https://www.tensorflow.org/tutorials/load_data/tfrecord. Numbers are little-endian, checksums CRC-32C, masked.
"""

import fnmatch
import glob
import gzip
import itertools
import re
import struct
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from ..errors import MissingToolError, UsageError, UserDataError
from ..system import open_file, write_pieces
from .foreign import HEAD, kind, refuse_mishap

MAX_RECORD = 256 * 2**20
INSTALL = "Run: pip install 'edgekit[train]'"

_LENGTH = struct.Struct("<QI")
_CHECKSUM = struct.Struct("<I")
_GZIP = b"\x1f\x8b"
_SHARD = re.compile(r"(?P<start>.*-)\d{5}-of-(?P<count>\d{5})(?P<end>.*)")
_NUMBERED = re.compile(r"(?P<start>.+)@(?P<count>\d{1,5})")

Checksum = Callable[[bytes], int]


def read(path: Path) -> Iterator[bytes]:
    """The records of a file, one after the other; it may be compressed with gzip, and an empty one has none.

    Raises UserDataError that names the record where a checksum is wrong or the file ends too early, and what the file
    is where it is none; MissingToolError without google-crc32c.
    """
    with open_file(path) as stream:
        yield from decode(stream, str(path))


def located(path: Path) -> Iterator[tuple[int, bytes]]:
    """(where its data begins in the file, data) of each record, for those that come back to one of them later.

    Raises UserDataError for a compressed file, in which there is no such place; else as ``read``.
    """
    with open_file(path) as stream:
        if stream.read(len(_GZIP)) == _GZIP:
            raise UserDataError(
                f"{path} is compressed.", cause="Its records cannot be read in any order.", fix="Unpack it: gunzip."
            )
    start = _LENGTH.size
    for data in read(path):
        yield start, data
        start += len(data) + _CHECKSUM.size + _LENGTH.size


def decode(stream: BinaryIO, name: str) -> Iterator[bytes]:
    """``read`` for an open file that can seek; ``name`` is what messages call it."""
    checksum = _checksum()
    start = stream.read(HEAD)
    stream.seek(0)
    if not start or _is_length(start[: _LENGTH.size], checksum):
        yield from _records(stream.read, name, checksum)
    elif start.startswith(_GZIP):
        yield from _inflated(stream, name, checksum)
    else:
        raise _foreign(start, name)


def encode(records: Iterable[bytes]) -> bytes:
    """The bytes of a file with these records."""
    return b"".join(_framed(records))


def write(path: Path, records: Iterable[bytes]) -> None:
    """Write a file of any size, record by record; an old one is replaced when the new one is whole."""
    write_pieces(path, _framed(records))


def paths(pattern: str) -> tuple[Path, ...]:
    """The files that a path, a glob or ``name@N`` (N shards: name-00000-of-N, …) stands for, sorted.

    Raises UsageError where there is none, UserDataError where some of a set of shards that the pattern covers are
    missing.
    """
    if Path(pattern).is_file():
        return (Path(pattern),)
    if numbered := _NUMBERED.fullmatch(pattern):
        wanted = _shards(f"{numbered['start']}-", int(numbered["count"]))
        found = [name for name in wanted if Path(name).is_file()]
    else:
        found = sorted(name for name in glob.glob(pattern, recursive=True) if Path(name).is_file())
        wanted = [name for name in _whole_sets(found) if fnmatch.fnmatchcase(Path(name).name, Path(pattern).name)]
    if not found:
        fix = f"Give the files inside it: {pattern}/*.record" if Path(pattern).is_dir() else "Check the path."
        raise UsageError(f"There is no file {pattern}.", fix=fix)
    missing = sorted(set(wanted) - set(found))
    if missing:
        raise UserDataError(
            f"{pattern}: {len(missing)} of {len(wanted)} shards are missing.",
            cause=f"There is no {', '.join(missing[:5])}{', …' if len(missing) > 5 else ''}.",
            fix="Copy or make the whole set again.",
        )
    return tuple(Path(name) for name in found)


def _whole_sets(names: Iterable[str]) -> list[str]:
    """Every name of every set of shards that these names belong to."""
    shards = filter(None, map(_SHARD.fullmatch, names))
    sets = dict.fromkeys((shard["start"], int(shard["count"]), shard["end"]) for shard in shards)
    return [name for start, count, end in sets for name in _shards(start, count, end)]


def _shards(start: str, count: int, end: str = "") -> list[str]:
    return [f"{start}{number:05d}-of-{count:05d}{end}" for number in range(count)]


def _checksum() -> Checksum:
    try:
        from google_crc32c import value
    except ImportError:
        raise MissingToolError(
            "TFRecord files have checksums.", cause="The package google-crc32c is not installed.", fix=INSTALL
        ) from None

    def masked(data: bytes) -> int:
        crc: int = value(data)
        return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF

    return masked


def _is_length(head: bytes, checksum: Checksum) -> bool:
    return len(head) == _LENGTH.size and checksum(head[:8]) == _LENGTH.unpack(head)[1]


def _records(read: Callable[[int], bytes], name: str, checksum: Checksum) -> Iterator[bytes]:
    for number in itertools.count(1):
        head = read(_LENGTH.size)
        if not head:
            return
        if len(head) < _LENGTH.size:
            raise _cut(name, number)
        if not _is_length(head, checksum):
            raise _damaged(f"{name}, record {number}: the checksum of its length is wrong.")
        length = _LENGTH.unpack(head)[0]
        if length > MAX_RECORD:
            raise UserDataError(
                f"{name}, record {number} has {length} bytes.", cause=f"More than the {MAX_RECORD} that edgekit reads."
            )
        data, check = read(length), read(_CHECKSUM.size)
        if len(data) < length or len(check) < _CHECKSUM.size:
            raise _cut(name, number)
        if checksum(data) != _CHECKSUM.unpack(check)[0]:
            raise _damaged(f"{name}, record {number}: the checksum of its data is wrong.")
        yield data


def _inflated(stream: BinaryIO, name: str, checksum: Checksum) -> Iterator[bytes]:
    try:
        with gzip.GzipFile(fileobj=stream) as inside:
            yield from _records(inside.read, name, checksum)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise _damaged(f"{name} is no whole gzip file: {error}.") from None


def _framed(records: Iterable[bytes]) -> Iterator[bytes]:
    checksum = _checksum()
    for record in records:
        if len(record) > MAX_RECORD:
            raise UserDataError(
                f"A record has {len(record)} bytes.", cause=f"More than the {MAX_RECORD} that edgekit reads back."
            )
        length = len(record).to_bytes(8, "little")
        yield length + _CHECKSUM.pack(checksum(length)) + record + _CHECKSUM.pack(checksum(record))


def _foreign(start: bytes, name: str) -> UserDataError:
    """What a file is that does not begin with a length and its checksum."""
    refuse_mishap(start, name)
    if start[0] & 0x8F == 8 and int.from_bytes(start[:2], "big") % 31 == 0:
        return UserDataError(f"{name} is compressed with ZLIB.", fix="Write it with GZIP, or without compression.")
    found = kind(start)
    cause = f"It is {found}." if found else "It is another kind of file, or its first bytes are damaged."
    return UserDataError(f"{name} is no TFRecord file.", cause=cause)


def _cut(name: str, number: int) -> UserDataError:
    return UserDataError(
        f"{name} ends inside record {number}.",
        cause="A copy was cut off, or the file is still being written.",
        fix="Copy or make it again.",
    )


def _damaged(what: str) -> UserDataError:
    return UserDataError(what, cause="The file is damaged.", fix="Copy or make it again.")
