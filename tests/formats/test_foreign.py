"""What files are by their first bytes."""

import pytest

from edgekit.errors import SourceError, UserDataError
from edgekit.formats.foreign import EMPTY, POINTER, TEXT, WEB_PAGE, kind, refuse_foreign, refuse_mishap
from tests.formats.small_models import classifier

PAGE = "<!DOCTYPE html><title>crème</title>"


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"", EMPTY),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", POINTER),
        (f"\n {PAGE}".encode(), WEB_PAGE),
        (PAGE.encode("latin-1"), WEB_PAGE),
        (PAGE.encode("utf-16"), WEB_PAGE),
        (b"\xef\xbb\xbf<HTML>", WEB_PAGE),
        (b"<svg xmlns=''>", "an SVG drawing"),
        (b"PK\x03\x04" + bytes(30), "a zip archive"),
        (b"BM\x46\0\0\0\0\0", "a BMP picture"),
        (b"BMW\nAudi\n", TEXT),
        ("crème\n".encode(), TEXT),
        ("é".encode() * 600 + b"x", TEXT),
        (b"x" + "é".encode() * 600, TEXT),  # the last character is cut in two
        ("crème\n".encode("utf-16"), TEXT),
        ("crème\n".encode("latin-1"), ""),
        (b"a\0b", ""),
        (bytes(range(256)), ""),
        (classifier(), ""),
    ],
)
def test_kinds(data: bytes, what: str) -> None:
    assert kind(data) == what


def test_what_may_be_a_model_passes() -> None:
    for data in (classifier(), b"node { name: 'a' }", b"\x0a\x05abcde", b"BZh\0TFL3"):
        refuse_foreign(data, "x")


@pytest.mark.parametrize(
    ("data", "what"),
    [(b"", r"^x is empty\."), (b"<html>", "web page .HTML., not a model"), (b"\x1f\x8b\x08\0", "Unpack it")],
)
def test_what_is_no_model_is_refused(data: bytes, what: str) -> None:
    with pytest.raises(SourceError, match=what):
        refuse_foreign(data, "x")


def test_what_happens_to_every_kind_of_file_is_said() -> None:
    for data in (b"cat\n", b"PK\x03\x04", b"\xff"):
        refuse_mishap(data, "x")
    with pytest.raises(UserDataError, match=r"(?s)^x is a Git-LFS pointer\..*git lfs pull"):
        refuse_mishap(b"version https://git-lfs.github.com/spec/v1\n", "x")
