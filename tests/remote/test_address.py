"""Which places are remote, and what messages show of their addresses."""

from pathlib import Path

import pytest

from edgekit.remote import home, is_remote, local_path
from edgekit.remote.address import shown


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        ("gs://bucket/data", True),
        ("s3://bucket", True),
        ("S3://bucket", True),
        ("memory://data", True),
        ("zip://data::s3://bucket/all.zip", True),
        ("simplecache::gs://bucket/data", True),
        ("file:///data", False),
        ("local:///data", False),
        ("data", False),
        ("/data/gs:/bucket", False),
        ("C:\\data", False),
        ("C://data", False),
        ("gs:/bucket/data", False),
        ("://data", False),
        ("", False),
    ],
)
def test_a_store_is_told_from_a_path(place: str, expected: bool) -> None:
    assert is_remote(place) == expected


@pytest.mark.parametrize("place", ["data/a", "file://data/a", "local://data/a"])
def test_a_local_place_is_a_path(place: str) -> None:
    assert local_path(place) == Path("data/a")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("s3://bucket/a b/c?d", "s3://bucket/a b/c?d"),
        ("sftp://me:secret@host/data", "sftp://host/data"),
        ("zip://x::ftp://me:secret@host/a.zip", "zip://x::ftp://host/a.zip"),
        ("https://host/a.zip?X-Amz-Signature=secret", "https://host/a.zip"),
        ("'http://h/a?key=secret' and \"http://me@h/b?c\" fail", "'http://h/a' and \"http://h/b\" fail"),
        ("no address, me@example.com?", "no address, me@example.com?"),
    ],
)
def test_messages_show_no_credentials(text: str, expected: str) -> None:
    assert shown(text) == expected


def test_a_place_has_one_home(cache: Path) -> None:
    assert home("gs://bucket/a") == home("gs://bucket/a/")
    assert len({home("gs://bucket/a"), home("gs://bucket/b"), home("s3://bucket/a")}) == 3
    assert home("gs://bucket/a").is_relative_to(cache / "edgekit")
