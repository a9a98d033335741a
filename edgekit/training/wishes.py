"""What a user may say about a training, and the options that come of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, TypedDict

from ..errors import UsageError
from ..values.spec import expect
from .architecture import MOBILENET_V1, V1_STRIDES
from .options import Quantisation, Schedule, SsdOptions

FINE_TUNED = 2 / 3  # of the usual learning rate, where a training begins with a checkpoint
QUANTISED_RATE = 0.1  # of the learning rate, in the phase with fake-quants
FLIPS = ("horizontal", "vertical")
WARM_SHARE = 4  # of so many steps at most one is warm-up, where nothing else is wished for
QUANTISED_SHARE = 6  # of so many steps one more is done with fake-quants


class Wishes(TypedDict, total=False):
    """Options of a training by the names of the command line; what is left out keeps its default."""

    architecture: str
    width: float
    size: tuple[int, int]  # height, width
    maps: tuple[int, ...]
    anchors: int
    match: tuple[float, float]  # positive, negative
    loss: str
    steps: int
    quantised_steps: int
    batch: int
    learning_rate: float
    warmup: int
    flips: str
    smallest_crop: float
    max_detections: int
    iou: float
    symmetric: bool
    seed: int
    deterministic: bool
    evaluate: int
    patience: int


def options(
    base: SsdOptions, wishes: Mapping[str, Any], *, about: Mapping[str, Any], configured: bool = False
) -> SsdOptions:
    """``base`` with the wishes. about: of the checkpoint to begin with, whose network is kept where none is wished for.

    configured: ``base`` comes from a pipeline.config, whose schedules are not touched unless one is wished for.
    Raises UsageError that names what makes no sense.
    """
    given = dict(wishes)
    if unknown := given.keys() - Wishes.__annotations__.keys():
        raise UsageError(f"There is no option {', '.join(sorted(unknown))}.")
    try:
        changed = replace(base, **_network(base, given, about), **_plain(given), **_inner(base, given))
        steps = given.get("steps", changed.steps)
        quantised = given.get("quantised_steps", max(steps // QUANTISED_SHARE, 1) if "steps" in given else None)
        quantised = changed.quantised_steps if quantised is None else quantised
        scheduled = {"steps", "quantised_steps", "learning_rate", "warmup"} & given.keys()
        if configured and not scheduled:
            return changed
        usual = base.rate.base * (FINE_TUNED if about and not configured else 1)
        rate, warmup = given.get("learning_rate", usual), min(base.rate.warmup, steps // WARM_SHARE)
        return replace(
            changed,
            steps=steps,
            quantised_steps=quantised,
            rate=Schedule(base=rate, steps=steps, warmup=min(given.get("warmup", warmup), steps)),
            quantised_rate=Schedule(
                base=rate * QUANTISED_RATE, steps=quantised, warmup=min(20, quantised // WARM_SHARE)
            ),
        )
    except ValueError as error:
        raise UsageError(f"Nothing can be trained so. {error}.") from None


def _network(base: SsdOptions, given: Mapping[str, Any], about: Mapping[str, Any]) -> dict[str, Any]:
    """Of the network: what is wished for, else the checkpoint's."""
    kind = given.get("architecture", about.get("kind", base.kind))
    usual = tuple(about.get("strides", base.strides))
    if kind == MOBILENET_V1 != about.get("kind", base.kind):
        usual = V1_STRIDES
    known = {
        "kind": kind,
        "multiplier": given.get("width", about.get("multiplier", base.multiplier)),
        "strides": given.get("maps", usual),
    }
    height, width = given.get("size", (about.get("height", base.height), about.get("width", base.width)))
    return known | {"height": height, "width": width}


def _plain(given: Mapping[str, Any]) -> dict[str, Any]:
    names = ("anchors", "batch", "seed", "deterministic", "evaluate", "patience")
    return {name: given[name] for name in names if name in given}


def _inner(base: SsdOptions, given: Mapping[str, Any]) -> dict[str, Any]:
    """Options that lie in a value of their own."""
    found: dict[str, Any] = {}
    if "match" in given:
        positive, negative = given["match"]
        found["matching"] = replace(base.matching, positive=positive, negative=negative)
    if "loss" in given:
        found["losses"] = replace(base.losses, classification=given["loss"])
    light = {}
    if "flips" in given:
        names = {name.strip() for name in given["flips"].split(",") if name.strip()}
        expect(names <= set(FLIPS), "flips", f"{', '.join(FLIPS)}, or nothing", given["flips"])
        light = {name: 0.5 * (name in names) for name in FLIPS}
    if "smallest_crop" in given:
        light["smallest"] = given["smallest_crop"]
    if light:
        found["augmentation"] = replace(base.augmentation, **light)
    selection = {name: given[name] for name in ("max_detections", "iou") if name in given}
    if selection:
        found["selection"] = replace(base.selection, **selection)
    if "symmetric" in given:
        found["quantisation"] = replace(base.quantisation or Quantisation(), symmetric=given["symmetric"])
    return found
