"""Folders, files and patterns brought here, once; what has changed again; what cannot be brought, and why."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import fsspec
import pytest

from edgekit.errors import EdgekitError, MissingToolError, StorageError, UsageError
from edgekit.remote import download, fetch, is_remote, store
from edgekit.system import LOCK, STAGING

from .conftest import Place, contents, inodes, run
from .servers import answering

SET = {"a.xml": b"<a/>", "deep/er/b.jpg": b"b" * 5000, "deep/empty": b""}


@pytest.fixture
def filled(place: Place) -> Place:
    for name, data in SET.items():
        place.put(name, data)
    return place


@pytest.mark.parametrize("batch", [1, 2, 64])
def test_a_folder_comes_with_its_sub_folders(
    filled: Place, tmp_path: Path, batch: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "BATCH", batch)
    seen = list[tuple[int, int]]()
    here = fetch(f"{filled.url}/", tmp_path / "here", progress=lambda done, total: seen.append((done, total)))
    assert here == tmp_path / "here"
    assert contents(here) == SET
    assert seen[0] == (0, 5004)
    assert seen[-1] == (5004, 5004)
    assert len(seen) == 1 + -(-len(SET) // batch)


def test_batches_are_no_larger_than_they_may_be() -> None:
    sizes = [30, 30, 30, 100, 5, 5]
    files = {str(number): store.Remote(path="", size=size * 2**20, version="") for number, size in enumerate(sizes)}
    assert [len(batch) for batch in download._batches(files)] == [2, 1, 1, 2]


def test_a_file_comes_alone(filled: Place, tmp_path: Path) -> None:
    here = fetch(f"{filled.url}/deep/er/b.jpg", tmp_path)
    assert here == tmp_path / "b.jpg"
    assert contents(tmp_path) == {"b.jpg": SET["deep/er/b.jpg"]}


def test_a_pattern_brings_its_files_and_is_one_here(place: Place, tmp_path: Path) -> None:
    place.write(set__a_rec=b"1", set__b_rec=b"2", set__c_txt=b"3", set__d_rec__e=b"4", other_rec=b"5")
    here = fetch(f"{place.url}/s?t/*.rec", tmp_path)
    assert here == tmp_path / "s?t" / "*.rec"
    assert contents(tmp_path) == {"set/a.rec": b"1", "set/b.rec": b"2"}
    assert sorted(tmp_path.glob("s?t/*.rec")) == [tmp_path / "set" / "a.rec", tmp_path / "set" / "b.rec"]


def test_what_has_not_changed_stays(filled: Place, tmp_path: Path) -> None:
    fetch(filled.url, tmp_path)
    before = inodes(tmp_path)
    seen = list[tuple[int, int]]()
    fetch(filled.url, tmp_path, progress=lambda done, total: seen.append((done, total)))
    assert inodes(tmp_path) == before
    assert seen == [(5004, 5004)]


def test_what_has_changed_there_is_fetched_anew(filled: Place, tmp_path: Path) -> None:
    fetch(filled.url, tmp_path)
    before = inodes(tmp_path)
    filled.put("a.xml", b"<b/>")
    fetch(filled.url, tmp_path)
    assert contents(tmp_path) == SET | {"a.xml": b"<b/>"}
    assert {name for name, inode in inodes(tmp_path).items() if inode != before[name]} == {"a.xml"}


@pytest.mark.parametrize("harm", [lambda path: path.write_bytes(b"<x/>"), lambda path: path.unlink()])
def test_what_was_harmed_here_is_fetched_anew(filled: Place, tmp_path: Path, harm: object) -> None:
    fetch(filled.url, tmp_path)
    assert callable(harm)
    harm(tmp_path / "a.xml")
    os.utime(tmp_path, (1, 1))
    fetch(filled.url, tmp_path)
    assert contents(tmp_path) == SET


def test_what_is_gone_there_goes_here_and_what_is_not_ours_stays(filled: Place, tmp_path: Path) -> None:
    fetch(filled.url, tmp_path)
    (tmp_path / "mine").write_bytes(b"mine")
    filled.remove("deep/er/b.jpg")
    fetch(filled.url, tmp_path)
    assert contents(tmp_path) == {"a.xml": b"<a/>", "deep/empty": b"", "mine": b"mine"}
    assert download._read_index(tmp_path).keys() == {"a.xml", "deep/empty"}
    assert not (tmp_path / "deep" / "er").exists()
    assert (tmp_path / "deep").exists()


@pytest.mark.parametrize("torn", ['["a.xm', '["a.xml", 1]\n', "\x00\n", "5\n", '{"a": 1}\n'])
def test_a_torn_index_costs_no_more_than_time(filled: Place, tmp_path: Path, torn: str) -> None:
    fetch(filled.url, tmp_path)
    before = inodes(tmp_path)
    index = tmp_path / store.INDEX
    lines = index.read_text().splitlines(keepends=True)
    index.write_text("".join(lines[:-1]) + torn)
    filled.put("a.xml", b"<b/>")
    fetch(filled.url, tmp_path)
    assert contents(tmp_path) == SET | {"a.xml": b"<b/>"}
    assert len({name for name, inode in inodes(tmp_path).items() if inode == before[name]}) == 1


def test_half_files_of_a_killed_download_go(filled: Place, tmp_path: Path) -> None:
    (tmp_path / f"{STAGING}killed").mkdir()
    (tmp_path / f"{STAGING}killed" / "part-0").write_bytes(b"half")
    fetch(filled.url, tmp_path)
    assert contents(tmp_path) == SET


FULL_DISK = """
import resource, signal, sys
from pathlib import Path
from edgekit.errors import StorageError
from edgekit.remote import download, fetch
download.BATCH = 1
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    fetch(sys.argv[1], Path(sys.argv[2]))
except StorageError as error:
    print(error)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="needs a limit to files that Linux has")
