"""What a .tflite file computes in integers and what in floating point, read from the tensors' real types."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from .reader import Operator, Subgraph, Tensor, TfliteModel

FLOATS = frozenset({"float32", "float16", "float64", "bfloat16", "float8_e4m3fn", "float8_e5m2"})
KINDS = ("integer", "boundary", "hybrid", "float")


@dataclass(frozen=True, kw_only=True, order=True)
class OperatorRow:
    """Operators that are alike. weights: '' where the operator has none. macs: multiply-adds of all of them together.

    kind: integer (no floating point goes in or out), boundary (QUANTIZE and DEQUANTIZE between both worlds), hybrid
    (floating-point activations, integer weights: the weights are small, the arithmetic is not integer), float.
    """

    operator: str
    version: int
    inputs: tuple[str, ...]
    weights: str
    outputs: tuple[str, ...]
    kind: str
    custom: bool
    count: int
    macs: int


@dataclass(frozen=True, kw_only=True)
class FloatOperator:
    """An operator that is not integer. output: name of its first output tensor, which says where in the network."""

    subgraph: int
    index: int
    operator: str
    kind: str
    output: str


@dataclass(frozen=True, kw_only=True)
class Audit:
    """The table of operators, largest share of the work first, and every operator that is not integer."""

    rows: tuple[OperatorRow, ...]
    floats: tuple[FloatOperator, ...]

    @property
    def operators(self) -> int:
        return sum(row.count for row in self.rows)

    @property
    def integer_operators(self) -> int:
        return sum(row.count for row in self.rows if row.kind == "integer")

    @property
    def macs(self) -> int:
        return sum(row.macs for row in self.rows)

    @property
    def integer_macs(self) -> int:
        return sum(row.macs for row in self.rows if row.kind == "integer")

    @property
    def integer_operator_share(self) -> float:
        """Part of the operators that are integer; 1 for a file without any."""
        return self.integer_operators / self.operators if self.operators else 1.0

    @property
    def integer_mac_share(self) -> float | None:
        """Part of the multiply-adds that are integer; None where no operator has any."""
        return self.integer_macs / self.macs if self.macs else None


def audit(model: TfliteModel) -> Audit:
    """Every operator of every subgraph by name, version and types. Multiply-adds come from the stored shapes."""
    counts: Counter[tuple[str, int, tuple[str, ...], str, tuple[str, ...], str, bool]] = Counter()
    macs: Counter[tuple[str, int, tuple[str, ...], str, tuple[str, ...], str, bool]] = Counter()
    floats = []
    for number, graph in enumerate(model.subgraphs):
        unpacked = _unpacked_constants(graph)
        for operator in graph.operators:
            weights = _weights(operator, graph, unpacked)
            inputs = _types(_activations(operator.inputs, graph, unpacked))
            outputs = _types(_tensors(operator.outputs, graph))
            kind = _kind(operator, inputs, outputs, weights)
            key = (operator.name, operator.version, inputs, weights, outputs, kind, operator.custom)
            counts[key] += 1
            macs[key] += _macs(operator, graph)
            if kind != "integer":
                name = next((tensor.name for tensor in _tensors(operator.outputs, graph)), "")
                floats.append(
                    FloatOperator(subgraph=number, index=operator.index, operator=operator.name, kind=kind, output=name)
                )
    rows = [
        OperatorRow(
            operator=name,
            version=version,
            inputs=inputs,
            weights=weights,
            outputs=outputs,
            kind=kind,
            custom=custom,
            count=count,
            macs=macs[name, version, inputs, weights, outputs, kind, custom],
        )
        for (name, version, inputs, weights, outputs, kind, custom), count in counts.items()
    ]
    return Audit(rows=tuple(sorted(rows, key=lambda row: (-row.macs, -row.count, row))), floats=tuple(floats))


def _kind(operator: Operator, inputs: Sequence[str], outputs: Sequence[str], weights: str) -> str:
    types = {*inputs, *outputs}
    if not types & FLOATS:
        return "integer"
    if operator.name in ("QUANTIZE", "DEQUANTIZE") and types - FLOATS:
        return "boundary"
    return "hybrid" if weights and weights not in FLOATS else "float"


def _tensors(indices: Iterable[int], graph: Subgraph) -> list[Tensor]:
    return [graph.tensors[i] for i in indices if i >= 0]


def _types(tensors: Iterable[Tensor]) -> tuple[str, ...]:
    """Types without repetition, in order of appearance."""
    return tuple(dict.fromkeys(tensor.dtype for tensor in tensors))


def _unpacked_constants(graph: Subgraph) -> Mapping[int, Tensor]:
    """Constants that are stored small and dequantised at load, by the tensor that the other operators see."""
    unpacking = [op for op in graph.operators if op.name in ("DEQUANTIZE", "DENSIFY") and op.inputs and op.outputs]
    stored = {op.outputs[0]: graph.tensors[op.inputs[0]] for op in unpacking if op.inputs[0] >= 0}
    return {index: tensor for index, tensor in stored.items() if tensor.has_data}


def _activations(indices: Sequence[int], graph: Subgraph, unpacked: Mapping[int, Tensor]) -> list[Tensor]:
    """What flows: constants are left out, unless there is nothing else."""
    tensors = _tensors(indices, graph)
    return [t for t in tensors if not t.has_data and t.index not in unpacked] or tensors[:1]


def _weights(operator: Operator, graph: Subgraph, unpacked: Mapping[int, Tensor]) -> str:
    """Type in which the file stores an operator's weights, '' where it has none."""
    index = operator.inputs[1] if operator.name in _MACS and len(operator.inputs) > 1 else -1
    if index < 0:
        return ""
    stored = unpacked.get(index, graph.tensors[index])
    return stored.dtype if stored.has_data else ""


