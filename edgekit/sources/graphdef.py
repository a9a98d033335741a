"""Frozen TensorFlow graphs, .pb or .pbtxt: SSD detectors as export_tflite_ssd_graph.py wrote them, and classifiers."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import EdgekitError, SourceError, UsageError
from ..formats import model as model_file
from ..formats.graphdef import proto
from ..formats.graphdef.fakequant import Coverage, coverage
from ..formats.graphdef.graph import Graph
from ..formats.graphdef.proto import NodeDef, Shape, make_graph, make_node
from ..formats.graphdef.shapes import ALIKE, BROADCAST, RULES, constant_shape, placeholder_shape
from ..formats.graphdef.writer import ANCHORS, POSTPROCESS
from ..system import read_file, write_file
from ..values.model import Model, Quantisation, Source
from ..values.spec import (
    BOXES,
    COLOURS,
    GIVE_NORMALISATION,
    SCORES,
    USUAL,
    ClassHead,
    ImageInput,
    ModelSpec,
    RawHead,
    Selection,
)
from ..values.support import display_name, name_some
from . import anatomy as parts
from . import anchors as anchor_files
from .anatomy import Anatomy, dissect, find_input
from .inspection import Anchors, GraphInspection, Port, Ranges
from .naming import Columns, count_classes, name_classes, name_model
from .options import LoadOptions
from .outlook import outlook

FILE = "graph.pb"
CONTROL = ("Enter", "Switch", "While", "StatelessWhile", "If", "StatelessIf", "LoopCond", "NextIteration")
VARIABLES = ("Variable", "VariableV2", "VarHandleOp", "ReadVariableOp")
FAMILIAR = {*RULES, *ALIKE, *BROADCAST, "NoOp", POSTPROCESS}
CALLS = ("PartitionedCall", "StatefulPartitionedCall")
_TEXT_SUFFIXES = (".pb", ".pbtxt", ".meta")
_FIRST_BYTES = b"\x0a\x12\x1a\x22\x08"  # tags of a GraphDef's, a MetaGraphDef's or a SavedModel's fields


def recognises(path: Path, head: bytes) -> bool:
    """Protocol buffers have no identifier: by suffix, by the first tag, or by the first word of the text form."""
    return bool(head) and (path.suffix in _TEXT_SUFFIXES or head[0] in _FIRST_BYTES or proto.is_text(head))


@dataclass(frozen=True, kw_only=True)
class _Parts:
    """What a graph has to say of a Model, before labels are fitted. selection, anchors: of a detector."""

    graph: Graph
    image: ImageInput
    head: RawHead | ClassHead
    num_classes: int
    selection: Selection | None = None
    anchors: NDArray[np.float32] | None = None
    assumptions: tuple[str, ...]


def load(path: Path, *, out: Path, options: LoadOptions) -> Model:
    """The graph, cut at its raw heads or at its scores, in the folder ``out``."""
    data = read_file(path)
    found = _parts(dissect(Graph.of(proto.read(data, str(path)), str(path)), options.outputs), options)
    names = name_classes(found.num_classes, options)
    spec = ModelSpec(
        name=name_model(path, options),
        task="detection" if found.selection else "classification",
        input=found.image,
        head=found.head,
        selection=found.selection,
        num_classes=found.num_classes,
        labels=names.labels,
        groups=names.groups,
    )
    model = Model(
        root=out,
        file=FILE,
        spec=spec,
        quantisation=_quantisation(coverage(found.graph)),
        source=Source(kind="tf1-frozen", name=display_name(path.name), sha256=hashlib.sha256(data).hexdigest()),
        assumptions=found.assumptions + names.notes,
    )
    write_file(out / FILE, proto.write(found.graph.message))
    if found.anchors is not None:
        write_file(out / model_file.ANCHORS, anchor_files.encode(found.anchors))
    model_file.write(model)
    return model


def _parts(anatomy: Anatomy, options: LoadOptions) -> _Parts:
    if anatomy.trouble:
        raise SourceError(anatomy.trouble, cause="edgekit knows no such post-processing.")
    if not anatomy.heads:
        raise SourceError(
            f"This is {anatomy.what}; edgekit converts SSD detectors and classifiers from graphs.",
            cause=f"It has neither the node {POSTPROCESS} nor {' and '.join(parts.RAW_OUTPUTS)}.",
            fix="Export it with export_tflite_ssd_graph.py, or name its raw heads with --outputs BOXES,SCORES.",
        )
    return _detector(anatomy, options) if anatomy.boxes else _classifier(anatomy, options)


def _classifier(anatomy: Anatomy, options: LoadOptions) -> _Parts:
    options.expect_only({"input", "outputs", "activation"}, "a graph of a classifier")
    notes: list[str] = []
    graph, image = _cut(anatomy, options, notes)
    shape = anatomy.shape(anatomy.scores)
    if shape is None or len(shape) != 2 or shape[0] not in (-1, 1) or shape[1] < 1:
        raise SourceError(
            f"The scores {anatomy.scores!r} are {'of unknown shape' if shape is None else list(shape)}.",
            cause="Those of a classifier are [1, classes].",
            fix="Name its scores with --outputs, or of a detector both heads: --outputs BOXES,SCORES",
        )
    head = ClassHead(scores=anatomy.scores, activation=_activation(anatomy, options))
    return _Parts(graph=graph, image=image, head=head, num_classes=shape[1], assumptions=tuple(notes))


def _detector(anatomy: Anatomy, options: LoadOptions) -> _Parts:
    notes: list[str] = []
    graph, image = _cut(anatomy, options, notes)
    table = _anchors(anatomy, options)
    columns = _columns(anatomy, options)
    notes += columns.notes
    selection, box_coder = _selection(anatomy, notes)
    head = RawHead(
        boxes=anatomy.boxes,
        scores=anatomy.scores,
        anchors=model_file.ANCHORS,
        box_coder=box_coder,
        activation=_activation(anatomy, options),
        background=columns.background,
    )
    return _Parts(
        graph=graph,
        image=image,
        head=head,
        selection=options.select(selection),
        num_classes=columns.num_classes,
        anchors=table,
        assumptions=tuple(notes),
    )


def _cut(anatomy: Anatomy, options: LoadOptions, notes: list[str]) -> tuple[Graph, ImageInput]:
    """The graph from its picture to its raw heads, the picture being a Placeholder of fixed size."""
    node = find_input(anatomy.graph, options.input)
    shape = placeholder_shape(node) if node.op == "Placeholder" else anatomy.shape(node.name)
    dtype = proto.dtype_name(node) if node.op == "Placeholder" else "float32"
    colours = {COLOURS[colour]: colour for colour in ("RGB", "GRAY")}
    fixed = shape is not None and len(shape) == 4 and min(shape[1:]) > 0 and shape[0] in (-1, 1)
    if shape is None or not fixed or shape[3] not in colours or dtype != "float32":
        raise SourceError(
            f"The input {node.name!r} is {dtype or 'untyped'} {'of unknown shape' if shape is None else list(shape)}.",
            cause="Needed is one float32 picture of fixed size with 1 or 3 channels, already normalised.",
            fix="Export the graph with a fixed size, or name the normalised picture inside it with --input.",
        )
    picture = make_node(node.name, "Placeholder", dtype=np.dtype("float32"), shape=Shape((1, *shape[1:])))
    message = make_graph([picture if other is node else other for other in anatomy.graph.message.node])
    message.versions.CopyFrom(anatomy.graph.message.versions)
    message.library.CopyFrom(anatomy.graph.message.library)
    graph = Graph.of(message).cut(anatomy.heads)
    _expect_runnable(graph, node.name)
    mean, std = _normalisation(anatomy, options, notes)
    try:
        image = ImageInput(
            name=node.name, height=shape[1], width=shape[2], colour=colours[shape[3]], mean=mean, std=std
        )
    except ValueError as error:
        raise UsageError(f"The input cannot be normalised so: {error}.") from None
    return graph, image


def _expect_runnable(graph: Graph, image: str) -> None:
    """Raise SourceError where the heads need something besides the picture, or something that is not frozen."""
    if image not in graph.nodes:
        raise SourceError(
            f"The raw heads do not depend on the input {image!r}.", fix="Name the right one with --input."
        )
    for kind, ops in (("variables", VARIABLES), ("control flow", CONTROL), ("calls of functions", CALLS)):
        if found := [node.name for node in graph.of_op(*ops)]:
            raise SourceError(
                f"Between the input and the raw heads the graph has {kind}: {', '.join(found[:3])}.",
                cause="It was not frozen for inference.",
                fix="Freeze it first: export_tflite_ssd_graph.py writes tflite_graph.pb.",
            )
    if others := [node.name for node in graph.of_op("Placeholder") if node.name != image]:
        raise SourceError(f"The raw heads also need {', '.join(others)}.", fix="Freeze the graph for inference first.")


def _normalisation(
    anatomy: Anatomy, options: LoadOptions, notes: list[str]
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    if options.mean:
        return options.mean, options.std
    if parts.is_mobilenet(anatomy.graph):
        notes.append(
            f"mean = std = {USUAL} is assumed: the graph holds no preprocessing, and SSD MobileNets of the Object "
            f"Detection API take pixel / {USUAL} − 1."
        )
        return (USUAL,), (USUAL,)
    raise UsageError(
        "The graph does not say how pixels become its input, and its network is not recognised.",
        cause="A TFLite graph holds no preprocessing.",
        fix=GIVE_NORMALISATION,
    )


def _anchors(anatomy: Anatomy, options: LoadOptions) -> NDArray[np.float32]:
    if options.anchors:
        table = anchor_files.read(options.anchors)
    elif anatomy.anchors is not None:
        table = proto.constant(anatomy.anchors).astype(np.float32)
        table = anchor_files.check(table, f"The constant {anatomy.anchors.name!r} of the graph")
    else:
        raise UsageError(
            "The graph has no anchors.",
            cause=f"They stand in the node {POSTPROCESS} or in a constant called {ANCHORS!r}.",
            fix="Give them with --anchors FILE (.npy, .f32 or .csv, [N, 4]).",
        )
    for reference, last in ((anatomy.boxes, 4), (anatomy.scores, None)):
        shape = anatomy.shape(reference)
        wanted = f"[1, {len(table)}, {last or 'classes'}]"
        if shape is not None and (
            len(shape) != 3 or shape[1] not in (-1, len(table)) or shape[2] not in (-1, last or shape[2])
        ):
            raise SourceError(
                f"The raw head {reference!r} is {list(shape)}, {len(table)} anchors need {wanted}.",
                cause="Anchors and graph belong to different networks, or another node was meant.",
            )
    return table


def _columns(anatomy: Anatomy, options: LoadOptions) -> Columns:
    shape, node = anatomy.shape(anatomy.scores), anatomy.postprocess
    stated = node.attr["num_classes"].i if node is not None and "num_classes" in node.attr else None
    return count_classes(shape[2] if shape is not None and shape[2] > 0 else None, stated, options)


def _selection(anatomy: Anatomy, notes: list[str]) -> tuple[Selection, tuple[float, float, float, float]]:
    """The options of the post-processing node, or the exporter's defaults, and the box coder's scales."""
    node = anatomy.postprocess
    usual = Selection()
    if node is None:
        notes.append("Box coder 10, 10, 5, 5 and the exporter's default selection are assumed: the graph has no node.")
        return usual, (10.0, 10.0, 5.0, 5.0)
    values = {name: proto.plain(value) for name, value in node.attr.items()}
    try:
        selection = Selection(
            score=values["nms_score_threshold"],
            iou=values["nms_iou_threshold"],
            max_detections=values["max_detections"],
            max_classes_per_detection=values["max_classes_per_detection"],
            detections_per_class=values.get("detections_per_class", usual.detections_per_class),
            regular=values.get("use_regular_nms", False),
        )
        y, x, height, width = (values[f"{name}_scale"] for name in "yxhw")
        RawHead(boxes=BOXES, scores=SCORES, anchors=model_file.ANCHORS, box_coder=(y, x, height, width))
    except (ValueError, TypeError, KeyError) as error:
        why = f"it has no {error}" if isinstance(error, KeyError) else str(error)
        raise SourceError(f"The node {node.name!r} cannot be used: {why}.", cause="The graph is damaged.") from None
    return selection, (y, x, height, width)


def _activation(anatomy: Anatomy, options: LoadOptions) -> str:
    """What the reader must still apply. A post-processing node takes the scores as they are."""
    if options.activation:
        return options.activation
    if anatomy.postprocess is not None or parts.score_activation(anatomy):
        return "none"
    raise UsageError(
        f"The scores {anatomy.scores!r} end without sigmoid or softmax.",
        fix="Say what they still need: --activation sigmoid, softmax or none.",
    )


def _quantisation(found: Coverage) -> Quantisation:
    if not found.count:
        return Quantisation(kind="none")
    return Quantisation(kind="fake-quant", missing=found.missing, symmetric=not found.asymmetric)


def inspect(path: Path) -> GraphInspection:
    """Everything that a graph says of itself, whatever graph it is."""
    data = read_file(path)
    graph = Graph.of(proto.read(data, str(path)), str(path))
    anatomy = dissect(graph)
    trouble, notes = _outcome(anatomy)
    found = coverage(graph.cut(anatomy.heads) if anatomy.heads else graph)
    return GraphInspection(
        path=path,
        bytes=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        what=anatomy.what,
        producer=graph.message.versions.producer,
        inputs=tuple(_input_port(node) for node in graph.of_op("Placeholder")),
        heads=tuple(_heads(anatomy)),
        outputs=tuple(_output_port(anatomy, node) for node in parts.last_nodes(graph)),
        postprocess=_attributes(anatomy.postprocess),
        anchors=_anchor_origin(anatomy),
        ranges=Ranges(
            fake_quants=found.count,
            layers=found.layers,
            missing_weights=found.missing_weights if found.count else (),
            missing_activations=found.missing_activations if found.count else (),
            asymmetric_weights=found.asymmetric,
        ),
        operators=graph.op_counts(),
        recipes=() if trouble else outlook(_quantisation(found)),
        trouble=trouble,
        notes=notes + _unknown_ops(graph),
    )


def _outcome(anatomy: Anatomy) -> tuple[str, tuple[str, ...]]:
    """Why ``load`` refuses the graph, '' where it does not; and what it assumes, or has to be told."""
    try:
        return "", _parts(anatomy, LoadOptions()).assumptions
    except UsageError as error:
        return "", (f"{error.what} {error.fix}",)
    except EdgekitError as error:
        return str(error).replace("\n", " "), ()


def _input_port(node: NodeDef) -> Port:
    return Port(name=node.name, dtype=proto.dtype_name(node), shape=placeholder_shape(node), meaning="placeholder")


def _heads(anatomy: Anatomy) -> Iterator[Port]:
    told = "class predictions" if anatomy.boxes else "scores of the classes"
    for reference, meaning in ((anatomy.boxes, "box encodings"), (anatomy.scores, told)):
        if reference:
            yield Port(name=reference, dtype="float32", shape=anatomy.shape(reference), meaning=meaning)


def _output_port(anatomy: Anatomy, node: NodeDef) -> Port:
    dtype = "" if node is anatomy.postprocess else proto.dtype_name(node, "T")
    return Port(name=node.name, dtype=dtype, shape=anatomy.shapes.get(node.name), meaning=node.op)


def _attributes(node: NodeDef | None) -> dict[str, Any] | None:
    return None if node is None else {name: proto.plain(node.attr[name]) for name in sorted(node.attr)}


def _anchor_origin(anatomy: Anatomy) -> Anchors | None:
    if anatomy.anchors is None:
        return None
    shape = constant_shape(anatomy.anchors)
    used = "the post-processing node" if anatomy.postprocess is not None else "no node"
    return Anchors(count=shape[0] if shape else 0, origin=f"constant {anatomy.anchors.name!r}, used by {used}")


def _unknown_ops(graph: Graph) -> tuple[str, ...]:
    """A sentence on ops that no image model known here has; the converter decides whether it knows them."""
    strange = [op for op in graph.op_counts() if op not in FAMILIAR]
    return (f"Ops outside the usual ones of image models: {name_some(strange)}.",) if strange else ()
