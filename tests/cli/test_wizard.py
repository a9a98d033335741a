"""``edgekit convert`` without a word, at a real terminal."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import time
from pathlib import Path

import pytest

from edgekit.formats.tfjs import NAME

from ..formats import small_models, tfjs_models

WAIT = 30.0  # seconds for an answer of a busy machine


def talk(folder: Path, *answers: str) -> tuple[int, str]:
    """Exit code and everything that the terminal showed."""
    master, slave = pty.openpty()
    command = [sys.executable, "-m", "edgekit", "convert"]
    with subprocess.Popen(command, cwd=folder, stdin=slave, stdout=slave, stderr=slave) as process:
        os.close(slave)
        said = ""
        try:
            for answer in answers:
                said += heard(master, ": ")
                os.write(master, f"{answer}\n".encode())
            said += heard(master, None)
            code = process.wait(WAIT)
        finally:
            process.kill()
    os.close(master)
    return code, said.replace("\r\n", "\n")


def heard(master: int, end: str | None) -> str:
    """What is shown until it ends so, or until the program ends."""
    said, limit = "", time.monotonic() + WAIT
    while time.monotonic() < limit:
        if not select.select([master], [], [], 0.2)[0]:
            continue
        try:
            piece = os.read(master, 4096).decode()
        except OSError:  # Linux's word for a terminal whose other side is gone
            return said
        said += piece
        if not piece or (end is not None and said.endswith(end)):
            return said
    raise AssertionError(f"nothing more came after: {said}")


def test_five_questions_come_to_a_command(tmp_path: Path) -> None:
    tfjs_models.write(tmp_path / "web")
    answers = (f"web/{NAME}", "2, tfjs-uint16", "no.txt", "", "large", "1000", "out")
    code, said = talk(tmp_path, *answers)
    command = f"edgekit convert web/{NAME} --to tfjs-f16 --to tfjs-uint16 --shard-size 1000 -o out"
    assert "Error: There is no file no.txt." in said
    assert "Error: The size: expected bytes, got 'large'." in said
    assert f"That is: {command}\n" in said
    assert code == 0, said
    assert (tmp_path / "out" / "tfjs-f16" / NAME).is_file()
    assert (tmp_path / "out" / "tfjs-uint16" / NAME).is_file()


def test_what_cannot_be_is_asked_again(tmp_path: Path) -> None:
    (tmp_path / "pets.tflite").write_bytes(small_models.classifier())
    code, said = talk(tmp_path, "nowhere.pb", "pets.tflite", "9", "1", "", "out")
    assert "There is no file nowhere.pb." in said
    assert "Type numbers from 1 to" in said
    assert "shards" not in said
    assert "That is: edgekit convert pets.tflite --to tflite-f32 -o out" in said
    assert (code, "--activation sigmoid, softmax or none" in said) == (2, True)  # what five questions leave open


@pytest.mark.parametrize("arguments", [[], ["model.pb"]])
def test_without_a_terminal_nothing_is_asked(arguments: list[str]) -> None:
    command = [sys.executable, "-m", "edgekit", "convert", *arguments]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "Usage: edgekit convert" in done.stderr