def _macs(operator: Operator, graph: Subgraph) -> int:
    """Multiply-adds of one operator; 0 for kinds that have none and for shapes that are not known."""
    count = _MACS.get(operator.name)
    places = (*operator.inputs[:2], *operator.outputs[:1])
    if count is None or operator.custom or len(places) < 3 or min(places) < 0:
        return 0
    left, right, out = (graph.tensors[i].shape for i in places)
    if operator.name == "TRANSPOSE_CONV":  # its first input is the output's shape
        left = graph.tensors[operator.inputs[2]].shape if len(operator.inputs) > 2 and operator.inputs[2] >= 0 else ()
    rank = _RANKS[operator.name]
    if (rank and len(right) != rank) or not out or not left:
        return 0
    return count(left, right, out)


Shape = tuple[int, ...]


def _convolution(left: Shape, weights: Shape, out: Shape) -> int:
    """weights [out, height, width, in / groups]"""
    return math.prod(out) * math.prod(weights[1:])


def _depthwise(left: Shape, weights: Shape, out: Shape) -> int:
    """weights [1, height, width, out]"""
    return math.prod(out) * weights[1] * weights[2]


def _transposed(left: Shape, weights: Shape, out: Shape) -> int:
    """weights [out, height, width, in]: every input value meets every weight of its channel."""
    return math.prod(left) * math.prod(weights[:3])


def _dense(left: Shape, weights: Shape, out: Shape) -> int:
    """weights [units, in]"""
    return math.prod(out) * weights[1]


def _matmul(left: Shape, right: Shape, out: Shape) -> int:
    """[…, m, k] × […, k, n]. Whether the left one is transposed shows in the output; where it does not, m equals k."""
    if len(left) < 2 or len(out) < 2:
        return 0
    return math.prod(out) * (left[-1] if left[-2] == out[-2] else left[-2])


_MACS = {
    "CONV_2D": _convolution,
    "DEPTHWISE_CONV_2D": _depthwise,
    "FULLY_CONNECTED": _dense,
    "TRANSPOSE_CONV": _transposed,
    "BATCH_MATMUL": _matmul,
}
_RANKS = {"CONV_2D": 4, "DEPTHWISE_CONV_2D": 4, "FULLY_CONNECTED": 2, "TRANSPOSE_CONV": 4, "BATCH_MATMUL": 0}