def test_a_full_disk_leaves_whole_files(tmp_path: Path) -> None:
    place = Place(url=f"file://{tmp_path / 'store'}")
    place.write(a=b"a" * 50_000, b=b"b" * 200_000)
    said = run(FULL_DISK, place.url, tmp_path / "here", env=os.environ)
    assert said.splitlines() == [
        f"{tmp_path / 'here'} cannot be written: File too large.",
        "Free some space, or choose another folder.",
    ]
    assert contents(tmp_path / "here") == {"a": b"a" * 50_000}


@pytest.mark.parametrize("name", ["../evil", "a/../../evil", "./a", "a/./b", "nul\0"])
def test_what_would_leave_the_folder_is_refused(tmp_path: Path, name: str) -> None:
    place = Place(url=f"memory:///{tmp_path.name}/data")
    place.put("good", b"good")
    system = fsspec.filesystem("memory")
    system.store[f"/{tmp_path.name}/data/{name}"] = system.store[f"/{tmp_path.name}/data/good"]
    try:
        with pytest.raises(StorageError, match="which has no place in a local folder") as caught:
            fetch(place.url, tmp_path / "deep" / "here")
    finally:
        del system.store[f"/{tmp_path.name}/data/{name}"]
    assert repr(name) in caught.value.what
    assert not list(tmp_path.rglob("*"))


def test_edgekits_own_files_stay_there(place: Place, tmp_path: Path) -> None:
    for name in ("a", store.INDEX, store.PROBE, ".edgekit.lock", f"deep/{STAGING}0123-a"):
        place.put(name, b"x")
    fetch(place.url, tmp_path)
    assert contents(tmp_path) == {"a": b"x"}
    assert {path.name for path in tmp_path.iterdir()} == {"a", store.INDEX, LOCK}
    assert list(download._read_index(tmp_path)) == ["a"]


@pytest.mark.parametrize("end", ["", "/absent", "/*.rec", "/absent/*.rec"])
def test_nothing_there(place: Place, tmp_path: Path, end: str) -> None:
    with pytest.raises(StorageError, match=r"^There is nothing at ") as caught:
        fetch(f"{place.url}{end}", tmp_path / "here")
    assert caught.value.what == f"There is nothing at {place.url}{end}."
    assert not (tmp_path / "here").exists()


@pytest.mark.parametrize(
    ("url", "error", "words"),
    [
        ("nope://data", UsageError, "nope://data is no address that edgekit can open.\nProtocol not known: nope."),
        ("S3://bucket", UsageError, "scheme of fsspec's, in small letters"),
        ("s3://", UsageError, "s3:// names no bucket.\nWrite s3://BUCKET/FOLDER."),
        ("gs:///", UsageError, "gs:/// names no bucket."),
    ],
)
def test_addresses_that_are_none(tmp_path: Path, url: str, error: type[EdgekitError], words: str) -> None:
    with pytest.raises(error) as caught:
        fetch(url, tmp_path)
    assert words in str(caught.value)


WITHOUT = """
import sys
sys.modules[sys.argv[1]] = None
from pathlib import Path
from edgekit.errors import MissingToolError
from edgekit.remote import fetch
try:
    fetch(sys.argv[2], Path("here"))
except MissingToolError as error:
    print(error)
"""


@pytest.mark.parametrize(("package", "url"), [("s3fs", "s3://b/c"), ("gcsfs", "gs://b/c"), ("fsspec", "memory://b/c")])
def test_a_missing_package_comes_with_what_to_type(package: str, url: str) -> None:
    said = run(WITHOUT, package, url, env=os.environ).splitlines()
    assert said[0] == f"{url} needs a package that is not installed."
    assert package in said[1]
    assert said[2] == "Run: pip install 'edgekit[cloud]'"
    assert MissingToolError.exit_code == 6


@pytest.mark.parametrize(
    ("status", "words"),
    [(403, "The store refuses access to "), (404, "There is nothing at "), (503, "The store of ")],
)
def test_web_addresses_keep_their_signatures_to_themselves(tmp_path: Path, status: int, words: str) -> None:
    with answering(status) as server:
        url = f"{server.replace('//', '//me:a-password@')}/a.zip?X-Amz-Signature=a-signature"
        with pytest.raises(StorageError) as caught:
            fetch(url, tmp_path)
    assert str(caught.value).startswith(f"{words}{server}/a.zip")
    assert "a-password" not in str(caught.value)
    assert "a-signature" not in str(caught.value)
    assert is_remote(url)
