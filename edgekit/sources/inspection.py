"""What a file is, what can be made of it, and what is wrong with it: one value for each kind of file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from ..values.show import Shown

if TYPE_CHECKING:
    from ..formats.tfjs.shards import Shard
    from ..formats.tflite.audit import OperatorRow
    from ..formats.tflite.readers import Finding


@dataclass(frozen=True, kw_only=True)
class Port:
    """A tensor that goes in or out. shape: −1 for an open size, None where it is unknown. dtype: '' where unknown.

    scale, zero_point: of a quantised tensor. meaning: what it is, whatever its name says.
    """

    name: str
    dtype: str
    shape: tuple[int, ...] | None
    scale: tuple[float, ...] = ()
    zero_point: tuple[int, ...] = ()
    meaning: str = ""


@dataclass(frozen=True, kw_only=True)
class Anchors:
    """count: number of boxes. origin: where they come from."""

    count: int
    origin: str


@dataclass(frozen=True, kw_only=True)
class Ranges:
    """Fake-quants of a graph: how many, over how many layers with weights, and which layers lack a range."""

    fake_quants: int
    layers: int
    missing_weights: tuple[str, ...]
    missing_activations: tuple[str, ...]
    asymmetric_weights: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Outlook:
    """Whether a recipe will work on this source; if not, why, and what to do."""

    recipe: str
    works: bool
    why: str = ""
    fix: str = ""


@dataclass(frozen=True, kw_only=True)
class GraphInspection(Shown):
    """A TensorFlow graph. what: a sentence. heads: raw box encodings and class predictions, where they were found.

    postprocess: the node's attributes as they stand in the file. trouble: why ``convert`` would refuse it whatever
    the recipe, '' where it would not.
    """

    kind: ClassVar[str] = "graph"
    path: Path
    bytes: int
    sha256: str
    what: str
    producer: int
    inputs: tuple[Port, ...]
    heads: tuple[Port, ...]
    outputs: tuple[Port, ...]
    postprocess: Mapping[str, Any] | None
    anchors: Anchors | None
    ranges: Ranges
    operators: Mapping[str, int]
    recipes: tuple[Outlook, ...]
    trouble: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class TfliteInspection(Shown):
    """A .tflite file. outputs carry their true meaning, by the ports of the post-processing op where there is one.

    integer_operators, integer_macs: share of the operators and of the multiply-adds that are integer, in [0, 1];
    None where there are none. float_operators: name of every operator that is not integer, with its output.
    """

    kind: ClassVar[str] = "tflite"
    path: Path
    bytes: int
    sha256: str
    what: str
    description: str
    subgraphs: int
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    signatures: tuple[str, ...]
    operators: tuple[OperatorRow, ...]
    integer_operators: float | None
    integer_macs: float | None
    macs: int
    float_operators: tuple[str, ...]
    postprocess: Mapping[str, Any] | None
    anchors: Anchors | None
    metadata: Mapping[str, Any] | None
    other_metadata: tuple[str, ...]
    files: Mapping[str, int] = field(default_factory=dict)
    labels: tuple[str, ...] = ()
    readers: tuple[Finding, ...] = ()
    recipes: tuple[Outlook, ...] = ()
    trouble: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class StoredWeights:
    """Weights that are stored in one type. values: numbers in them. bytes: None for texts, which differ in length."""

    dtype: str
    count: int
    values: int
    bytes: int | None


@dataclass(frozen=True, kw_only=True)
class TfjsInspection(Shown):
    """A graph model of TensorFlow.js. bytes: of model.json and all shards. sha256: of model.json.

    generated_by, converted_by: the TensorFlow and the converter that made it, as it says. without_kernels: ops that a
    backend of TensorFlow.js cannot run → those backends. trouble: as of a graph.
    """

    kind: ClassVar[str] = "tfjs"
    path: Path
    bytes: int
    sha256: str
    what: str
    generated_by: str
    converted_by: str
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    operators: Mapping[str, int]
    weights: tuple[StoredWeights, ...]
    shards: tuple[Shard, ...]
    without_kernels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    recipes: tuple[Outlook, ...] = ()
    trouble: str = ""
    notes: tuple[str, ...] = ()


Inspection = GraphInspection | TfliteInspection | TfjsInspection
