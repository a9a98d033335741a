"""The ZIP archive behind a .tflite: label files and whatever others put there, read as if an enemy had written it.

Readers on phones look for the archive from the file's end and demand uncompressed entries (zip_readonly_mem_file.cc
of tflite-support). So archives are written STORED, with a fixed date, in order of name: same files, same bytes.
Format: PKWARE's APPNOTE.TXT.
"""

import struct
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise

from ...errors import SourceError, UserDataError

MAX_ENTRIES = 1_000
MAX_UNPACKED = 64 * 2**20  # bytes of all entries together; label files take some hundred kilobytes at most
DATE, TIME = 0x0021, 0x0000  # 1 January 1980, the format's beginning

_END = struct.Struct("<4s4H2LH")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_LOCAL = struct.Struct("<4s5H3L2H")
_END_MARK, _CENTRAL_MARK, _LOCAL_MARK = b"PK\5\6", b"PK\1\2", b"PK\3\4"
_ENCRYPTED, _UTF8 = 0x0001, 0x0800
_STORED, _DEFLATED = 0, 8
_MAX_COMMENT = 0xFFFF


@dataclass(frozen=True, kw_only=True)
class Archive:
    """What stands behind the flatbuffer.

    start: where the archive begins in the file, the file's length when there is none. files: contents by name, of
    the entries that are safe to read. compressed: names of entries that are not STORED. problems: what is wrong, as
    sentences; with one, ``files`` may lack entries.
    """

    start: int
    files: Mapping[str, bytes] = field(default_factory=dict)
    compressed: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()

    def checked(self) -> "Archive":
        """The archive itself, if it has no problem. Raises SourceError otherwise."""
        if self.problems:
            raise SourceError(
                f"The ZIP archive behind the model cannot be trusted: {self.problems[0]}",
                cause="It is damaged, or made to harm its readers.",
                fix="Take the model from its origin again, or write it anew: edgekit metadata set FILE --default.",
            )
        return self


@dataclass(frozen=True)
class _Entry:
    name: str
    flags: int
    method: int
    crc: int
    packed: int
    unpacked: int
    header: int  # position of its local header
    begin: int = 0  # position of its bytes


class _BrokenError(Exception):
    """A sentence about what is wrong with the archive."""


def read(data: bytes | memoryview) -> Archive:
    """The archive at the end of a file, checked; never more than MAX_UNPACKED bytes of contents."""
    end = _find_end(data)
    if end < 0:
        return Archive(start=len(data))
    try:
        entries, directory = _directory(data, end)
    except _BrokenError as problem:
        return Archive(start=end, problems=(str(problem),))
    start = min((entry.header for entry in entries), default=directory)
    files: dict[str, bytes] = {}
    problems = list(_structure_problems(entries))
    if not problems:
        for entry in entries:
            try:
                if not entry.name.endswith("/"):
                    files[entry.name] = _contents(data, entry)
            except _BrokenError as problem:
                problems.append(str(problem))
    compressed = tuple(entry.name for entry in entries if entry.method != _STORED)
    return Archive(start=start, files=files, compressed=compressed, problems=tuple(problems))


def write(files: Mapping[str, bytes]) -> bytes:
    """A ZIP archive of the files, STORED, sorted by name; empty where there are none."""
    if not files:
        return b""
    body, directory = bytearray(), bytearray()
    for name, content in sorted(files.items()):
        if problem := _name_problem(name):
            raise UserDataError(f"The model cannot carry a file {name!r}: {problem}.", fix="Rename the file.")
        raw = name.encode()
        flags = 0 if name.isascii() else _UTF8
        common = (flags, _STORED, TIME, DATE, zlib.crc32(content), len(content), len(content), len(raw), 0)
        directory += _CENTRAL.pack(_CENTRAL_MARK, 20, 20, *common, 0, 0, 0, 0, len(body)) + raw
        body += _LOCAL.pack(_LOCAL_MARK, 20, *common) + raw + content
    if len(files) > MAX_ENTRIES or len(body) > MAX_UNPACKED:
        raise UserDataError(f"{len(files)} files with {len(body)} bytes are too much for a model to carry.")
    count = len(files)
    return bytes(body + directory + _END.pack(_END_MARK, 0, 0, count, count, len(directory), len(body), 0))


def _find_end(data: bytes | memoryview) -> int:
    """Position of the end record, -1 where there is none. Its comment must reach exactly to the file's end."""
    first = max(0, len(data) - _END.size - _MAX_COMMENT)
    tail = bytes(data[first:])
    at = tail.rfind(_END_MARK)
    while at >= 0:
        if at + _END.size <= len(tail) and at + _END.size + _END.unpack_from(tail, at)[7] == len(tail):
            return first + at
        at = tail.rfind(_END_MARK, 0, at)
    return -1


