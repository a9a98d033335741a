"""What files say is shown as text, whatever it would tell a terminal."""

from pathlib import Path

import pytest

from edgekit.cli import main
from edgekit.report import printable
from tests.formats.tflite_models import Builder

COMMAND = "\x1b]0;title\x07\x1b[2J\x9b1m\u202e"


def run(capsys: pytest.CaptureFixture[str], path: Path) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(["inspect", str(path)])
    said = capsys.readouterr()
    return int(ended.value.code or 0), said.out, said.err


def test_names_of_files_and_tensors_command_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    builder = Builder()
    image = builder.tensor(f"image{COMMAND}", [1, 2, 2, 3])
    scores = builder.tensor(f"scores{COMMAND}", [1, 12])
    builder.operator(f"Own{COMMAND}", [image], [scores])
    path = tmp_path / f"odd{COMMAND}.tflite"
    path.write_bytes(builder.build([image], [scores]))
    code, out, _ = run(capsys, path)
    assert code == 0
    assert out.count("image\N{REPLACEMENT CHARACTER}]0;title") == 1
    assert not set(COMMAND) & set(out) - set(printable(COMMAND))


def test_a_file_gets_names_whole_and_no_narrow_lines(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)  # parallel test runs set it
    builder = Builder()
    name = "normalised_input_image_tensor_" * 3
    image, scores = builder.tensor(name, [1, 2, 2, 3]), builder.tensor("scores", [1, 12])
    builder.operator("RESHAPE", [image], [scores])
    path = tmp_path / "long.tflite"
    path.write_bytes(builder.build([image], [scores]))
    _, out, _ = run(capsys, path)
    assert any(line.strip().startswith(f"{name}  float32") for line in out.splitlines())
    assert "…" not in out
    assert max(map(len, out.splitlines())) > 100


def test_a_narrow_terminal_folds_names(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    builder = Builder()
    image, scores = builder.tensor("n" * 70, [1, 2, 2, 3]), builder.tensor("scores", [1, 12])
    builder.operator("RESHAPE", [image], [scores])
    path = tmp_path / "long.tflite"
    path.write_bytes(builder.build([image], [scores]))
    _, out, _ = run(capsys, path)
    assert max(map(len, out.split("What can")[0].split("Inputs")[1].splitlines())) <= 60
    assert out.split("Inputs")[1].split("Outputs")[0].count("n") >= 70


def test_errors_command_nothing_and_keep_their_lines(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = run(capsys, tmp_path / f"none{COMMAND}.tflite")
    assert code == 2
    assert "none\N{REPLACEMENT CHARACTER}]0;title" in err
    assert not set(COMMAND) & set(err) - set(printable(COMMAND))
    assert len(err.splitlines()) == 2
