"""The proof in the terminal."""

import io
from dataclasses import replace

from rich.console import Console

from edgekit.report import terminal
from edgekit.values.checks import Check
from edgekit.values.proof import Proof


def printed(proof: Proof, width: int = 100) -> str:
    stream = io.StringIO()
    terminal.show([proof], Console(file=stream, width=width, highlight=False))
    return stream.getvalue()


def test_every_sentence_is_printed_with_its_mark(proof: Proof) -> None:
    text = " ".join(printed(proof, width=400).split())
    for check in proof.checks:
        assert f"{terminal.MARKS[check.outcome][0]} {check.sentence}" in text
    assert "2 samples (few samples: take a few dozen): failed" in text


def test_brackets_are_text_and_no_markup(proof: Proof) -> None:
    odd = Check(name="odd", outcome="unsure", sentence="Label [red]cat[/] and [/bold].")
    text = printed(replace(proof, model="[blink]shelf", checks=(odd,)))
    assert odd.sentence in text
    assert "[blink]shelf" in text
    assert "see the question marks" in text
