"""Small networks with seeded weights, without TensorFlow."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgekit.training.architecture import (
    BOX_RANGE,
    COMPACT,
    SCORE_RANGE,
    Architecture,
    build,
)

Array = NDArray[Any]
SIZE = (0.3, 0.2)  # of an anchor


def small(kind: str = COMPACT, **changes: Any) -> Architecture:
    """Two maps with two and one anchors a cell."""
    strides = (8, 16) if kind == COMPACT else (16, 32)
    usual = {"height": 64, "width": 96, "classes": 3, "sizes": ((SIZE, (0.5, 0.5)), (SIZE,)), "strides": strides}
    return build(kind, **(usual | {"multiplier": 0.25} | changes))


def floats(architecture: Architecture, seed: int = 0) -> dict[str, Array]:
    """Variables of a float network, as its checkpoint has them."""
    random = np.random.default_rng(seed)
    found: dict[str, Array] = {}
    for layer in architecture.layers:
        found[f"{layer.name}/weights"] = random.normal(0, 0.1, layer.kernel).astype(np.float32)
        for part in ("biases",) if layer.head else ("gamma", "beta", "moving_mean", "moving_variance"):
            found[f"{layer.name}/{part}"] = random.uniform(0.5, 1, layer.channels).astype(np.float32)
    return found


def quantised(architecture: Architecture, seed: int = 0) -> dict[str, Array]:
    """Weights, biases and ranges, as they are exported."""
    found = folded(architecture, seed)
    for name in architecture.ranged:
        found |= {f"{name}/min": np.float32(0), f"{name}/max": np.float32(6)}  # type: ignore[dict-item]
    for name in (BOX_RANGE, SCORE_RANGE):
        found |= {f"{name}/min": np.float32(-7), f"{name}/max": np.float32(8)}  # type: ignore[dict-item]
    return found | {"seen": np.float32(3)}  # type: ignore[dict-item]


def folded(architecture: Architecture, seed: int = 0) -> dict[str, Array]:
    """Weights and biases."""
    found = {path: value for path, value in floats(architecture, seed).items() if path.endswith("/weights")}
    return found | {f"{layer.name}/biases": np.zeros(layer.channels, np.float32) for layer in architecture.layers}
