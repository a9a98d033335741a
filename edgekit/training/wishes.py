"""What a user may say about a training, and the options that come of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, TypedDict

from ..errors import UsageError
from ..values.spec import expect
from .architecture import COMPACT, MOBILENET_V1, V1_STRIDES
from .options import Quantisation, Schedule, SsdOptions
from .start import About

FINE_TUNED = 2 / 3  # of the usual learning rate, where a training begins with a checkpoint
QUANTISED_RATE = 0.1  # of the learning rate, in the phase with fake-quants
FLIPS = ("horizontal", "vertical")
WARM_SHARE = 4  # of so many steps at most one is warm-up, where nothing else is wished for
QUANTISED_SHARE = 6  # of so many steps one more is done with fake-quants
USUAL_MAPS = {COMPACT: SsdOptions.strides, MOBILENET_V1: V1_STRIDES}
NETWORK = ("kind", "multiplier", "height", "width", "strides")  # what a checkpoint says of its own
OF_A_CONFIGURATION = ("architecture", "maps", "anchors")  # what is one whole in a pipeline.config


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
    base: SsdOptions, wishes: Mapping[str, Any], *, about: About | None = None, configured: bool = False
) -> SsdOptions:
    """``base`` with the wishes. about: of the checkpoint to begin with, whose network is kept where none is wished for.

    configured: ``base`` comes from a pipeline.config, whose network stays, and whose schedules are not touched unless
    one is wished for. Raises UsageError that names what makes no sense.
    """
    given = dict(wishes)
    if unknown := given.keys() - Wishes.__annotations__.keys():
        raise UsageError(f"There is no option {', '.join(sorted(unknown))}.")
    if configured and (others := [f"--{name}" for name in OF_A_CONFIGURATION if name in given]):
        raise UsageError(
            "A pipeline.config names its own network and anchors.",
            fix=f"Leave out {', '.join(others)}, or leave out --pipeline-config.",
        )
    try:
        if about and not configured:
            base = replace(base, **{name: getattr(about, name) for name in NETWORK})
        changed = replace(base, **_network(base, given), **_plain(given), **_inner(base, given))
        steps = given.get("steps", changed.steps)
        usual_quantised = max(steps // QUANTISED_SHARE, 1) if "steps" in given else changed.quantised_steps
        quantised = given.get("quantised_steps", usual_quantised)
        changed = replace(changed, steps=steps, quantised_steps=quantised)
        scheduled = {"steps", "quantised_steps", "learning_rate", "warmup"} & given.keys()
        if configured and not scheduled:
            return changed
        usual = base.rate.base * (FINE_TUNED if about and not configured else 1)
        rate, warmup = given.get("learning_rate", usual), min(base.rate.warmup, steps // WARM_SHARE)
        return replace(
            changed,
            rate=Schedule(base=rate, steps=steps, warmup=min(given.get("warmup", warmup), steps)),
            quantised_rate=Schedule(
                base=rate * QUANTISED_RATE, steps=quantised, warmup=min(20, quantised // WARM_SHARE)
            ),
        )
    except ValueError as error:
        raise UsageError(f"Nothing can be trained so. {error}.") from None


def _network(base: SsdOptions, given: Mapping[str, Any]) -> dict[str, Any]:
    kind = given.get("architecture", base.kind)
    usual = base.strides if kind == base.kind else USUAL_MAPS.get(kind, base.strides)
    height, width = given.get("size", (base.height, base.width))
    return {
        "kind": kind,
        "multiplier": given.get("width", base.multiplier),
        "strides": given.get("maps", usual),
        "height": height,
        "width": width,
    }


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
    if "symmetric" in given or given.get("quantised_steps"):
        usual = base.quantisation or Quantisation()
        found["quantisation"] = replace(usual, symmetric=given.get("symmetric", usual.symmetric))
    return found
