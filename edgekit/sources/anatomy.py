"""What the parts of a TensorFlow graph are: input, raw heads, post-processing, anchors, and which network it is.

Recognised are SSD detectors as the Object Detection API exported them for TFLite, by their post-processing node or by
the names of their raw outputs; other graphs are named where they can be, so that a refusal says what it refuses.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import UsageError
from ..formats.graphdef.fakequant import FAKE_QUANTS, FUSED
from ..formats.graphdef.graph import PASSING, Graph, producer
from ..formats.graphdef.proto import NodeDef, attribute
from ..formats.graphdef.shapes import Shape, constant_shape, placeholder_shape, shapes
from ..formats.graphdef.writer import ANCHORS, BOXES, INPUT, POSTPROCESS, SCORES

RAW_OUTPUTS = (BOXES, SCORES)
MIN_PAIRS = 10  # depthwise and pointwise pairs; MobileNet v1 has 13, v2 has 17

# What only such graphs have, ops or beginnings of node names; the first that fits names the graph.
STRANGERS = (
    ("a two-stage detector (Faster R-CNN or Mask R-CNN)", ("CropAndResize",), ("SecondStage", "FirstStage")),
    ("a detector with the Object Detection API's own pre- and post-processing", (), ("detection_boxes",)),
    ("a retrained classifier", (), ("final_result",)),
    ("a training graph or one that is not frozen", ("VariableV2", "VarHandleOp", "Variable"), ()),
)
SCORE_ACTIVATIONS = {"Sigmoid": "sigmoid", "Softmax": "softmax"}
MOVES = ("Reshape", "Squeeze", "ExpandDims", "ConcatV2", "Transpose", *PASSING, *FAKE_QUANTS)


@dataclass(frozen=True, kw_only=True)
class Anatomy:
    """boxes, scores: references to the raw heads, '' where there are none; a classifier has scores alone. anchors: the
    node that holds them.

    trouble: why the post-processing cannot be used, '' where it can or where there is none.
    """

    graph: Graph
    shapes: Mapping[str, Shape | None]
    postprocess: NodeDef | None
    boxes: str
    scores: str
    anchors: NodeDef | None
    trouble: str = ""

    def shape(self, reference: str) -> Shape | None:
        """Static shape behind a reference to a first output."""
        return self.shapes.get(reference.removesuffix(":0"))

    @property
    def heads(self) -> tuple[str, ...]:
        """References to what the graph answers with."""
        return tuple(reference for reference in (self.boxes, self.scores) if reference)

    @property
    def what(self) -> str:
        """The graph in a few words."""
        if self.boxes:
            network = "MobileNet" if is_mobilenet(self.graph) else "network not recognised"
            ending = "with its post-processing node" if self.postprocess is not None else "without post-processing"
            return f"an SSD detector ({network}), {ending}"
        if self.postprocess is not None:
            return "a detector with post-processing that edgekit does not know"
        return _stranger(self.graph) or _plain(self)


def dissect(graph: Graph, outputs: tuple[str, ...] = ()) -> Anatomy:
    """Find the parts. outputs: boxes and scores by name, or scores alone, for graphs with names of their own.

    Raises UsageError for names that the graph does not have.
    """
    nodes = list(graph.of_op(POSTPROCESS))
    postprocess = nodes[0] if nodes else None
    boxes, scores, anchors, trouble = "", "", graph.nodes.get(ANCHORS), ""
    if postprocess is not None:
        ports = [reference for reference in postprocess.input if not reference.startswith("^")]
        if len(nodes) > 1 or len(ports) != 3:
            trouble = f"The graph has {len(nodes)} × {POSTPROCESS} with {len(ports)} inputs, not one with 3."
        else:
            boxes, scores, anchors = ports[0], ports[1], graph.resolve(graph.nodes[producer(ports[2])])
    elif all(name in graph.nodes for name in RAW_OUTPUTS):
        boxes, scores = RAW_OUTPUTS
    known = shapes(graph)
    if outputs:
        boxes, scores = _named(graph, outputs)
    elif not boxes and postprocess is None:
        scores = _class_scores(graph, known)
    is_table = anchors is not None and anchors.op == "Const"
    return Anatomy(
        graph=graph,
        shapes=known,
        postprocess=postprocess,
        boxes=boxes,
        scores=scores,
        anchors=anchors if is_table else None,
        trouble=trouble,
    )


def _named(graph: Graph, outputs: tuple[str, ...]) -> tuple[str, str]:
    if len(outputs) > 2:
        raise UsageError(
            f"--outputs names {len(outputs)} nodes.",
            fix="Name two, the box encodings and then the class predictions, or the scores of a classifier alone.",
        )
    if unknown := [name for name in outputs if producer(name) not in graph.nodes]:
        raise UsageError(
            f"The graph has no node {', '.join(unknown)}.",
            fix=f"Nodes that nothing follows are: {', '.join(node.name for node in last_nodes(graph)[:8])}",
        )
    return (outputs[0], outputs[1]) if len(outputs) == 2 else ("", outputs[0])


def _class_scores(graph: Graph, known: Mapping[str, Shape | None]) -> str:
    """The node with a classifier's scores: the only end of a graph that takes one picture; '' where it is none."""
    ends = last_nodes(graph)
    shape = known.get(ends[0].name) if len(ends) == 1 else None
    pictures = [placeholder_shape(node) for node in graph.of_op("Placeholder")]
    takes_picture = len(pictures) == 1 and pictures[0] is not None and len(pictures[0]) == 4
    return ends[0].name if takes_picture and shape and len(shape) == 2 and not _stranger(graph) else ""


