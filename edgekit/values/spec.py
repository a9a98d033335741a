"""What goes into a model and what comes out of it: the part that every source, target, runtime and app shares."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from .show import Shown

ACTIVATIONS = ("none", "sigmoid", "softmax")
COLOURS = {"RGB": 3, "BGR": 3, "GRAY": 1}
DTYPES = ("float32", "uint8", "int8")
TASKS = ("detection", "classification")
IMAGE, BOXES, SCORES = "image", "boxes", "scores"  # plain names that edgekit gives to the tensors of a file
MAX_COUNT = 2**31 - 1  # the kernel's options are int32
MAX_ROWS = 1_000_000  # of an answer: more than any picture shows, and less than the kernel's memory
USUAL = 127.5  # mean and std of most networks: pixel / 127.5 − 1 lies in [-1, 1]
GIVE_NORMALISATION = f"Give mean and std in pixel units, such as --mean {USUAL} --std {USUAL}."


def expect(condition: bool, what: str, expected: str, got: object) -> None:
    """Raise ValueError that says expected and got, unless the condition holds."""
    if not condition:
        raise ValueError(f"{what}: expected {expected}, got {got!r}")


def expect_inside(path: str) -> None:
    """Raise ValueError unless a path names something inside its folder on every system; ':' is a drive on Windows."""
    inside = bool(path) and not path.startswith("/") and ".." not in path.split("/")
    expect(inside and not any(mark in path for mark in "\\:\0"), "path", "relative, inside its folder", path)


def expect_normalisation(mean: Sequence[float], std: Sequence[float]) -> None:
    """Raise ValueError unless mean and std are equally many finite numbers, those of std above 0."""
    expect(len(mean) == len(std), "mean and std", "as many numbers of one as of the other", (mean, std))
    expect(all(map(math.isfinite, (*mean, *std))), "mean and std", "finite numbers", (mean, std))
    expect(all(value > 0 for value in std), "std", "numbers above 0", std)


@dataclass(frozen=True, kw_only=True)
class Resize:
    """How a picture becomes the input size. docs/formats/preprocessing.md specifies it to the rounding."""

    fit: str = "stretch"
    filter: str = "bilinear"
    centres: str = "half-pixel"
    antialias: bool = False

    def __post_init__(self) -> None:
        only = ("stretch", "bilinear", "half-pixel", False)
        got = (self.fit, self.filter, self.centres, self.antialias)
        expect(got == only, "resize", f"(fit, filter, centres, antialias) = {only}", got)


@dataclass(frozen=True, kw_only=True)
class Encoding:
    """How a tensor stores real numbers: real = (stored − zero_point) × scale; float32 stores them as they are."""

    dtype: str = "float32"
    scale: float = 1.0
    zero_point: int = 0

    def __post_init__(self) -> None:
        expect(self.dtype in DTYPES, "dtype", f"one of {', '.join(DTYPES)}", self.dtype)
        expect(self.scale > 0, "scale", "a number above 0", self.scale)
        if self.dtype == "float32":
            expect((self.scale, self.zero_point) == (1.0, 0), "float32", "scale 1, zero point 0", self)

    @property
    def limits(self) -> tuple[int, int]:
        """Smallest and largest stored value of an integer encoding."""
        return (0, 255) if self.dtype == "uint8" else (-128, 127)


@dataclass(frozen=True, kw_only=True)
class ImageInput:
    """The picture that a model takes: [1, height, width, channels], real value = (pixel − mean) / std.

    mean, std: in pixel units (0 to 255), one for all channels or one a channel.
    """

    name: str
    height: int
    width: int
    colour: str = "RGB"
    mean: tuple[float, ...]
    std: tuple[float, ...]
    resize: Resize = Resize()
    encoding: Encoding = Encoding()

    def __post_init__(self) -> None:
        expect(self.height > 0 and self.width > 0, "input size", "above 0", (self.height, self.width))
        expect(self.colour in COLOURS, "colour", f"one of {', '.join(COLOURS)}", self.colour)
        expect(len(self.mean) in (1, self.channels), "mean", f"1 or {self.channels} numbers", self.mean)
        expect_normalisation(self.mean, self.std)

    @property
    def channels(self) -> int:
        return COLOURS[self.colour]


@dataclass(frozen=True, kw_only=True)
class RawHead:
    """A detector before post-processing.

    boxes: tensor [1, N, 4] of (ty, tx, th, tw). scores: tensor [1, N, classes + background].
    anchors: file beside the model, float32 [N, 4] of (y centre, x centre, height, width), picture = [0, 1].
    box_coder: scales of (ty, tx, th, tw). activation: what the reader must still apply to the scores.
    """

    kind: ClassVar[str] = "raw"
    boxes: str
    scores: str
    anchors: str
    box_coder: tuple[float, float, float, float] = (10.0, 10.0, 5.0, 5.0)
    activation: str = "none"
    background: bool = True

    def __post_init__(self) -> None:
        expect_inside(self.anchors)
        expect(all(s > 0 for s in self.box_coder), "box_coder", "four numbers above 0", self.box_coder)
        expect(self.activation in ACTIVATIONS, "activation", f"one of {', '.join(ACTIVATIONS)}", self.activation)

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of its tensors."""
        return self.boxes, self.scores


