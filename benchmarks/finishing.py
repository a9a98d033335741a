"""The two sides of the finishing benchmark.

Ours attaches post-processing with float anchors to the raw heads, and writes metadata and labels. The other side only
reads the finished file into the object API of LiteRT's generated schema and writes it back.
"""

from dataclasses import dataclass

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from flatbuffers import Builder
from numpy.typing import NDArray

from edgekit.formats import tflite
from edgekit.formats.tflite import metadata
from edgekit.values.spec import FinalHead, ImageInput, ModelSpec


@dataclass(frozen=True)
class Unfinished:
    """A detector without its post-processing, and what is to be attached. name, side: of its input."""

    raw: bytes
    name: str
    side: int
    options: tflite.PostprocessOptions
    anchors: NDArray[np.float32]
    boxes: int
    scores: int


def unfinished(data: bytes) -> Unfinished:
    """Take the post-processing off a finished detector."""
    model = tflite.read(data)
    found = tflite.find(model)
    assert found is not None
    raw = tflite.strip(data)
    graph = tflite.read(raw).main
    image = graph.tensors[graph.inputs[0]]
    boxes, scores = graph.outputs
    return Unfinished(raw, image.name, image.shape[1], found.options, tflite.anchors(model, found), boxes, scores)


def finish_model(model: Unfinished) -> bytes:
    """Attach, canonical face, metadata and labels."""
    spec = ModelSpec(
        name="detector",
        task="detection",
        input=ImageInput(name="image", height=model.side, width=model.side, mean=(127.5,), std=(127.5,)),
        head=FinalHead(),
        selection=model.options.selection,
        num_classes=model.options.num_classes,
        labels=tuple(f"class {index}" for index in range(model.options.num_classes)),
    )
    attached = tflite.attach(
        model.raw, options=model.options, anchors=model.anchors, boxes=model.boxes, scores=model.scores
    )
    return metadata.annotate(tflite.canonical(attached, inputs={model.name: "image"}), spec)


def object_api_round_trip(data: bytes) -> bytes:
    """Read into objects, write back, change nothing."""
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(bytearray(data), 0))
    builder = Builder(len(data) + 4096)
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())