def last_nodes(graph: Graph) -> list[NodeDef]:
    """Nodes whose result no other node takes: what a graph was made for."""
    return [node for node in graph.message.node if not graph.consumers[node.name] and node.op not in ("NoOp", "Const")]


def find_input(graph: Graph, name: str = "") -> NodeDef:
    """The node that takes the picture: the one named, the exporter's, or the only Placeholder.

    Raises UsageError where it has to be said.
    """
    if name:
        if producer(name) not in graph.nodes:
            raise UsageError(f"The graph has no node {name}.", fix=f"Its placeholders are: {_placeholders(graph)}")
        return graph.nodes[producer(name)]
    found = [node for node in graph.of_op("Placeholder") if node.name == INPUT] or list(graph.of_op("Placeholder"))
    if len(found) != 1:
        raise UsageError(
            f"The graph has {len(found)} placeholders; which one takes the picture?",
            fix=f"Say it with --input: {_placeholders(graph)}",
        )
    return found[0]


def _placeholders(graph: Graph) -> str:
    return ", ".join(node.name for node in graph.of_op("Placeholder")) or "none"


def score_activation(anatomy: Anatomy) -> str:
    """What the graph applies to its scores itself: sigmoid, softmax, or '' where none is seen."""
    node = anatomy.graph.nodes[producer(anatomy.scores)]
    for _ in range(len(MOVES)):
        if node.op in SCORE_ACTIVATIONS:
            return SCORE_ACTIVATIONS[node.op]
        sources = anatomy.graph.inputs(node)
        if node.op not in MOVES or not sources:
            break
        node = sources[0]
    return ""


def is_mobilenet(graph: Graph) -> bool:
    """Whether this is an SSD on a MobileNet of the Object Detection API, whose input is pixel / 127.5 − 1.

    By its names, FeatureExtractor/Mobilenet…; or, where names were lost, by its structure: a first 3×3 convolution of
    stride 2 on the picture, then at least MIN_PAIRS 3×3 depthwise convolutions, each followed by a pointwise one, and
    nothing that resizes. EfficientDet and MobileNet v3, which also alternate, have 5×5 kernels or resize.
    """
    if any(name.startswith("FeatureExtractor/Mobilenet") for name in graph.nodes):
        return True
    depthwise = list(graph.of_op("DepthwiseConv2dNative"))
    pairs = sum(_kernel(graph, node) == (3, 3) and _feeds_pointwise(graph, node) for node in depthwise)
    resizes = any(node.op.startswith("Resize") for node in graph.message.node)
    return pairs >= MIN_PAIRS and pairs == len(depthwise) and not resizes and _begins_with_stem(graph)


def _begins_with_stem(graph: Graph) -> bool:
    users = [user for node in graph.of_op("Placeholder") for user in graph.consumers[node.name]]
    stems = [node for node in users if node.op == "Conv2D"]
    return len(stems) == 1 and _kernel(graph, stems[0]) == (3, 3) and list(_strides(stems[0])) == [1, 2, 2, 1]


def _strides(node: NodeDef) -> Any:
    return attribute(node, "strides").list.i


def _kernel(graph: Graph, layer: NodeDef) -> tuple[int, ...]:
    """Height and width of a layer's kernel; () where they are not stored."""
    node = graph.input(layer, 1)
    for _ in range(8):  # fake-quant, Mul of a folded batch norm, Reshape: never more
        if node is None or node.op == "Const":
            break
        node = graph.input(node, 0)
    return constant_shape(node)[:2] if node is not None and node.op == "Const" else ()


def _feeds_pointwise(graph: Graph, layer: NodeDef) -> bool:
    node = layer
    for _ in range(8):  # bias, batch norm, activation and fake-quant stand between
        users = [user for user in graph.consumers[node.name] if user.op == "Conv2D"]
        if users:
            return any(_kernel(graph, user) == (1, 1) for user in users)
        onwards = [u for u in graph.consumers[node.name] if u.op in (*FUSED, *MOVES, "Add", "AddV2", "Mul")]
        if not onwards:
            return False
        node = onwards[0]
    return False


def _stranger(graph: Graph) -> str:
    """What a graph is that edgekit does not convert; '' where nothing tells."""
    for what, ops, names in STRANGERS:
        if any(node.op in ops or node.name.startswith(names) for node in graph.message.node if ops or names):
            return what
    return ""


def _plain(anatomy: Anatomy) -> str:
    shape = anatomy.shape(anatomy.scores) if anatomy.scores else None
    if anatomy.scores:
        return f"a classifier of {shape[-1]} classes" if shape else "a classifier"
    return "a graph in which no head of a detector was recognised"
