"""``edgekit doctor``."""

import json

import click

from ..errors import MissingToolError
from ..stories.doctor import Examination, examine
from ..values.codec import to_data


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
def doctor(as_json: bool) -> None:
    """Say what is installed, and what each missing extra would give."""
    found = examine()
    if as_json:
        click.echo(json.dumps(to_data(found), indent=2))
    else:
        _print(found)
    if found.missing_core:
        raise MissingToolError(
            f"edgekit itself is incomplete: {', '.join(found.missing_core)} missing.", fix="Type: pip install edgekit"
        )


def _print(found: Examination) -> None:
    click.echo(f"edgekit {found.edgekit}, Python {found.python}, {found.machine}")
    click.echo(f"{found.free_disk / 1e9:.1f} GB free in this folder\n")
    for package in found.packages:
        if package.version:
            click.echo(f"  ok       {package.name} {package.version}" + (f": {package.gives}" if package.gives else ""))
        else:
            click.echo(f"  missing  {package.name}: would {package.gives}")
            click.echo(f"           type: pip install 'edgekit[{package.extra}]'")
    for tool in found.tools:
        if tool.found:
            click.echo(f"  ok       {tool.name}, {tool.found}: {tool.gives}")
        else:
            click.echo(f"  missing  {tool.name}: would {tool.gives}")
            click.echo(f"           {tool.fix.replace('Type:', 'type:')}")
