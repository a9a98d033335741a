"""``edgekit convert`` of a TensorFlow.js model: what reaches the verb, what is printed, how it ends."""

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from edgekit.cli import edgekit, main
from edgekit.stories import rewrite as story
from tests.formats import tfjs_models as by_hand


@pytest.fixture
def web(tmp_path: Path) -> Path:
    return by_hand.write(tmp_path / "web")


def given(web: Path, *more: str, out: Path | None = None) -> list[str]:
    return ["convert", str(web), "--to", "tfjs-uint8", "-o", str(out or web.parents[1] / "out"), *more]


@pytest.mark.parametrize(
    ("typed", "size"),
    [
        ("4MiB", 4 * 2**20),
        ("4194304", 4 * 2**20),
        ("512kB", 512_000),
        ("1 kb", 1000),
        ("1.5 MB", 1_500_000),
        ("2KiB", 2048),
        ("9000B", 9000),
    ],
)
def test_every_option_reaches_the_verb(web: Path, monkeypatch: pytest.MonkeyPatch, typed: str, size: int) -> None:
    asked: dict[str, Any] = {}

    def record(source: Path, **options: Any) -> tuple[()]:
        asked.update(options, source=source)
        return ()

    monkeypatch.setattr(story, "rewrite", record)
    more = ("--to", "tfjs-f16", "--hash-shards", "--quantize", "a=uint8", "--quantize", "b=none", "--shard-size", typed)
    result = CliRunner().invoke(edgekit, given(web, *more))
    assert result.exit_code == 0, result.output
    asked.pop("progress")
    assert asked == {
        "source": web,
        "to": ("tfjs-uint8", "tfjs-f16"),
        "out": web.parents[1] / "out",
        "shard_size": size,
        "hashed_shards": True,
        "quantise": ("a=uint8", "b=none"),
    }


def test_a_file_or_its_folder_becomes_other_files_with_notes_on_stderr(web: Path, tmp_path: Path) -> None:
    first = CliRunner().invoke(edgekit, given(web.parent, out=tmp_path / "out"))
    made = tmp_path / "out" / "tfjs-uint8" / "model.json"
    assert first.exit_code == 0, first.output
    assert first.stdout.splitlines()[0] == "tfjs-uint8: rewriting"
    assert first.stdout.splitlines()[-1].startswith(f"{made}  ")
    assert first.stderr == ""
    again = CliRunner().invoke(edgekit, ["convert", str(made), "--to", "tfjs-f32", "-o", str(made.parents[1])])
    assert again.exit_code == 0, again.output
    assert "Note: Now float32, with the precision that uint8 had left" in again.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--labels", "l.txt"], 2, "no use for --labels"),
        (["--raw", "--mean", "127.5", "--std", "127.5"], 2, "no use for --mean, --std, --raw"),
        (["--to", "tflite-f32"], 2, "cannot become tflite-f32"),
        (["--shard-size", "0"], 2, "Shards of 0 bytes are too small"),
        (["--shard-size", "999"], 2, "Shards of 999 bytes are too small"),
        (["--shard-size", "-4MiB"], 2, "--shard-size: expected bytes, got '-4MiB'"),
        (["--shard-size", "4 GiB"], 2, "--shard-size: expected bytes"),
        (["--shard-size", ""], 2, "--shard-size: expected bytes"),
        (["--quantize", "conv"], 2, "--quantize: expected PATTERN="),
        (["--quantize", "cnov/*=uint8"], 2, "no weight has such a name"),
    ],
)
def test_errors_end_with_their_code(
    web: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, said: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(given(web, *arguments))
    assert ended.value.code == code
    assert said in capsys.readouterr().err
    assert not (web.parents[1] / "out").exists()


def test_a_damaged_source_is_not_understood(web: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (web.parent / "group1-shard1of1.bin").unlink()
    with pytest.raises(SystemExit) as ended:
        main(given(web))
    assert ended.value.code == 3
    assert "group1-shard1of1.bin is missing" in capsys.readouterr().err
