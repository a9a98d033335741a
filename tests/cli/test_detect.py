"""``edgekit detect`` as people type it: what is printed, and how it ends."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from edgekit.cli import main
from edgekit.vision import images
from tests.stories import quarters

pytest.importorskip("ai_edge_litert")


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    quarters.artifact(tmp_path / "out" / "tflite-uint8")
    folder = tmp_path / "shelf"
    folder.mkdir()
    for name, colours in (("a.png", ("red", "red", "blue", "black")), ("b.png", ("black",) * 4)):
        (folder / name).write_bytes(images.encode(quarters.picture(*colours)))
    return folder


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(["detect", *map(str, arguments)])
    printed = capsys.readouterr()
    return int(ended.value.code or 0), printed.out, printed.err


def test_a_line_for_each_picture(shelf: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, shelf.parent / "out", shelf, "--score", ".5")
    assert code == 0
    assert out == f"{shelf}/a.png: red 1.00, red 1.00, blue 0.80\n{shelf}/b.png: nothing found\n"


def test_what_is_written_is_said(shelf: Path, capsys: pytest.CaptureFixture[str]) -> None:
    single, folder = shelf.parent / "boxes.jpg", shelf.parent / "boxes"
    _, out, _ = run(capsys, shelf.parent / "out", shelf / "a.png", "-o", single)
    assert out.splitlines()[1:] == [f"Written: {single}"]
    _, out, err = run(capsys, shelf.parent / "out", shelf, "-o", folder, "--json")
    assert len(json.loads(out)) == 2
    assert f"Written: {folder / 'a.png'}, {folder / 'b.png'}\n" in err
    for name in ("c.png", "d.png"):
        (shelf / name).write_bytes((shelf / "a.png").read_bytes())
    _, out, _ = run(capsys, shelf.parent / "out", shelf, "-o", folder)
    assert out.splitlines()[4:] == [f"Written: 4 files in {folder}"]


def test_counts_as_tables(shelf: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, shelf.parent / "out", shelf, "--score", ".5", "--count")
    assert code == 0
    assert "3 found in 2 pictures" in out
    assert "66.7%" in out.split("Warm")[1].splitlines()[0]


def test_groups_of_a_file(shelf: Path, capsys: pytest.CaptureFixture[str]) -> None:
    groups = shelf / "groups.json"
    groups.write_text('{"All": ["red", "green", "blue"]}')
    code, out, _ = run(capsys, shelf.parent / "out", shelf, "--count", "--groups", groups)
    assert code == 0
    assert "100.0%" in out.split("All")[1].splitlines()[0]
    code, _, err = run(capsys, shelf.parent / "out", shelf, "--groups", groups)
    assert (code, "Add --count" in err) == (2, True)


def test_a_folder_is_searched_once(
    shelf: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    searched = []
    pictures = images.pictures
    monkeypatch.setattr(images, "pictures", lambda folder: searched.append(folder) or pictures(folder))
    assert run(capsys, shelf.parent / "out", shelf, "--json")[0] == 0
    assert searched == [shelf]


def test_json(shelf: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = run(capsys, shelf.parent / "out", shelf, "--json", "--score", ".5")
    first, second = json.loads(out)
    assert first["detections"][2] == {
        "label": "blue",
        "class": 2,
        "score": 0.8,
        "box": [0.0, 10.0, 20.0, 20.0],
        "normalised": [0.0, 0.5, 0.5, 1.0],
    }
    assert second == {"file": f"{shelf}/b.png", "width": 40, "height": 20, "detections": []}
    _, out, _ = run(capsys, shelf.parent / "out", shelf, "--json", "--count")
    assert json.loads(out)["counts"]["classes"] == {"red": 2}


def test_frames_are_json_lines(shelf: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("cv2")
    from edgekit.vision.frames import VideoWriter

    film = shelf / "film.avi"
    with VideoWriter(film, 10) as writer:
        for _ in range(3):
            writer.write(quarters.picture("black", "red", "black", "black", width=64, height=48))
    _, out, _ = run(capsys, shelf.parent / "out", film, "--json", "--count")
    lines = [json.loads(line) for line in out.splitlines()]
    assert [line.get("frame") for line in lines] == [0, 1, 2, None]
    assert lines[3]["counts"]["total"] == 3
    boxes = shelf / "boxes.avi"
    _, _, err = run(capsys, shelf.parent / "out", film, "--json", "-o", boxes)
    assert f"Written: {boxes}, {boxes.with_suffix('.jsonl')}\n" in err


def test_a_bad_picture_ends_with_10_after_the_good_ones(shelf: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (shelf / "c.png").write_bytes(b"no picture")
    code, out, err = run(capsys, shelf.parent / "out", shelf)
    assert (code, len(out.splitlines())) == (10, 2)
    assert "c.png is not a picture" in err


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["nowhere", "x.png"], 2),
        (["{out}", "x.png"], 2),
        (["{out}"], 2),
        (["{out}", "{shelf}", "--score", "2"], 2),
        (["{out}", "{shelf}", "--mean", "a"], 2),
        (["{out}", "{shelf}/a.png", "-o", "{shelf}"], 2),
        (["{shelf}/a.png", "{shelf}"], 3),
    ],
)
def test_exit_codes(shelf: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], expected: int) -> None:
    filled = [argument.format(out=shelf.parent / "out", shelf=shelf) for argument in arguments]
    code, out, err = run(capsys, *filled)
    assert (code, out) == (expected, "")
    assert "Error" in err
    assert "Traceback" not in err


def test_notes_are_said_but_not_among_the_answers(shelf: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (shelf / "model.tflite").write_bytes(quarters.detector("uint8"))
    code, out, err = run(capsys, shelf / "model.tflite", shelf, "--json")
    assert (code, len(json.loads(out))) == (0, 2)
    assert "pixels are fed unchanged" in err
