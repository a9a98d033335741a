"""The archive behind a model: what is written, and what an enemy may have written."""

import io
import struct
import zipfile
from typing import Any

import pytest

from edgekit.errors import SourceError, UserDataError
from edgekit.formats.tflite import archive

BEFORE = b"a flatbuffer, as far as this test goes" * 3


def zipped(*entries: tuple[str, bytes], before: bytes = BEFORE, method: int = zipfile.ZIP_STORED) -> bytes:
    stream = io.BytesIO(before)
    stream.seek(0, 2)
    with zipfile.ZipFile(stream, "a", method) as file:
        for name, content in entries:
            file.writestr(name, content)
    return stream.getvalue()


def test_written_archive_is_stored_sorted_and_the_same_every_time() -> None:
    data = archive.write({"labels.txt": b"cat\ndog\n", "Käse.txt": b""})
    assert data == archive.write({"Käse.txt": b"", "labels.txt": b"cat\ndog\n"})
    with zipfile.ZipFile(io.BytesIO(BEFORE + data)) as file:
        assert file.testzip() is None
        assert [info.filename for info in file.infolist()] == ["Käse.txt", "labels.txt"]
        assert {info.compress_type for info in file.infolist()} == {zipfile.ZIP_STORED}
        assert {info.date_time for info in file.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert file.read("labels.txt") == b"cat\ndog\n"
    assert archive.write({}) == b""


def test_round_trip_behind_other_bytes() -> None:
    files = {"a.txt": b"1", "folder/b.bin": bytes(range(256))}
    found = archive.read(BEFORE + archive.write(files))
    assert (dict(found.files), found.start, found.compressed, found.problems) == (files, len(BEFORE), (), ())


@pytest.mark.parametrize("data", [b"", b"PK", BEFORE, BEFORE + b"PK\5\6" + bytes(5)])
def test_no_archive(data: bytes) -> None:
    found = archive.read(data)
    assert (found.start, dict(found.files), found.problems) == (len(data), {}, ())


def test_archives_of_others_are_read_whether_offsets_count_from_file_or_archive() -> None:
    absolute = zipped(("metadata.json", b"{}" * 99), method=zipfile.ZIP_DEFLATED)
    relative = BEFORE + zipped(("metadata.json", b"{}" * 99), before=b"")
    for data in (absolute, relative):
        found = archive.read(data)
        assert (found.start, dict(found.files)) == (len(BEFORE), {"metadata.json": b"{}" * 99})
    assert archive.read(absolute).compressed == ("metadata.json",)


def patched(data: bytes, mark: bytes, offset: int, code: str, value: Any) -> bytes:
    """The archive with a number changed, counted from the first record with this mark."""
    changed = bytearray(data)
    struct.pack_into(code, changed, data.index(mark) + offset, value)
    return bytes(changed)


ONE = zipped(("labels.txt", b"cat\n"))
TWO = zipped(("a", b"A" * 50), ("b", b"B" * 50))
BOMB = zipped(("bomb", bytes(archive.MAX_UNPACKED + 1)), method=zipfile.ZIP_DEFLATED)
CENTRAL, LOCAL, END = b"PK\1\2", b"PK\3\4", b"PK\5\6"
HOSTILE = {
    "declared bomb": (BOMB, "unpack to"),
    "bomb that lies about its size": (patched(BOMB, CENTRAL, 24, "<L", 10), "another size"),
    "many bombs": (zipped(*[(f"{i}", bytes(2**24)) for i in range(5)], method=zipfile.ZIP_DEFLATED), "unpack to"),
    "too many entries": (zipped(*[(f"{i}", b"") for i in range(archive.MAX_ENTRIES + 1)]), "1001 entries"),
    "parent folder": (zipped(("../evil", b"")), "leads out"),
    "hidden parent": (zipped(("a/../../evil", b"")), "leads out"),
    "absolute": (zipped(("/etc/passwd", b"")), "absolute"),
    "drive": (zipped(("C:evil", b"")), "absolute"),
    "backslash": (zipped(("a\\..\\b", b"")), "absolute"),
    "control characters": (zipped(("a\x1b[2J", b"")), "printable"),
    "encrypted": (patched(ONE, CENTRAL, 8, "<H", 1), "encrypted"),
    "other method": (patched(ONE, CENTRAL, 10, "<H", 14), "method 14"),
    "checksum": (patched(ONE, CENTRAL, 16, "<L", 1), "checksum"),
    "local header elsewhere": (patched(ONE, CENTRAL, 42, "<L", 2**31), "outside"),
    "local header is none": (patched(ONE, CENTRAL, 42, "<L", 0), "outside"),
    "entry beyond directory": (patched(ONE, CENTRAL, 20, "<L", 2**20), "outside"),
    "another local name": (ONE.replace(b"labels.txt", b"Labels.txt", 1), "another name"),
    "directory mark": (patched(ONE, CENTRAL, 0, "<B", 0), "damaged"),
    "directory cut": (patched(ONE, END, 12, "<L", 20), "cut off"),
    "directory beyond file": (patched(ONE, END, 12, "<L", 2**31), "outside the file"),
    "directory before archive": (patched(ONE, END, 16, "<L", 2**31), "outside the file"),
    "fewer entries than directory": (patched(patched(TWO, END, 8, "<H", 1), END, 10, "<H", 1), "another size"),
    "several disks": (patched(ONE, END, 4, "<H", 1), "one part"),
    "zip64": (patched(ONE, END, 16, "<L", 0xFFFFFFFF), "ZIP64"),
}


@pytest.mark.parametrize(("data", "says"), HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_archive_is_a_problem_and_an_error(data: bytes, says: str) -> None:
    found = archive.read(data)
    assert says in found.problems[0]
    with pytest.raises(SourceError, match="cannot be trusted"):
        found.checked()


def test_duplicate_entries() -> None:
    with pytest.warns(UserWarning, match="Duplicate"):
        data = zipped(("labels.txt", b"cat\n"), ("labels.txt", b"dog\n"))
    assert "several entries" in archive.read(data).problems[0]


def test_entries_that_share_bytes() -> None:
    """A small file becomes a large one when every entry claims the bytes of those after it."""
    overlap = bytearray(TWO)
    first = TWO.index(CENTRAL)
    struct.pack_into("<2L", overlap, first + 20, 90, 90)
    assert "share bytes" in archive.read(bytes(overlap)).problems[0]


def test_every_truncation_and_many_bit_flips_end_in_a_value() -> None:
    data = zipped(("labels.txt", b"cat\n"), ("b", b"B" * 40), before=b"x", method=zipfile.ZIP_DEFLATED)
    for length in range(len(data)):
        archive.read(data[:length])
    for bit in range(8 * len(data)):
        flipped = bytearray(data)
        flipped[bit // 8] ^= 1 << bit % 8
        found = archive.read(bytes(flipped))
        assert sum(map(len, found.files.values())) <= 44


@pytest.mark.parametrize("name", ["", "../a", "/a", "a\nb", "a//b", "C:\\a"])
def test_names_that_no_model_may_carry(name: str) -> None:
    with pytest.raises(UserDataError, match="cannot carry"):
        archive.write({name: b""})


def test_too_much_to_carry() -> None:
    with pytest.raises(UserDataError, match="too much"):
        archive.write({f"{i}": b"" for i in range(archive.MAX_ENTRIES + 1)})
