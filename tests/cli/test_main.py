"""The door itself: streams that cannot be written, terminals without our characters, exit codes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from edgekit.cli import COMMANDS

from ..formats.small_models import detector


def run(*words: str, **options: object) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([sys.executable, "-m", "edgekit", *words], stderr=subprocess.PIPE, check=False, **options)  # type: ignore[call-overload, no-any-return]


@pytest.fixture
def model(tmp_path: Path) -> str:
    path = tmp_path / "m.tflite"
    path.write_bytes(detector())
    return str(path)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_output_on_a_full_disk_is_a_storage_error() -> None:
    with open("/dev/full", "wb") as full:
        done = run("doctor", stdout=full)
    assert done.returncode == 11
    assert b"No space left" in done.stderr
    assert b"Traceback" not in done.stderr


def test_a_path_that_cannot_be_looked_at_is_a_storage_error() -> None:
    done = run("verify", "x" * 300, "--samples", ".", stdout=subprocess.PIPE)
    assert done.returncode == 11
    assert done.stderr.startswith(b"Error: xxx")
    assert b"cannot be used.\n  File name too long." in done.stderr
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize("command", ["doctor", "inspect"])
def test_a_reader_that_goes_away_is_no_bug(command: str, model: str) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    words = [command] if command == "doctor" else [command, model]
    done = run(*words, stdout=writing)
    os.close(writing)
    assert (done.returncode, done.stderr) == (141, b"")


def test_a_terminal_without_our_characters_still_gets_the_rest(model: str) -> None:
    environment = os.environ | {"PYTHONIOENCODING": "ascii"}
    done = run("inspect", model, stdout=subprocess.PIPE, env=environment)
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"detector" in done.stdout


@pytest.mark.parametrize(
    ("words", "code"), [(["--version"], 0), (["-h"], 0), (["nope"], 2), (["inspect"], 2), (["inspect", "nowhere"], 2)]
)
def test_exit_codes(words: list[str], code: int) -> None:
    assert run(*words, stdout=subprocess.PIPE).returncode == code


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command: str) -> None:
    done = run(command, "--help", stdout=subprocess.PIPE)
    assert done.returncode == 0
    assert b"Usage: edgekit " + command.encode() in done.stdout
