"""Options of a training: rates at steps, and what makes no sense."""

import math
from collections.abc import Callable
from typing import Any

import pytest

from edgekit.training.architecture import COMPACT, MOBILENET_V1
from edgekit.training.options import LossOptions, Optimiser, Quantisation, Schedule, SsdOptions


@pytest.mark.parametrize(
    ("schedule", "rates"),
    [
        ({"kind": "cosine", "steps": 100}, {0: 1, 25: (1 + math.sqrt(0.5)) / 2, 50: 0.5, 100: 0, 500: 0}),
        ({"kind": "cosine", "steps": 100, "begin": 50}, {0: 1, 50: 1, 75: 0.5, 100: 0}),
        ({"kind": "constant", "warmup": 4}, {0: 0.25, 1: 0.5, 3: 1, 4: 1, 10**6: 1}),
        ({"kind": "constant", "warmup": 2, "warmup_base": 0.5}, {0: 0.75, 1: 1, 2: 1}),
        ({"kind": "constant", "warmup": 10, "warmup_base": 0.1, "flat": True}, {0: 0.1, 9: 0.1, 10: 1}),
        ({"kind": "exponential", "factor": 0.5, "every": 10}, {0: 1, 9: 1, 10: 0.5, 25: 0.25}),
        ({"kind": "exponential", "factor": 0.25, "every": 10, "staircase": False}, {0: 1, 5: 0.5, 10: 0.25}),
        ({"kind": "exponential", "factor": 0.5, "every": 10, "begin": 5}, {5: 1, 14: 1, 15: 0.5}),
        ({"kind": "manual", "changes": ((10, 0.1), (20, 0.01))}, {0: 1, 9: 1, 10: 0.1, 19: 0.1, 20: 0.01, 999: 0.01}),
        ({"kind": "manual", "changes": ((10, 0.1),), "offset": 8}, {0: 1, 1: 1, 2: 0.1}),
        ({"kind": "cosine", "steps": 0}, {0: 1, 1: 0}),
    ],
)
def test_the_rate_at_each_step(schedule: dict[str, Any], rates: dict[int, float]) -> None:
    one = Schedule(base=0.02, **({"warmup_base": 0.0} | _scaled(schedule)))
    for step, rate in rates.items():
        assert one.at(step) == pytest.approx(0.02 * rate, abs=1e-12), step


def _scaled(schedule: dict[str, Any]) -> dict[str, Any]:
    """Rates of the table are shares of the base."""
    changed = dict(schedule)
    if "warmup_base" in changed:
        changed["warmup_base"] *= 0.02
    if "changes" in changed:
        changed["changes"] = tuple((step, rate * 0.02) for step, rate in changed["changes"])
    return changed


def test_the_scores_of_a_loss() -> None:
    assert LossOptions(classification="softmax").activation == "softmax"
    assert {LossOptions(classification=kind).activation for kind in ("quality_focal", "focal", "sigmoid")} == {
        "sigmoid"
    }


@pytest.mark.parametrize(
    ("make", "wrong", "message"),
    [
        (LossOptions, {"classification": "hinge"}, "classification loss: expected .*focal.*, got 'hinge'"),
        (LossOptions, {"negatives": -1}, "negatives"),
        (Schedule, {"base": 0.0}, "learning rate: expected above 0"),
        (Schedule, {"base": math.nan}, "learning rate"),
        (Schedule, {"base": math.inf}, "learning rate"),
        (Schedule, {"base": 1.0, "kind": "linear"}, "schedule: expected cosine, .*, got 'linear'"),
        (Schedule, {"base": 1.0, "every": 0}, "decay steps"),
        (Schedule, {"base": 1.0, "warmup": -1}, "warm-up"),
        (Optimiser, {"kind": "sgd"}, "optimiser: expected adam, .*, got 'sgd'"),
        (Quantisation, {"weight_bits": 4}, "8 and 8"),
        (SsdOptions, {"kind": "yolo"}, "architecture: expected compact, mobilenet_v1, got 'yolo'"),
        (SsdOptions, {"height": 16}, "input size: expected from 32"),
        (SsdOptions, {"width": 10**5}, "input size"),
        (SsdOptions, {"strides": ()}, "maps"),
        (SsdOptions, {"strides": (16, 8)}, "maps: expected rising"),
        (SsdOptions, {"strides": (8, 8)}, "maps"),
        (SsdOptions, {"strides": (8, 12)}, "maps"),
        (SsdOptions, {"kind": MOBILENET_V1, "strides": (16, 64)}, r"maps: expected the first ones of 16, 32, .*"),
        (SsdOptions, {"strides": (4, 8, 16), "anchors": 2}, "anchors: expected at least one a map"),
        (SsdOptions, {"multiplier": 0.0}, "width multiplier"),
        (SsdOptions, {"multiplier": math.nan}, "width multiplier"),
        (SsdOptions, {"batch": 0}, "batch size"),
        (SsdOptions, {"steps": 0}, "^steps: expected at least 1, got 0"),
        (SsdOptions, {"quantised_steps": -1}, "quantised steps: expected 0 or more, got -1"),
        (SsdOptions, {"evaluate": 0}, "evaluate: expected at least 1, got 0"),
        (SsdOptions, {"patience": 0}, "patience"),
        (SsdOptions, {"seed": -1}, "seed: expected 0 or more"),
    ],
)
def test_what_makes_no_sense(make: Callable[..., object], wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make(**wrong)


@pytest.mark.parametrize(
    "right",
    [
        {"strides": (4, 8, 16, 32)},
        {"strides": (8, 64)},
        {"kind": MOBILENET_V1, "strides": (16, 32, 64)},
        {"kind": COMPACT},
    ],
)
def test_what_makes_sense(right: dict[str, Any]) -> None:
    SsdOptions(**right)
