"""The target tfjs: a graph model in shards that a browser has loaded and run.

The graph goes through the passes in TensorFlow's process; fusing, storing and writing need no TensorFlow.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from google.protobuf.json_format import MessageToDict

from ..._version import __version__
from ...browser import Page
from ...errors import ConversionError
from ...formats import manifest
from ...formats.graphdef import proto
from ...formats.graphdef.graph import Graph
from ...formats.graphdef.shapes import shapes
from ...formats.tfjs.ops import backends, missing
from ...formats.tfjs.rules import Rules
from ...formats.tfjs.signature import TensorInfo, signature
from ...formats.tfjs.writer import encode
from ...runtimes.packages import version
from ...runtimes.tensorflow import Worker
from ...values.artifact import Artifact
from ...values.model import Model
from ...values.recipe import Recipe
from ...values.spec import BOXES, IMAGE, SCORES, ClassHead, FinalHead, Head, ModelSpec, RawHead
from .. import TargetOptions, parts
from .acceptance import try_out
from .fusing import fuse
from .passes import Order, run
from .storing import Wish, store

NEEDED = ("wasm", "webgl")  # backends that every model must have kernels on: phones without one have the other


def build(
    model: Model,
    recipe: Recipe,
    *,
    out: Path,
    options: TargetOptions,
    worker: Worker | None,
    browser: Page | None,
) -> Artifact:
    """Convert, write, and try in a browser. Raises ConversionError where it does not run there, or answers wrongly."""
    if worker is None or browser is None:
        raise ValueError("a TensorFlow.js model needs a TensorFlow worker and a browser")
    spec = _spec(model.spec)
    names = _names(model.spec)
    passed = worker.run(run, Order(path=model.path, names=tuple(names.items()), rounded=options.emulate))
    plain = Graph.of(proto.read(passed.graph))
    outputs = [name for name in names.values() if name != IMAGE]
    graph = fuse(plain, outputs)
    notes = _expect_kernels(graph, recipe)
    topology = MessageToDict(graph.message)
    wish = Wish(weights=recipe.weights, rules=Rules.parse(options.rules), grids=passed.grids, moved=passed.moved)
    storage = store(graph, topology, wish)
    tensorflow = version("tensorflow") or ""
    files = encode(
        topology,
        storage.stored,
        signature=_signature(graph, spec, outputs),
        shard_size=options.shard_size,
        hashed=options.hashed_shards,
        generated_by=tensorflow,
        converted_by=f"edgekit {__version__}",
    )
    written = parts.write(out, parts.web(files) | parts.beside(spec, parts.anchors(model)))
    try_out(out, plain, storage.stored, spec, recipe.name, worker, browser, rounded=options.emulate)
    artifact = Artifact(
        root=out,
        spec=spec,
        recipe=recipe.name,
        files=written,
        source=model.source,
        tools={"edgekit": __version__, "tensorflow": tensorflow},
        key=options.key,
        assumptions=(*model.assumptions, *storage.notes, *notes),
        licence=options.licence,
        display_score=options.display_score,
        emulated=options.emulate,
    )
    manifest.write(artifact)
    return artifact


def _names(spec: ModelSpec) -> dict[str, str]:
    """The graph's own names of input and outputs → plain ones."""
    head = spec.head
    assert not isinstance(head, FinalHead)  # a source is always cut at its raw heads
    heads = {head.boxes: BOXES, head.scores: SCORES} if isinstance(head, RawHead) else {head.scores: SCORES}
    return {spec.input.name: IMAGE, **heads}


def _spec(spec: ModelSpec) -> ModelSpec:
    """The specification of what is written: plain names, real numbers in and out."""
    head: Head
    match spec.head:
        case RawHead():
            head = replace(spec.head, boxes=BOXES, scores=SCORES, anchors=parts.ANCHORS)
        case ClassHead():
            head = replace(spec.head, scores=SCORES)
        case FinalHead():
            raise ConversionError(f"{spec.name} has its post-processing inside.", cause="No browser has such a kernel.")
    return replace(spec, head=head, input=replace(spec.input, name=IMAGE))


def _signature(graph: Graph, spec: ModelSpec, outputs: list[str]) -> dict[str, Any]:
    image, known = spec.input, shapes(graph)
    picture = TensorInfo(name=IMAGE, dtype="float32", shape=(1, image.height, image.width, image.channels))
    heads = {name: TensorInfo(name=name, dtype="float32", shape=known.get(name)) for name in outputs}
    return signature({IMAGE: picture}, heads)


def _expect_kernels(graph: Graph, recipe: Recipe) -> tuple[str, ...]:
    """Sentences on backends that lack a kernel for the graph. Raises ConversionError where a needed one does."""
    lacking = missing(graph.op_counts())
    needed = {op: lackers for op, lackers in lacking.items() if {*lackers} & {*NEEDED}}
    if needed:
        listed = "\n".join(f"{op}: not on {', '.join(lackers)}" for op, lackers in needed.items())
        raise ConversionError(
            f"The model cannot become {recipe.name}: TensorFlow.js has no kernels for these ops.\n{listed}",
            fix="Cut the graph before them with --outputs, or take a TFLite recipe.",
        )
    return tuple(
        f"It does not run on {backend}, which has no kernel for {', '.join(ops)}."
        for backend in backends()
        if (ops := [op for op, lackers in lacking.items() if backend in lackers])
    )
