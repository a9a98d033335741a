"""Publishing several folders at once, and folders that cannot be written."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from edgekit import system
from edgekit.errors import StorageError, UsageError


def fill(folder: Path, **files: str) -> None:
    for name, text in files.items():
        (folder / name).mkdir(parents=True)
        (folder / name / "file").write_text(text)


def texts(folder: Path) -> dict[str, str]:
    return {path.parent.name: path.read_text() for path in sorted(folder.glob("*/file"))}


@pytest.mark.parametrize("old", [{}, {"a": "old"}, {"a": "old", "b": "old", "c": "old"}])
def test_all_are_replaced_and_others_stay(tmp_path: Path, old: dict[str, str]) -> None:
    fill(tmp_path, other="mine", **old)
    with system.staging(tmp_path) as staged:
        fill(staged, a="new", b="new", c="new")
        system.publish_together(staged, tmp_path, ["a", "b", "c"])
    assert texts(tmp_path) == {"a": "new", "b": "new", "c": "new", "other": "mine"}


@pytest.mark.parametrize("failing", range(6))
def test_whatever_goes_wrong_the_old_ones_are_back(
    tmp_path: Path, failing: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(tmp_path, a="old", b="old", c="old")
    rename, calls = os.rename, []

    def interrupted(source: Path, target: Path) -> None:
        calls.append(source)
        if len(calls) == failing + 1:
            raise KeyboardInterrupt
        rename(source, target)

    monkeypatch.setattr(os, "rename", interrupted)
    with system.staging(tmp_path) as staged:
        fill(staged, a="new", b="new", c="new")
        with pytest.raises(KeyboardInterrupt):
            system.publish_together(staged, tmp_path, ["a", "b", "c"])
    assert texts(tmp_path) == {"a": "old", "b": "old", "c": "old"}


@pytest.mark.parametrize("killed", range(7))
def test_a_kill_leaves_old_ones_or_new_ones_never_both(
    tmp_path: Path, killed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After every number of moves: the first few of one kind, in the order that they depend on each other."""
    fill(tmp_path, model="old", first="old", second="old")
    fill(tmp_path / "staged", model="new", first="new", second="new")
    names = ["model", "first", "second"]
    rename, calls = os.rename, list[Path]()

    def counted(source: Path, target: Path) -> None:
        if len(calls) < killed:
            rename(source, target)
        calls.append(source)

    monkeypatch.setattr(os, "rename", counted)
    system.publish_together(tmp_path / "staged", tmp_path, names)
    found = {name: text for name, text in texts(tmp_path).items() if name in names}
    assert len(set(found.values())) <= 1
    assert set(found) == set(names[: len(found)])


@pytest.mark.parametrize("failing", [False, True])
def test_what_is_no_longer_true_goes_with_the_old_ones(
    tmp_path: Path, failing: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(tmp_path, a="old")
    (tmp_path / "report").write_text("of the old one")
    rename = os.rename

    def moved(source: Path, target: Path) -> None:
        if failing and "new" in texts(source.parent).get("a", ""):
            raise OSError(28, "No space left on device")
        rename(source, target)

    monkeypatch.setattr(os, "rename", moved)
    with system.staging(tmp_path) as staged:
        fill(staged, a="new")
        with pytest.raises(StorageError, match="No space left") if failing else contextlib.nullcontext():
            system.publish_together(staged, tmp_path, ["a"], stale=["report", "absent"])
    assert (tmp_path / "report").exists() == failing
    assert texts(tmp_path) == {"a": "old" if failing else "new"}


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs Linux's /proc and /sys")
@pytest.mark.parametrize("out", ["/proc", "/sys", "/proc/new"])
def test_a_folder_that_cannot_be_written_is_a_storage_error(out: str) -> None:
    with pytest.raises(StorageError, match=f"{out} cannot be written: "), system.staging(Path(out)):
        pass


def test_errors_of_the_work_itself_stay_what_they_are(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), system.staging(tmp_path / "out"):
        (tmp_path / "absent").read_bytes()
    assert not (tmp_path / "out").exists()


def test_what_killed_runs_left_is_cleared(tmp_path: Path) -> None:
    fill(tmp_path, **{f"{system.STAGING}folder": "half"})
    (tmp_path / f"{system.STAGING}file").write_text("half")
    (tmp_path / f"{system.STAGING}link").symlink_to(tmp_path / "absent")
    system.clear(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [system.LOCK]


def test_pieces_replace_a_file_only_together(tmp_path: Path) -> None:
    def broken() -> Iterator[bytes]:
        yield b"ne"
        raise KeyboardInterrupt

    system.write_pieces(tmp_path / "new" / "file", [b"o", b"", b"ld"])
    with pytest.raises(KeyboardInterrupt):
        system.write_pieces(tmp_path / "new" / "file", broken())
    assert [path.read_bytes() for path in (tmp_path / "new").iterdir()] == [b"old"]


def test_files_that_cannot_be_opened(tmp_path: Path) -> None:
    for path, message in ((tmp_path / "absent", "There is no file"), (tmp_path, "is a folder")):
        with pytest.raises(UsageError, match=message), system.open_file(path):
            pass
    with pytest.raises(StorageError, match="cannot be read: Input/output error"), system.open_file(Path(__file__)):
        raise OSError(5, "Input/output error")


def test_a_part_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"abcdef")
    for start, length, expected in ((0, 0, b"abcdef"), (2, 3, b"cde"), (4, 9, b"ef"), (9, 1, b"")):
        assert system.read_range(tmp_path / "x", start, length) == expected
    for length in (0, 3):
        with pytest.raises(UsageError, match="There is no file"):
            system.read_range(tmp_path / "absent", 0, length)
        with pytest.raises(UsageError, match="is a folder"):
            system.read_range(tmp_path, 0, length)
