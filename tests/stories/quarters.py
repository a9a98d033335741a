"""A real detector small enough to write by hand: it finds red, green and blue quarters of a picture.

The picture shrinks to 2 × 2 pixels, each pixel is an anchor, and its three channels are the scores of three classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgekit.formats import labels, manifest
from edgekit.formats.tflite.postprocess import CUSTOM_NAME, PostprocessOptions
from edgekit.formats.tflite.spec import read_spec
from edgekit.values.artifact import Artifact, File
from edgekit.values.model import Source
from edgekit.values.spec import RawHead, Selection
from tests.formats.tflite_models import Builder

LABELS = ("red", "green", "blue")
COLOURS = {"red": (255, 0, 0), "green": (0, 230, 0), "blue": (0, 0, 204), "black": (0, 0, 0)}
SELECTION = Selection(score=0.1, iou=0.5, max_detections=4)
ANCHORS = np.array([[y, x, 0.5, 0.5] for y in (0.25, 0.75) for x in (0.25, 0.75)], "<f4")
CORNERS = {"top left": 0, "top right": 1, "bottom left": 2, "bottom right": 3}


def picture(*quarters: str, width: int = 40, height: int = 20) -> NDArray[np.uint8]:
    """uint8 (height, width, 3) with these colours: top left, top right, bottom left, bottom right."""
    small = np.array([COLOURS[name] for name in quarters], np.uint8).reshape(2, 2, 3)
    return small.repeat(height // 2, axis=0).repeat(width // 2, axis=1)


def detector(dtype: str = "float32", *, order: Sequence[int] = (0, 1, 2, 3), postprocess: bool = True) -> bytes:
    """The .tflite. order: which port (boxes, classes, scores, count) each output of the file shows."""
    builder = Builder()
    scale = () if dtype == "float32" else 1 / 255
    image = builder.tensor("pixels", [1, 2, 2, 3], dtype, scale=scale, zero_point=0)
    scores = builder.tensor("raw/scores", [1, 4, 3], dtype, scale=scale, zero_point=0)
    shape = builder.tensor("shape", [3], "int32", value=np.array([1, 4, 3], "<i4"))
    builder.operator("RESHAPE", [image, shape], [scores])
    boxes = builder.tensor("raw/boxes", [1, 4, 4], value=np.zeros((1, 4, 4), "<f4"))
    if not postprocess:
        return builder.build([image], [boxes, scores])
    anchors = builder.tensor("anchors", [4, 4], value=ANCHORS)
    ports = [builder.tensor(f"found:{n}", shape) for n, shape in enumerate(([1, 4, 4], [1, 4], [1, 4], [1]))]
    options = PostprocessOptions(selection=SELECTION, num_classes=3).encode()
    builder.operator(CUSTOM_NAME, [boxes, scores, anchors], ports, custom_options=options)
    return builder.build([image], [ports[port] for port in order])


def classifier() -> bytes:
    """image [1, 1, 1, 3] → its channels as scores [1, 3]."""
    builder = Builder()
    image = builder.tensor("pixels", [1, 1, 1, 3])
    scores = builder.tensor("scores", [1, 3])
    shape = builder.tensor("shape", [2], "int32", value=np.array([1, 3], "<i4"))
    builder.operator("RESHAPE", [image, shape], [scores])
    return builder.build([image], [scores])


def artifact(root: Path, *, raw: bool = False) -> Artifact:
    """An artifact of the uint8 detector, or of its raw heads with the anchors beside them, written to ``root``."""
    root.mkdir(parents=True)
    contents = {"model": detector("uint8"), "labels": labels.encode(LABELS)}
    spec = read_spec(contents["model"], name="quarters", labels=LABELS).spec
    if raw:
        contents |= {"model": detector("uint8", postprocess=False), "anchors": ANCHORS.tobytes()}
        head = RawHead(boxes="raw/boxes", scores="raw/scores", anchors="anchors.f32", background=False)
        spec = replace(spec, head=head)
    names = {"model": "model.tflite", "labels": "labels.txt", "anchors": "anchors.f32"}
    files = []
    for role, data in contents.items():
        (root / names[role]).write_bytes(data)
        files.append(File(path=names[role], role=role, bytes=len(data), sha256=sha256(data).hexdigest()))
    made = Artifact(
        root=root,
        spec=replace(spec, groups={"Warm": ("red",), "Cold": ("blue",)}),
        recipe="tflite-uint8",
        files=tuple(files),
        source=Source(kind="tflite", name="quarters.tflite", sha256="0" * 64),
        tools={},
        display_score=0.85,
    )
    manifest.write(made)
    return made