@dataclass(frozen=True, kw_only=True)
class FinalHead:
    """A detector with TFLite_Detection_PostProcess inside the file.

    boxes [1, M, 4] (ymin, xmin, ymax, xmax), classes [1, M] without background, scores [1, M], count [1].
    order: place of (boxes, classes, scores, count) among the file's outputs.
    """

    kind: ClassVar[str] = "final"
    boxes: str = BOXES
    classes: str = "classes"
    scores: str = SCORES
    count: str = "count"
    order: tuple[int, int, int, int] = (0, 1, 2, 3)

    def __post_init__(self) -> None:
        expect(sorted(self.order) == [0, 1, 2, 3], "order", "a permutation of 0, 1, 2, 3", self.order)

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of its tensors, not in the file's order."""
        return self.boxes, self.classes, self.scores, self.count


@dataclass(frozen=True, kw_only=True)
class ClassHead:
    """A classifier. scores: tensor [1, classes]; activation: what the reader must still apply."""

    kind: ClassVar[str] = "class"
    scores: str
    activation: str = "none"

    def __post_init__(self) -> None:
        expect(self.activation in ACTIVATIONS, "activation", f"one of {', '.join(ACTIVATIONS)}", self.activation)

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of its tensors."""
        return (self.scores,)


Head = RawHead | FinalHead | ClassHead


@dataclass(frozen=True, kw_only=True)
class Selection:
    """Which decoded boxes are answers: the options of TFLite_Detection_PostProcess, with the kernel's meaning.

    score: smallest score kept, in [0, 1]. iou: overlap above which the lower box goes, in (0, 1].
    regular: one suppression a class (True) or one over the best class of each box (False).
    """

    score: float = 1e-8
    iou: float = 0.6
    max_detections: int = 10
    max_classes_per_detection: int = 1
    detections_per_class: int = 100
    regular: bool = False

    def __post_init__(self) -> None:
        expect(0 <= self.score <= 1, "score", "from 0 to 1", self.score)
        expect(0 < self.iou <= 1, "iou", "above 0, at most 1", self.iou)
        for name in ("max_detections", "max_classes_per_detection", "detections_per_class"):
            count = getattr(self, name)
            expect(isinstance(count, int) and 0 < count <= MAX_COUNT, name, f"from 1 to {MAX_COUNT}", count)
        expect(self.rows <= MAX_ROWS, "max_detections × max_classes_per_detection", f"at most {MAX_ROWS}", self.rows)

    @property
    def rows(self) -> int:
        """Rows of the op's output tensors."""
        return self.max_detections * self.max_classes_per_detection


@dataclass(frozen=True, kw_only=True)
class ModelSpec(Shown):
    """Everything about a model that an app needs besides its bytes.

    num_classes: without background. labels: one a class, '???' where an id is unused; empty when none were given.
    groups: group (a brand, say) → labels, for counts and shares.
    """

    name: str
    task: str
    input: ImageInput
    head: Head
    selection: Selection | None
    num_classes: int
    labels: tuple[str, ...] = ()
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        expect(self.task in TASKS, "task", f"one of {', '.join(TASKS)}", self.task)
        expect(self.num_classes > 0, "num_classes", "above 0", self.num_classes)
        if self.labels:
            expect(len(self.labels) == self.num_classes, "labels", f"{self.num_classes}", len(self.labels))
        if self.task == "detection":
            expect(isinstance(self.head, RawHead | FinalHead), "head", "raw or final", self.head.kind)
            expect(self.selection is not None, "selection", "present for a detector", None)

    def label(self, index: int) -> str:
        """Name of a class; its number where there is no label."""
        return self.labels[index] if 0 <= index < len(self.labels) else str(index)
