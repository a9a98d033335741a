"""``edgekit dataset``."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from . import COMMANDS

SPRITES = click.option(
    "--sprites", type=int, default=0, show_default=True, help="Seed of the bank of packs; test with another bank."
)


@click.group(help=COMMANDS["dataset"])
def dataset() -> None:
    """One command a kind of thing that is drawn."""


@dataset.command()
@click.argument("out", type=click.Path(path_type=Path))
@click.option("--count", type=int, default=6000, show_default=True, help="Number of pictures.")
@click.option("--seed", type=int, default=0, show_default=True, help="Number of the first picture.")
@SPRITES
@click.option("--size", type=int, default=192, show_default=True, help="Height and width in pixels.")
@click.option(
    "--format",
    "form",
    type=click.Choice(("coco", "voc")),
    default="coco",
    show_default=True,
    help="Of the annotations.",
)
@click.option("--png", is_flag=True, help="Write PNG instead of JPEG of quality 92.")
def shelf(out: Path, count: int, seed: int, sprites: int, size: int, form: str, png: bool) -> None:
    """Draw pictures of shop shelves into the folder OUT: cans, bottles and cartons of brands, and other packs."""
    from ..datasets.shelf import write

    suffix = ".png" if png else ".jpg"
    with click.progressbar(length=max(count, 0), file=sys.stderr) as bar:
        write(
            out,
            count=count,
            seed=seed,
            sprites=sprites,
            size=size,
            form=form,
            suffix=suffix,
            progress=lambda _: bar.update(1),
        )
    click.echo(f"{out}: {count} pictures written.")


@dataset.command()
@click.argument("file", type=click.Path(path_type=Path))
@SPRITES
def sheet(file: Path, sprites: int) -> None:
    """Draw a page of packs to print into FILE, a .pdf or .png: A4 at 300 dpi, for a camera to be pointed at."""
    from ..datasets.shelf import write_sheet

    write_sheet(file, sprites=sprites)
    click.echo(f"{file}: written.")


@dataset.command()
@click.argument("file", type=click.Path(path_type=Path))
@SPRITES
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of the shelf.")
def clip(file: Path, sprites: int, seed: int) -> None:
    """Draw a film of a camera that goes along a shelf into FILE, a .webm."""
    from ..datasets.shelf import write_clip

    written = write_clip(file, sprites=sprites, seed=seed)
    if written != (file,):
        click.echo("Note: this OpenCV cannot write WebM, so the frames were written as pictures.", err=True)
    click.echo(f"{written[0].parent if len(written) > 1 else file}: written.")
