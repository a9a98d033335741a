"""``edgekit dataset`` as people type it."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgekit.cli import main
from edgekit.vision import images, truth

pytest.importorskip("cv2", reason="extra 'video' is not installed")


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(["dataset", *map(str, arguments)])
    printed = capsys.readouterr()
    return int(ended.value.code or 0), printed.out, printed.err


@pytest.mark.parametrize(("form", "listed"), [("coco", "annotations.json"), ("voc", "annotations")])
def test_a_shelf_is_written_as_asked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], form: str, listed: str
) -> None:
    out = tmp_path / "shelf"
    options = ("--count", 3, "--seed", 4, "--sprites", 1, "--size", 160, "--format", form)
    code, said, _ = run(capsys, "shelf", out, *options)
    assert (code, said) == (0, f"{out}: 3 pictures written.\n")
    files = images.pictures(out / "images")
    assert [images.load(path).shape for path in files] == [(160, 160, 3)] * 3
    labels = (out / "labels.txt").read_text().split()
    assert len(truth.read(out / listed, labels=labels, pictures=files).pictures) == 3


def test_a_sheet_to_print_is_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, said, _ = run(capsys, "sheet", tmp_path / "sheet.pdf")
    assert (code, said) == (0, f"{tmp_path / 'sheet.pdf'}: written.\n")
    assert (tmp_path / "sheet.pdf").read_bytes().startswith(b"%PDF")


def test_what_became_of_a_film_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, said, note = run(capsys, "clip", tmp_path / "clip.webm")
    assert code == 0
    (made,) = tmp_path.iterdir()
    assert said == f"{made}: written.\n"
    assert made.is_file() or "cannot write WebM" in note


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (["--count", 0], 2, "0 pictures"),
        (["--size", 20], 2, "20 × 20"),
        (["--format", "yolo"], 2, "yolo"),
        (["--count", 1], 11, "holds something else"),
    ],
)
def test_what_cannot_be_done_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[object], code: int, message: str
) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    ended, _, said = run(capsys, "shelf", tmp_path, *options)
    assert ended == code
    assert message in said
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
