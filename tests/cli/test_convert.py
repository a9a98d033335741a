"""The command line of convert: what reaches the verb, what is printed, how it ends."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from edgekit.cli import edgekit, main
from edgekit.stories import convert as story
from tests.formats.tflite_models import CLASSES, anchors, raw_detector


@pytest.fixture
def source(tmp_path: Path) -> Path:
    (tmp_path / "small.tflite").write_bytes(raw_detector())
    np.save(tmp_path / "anchors.npy", anchors())
    return tmp_path / "small.tflite"


def given(source: Path, *more: str) -> list[str]:
    out = ["-o", str(source.parent / "out"), "--anchors", str(source.parent / "anchors.npy")]
    return ["convert", str(source), "--to", "tflite-f32", *out, "--mean", "127.5", "--std", "127.5", *more]


def test_every_option_reaches_the_verb(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, Any] = {}

    def record(path: Path, **options: Any) -> tuple[()]:
        asked.update(options, source=path)
        return ()

    monkeypatch.setattr(story, "convert", record)
    more = (
        "--to tflite-uint8 --labels l.txt --groups g.toml --name n --licence MIT --input i --outputs b,s "
        "--activation none --score 0.25 --iou 0.5 --max-detections 5 --max-classes-per-detection 2 "
        "--detections-per-class 9 --regular-nms --raw --requantise-weights symmetric --shard-size 512kB --hash-shards "
        "--quantize a=uint8 --quantize b=none --emulate-activations"
    )
    result = CliRunner().invoke(edgekit, given(source, *more.split()))
    assert result.exit_code == 0, result.output
    asked.pop("progress")
    assert asked == {
        "source": source,
        "to": ("tflite-f32", "tflite-uint8"),
        "out": source.parent / "out",
        "labels": Path("l.txt"),
        "groups": Path("g.toml"),
        "anchors": source.parent / "anchors.npy",
        "name": "n",
        "licence": "MIT",
        "input": "i",
        "outputs": "b,s",
        "mean": (127.5,),
        "std": (127.5,),
        "activation": "none",
        "score": 0.25,
        "iou": 0.5,
        "max_detections": 5,
        "max_classes_per_detection": 2,
        "detections_per_class": 9,
        "regular": True,
        "raw": True,
        "requantise_weights": "symmetric",
        "shard_size": 512_000,
        "hashed_shards": True,
        "quantise": ("a=uint8", "b=none"),
        "emulate_activations": True,
    }


def test_steps_results_and_a_second_run(source: Path) -> None:
    first, second = (CliRunner().invoke(edgekit, given(source, "--activation", "sigmoid")) for _ in range(2))
    made = source.parent / "out" / "tflite-f32" / "model.tflite"
    assert first.output.splitlines()[0] == "tflite-f32: converting"
    assert first.output.splitlines()[-1].startswith(str(made))
    assert second.output.splitlines()[0] == "tflite-f32: unchanged"
    assert made.is_file()


def test_notes_go_to_stderr_and_missing_labels_are_noted(source: Path) -> None:
    (source.parent / "l.txt").write_text("".join(f"name {n}\n" for n in range(CLASSES)))
    bare = CliRunner().invoke(edgekit, given(source, "--activation", "sigmoid"))
    named = CliRunner().invoke(
        edgekit, given(source, "--activation", "sigmoid", "--labels", str(source.parent / "l.txt"))
    )
    assert (bare.exit_code, named.exit_code) == (0, 0), named.output
    assert "No labels were given" in bare.stderr
    assert "Note:" not in bare.stdout
    assert "No labels were given" not in named.output


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--to", "tflite-int4"], 2, "no recipe tflite-int4"),
        (["--to", "tflite-uint8", "--activation", "none"], 4, "cannot become tflite-uint8"),
        (["--mean", "a"], 2, "expected 1 or 3 numbers"),
        (["--labels", "absent.txt"], 2, "absent.txt"),
    ],
)
def test_errors_end_with_their_code(
    source: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, said: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(given(source, *arguments))
    assert ended.value.code == code
    assert said in capsys.readouterr().err
    assert not (source.parent / "out").exists()
