"""What ``verify`` found out about one artifact. Stored as verify.json beside it, never inside its manifest."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from .answers import Detections
from .checks import Check, overall
from .model import Source
from .show import Shown
from .spec import expect

SAME = "same treatment"
TRAINED = "as trained"


@dataclass(frozen=True, kw_only=True)
class Reference(Shown):
    """What an artifact is held against.

    name: ``same treatment`` (is the conversion right?) or ``as trained`` (is the recipe good enough?).
    treatment: what became of the source's fake-quants. engine: what ran it.
    """

    name: str
    treatment: str
    engine: str
    source: Source

    def __post_init__(self) -> None:
        expect(self.name in (SAME, TRAINED), "reference", f"{SAME} or {TRAINED}", self.name)


@dataclass(frozen=True, kw_only=True)
class TensorError(Shown):
    """Difference between two tensors of the same name on the same input.

    largest: largest absolute error, in the tensor's own unit. relative: what 999 of 1000 values stray at most, as a
    fraction of the reference's range.
    snr: signal-to-noise ratio in dB; None where there is no error at all.
    """

    name: str
    largest: float
    relative: float
    snr: float | None


@dataclass(frozen=True, kw_only=True)
class Agreement(Shown):
    """How the answers of an artifact and of one reference fit together, over all samples.

    floor: smallest score asked for. judged: answers of the reference that the artifact must give too. found: those that
    it gives; ties: those among them where a box of equal rank stands in. extra_judged, extra_found: the same asked the
    other way round.
    score: score difference that 99 of 100 pairs keep; mean_score: the mean. iou: overlap that 99 of 100 pairs keep;
    None without a pair.
    """

    reference: str
    floor: float
    judged: int
    found: int
    ties: int
    extra_judged: int
    extra_found: int
    score: float
    mean_score: float
    iou: float | None

    @property
    def recall(self) -> float:
        """Share of the reference's answers that the artifact gives."""
        return self.found / self.judged if self.judged else 1.0

    @property
    def precision(self) -> float:
        """Share of the artifact's answers that the reference gives."""
        return self.extra_found / self.extra_judged if self.extra_judged else 1.0


@dataclass(frozen=True, kw_only=True)
class Found(Shown):
    """One answer for a picture. box: (xmin, ymin, xmax, ymax), the picture being [0, 1]; None from a classifier."""

    index: int
    score: float
    box: tuple[float, float, float, float] | None = None


def detections(found: Sequence[Found]) -> Detections:
    """The arrays behind stored detections."""
    import numpy as np

    return Detections(
        boxes=np.array([one.box for one in found], np.float32).reshape(-1, 4),
        scores=np.array([one.score for one in found], np.float32),
        classes=np.array([one.index for one in found], np.int64),
    )


@dataclass(frozen=True, kw_only=True)
class Pair(Shown):
    """All answers for one picture. references: reference name → its answers."""

    picture: Path
    candidate: tuple[Found, ...]
    references: Mapping[str, tuple[Found, ...]]


@dataclass(frozen=True, kw_only=True)
class OperatorRow(Shown):
    """Operators of a file that are alike. types: inputs × weights → outputs. macs: their multiply-adds in all.

    kind: integer, boundary (between integers and real numbers), hybrid (integer weights only) or float.
    """

    name: str
    version: int
    types: str
    kind: str
    count: int
    macs: int


@dataclass(frozen=True, kw_only=True)
class Size(Shown):
    """Bytes of a file."""

    name: str
    bytes: int


@dataclass(frozen=True, kw_only=True)
class Proof(Shown):
    """The verdict on one artifact and everything that it rests on.

    artifact: folder; model: its name; sha256: of its model file. heads: errors of the raw heads over all samples, by
    reference. layers: errors of inner tensors on the first sample, in execution order. figures: who → the COCO figures;
    classes: who → label → average precision at an overlap of .5; shares: who → mean error of a group's share.
    """

    brief: ClassVar[tuple[str, ...]] = ("recipe", "outcome", "checks")

    artifact: Path
    model: str
    recipe: str
    sha256: str
    labels: tuple[str, ...]
    references: tuple[Reference, ...]
    checks: tuple[Check, ...]
    agreements: tuple[Agreement, ...]
    heads: Mapping[str, tuple[TensorError, ...]]
    layers: tuple[TensorError, ...]
    pairs: tuple[Pair, ...]
    operators: tuple[OperatorRow, ...]
    sizes: tuple[Size, ...]
    display_score: float
    figures: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    classes: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    shares: Mapping[str, float] = field(default_factory=dict)
    assumptions: tuple[str, ...] = ()
    host: Mapping[str, str] = field(default_factory=dict)
    tools: Mapping[str, str] = field(default_factory=dict)

    @property
    def outcome(self) -> str:
        """That of all checks together."""
        return overall([check.outcome for check in self.checks])
