"""The target tflite: one file with post-processing, metadata and labels inside, that has been opened and run.

A graph goes through TensorFlow's converter in the worker; everything after that, and all of a .tflite model, is done on
the flatbuffer.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .._version import __version__
from ..browser import Page
from ..errors import ConversionError
from ..formats import manifest
from ..formats.tflite import PostprocessOptions, attach, canonical, quantise_input, read
from ..formats.tflite.metadata import Details, renew, unpack
from ..formats.tflite.spec import stored_encoding
from ..runtimes.packages import version
from ..runtimes.tensorflow import Worker
from ..runtimes.tensorflow.frozen import FrozenGraph, to_tflite
from ..system import read_file
from ..values.artifact import Artifact
from ..values.model import Model
from ..values.recipe import Recipe
from ..values.spec import BOXES, IMAGE, SCORES, ClassHead, FinalHead, Head, ModelSpec, RawHead
from ..values.support import INTEGERS, requantises
from . import TargetOptions, parts
from .acceptance import expect_kept, try_out, try_out_apart
from .encoding import input_encoding

MODEL = "model.tflite"
REQUANTISED = (
    "Weights were rounded anew for int8, each output channel on a symmetric grid of its own: the ranges of the source "
    "are asymmetric."
)


def build(
    model: Model, recipe: Recipe, *, out: Path, options: TargetOptions, worker: Worker | None, browser: Page | None
) -> Artifact:
    """Convert, finish, try, and write. Raises ConversionError where the file is not what the recipe says."""
    from_graph = model.path.suffix != ".tflite"
    data = _from_graph(model, recipe, options, worker) if from_graph else read_file(model.path)
    expect_kept(read(data), model, recipe)
    if recipe.io in INTEGERS:
        data = quantise_input(data, recipe.io)
    anchors = parts.anchors(model)
    data, spec = finish(data, model.spec, anchors, raw=options.raw, licence=options.licence)
    check = try_out if from_graph else try_out_apart
    check(data, spec, recipe.name)
    tools = {"edgekit": __version__} | ({"tensorflow": version("tensorflow") or ""} if from_graph else {})
    artifact = Artifact(
        root=out,
        spec=spec,
        recipe=recipe.name,
        files=parts.write(out, {MODEL: ("model", data)} | parts.beside(spec, anchors)),
        source=model.source,
        tools=tools,
        key=options.key,
        assumptions=model.assumptions + ((REQUANTISED,) if requantises(model.quantisation, recipe) else ()),
        licence=_licence(data),
        display_score=options.display_score,
    )
    manifest.write(artifact)
    return artifact


def finish(
    data: bytes, spec: ModelSpec, anchors: NDArray[np.float32], *, raw: bool = False, licence: str = ""
) -> tuple[bytes, ModelSpec]:
    """A cut .tflite with everything that its readers need, and the specification of that file.

    Post-processing (unless ``raw``), plain names, static shapes, one signature, metadata and labels; metadata that
    the file has already is kept where it still holds. spec: names are
    those of the cut file. anchors: float32 [N, 4], empty for a classifier.
    """
    head: Head
    match spec.head:
        case RawHead() if not raw:
            data = _with_postprocessing(data, spec, spec.head, anchors)
            head, names = FinalHead(), None
        case RawHead(boxes=boxes, scores=scores):
            head = replace(spec.head, boxes=BOXES, scores=SCORES, anchors=parts.ANCHORS)
            names = {boxes: BOXES, scores: SCORES}
        case ClassHead(scores=scores):
            head, names = replace(spec.head, scores=SCORES), {scores: SCORES}
        case FinalHead():
            head, names = FinalHead(), None
    data = canonical(data, inputs={spec.input.name: IMAGE}, outputs=names)
    file = read(data).main
    encoding = stored_encoding(file.tensors[file.inputs[0]])
    final = replace(spec, head=head, input=replace(spec.input, name=IMAGE, encoding=encoding))
    scores_dtype = file.tensors[file.outputs[-1]].dtype
    return renew(data, final, Details(licence=licence), scores=scores_dtype), final


def _with_postprocessing(data: bytes, spec: ModelSpec, head: RawHead, anchors: NDArray[np.float32]) -> bytes:
    assert spec.selection is not None  # a ModelSpec of a detector has one
    options = PostprocessOptions(selection=spec.selection, num_classes=spec.num_classes, box_coder=head.box_coder)
    return attach(
        data, options=options, anchors=anchors, boxes=head.boxes, scores=head.scores, activation=head.activation
    )


def _from_graph(model: Model, recipe: Recipe, options: TargetOptions, worker: Worker | None) -> bytes:
    if worker is None:
        raise ValueError("a graph needs a TensorFlow worker")
    image = model.spec.input
    assert not isinstance(model.spec.head, FinalHead)  # a source is always cut at its raw heads
    graph = FrozenGraph(
        path=model.path,
        input=image.name,
        shape=(1, image.height, image.width, image.channels),
        outputs=model.spec.head.outputs,
        treatment=recipe.treatment,
        symmetric_weights=requantises(model.quantisation, recipe),
    )
    # The converter gives input and activations one type; another type of input is put in front afterwards.
    encoding = input_encoding(image, recipe.activations)
    data = worker.run(
        to_tflite,
        graph,
        weights=recipe.weights,
        activations=recipe.activations,
        input_scale=encoding.scale,
        input_zero_point=encoding.zero_point,
    )
    file = read(data).main
    got = stored_encoding(file.tensors[file.inputs[0]])
    if (got.dtype, got.zero_point) != (encoding.dtype, encoding.zero_point) or not np.isclose(
        got.scale, encoding.scale
    ):
        raise ConversionError(
            f"{model.spec.name} cannot become {recipe.name}: its input became {got}, not {encoding}.",
            cause="The graph has a range of its own on its input.",
            fix="Take tflite-f16 or tflite-f32.",
        )
    return data


def _licence(data: bytes) -> str:
    """As the metadata says, into which one that was given has been written."""
    metadata, _ = unpack(data)
    return str((metadata or {}).get("license", ""))
