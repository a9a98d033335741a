"""How a detector is trained: one frozen value that decides everything besides the data."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from ..values.spec import Selection, expect
from ..vision.anchors import Size
from ..vision.assign import Matching
from ..vision.augment import Augmentation
from .architecture import COMPACT, COMPACT_STRIDES, KINDS, V1_STRIDES

CLASSIFICATIONS = ("quality_focal", "focal", "sigmoid", "softmax")
LOCALISATIONS = ("giou", "smooth_l1")
SCHEDULES = ("cosine", "constant", "exponential", "manual")
OPTIMISERS = ("adam", "rmsprop", "momentum")
MAX_SIDE = 2048  # pixels


@dataclass(frozen=True, kw_only=True)
class LossOptions:
    """classification: one of CLASSIFICATIONS. localisation: one of LOCALISATIONS.

    negatives: backgrounds kept for each anchor with a box; 0: all.

    background_weight: of the background's own column among sigmoids, which no reader ever looks at.
    """

    classification: str = "quality_focal"
    alpha: float = 0.25
    gamma: float = 2.0
    negatives: float = 0.0
    background_weight: float = 0.1
    classification_weight: float = 1.0
    localisation: str = "giou"
    localisation_weight: float = 2.0

    def __post_init__(self) -> None:
        for name, known in (("classification", CLASSIFICATIONS), ("localisation", LOCALISATIONS)):
            got = getattr(self, name)
            expect(got in known, f"{name} loss", ", ".join(known), got)
        expect(self.negatives >= 0, "negatives", "0 or more", self.negatives)

    @property
    def activation(self) -> str:
        """What makes scores of the logits."""
        return "softmax" if self.classification == "softmax" else "sigmoid"


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """The learning rate at each step.

    cosine: from ``base`` to 0 over ``steps``. exponential: times ``factor`` every ``every`` steps, in jumps where
    ``staircase``. Both stay at ``base`` up to step ``begin``. manual: ``base``, then the rates of ``changes``
    (step, rate). warmup: steps of linear rise from ``warmup_base``, or at it where ``flat``. offset: steps that were
    done before the first.
    """

    kind: str = "cosine"
    base: float
    steps: int = 0
    warmup: int = 0
    warmup_base: float = 0.0
    flat: bool = False
    begin: int = 0
    factor: float = 1.0
    every: int = 1
    staircase: bool = True
    changes: tuple[tuple[int, float], ...] = ()
    offset: int = 0

    def __post_init__(self) -> None:
        expect(self.kind in SCHEDULES, "schedule", ", ".join(SCHEDULES), self.kind)
        expect(0 < self.base < math.inf, "learning rate", "above 0", self.base)
        expect(self.every > 0, "decay steps", "above 0", self.every)
        expect(self.warmup >= 0, "warm-up", "0 steps or more", self.warmup)

    def at(self, step: int) -> float:
        """The rate at a step, counted from 0."""
        step += self.offset
        if step < self.warmup:
            rise = 0.0 if self.flat else (step + 1) / self.warmup
            return self.warmup_base + (self.base - self.warmup_base) * rise
        since = max(step - self.begin, 0)
        if self.kind == "cosine":
            return self.base * (1 + math.cos(math.pi * min(since / max(self.steps - self.begin, 1), 1))) / 2
        if self.kind == "exponential":
            power = since // self.every if self.staircase else since / self.every
            return float(self.base * self.factor**power)
        return next((rate for start, rate in reversed(self.changes) if step >= start), self.base)


@dataclass(frozen=True, kw_only=True)
class Optimiser:
    """kind: one of OPTIMISERS. decay, momentum, epsilon: of rmsprop and momentum. clip: largest norm of a gradient."""

    kind: str = "adam"
    decay: float = 0.9
    momentum: float = 0.9
    epsilon: float = 1e-7
    clip: float = 10.0

    def __post_init__(self) -> None:
        expect(self.kind in OPTIMISERS, "optimiser", ", ".join(OPTIMISERS), self.kind)


@dataclass(frozen=True, kw_only=True)
class Quantisation:
    """Fake-quants of the second phase. symmetric: weight ranges around 0, which int8 needs as well as uint8."""

    symmetric: bool = True
    weight_bits: int = 8
    activation_bits: int = 8

    def __post_init__(self) -> None:
        bits = (self.weight_bits, self.activation_bits)
        expect(bits == (8, 8), "weight and activation bits", "8 and 8, the only ones that TFLite runs", bits)


@dataclass(frozen=True, kw_only=True)
class SsdOptions:
    """A training of an SSD detector.

    height, width: of the input, pixels. strides: of the feature maps, pixels; sizes: of their anchors, fitted to the
    true boxes where empty (``anchors`` of them in all). steps: with batch norms; quantised_steps: with fake-quants,
    after that. evaluate: steps between two looks at the validation pictures. patience: looks without an improvement
    after which a phase ends. decay: L2 weight decay.
    """

    kind: str = COMPACT
    height: int = 192
    width: int = 192
    strides: tuple[int, ...] = (8, 16)
    multiplier: float = 1.0
    min_depth: int = 8
    anchors: int = 9
    sizes: tuple[tuple[Size, ...], ...] = ()
    box_coder: tuple[float, float, float, float] = (10.0, 10.0, 5.0, 5.0)
    matching: Matching = field(default_factory=Matching)
    losses: LossOptions = LossOptions()
    optimiser: Optimiser = Optimiser()
    decay: float = 2e-5
    batch: int = 32
    steps: int = 2600
    quantised_steps: int = 400
    rate: Schedule = Schedule(base=3e-3, steps=2600, warmup=100)
    quantised_rate: Schedule = Schedule(base=3e-4, steps=400, warmup=20)
    quantisation: Quantisation | None = Quantisation()
    augmentation: Augmentation = field(default_factory=Augmentation)
    evaluate: int = 200
    patience: int = 8
    seed: int = 0
    deterministic: bool = False
    selection: Selection = field(default_factory=lambda: Selection(score=0.1, iou=0.5, max_detections=100))

    def __post_init__(self) -> None:
        expect(self.kind in KINDS, "architecture", ", ".join(KINDS), self.kind)
        for side in (self.height, self.width):
            expect(32 <= side <= MAX_SIDE, "input size", f"from 32 to {MAX_SIDE} pixels", side)
        known = COMPACT_STRIDES if self.kind == COMPACT else V1_STRIDES
        rising = self.strides == tuple(sorted(set(self.strides))) and bool(self.strides)
        fits = set(self.strides) <= set(known) if self.kind == COMPACT else self.strides == known[: len(self.strides)]
        said = "rising strides of" if self.kind == COMPACT else "the first ones of"
        expect(rising and fits, "maps", f"{said} {', '.join(map(str, known))}", self.strides)
        expect(0.1 <= self.multiplier <= 4, "width multiplier", "from .1 to 4", self.multiplier)
        expect(self.anchors >= len(self.strides), "anchors", "at least one a map", self.anchors)
        expect(1 <= self.batch <= 4096, "batch size", "from 1 to 4096", self.batch)
        expect(self.steps >= 1, "steps", "at least 1", self.steps)
        expect(self.quantised_steps >= 0, "quantised steps", "0 or more", self.quantised_steps)
        expect(self.seed >= 0, "seed", "0 or more", self.seed)
        for name in ("evaluate", "patience"):
            expect(getattr(self, name) >= 1, name, "at least 1", getattr(self, name))
