"""A proof in the terminal."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.padding import Padding
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table
from rich.text import Text

from ..values.proof import Proof
from . import WORDS, printable, samples, size
from .console import console as stdout

MARKS = {"pass": ("✓", "green"), "fail": ("✗", "red"), "unsure": ("?", "yellow")}
VERDICTS = WORDS | {"unsure": f"{WORDS['unsure']}: nothing wrong found, but see the question marks"}


def show(proofs: Sequence[Proof], console: Console | None = None) -> None:
    """Print every check of every proof, each artifact under its name and verdict."""
    console = console or stdout()
    for proof in proofs:
        mark, colour = MARKS[proof.outcome]
        console.print(
            Text.assemble(
                (f"{mark} {proof.recipe}", f"bold {colour}"),
                f"  {printable(proof.model)}, {size(proof.sizes[0].bytes)}, {samples(len(proof.pairs))}: ",
                (VERDICTS[proof.outcome], colour),
            )
        )
        console.print(Padding(_checks(proof), (0, 0, 1, 2), expand=False))


@contextmanager
def progress(what: str, unit: str) -> Iterator[Callable[[int, int], None]]:
    """A bar on stderr while work goes on, where that is a terminal; call what it yields with done and total."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn(unit))
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _checks(proof: Proof) -> Table:
    table = Table.grid(padding=(0, 1))
    for check in proof.checks:
        mark, colour = MARKS[check.outcome]
        table.add_row(Text(mark, colour), Text(printable(check.sentence)))  # Text: a label in a sentence is no markup
    return table
