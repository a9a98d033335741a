"""Static shapes of a graph's tensors, as far as the layers of image models need: the first output of each node.

An unknown size is −1, a wholly unknown shape is None. An op without a rule has an unknown shape, never a wrong one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from ...errors import SourceError
from .fakequant import FAKE_QUANTS
from .graph import PASSING, Graph, producer
from .proto import NodeDef, attribute, constant

Shape = tuple[int, ...]
UNKNOWN = -1
MAX_LIST = 64  # longest tensor whose values are followed: shapes and axes have a few
MAX_RANK = 64  # numpy's limit; no kernel takes as many
MAX_SIZE = 2**31 - 1

ALIKE = frozenset(
    {
        *PASSING,
        *FAKE_QUANTS,
        *("BiasAdd", "Relu", "Relu6", "Elu", "LeakyRelu", "Sigmoid", "Softmax", "Tanh", "Rsqrt", "Sqrt", "Exp", "Neg"),
        *("FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3", "Cast", "LRN", "Log", "Square", "Abs", "Floor"),
    }
)
BROADCAST = frozenset({"Add", "AddV2", "Sub", "Mul", "RealDiv", "Maximum", "Minimum", "SquaredDifference", "Div"})


@dataclass
class _Known:
    """What is known so far. values: of small integer tensors, with None for an unknown item."""

    graph: Graph
    shapes: dict[str, Shape | None] = field(default_factory=dict)
    values: dict[str, list[int | None]] = field(default_factory=dict)

    def input_shapes(self, node: NodeDef) -> list[Shape | None]:
        references = [reference for reference in node.input if not reference.startswith("^")]
        # a second output has a shape of its own
        return [None if ":" in r.removesuffix(":0") else self.shapes.get(producer(r)) for r in references]

    def shape(self, node: NodeDef, index: int) -> Shape | None:
        found = self.input_shapes(node)
        return found[index] if index < len(found) else None

    def input_values(self, node: NodeDef) -> list[list[int | None] | None]:
        return [self.values.get(source.name) for source in self.graph.inputs(node)]

    def value(self, node: NodeDef, index: int) -> list[int | None] | None:
        found = self.input_values(node)
        return found[index] if index < len(found) else None


def shapes(graph: Graph) -> Mapping[str, Shape | None]:
    """The shape of every node's first output by name."""
    known = _Known(graph)
    for node in graph.ordered():
        try:
            shape = _shape(known, node)
            known.shapes[node.name] = shape if shape is None or _is_possible(shape) else None
            values = _values(known, node)
        except (IndexError, ValueError, ZeroDivisionError, OverflowError, SourceError):
            # A node whose inputs do not fit its op: nothing is known of it.
            known.shapes[node.name], values = None, None
        if values is not None and len(values) <= MAX_LIST:
            known.values[node.name] = values
    return known.shapes


def _is_possible(shape: Shape) -> bool:
    """Whether a tensor can have this shape; without bounds a small file could describe shapes that fill the memory."""
    return len(shape) <= MAX_RANK and all(UNKNOWN <= size <= MAX_SIZE for size in shape)


def _shape(known: _Known, node: NodeDef) -> Shape | None:
    if node.op in ALIKE:
        return known.shape(node, 0)
    if node.op in BROADCAST:
        return _broadcast(known.shape(node, 0), known.shape(node, 1))
    rule = RULES.get(node.op)
    return rule(known, node) if rule else None


def placeholder_shape(node: NodeDef) -> Shape | None:
    """The shape that a Placeholder declares; None where it leaves the rank open."""
    if "shape" not in node.attr or attribute(node, "shape").shape.unknown_rank:
        return None
    return tuple(max(dim.size, UNKNOWN) for dim in attribute(node, "shape").shape.dim)


def constant_shape(node: NodeDef) -> Shape:
    return tuple(dim.size for dim in attribute(node, "value").tensor.tensor_shape.dim)


