"""``edgekit train``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from ..errors import UsageError
from . import COMMANDS

if TYPE_CHECKING:
    from ..training import Training


@click.group(help=COMMANDS["train"])
def train() -> None:
    """One command a kind of model."""


class _Numbers(click.ParamType[tuple[int | float, ...]]):
    """So many numbers with commas, or an x, between them."""

    name = "numbers"

    def __init__(self, kind: type[int] | type[float], mark: str = ",", *counts: int) -> None:
        """counts: how many there may be; none where any number of them may."""
        self._kind, self._mark, self._counts = kind, mark, counts

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int | float, ...]:
        try:
            found = tuple(self._kind(part) for part in str(value).split(self._mark))
        except ValueError:
            found = ()
        if not found or (self._counts and len(found) not in self._counts):
            option, example = (param.opts[0], param.metavar) if param else ("The option", "")
            raise UsageError(f"{option}: {value!r} is not understood.", fix=f"Type for example: {option} {example}")
        return found


@train.command()
@click.option("--data", metavar="PLACE", help="Pascal VOC folder, COCO .json or its folder, pattern of TFRecords.")
@click.option("-o", "--out", metavar="PLACE", required=True, help="Folder for what comes of it; s3:// and gs:// too.")
@click.option("--from", "begin", metavar="PLACE", help="Checkpoint of edgekit's to begin with, or: shelf")
@click.option("--pipeline-config", metavar="FILE", help="Configuration of the Object Detection API, for all the rest.")
@click.option("--root", metavar="FOLDER", help="What PATH_TO_BE_CONFIGURED stands for in it.")
@click.option("--validation", metavar="PLACE", help="Another data set to be judged on.  [default: a part of --data]")
@click.option("--pictures", metavar="FOLDER", help="Where the pictures lie, if the annotations do not lead there.")
@click.option("--labels", metavar="FILE", help="The classes and their order.  [default: as the annotations name them]")
@click.option("--split", help="List of a VOC folder to train on.  [default: train]")
@click.option("--validation-split", help="List of a VOC folder to be judged on.  [default: val]")
@click.option(
    "--size",
    type=_Numbers(int, "x", 1, 2),
    metavar="192 or 320x256",
    help="Input: width x height in pixels.  [default: 192]",
)
@click.option("--architecture", help="compact or mobilenet_v1.  [default: compact]")
@click.option("--width", type=float, help="Multiplier of all widths of layers.  [default: 1]")
@click.option("--maps", type=_Numbers(int), metavar="4,8,16", help="Strides of the feature maps.  [default: 8,16]")
@click.option("--anchors", type=int, help="Anchors in all, fitted to the boxes to train on.  [default: 9]")
@click.option(
    "--match",
    type=_Numbers(float, ",", 2),
    metavar="0.5,0.4",
    help="Overlaps from which an anchor predicts a box, and below which it is background.  [default: 0.5,0.4]",
)
@click.option("--loss", help="quality_focal, focal, sigmoid or softmax.  [default: quality_focal]")
@click.option("--steps", type=int, help="Steps with batch norms.  [default: 2600]")
@click.option("--quantised-steps", type=int, help="Steps with fake-quants, after that.  [default: a sixth]")
@click.option("--batch", type=int, help="Pictures a step.  [default: 32]")
@click.option("--learning-rate", type=float, help="Highest learning rate.  [default: 0.003; with --from 0.002]")
@click.option("--warmup", type=int, help="Steps in which it rises.  [default: 100, at most a quarter]")
@click.option(
    "--flips", metavar="horizontal,vertical", help="Flips of half of the pictures; '' for none.  [default: horizontal]"
)
@click.option("--smallest-crop", type=float, help="Share of a side that a crop leaves at least.  [default: 0.6]")
@click.option("--max-detections", type=int, help="Most boxes in an answer of the graph.  [default: 100]")
@click.option("--iou", type=float, help="Overlap above which the lower of two boxes goes.  [default: 0.5]")
@click.option("--symmetric/--asymmetric", default=None, help="Weight ranges; int8 needs symmetric ones, the default.")
@click.option("--seed", type=int, help="Of the weights, the batches, and what is changed in pictures.  [default: 0]")
@click.option("--deterministic", is_flag=True, default=None, help="The same losses each time, on CPU; a little slower.")
@click.option("--evaluate", type=int, help="Steps between two looks at the validation pictures.  [default: 200]")
@click.option("--patience", type=int, help="Looks without gain after which a phase ends.  [default: 8]")
@click.pass_obj
def ssd(command: tuple[str, ...], /, out: str, **given: Any) -> None:
    """Train an SSD-MobileNet detector, quantisation-aware, on DATA.

    OUT gets tflite_graph.pb, labels.txt, label_map.pbtxt, checkpoint.npz, metrics.json, training.json, and board/ for
    TensorBoard. A killed training goes on when the same command is typed again.
    """
    from ..report.training import follow, show
    from ..stories.train import train as run

    size = given.get("size")
    if size is not None:
        given["size"] = (size[-1], size[0])
    words = {name: value for name, value in given.items() if value is not None}
    with follow() as say:
        training: Training = run(out=out, say=say, command=command, **words)
    show(training)
