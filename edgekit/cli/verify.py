"""``edgekit verify``."""

import json
from pathlib import Path

import click


@click.command()
@click.argument("out", type=click.Path(path_type=Path))
@click.option("--samples", required=True, type=click.Path(path_type=Path), help="Folder of pictures, or one picture.")
@click.option("--against", type=click.Path(path_type=Path), help="Another source: a file, or another OUT/model.")
@click.option("--truth", type=click.Path(path_type=Path), help="True boxes of the samples: VOC folder, COCO .json.")
@click.option("--limit", type=click.IntRange(min=1), help="Samples to look at, evenly spread; 32, or all with --truth.")
@click.option("--json", "as_json", is_flag=True, help="Print the proofs as JSON.")
def verify(
    out: Path, samples: Path, against: Path | None, truth: Path | None, limit: int | None, as_json: bool
) -> None:
    """Prove that the models in OUT answer as their source does.

    OUT is the folder that convert wrote, or one model's folder in it. Each model gets a verify.json, all of them one
    report.html. Exit code 5 when a check fails.
    """
    from ..errors import VerificationError
    from ..report import terminal
    from ..stories.cache import REPORT
    from ..stories.verify import verify as run
    from ..values.codec import to_data

    with terminal.progress("Comparing", "samples") as advance:
        proofs = run(out, samples=samples, against=against, truth=truth, limit=limit, progress=advance)
    if as_json:
        click.echo(json.dumps(to_data(proofs), indent=1, ensure_ascii=False, allow_nan=False))
    else:
        terminal.show(proofs)
        click.echo(f"Report: {out / REPORT}")
    failed = [(proof, check) for proof in proofs for check in proof.checks if check.outcome == "fail"]
    if failed:
        raise VerificationError(
            f"{len(failed)} check{'s' if len(failed) > 1 else ''} failed.",
            cause="\n  ".join(f"{proof.recipe}: {check.sentence}" for proof, check in failed),
            fix=f"{out / REPORT} shows where the error begins.",
        )
