"""Results that are mirrored: whole files in the caller's order, and a run that goes on from them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from edgekit.errors import StorageError, UsageError
from edgekit.remote import Local, Mirror
from edgekit.system import STAGING

from .conftest import Place, contents


def write(folder: Path, **files: str) -> None:
    for name, text in files.items():
        path = folder / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def test_another_machine_goes_on_from_what_was_pushed(place: Place, tmp_path: Path) -> None:
    first, second = Mirror(url=place.url, folder=tmp_path / "1"), Mirror(url=place.url, folder=tmp_path / "2")
    first.pull()
    write(first.folder, state="1", board__train__events="e", mine="x")
    first.push(["board", "state"])
    second.pull()
    assert contents(second.folder) == {"state": b"1", "board/train/events": b"e"}
    write(second.folder, state="2")
    second.push(["state"])
    first.pull()
    assert contents(first.folder) == {"state": b"2", "board/train/events": b"e", "mine": b"x"}
    assert place.files() == {"state": b"2", "board/train/events": b"e"}


def test_files_are_pushed_in_their_order(place: Place, tmp_path: Path) -> None:
    mirror = Mirror(url=place.url, folder=tmp_path / "here")
    write(mirror.folder, state="1", manifest="of state 1")
    mirror.push(["state", "manifest"])
    write(mirror.folder, state="2", manifest="of state 2")
    with pytest.raises(StorageError, match="absent cannot be read: No such file") as caught:
        mirror.push(["state", "absent", "manifest"])
    assert caught.value.fix == f"The files are in {mirror.folder}."
    assert place.files() == {"state": b"2", "manifest": b"of state 1"}


def test_a_reader_keeps_the_file_that_it_reads(tmp_path: Path) -> None:
    mirror = Mirror(url=f"file://{tmp_path / 'store'}", folder=tmp_path / "here")
    write(mirror.folder, state="the old one")
    mirror.push(["state"])
    with (tmp_path / "store" / "state").open() as reader:
        write(mirror.folder, state="a newer one")
        mirror.push(["state"])
        assert reader.read() == "the old one"
    assert contents(tmp_path / "store") == {"state": b"a newer one"}


def test_an_upload_that_fails_leaves_the_old_file_and_nothing_else(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fsspec.implementations.local import LocalFileSystem
    from fsspec.implementations.memory import MemoryFileSystem

    def mv(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    mirror = Mirror(url=place.url, folder=tmp_path / "here")
    write(mirror.folder, state="1")
    mirror.push(["state"])
    for system in (LocalFileSystem, MemoryFileSystem):
        monkeypatch.setattr(system, "mv", mv)
    write(mirror.folder, state="2")
    with pytest.raises(KeyboardInterrupt):
        mirror.push(["state"])
    assert place.files() == {"state": b"1"}


def test_what_killed_uploads_left_goes(place: Place, tmp_path: Path) -> None:
    place.put("state", b"1")
    place.put(f"board/{STAGING}0123-events", b"half")
    mirror = Mirror(url=place.url, folder=tmp_path / "here")
    mirror.pull()
    assert place.files() == {"state": b"1"}
    assert contents(mirror.folder) == {"state": b"1"}


def test_what_is_no_longer_needed_goes(place: Place, tmp_path: Path) -> None:
    place.write(old=b"1", new=b"2")
    mirror = Mirror(url=place.url, folder=tmp_path / "here")
    mirror.drop(["old", "absent"])
    assert place.files() == {"new": b"2"}


def test_a_file_is_no_folder(place: Place, tmp_path: Path) -> None:
    place.put("file", b"1")
    with pytest.raises(UsageError, match="is a file or a pattern"):
        Mirror(url=f"{place.url}/file", folder=tmp_path).pull()


@pytest.mark.skipif(sys.platform != "linux", reason="needs a folder that not even root can write")
def test_a_folder_that_cannot_be_written_is_refused_before_the_work(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="file:///proc/new"):
        Mirror(url="file:///proc/new", folder=tmp_path).pull()


def test_a_local_folder_is_its_own_mirror(tmp_path: Path) -> None:
    mirror = Local().output(f"file://{tmp_path}")
    assert mirror == Mirror(url="", folder=tmp_path)
    mirror.pull()
    mirror.push(["absent"])
    mirror.drop(["absent"])
    assert not list(tmp_path.iterdir())


def test_places_of_all_kinds_are_paths_here(cache: Path, tmp_path: Path) -> None:
    place = Place(url=f"memory:///{tmp_path.name}/set")
    place.write(a_rec=b"1", b_rec=b"2" * 3_000_000)
    said = list[str]()
    local = Local(say=said.append)
    assert local.input("data/*.rec") == Path("data/*.rec")
    here = local.input(f"{place.url}/*.rec")
    assert here.is_relative_to(cache)
    assert [path.name for path in sorted(here.parent.glob(here.name))] == ["a.rec", "b.rec"]
    assert said == [f"{place.url}/*.rec: 0 of 3 MB are here."]
    mirror = local.output(place.url)
    assert contents(mirror.folder).keys() == {"a.rec", "b.rec"}
