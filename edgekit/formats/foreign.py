"""Tells what a file is that is not what it should be, in words that lead to the right file."""

import codecs

from ..errors import SourceError, UserDataError

HEAD = 1024  # bytes that tell a kind
TFLITE = b"TFL3"  # at byte 4; the four bytes before are an offset and may be any
EMPTY, POINTER, WEB_PAGE, TEXT = "empty", "a Git-LFS pointer", "a web page (HTML)", "a text file"

# What happens to files of every kind on their way: kind → (cause, fix).
MISHAPS = {
    EMPTY: ("A download or a copy was cut off.", "Fetch the file again."),
    POINTER: ("The repository was cloned without its large files.", "Run 'git lfs pull' where it comes from."),
    WEB_PAGE: ("A download saved a web page instead of the file.", "Fetch the file from its raw address."),
}
_MARKS = {
    b"\x89HDF\r\n\x1a\n": "a Keras or HDF5 file",
    b"PK\x03\x04": "a zip archive",
    b"\x1f\x8b": "a gzip archive",
    b"BZh": "a bzip2 archive",
    b"\xfd7zXZ": "an xz archive",
    b"\x89PNG": "a PNG picture",
    b"\xff\xd8\xff": "a JPEG picture",
    b"BM": "a BMP picture",
    b"GIF8": "a GIF picture",
    b"\x80\x02": "a Python pickle",
    b"\x80\x04": "a Python pickle",
}
_TAGS = {
    b"version https://git-lfs": POINTER,
    b"<!doctype html": WEB_PAGE,
    b"<html": WEB_PAGE,
    b"<head": WEB_PAGE,
    b"<svg": "an SVG drawing",
    b"<?xml": "an XML file",
    b"%pdf": "a PDF document",
}
_FIXES = {
    "file": "Convert it to a .tflite first, and give that.",
    "archive": "Unpack it, and give the model inside.",
    "picture": "Give the model; pictures go to `edgekit detect`.",
    "pickle": "Give a frozen graph or a .tflite; pickles are never loaded.",
}
_CONTROLS = frozenset(range(32)) - frozenset(b"\t\n\r\f") | {127}


def kind(data: bytes) -> str:
    """What a file is by its first bytes: 'empty', 'a Git-LFS pointer', 'a zip archive', 'a text file', …

    '' for a .tflite model and where the bytes say nothing.
    """
    if not data:
        return EMPTY
    if data[4:8] == TFLITE:
        return ""
    text = _text(data[:HEAD])
    start = (text or data[:HEAD]).lstrip().lower()
    if found := next((name for tag, name in _TAGS.items() if start.startswith(tag)), ""):
        return found
    # Text before marks: 'BM' begins a BMP picture, and a list of car makers.
    return TEXT if text else next((name for mark, name in _MARKS.items() if data.startswith(mark)), "")


def refuse_foreign(data: bytes, name: str) -> None:
    """Raise SourceError where ``data`` is certainly no model: empty, a Git-LFS pointer, an archive, a picture, ….

    Text passes, because a graph has a text form. name: how the message calls the file.
    """
    found = kind(data)
    if found in MISHAPS:
        cause, fix = MISHAPS[found]
        raise SourceError(f"{name} is {found}{'' if found == EMPTY else ', not a model'}.", cause=cause, fix=fix)
    if found and found != TEXT:
        fix = _FIXES.get(found.split()[-1], "Give the model file.")
        raise SourceError(f"{name} is {found}, not a model that edgekit reads.", fix=fix)


def refuse_mishap(data: bytes, name: str) -> None:
    """Raise UserDataError where labels, pictures or annotations are empty, a Git-LFS pointer or a web page."""
    found = kind(data)
    if found in MISHAPS:
        cause, fix = MISHAPS[found]
        raise UserDataError(f"{name} is {found}.", cause=cause, fix=fix)


def _text(start: bytes) -> bytes:
    """The first bytes as UTF-8, if they are UTF-8 or marked UTF-16 without control characters; else nothing."""
    wide = start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        # An incremental decoder lets the last character be cut in two.
        text = codecs.getincrementaldecoder("utf-16" if wide else "utf-8-sig")().decode(start).encode()
    except UnicodeError:
        return b""
    return b"" if _CONTROLS & set(text) else text
