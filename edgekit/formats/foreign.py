"""Tells what a file is that is no model, in words that lead to the right file."""

from ..errors import SourceError

_HTML = (b"<!doctype html", b"<html", b"<head")


def refuse_foreign(data: bytes, name: str) -> None:
    """Raise SourceError when ``data`` is empty, a Git-LFS pointer, an HTML page or a zip archive.

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
    if start.startswith(b"pk\x03\x04"):
        raise SourceError(f"{name} is a zip archive, not a model.", fix="Unpack it, and give the model inside.")