def _directory(data: bytes | memoryview, end: int) -> tuple[list[_Entry], int]:
    """The central directory's entries, located in the file, and the directory's position."""
    _, disk, first_disk, here, count, size, offset, _ = _END.unpack_from(data, end)
    if disk or first_disk or here != count:
        raise _BrokenError("it is one part of several.")
    if count == 0xFFFF or 0xFFFFFFFF in (size, offset):
        raise _BrokenError("it is a ZIP64 archive, which no reader of models knows.")
    if count > MAX_ENTRIES:
        raise _BrokenError(f"it declares {count} entries, more than {MAX_ENTRIES}.")
    directory = end - size
    if directory < 0 or offset > directory:
        raise _BrokenError("its central directory lies outside the file.")
    base = directory - offset  # offsets count from the archive's start or from the file's: both are in use
    entries, at = [], directory
    for _ in range(count):
        entry, at = _central_entry(data, at, end, base)
        entries.append(_locate(data, entry, directory))
    if at != end:
        raise _BrokenError("its central directory has another size than it says.")
    return entries, directory


def _central_entry(data: bytes | memoryview, at: int, end: int, base: int) -> tuple[_Entry, int]:
    if at + _CENTRAL.size > end:
        raise _BrokenError("its central directory is cut off.")
    mark, _, _, flags, method, _, _, crc, packed, unpacked, name, extra, comment, _, _, _, header = (
        _CENTRAL.unpack_from(data, at)
    )
    after = at + _CENTRAL.size + name + extra + comment
    if mark != _CENTRAL_MARK or after > end:
        raise _BrokenError("its central directory is damaged.")
    raw = bytes(data[at + _CENTRAL.size : at + _CENTRAL.size + name])
    return _Entry(_text(raw, flags), flags, method, crc, packed, unpacked, base + header), after


def _locate(data: bytes | memoryview, entry: _Entry, directory: int) -> _Entry:
    """The entry with the position of its bytes, from its local header, which must say the same name."""
    if entry.header + _LOCAL.size > directory:
        raise _BrokenError(f"its entry {entry.name!r} lies outside the archive.")
    mark, _, flags, _, _, _, _, _, _, name, extra = _LOCAL.unpack_from(data, entry.header)
    begin = entry.header + _LOCAL.size + name + extra
    if mark != _LOCAL_MARK or begin + entry.packed > directory:
        raise _BrokenError(f"its entry {entry.name!r} lies outside the archive.")
    if _text(bytes(data[entry.header + _LOCAL.size : begin - extra]), flags) != entry.name:
        raise _BrokenError(f"its entry {entry.name!r} has another name in the directory than before its bytes.")
    return _Entry(entry.name, entry.flags, entry.method, entry.crc, entry.packed, entry.unpacked, entry.header, begin)


def _text(raw: bytes, flags: int) -> str:
    return raw.decode("utf-8" if flags & _UTF8 else "cp437", "replace")


def _structure_problems(entries: list[_Entry]) -> Iterator[str]:
    """What is wrong with the entries as a whole, before a byte is unpacked."""
    names = [entry.name for entry in entries]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"it has several entries {name!r}, and readers differ in which they take."
    for entry in entries:
        if problem := _name_problem(entry.name.removesuffix("/")):
            yield f"its entry {entry.name!r} {problem}."
        if entry.flags & _ENCRYPTED:
            yield f"its entry {entry.name!r} is encrypted."
        elif entry.method not in (_STORED, _DEFLATED):
            yield f"its entry {entry.name!r} is packed by method {entry.method}, which no reader of models knows."
    if (total := sum(entry.unpacked for entry in entries)) > MAX_UNPACKED:
        yield f"its entries unpack to {total} bytes, more than {MAX_UNPACKED}."
    ordered = sorted(entries, key=lambda entry: entry.header)
    for entry, after in pairwise(ordered):
        if entry.begin + entry.packed > after.header:
            yield f"its entries {entry.name!r} and {after.name!r} share bytes."


def _name_problem(name: str) -> str:
    """Why a name is refused, empty where it is fine."""
    if not name or not name.isprintable():
        return "has no printable name"
    if name.startswith("/") or "\\" in name or name[1:2] == ":":
        return "has an absolute path or one of another system"
    if any(part in ("", ".", "..") for part in name.split("/")):
        return "leads out of its folder"
    return ""


def _contents(data: bytes | memoryview, entry: _Entry) -> bytes:
    packed = bytes(data[entry.begin : entry.begin + entry.packed])
    unpacked = packed
    if entry.method == _DEFLATED:
        unpacker = zlib.decompressobj(-zlib.MAX_WBITS)
        try:
            unpacked = unpacker.decompress(packed, entry.unpacked + 1)
        except zlib.error:
            raise _BrokenError(f"its entry {entry.name!r} cannot be unpacked.") from None
    if len(unpacked) != entry.unpacked:
        raise _BrokenError(f"its entry {entry.name!r} has another size than it says.")
    if zlib.crc32(unpacked) != entry.crc:
        raise _BrokenError(f"its entry {entry.name!r} is damaged: its checksum does not fit.")
    return unpacked