def _convolution(known: _Known, node: NodeDef) -> Shape | None:
    image, kernel = known.shape(node, 0), known.shape(node, 1)
    if image is None or kernel is None or len(image) != 4 or len(kernel) != 4:
        return None
    if node.op == "DepthwiseConv2dNative":
        channels = UNKNOWN if UNKNOWN in kernel[2:] else kernel[2] * kernel[3]
    else:
        channels = kernel[3]
    return _slid(node, image, kernel[:2], channels)


def _pool(known: _Known, node: NodeDef) -> Shape | None:
    image = known.shape(node, 0)
    if image is None or len(image) != 4:
        return None
    window = list(attribute(node, "ksize").list.i)
    return _slid(node, image, (window[1], window[2]), image[3])


def _slid(node: NodeDef, image: Shape, kernel: Sequence[int], channels: int) -> Shape | None:
    """Shape of a window slid over an NHWC image. Formula: https://www.tensorflow.org/api_docs/python/tf/nn."""
    if attribute(node, "data_format").s not in (b"", b"NHWC"):
        return None
    strides = list(attribute(node, "strides").list.i)
    dilations = list(attribute(node, "dilations").list.i) or [1] * 4
    padding = attribute(node, "padding").s
    sizes = []
    for axis, window in zip((1, 2), kernel, strict=True):
        size, stride, reach = image[axis], strides[axis], (window - 1) * dilations[axis] + 1
        if size == UNKNOWN or window < 1 or padding not in (b"SAME", b"VALID"):
            sizes.append(UNKNOWN)
        else:
            sizes.append(-(-(size if padding == b"SAME" else size - reach + 1) // stride))
    return image[0], sizes[0], sizes[1], channels


def _reshape(known: _Known, node: NodeDef) -> Shape | None:
    before, wanted = known.shape(node, 0), known.value(node, 1)
    if wanted is None:
        target = known.shape(node, 1)
        return (UNKNOWN,) * target[0] if target and 0 < target[0] <= MAX_LIST else None
    sizes = [UNKNOWN if size is None else size for size in wanted]
    if sizes.count(UNKNOWN) == 1 and before is not None and UNKNOWN not in before:
        rest = math.prod(size for size in sizes if size != UNKNOWN)
        sizes[sizes.index(UNKNOWN)] = math.prod(before) // rest
    return tuple(sizes)


def _concat(known: _Known, node: NodeDef) -> Shape | None:
    parts, axis = known.input_shapes(node)[:-1], known.input_values(node)[-1]
    present = [part for part in parts if part is not None]
    if len(present) < len(parts) or not present or not axis or axis[0] is None:
        return None
    if len({len(part) for part in present}) != 1:
        return None
    sizes = [max(column) for column in zip(*present, strict=True)]
    along = [part[axis[0]] for part in present]
    sizes[axis[0]] = UNKNOWN if UNKNOWN in along else sum(along)
    return tuple(sizes)


def _squeeze(known: _Known, node: NodeDef) -> Shape | None:
    shape = known.shape(node, 0)
    if shape is None:
        return None
    axes = [axis % len(shape) for axis in attribute(node, "squeeze_dims").list.i]
    if not axes and UNKNOWN in shape:
        return None
    return tuple(size for i, size in enumerate(shape) if i not in axes and (axes or size != 1))


def _expand(known: _Known, node: NodeDef) -> Shape | None:
    shape, axis = known.shape(node, 0), known.value(node, 1)
    if shape is None or not axis or axis[0] is None:
        return None
    place = axis[0] % (len(shape) + 1)
    return (*shape[:place], 1, *shape[place:])


def _transpose(known: _Known, node: NodeDef) -> Shape | None:
    shape, order = known.shape(node, 0), known.value(node, 1)
    return None if shape is None or order is None or None in order else tuple(shape[i] for i in order if i is not None)


def _mean(known: _Known, node: NodeDef) -> Shape | None:
    shape, axes = known.shape(node, 0), known.value(node, 1)
    if shape is None or axes is None or None in axes:
        return None
    gone = {axis % len(shape) for axis in axes if axis is not None}
    kept = attribute(node, "keep_dims").b
    return tuple(1 if i in gone else size for i, size in enumerate(shape) if kept or i not in gone)


def _pad(known: _Known, node: NodeDef) -> Shape | None:
    shape, amounts = known.shape(node, 0), known.value(node, 1)
    if shape is None or amounts is None or len(amounts) != 2 * len(shape) or None in amounts:
        return None
    extra = [(amounts[2 * i] or 0) + (amounts[2 * i + 1] or 0) for i in range(len(shape))]
    return tuple(UNKNOWN if size == UNKNOWN else size + more for size, more in zip(shape, extra, strict=True))


def _matmul(known: _Known, node: NodeDef) -> Shape | None:
    left, right = known.shape(node, 0), known.shape(node, 1)
    if left is None or right is None or len(left) != 2 or len(right) != 2:
        return None
    flips = [attribute(node, "transpose_a").b, attribute(node, "transpose_b").b]
    return left[1 if flips[0] else 0], right[0 if flips[1] else 1]


def _resize(known: _Known, node: NodeDef) -> Shape | None:
    image, size = known.shape(node, 0), known.value(node, 1)
    if image is None or len(image) != 4 or size is None or len(size) != 2:
        return None
    height, width = (UNKNOWN if item is None else item for item in size)
    return image[0], height, width, image[3]


def _length(known: _Known, node: NodeDef) -> Shape | None:
    values = _values(known, node)
    return None if values is None else (len(values),)


def _broadcast(left: Shape | None, right: Shape | None) -> Shape | None:
    if left is None or right is None:
        return None
    rank = max(len(left), len(right))
    pairs = zip((1,) * (rank - len(left)) + left, (1,) * (rank - len(right)) + right, strict=True)
    return tuple(b if a == 1 else a if b in (1, a) else UNKNOWN if UNKNOWN in (a, b) else max(a, b) for a, b in pairs)


RULES: Mapping[str, Callable[[_Known, NodeDef], Shape | None]] = {
    "Placeholder": lambda _, node: placeholder_shape(node),
    "Const": lambda _, node: constant_shape(node),
    "Conv2D": _convolution,
    "DepthwiseConv2dNative": _convolution,
    "MaxPool": _pool,
    "AvgPool": _pool,
    "Reshape": _reshape,
    "ConcatV2": _concat,
    "Squeeze": _squeeze,
    "ExpandDims": _expand,
    "Transpose": _transpose,
    "Mean": _mean,
    "Pad": _pad,
    "MatMul": _matmul,
    "ResizeBilinear": _resize,
    "ResizeNearestNeighbor": _resize,
    "Shape": _length,
    "Pack": _length,
    "StridedSlice": _length,
}


def _values(known: _Known, node: NodeDef) -> list[int | None] | None:
    """The items of a small integer tensor: what shapes are computed from. None where they cannot be followed."""
    if node.op in PASSING or node.op == "Cast":
        return known.value(node, 0)
    if node.op == "Const":
        return _constant_values(node)
    if node.op == "Shape":
        shape = known.shape(node, 0)
        return None if shape is None else [None if size == UNKNOWN else size for size in shape]
    if node.op == "Pack":
        return [item[0] if item is not None and len(item) == 1 else None for item in known.input_values(node)]
    if node.op == "StridedSlice":
        return _slice(known, node)
    return None


def _constant_values(node: NodeDef) -> list[int | None] | None:
    if math.prod(constant_shape(node)) > MAX_LIST:
        return None
    array = constant(node)
    return None if array.dtype.kind not in "iu" else [int(item) for item in array.ravel()]


def _slice(known: _Known, node: NodeDef) -> list[int | None] | None:
    """One item, or a run of items, of a list; masks as TensorFlow's StridedSlice has them."""
    items, parts = known.value(node, 0), [known.value(node, i) for i in (1, 2, 3)]
    if items is None or any(part is None or len(part) != 1 for part in parts):
        return None
    begin, end, step = (part[0] if part else None for part in parts)
    if begin is None or end is None or step is None:
        return None
    if attribute(node, "shrink_axis_mask").i & 1:
        return [items[begin]]
    start = None if attribute(node, "begin_mask").i & 1 else begin
    return items[start : None if attribute(node, "end_mask").i & 1 else end : step]
