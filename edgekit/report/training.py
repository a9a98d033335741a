"""A training in the terminal: while it runs, and what came of it."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import click
from rich.console import Console
from rich.progress import BarColumn, TextColumn
from rich.progress import Progress as Bar

from ..training.progress import Event, Note, Progress
from ..training.result import BOARD, LABELS, Training
from . import printable

LINE_EVERY = 100  # steps, where no bar can move


@contextmanager
def follow() -> Iterator[Callable[[Event], None]]:
    """Says what a training says: a bar on stderr where that is a terminal, else a line now and then."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[said]}"))
    with Bar(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("Training", total=None, said="starting")

        def say(event: Event) -> None:
            if isinstance(event, Note):
                bar.console.print(printable(f"Note: {event.sentence}"), markup=False, highlight=False, soft_wrap=True)
            elif isinstance(event, Progress):
                bar.update(task, completed=event.step, total=event.steps, said=_losses(event))
                if event.figures is not None or (bar.disable and event.step % LINE_EVERY == 0):
                    bar.console.print(_line(event), markup=False, highlight=False, soft_wrap=True)

        yield say


def show(training: Training) -> None:
    """What was reached, and what to type next."""
    for phase, figures in training.figures.items():
        click.echo(f"{phase}: mAP@.5 {figures.ap50:.4f}, @[.5:.95] {figures.ap:.4f} on the validation pictures")
    click.echo(f"{training.steps} steps in {_time(training.seconds)}: {training.root}")
    click.echo("Next:")
    out = training.root / "converted"
    recipe = "tflite-uint8" if training.quantised else "tflite-f16"
    given = ["--labels", training.root / LABELS, "--display-score", training.display_score]
    for words in (
        ["edgekit", "convert", training.graph, "--to", recipe, *given, "-o", out],
        ["tensorboard", "--logdir", training.root / BOARD],
    ):
        click.echo(printable(f"  {shlex.join(map(str, words))}"))


def _losses(event: Progress) -> str:
    return (
        f"{event.phase}, loss {event.classification:.3f} + {event.localisation:.3f}, "
        f"{event.pictures_per_second:.0f} pictures/s, {_time(event.seconds_left)} left"
    )


def _line(event: Progress) -> str:
    reached = ""
    if event.figures is not None:
        reached = f", mAP@.5 {event.figures.ap50:.4f}, @[.5:.95] {event.figures.ap:.4f}"
        reached += ", the best yet" if event.best else ""
    return f"step {event.step} of {event.steps}: {_losses(event)}{reached}"


def _time(seconds: float) -> str:
    return str(timedelta(seconds=round(seconds)))
