"""Tells what a file is that is no model, in words that lead to the right file."""

from ..errors import SourceError

_HTML = (b"<!doctype html", b"<html", b"<head", b"<?xml")
TFLITE = b"TFL3"  # at byte 4; the four bytes before are an offset and may be any
_PICTURES = "Give the model; pictures go to `edgekit detect`."
_PICKLES = "Give a frozen graph or a .tflite; pickles are never loaded."
_KINDS = {
    b"\x89HDF\r\n\x1a\n": ("a Keras or HDF5 file", "Convert it to a .tflite first, and give that."),
    b"PK\x03\x04": ("a zip archive", "Unpack it, and give the model inside."),
    b"\x1f\x8b": ("a gzip archive", "Unpack it (tar -xzf), and give the model inside."),
    b"BZh": ("a bzip2 archive", "Unpack it, and give the model inside."),
    b"\xfd7zXZ": ("an xz archive", "Unpack it, and give the model inside."),
    b"\x89PNG": ("a PNG picture", _PICTURES),
    b"\xff\xd8\xff": ("a JPEG picture", _PICTURES),
    b"BM": ("a BMP picture", _PICTURES),
    b"GIF8": ("a GIF picture", _PICTURES),
    b"%PDF": ("a PDF document", "Give the model file."),
    b"\x80\x02": ("a Python pickle", _PICKLES),
    b"\x80\x04": ("a Python pickle", _PICKLES),
}


def refuse_foreign(data: bytes, name: str) -> None:
    """Raise SourceError when ``data`` is empty, a Git-LFS pointer, an HTML page, an archive, a picture and the like.

    name: how the message calls the file.
    """
    start = data[:1024].removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if not data:
        raise SourceError(f"{name} is empty.", cause="A download or a copy was cut off.", fix="Fetch the file again.")
    if start.startswith(b"version https://git-lfs"):
        raise SourceError(
            f"{name} is a Git-LFS pointer, not a model.",
            cause="The repository was cloned without its large files.",
            fix="Run 'git lfs pull' where it comes from.",
        )
    if start.startswith(_HTML):
        raise SourceError(
            f"{name} is an HTML page, not a model.",
            cause="A download saved a web page instead of the file.",
            fix="Fetch the file from its raw address.",
        )
    for magic, (kind, fix) in _KINDS.items():
        if data.startswith(magic) and data[4:8] != TFLITE:
            raise SourceError(f"{name} is {kind}, not a model that edgekit reads.", fix=fix)
