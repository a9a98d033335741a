"""A model as every source hands it over: cut at the raw heads, with its specification, stored in one folder."""

from dataclasses import dataclass
from pathlib import Path

from .show import Shown
from .spec import ModelSpec, RawHead, expect, expect_inside

KINDS = ("fake-quant", "none", "integer", "float16")


@dataclass(frozen=True, kw_only=True)
class Source:
    """Where a model came from. kind: tf1-frozen, tflite, …; sha256 of the file's bytes."""

    kind: str
    name: str
    sha256: str


@dataclass(frozen=True, kw_only=True)
class Quantisation:
    """What the source says of its own quantisation.

    kind: fake-quant (ranges in the graph), integer (a quantised file), float16 or none.
    missing: operations that lack a weight or an activation range, by name. symmetric: whether all weight ranges
    are symmetric, as int8 needs. weights, activations: the types that a finished file keeps, '' for a graph.
    """

    kind: str
    missing: tuple[str, ...] = ()
    symmetric: bool = False
    weights: str = ""
    activations: str = ""

    def __post_init__(self) -> None:
        expect(self.kind in KINDS, "quantisation", f"one of {', '.join(KINDS)}", self.kind)


@dataclass(frozen=True, kw_only=True)
class Model(Shown):
    """A folder with the cut graph (``file``), ``model.json`` (this value) and, for a detector, its anchors.

    assumptions: sentences about what was taken and not read from the source.
    """

    root: Path
    file: str
    spec: ModelSpec
    quantisation: Quantisation
    source: Source
    assumptions: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        expect_inside(self.file)

    @property
    def path(self) -> Path:
        return self.root / self.file

    @property
    def files(self) -> tuple[str, ...]:
        """Names of the files that it consists of, besides ``model.json``."""
        head = self.spec.head
        return (self.file, head.anchors) if isinstance(head, RawHead) else (self.file,)
