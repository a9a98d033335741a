"""Writes the golden vectors beside this file: inputs and exact results for every language that edgekit speaks.

``python -m tests.golden.make`` from the repository's root. A test fails when the result differs from what is
committed, so a change of the specified arithmetic is always a visible one. docs/formats/preprocessing.md and
docs/formats/decoding.md say what the numbers mean. Real numbers are float32 values written as the doubles they equal.
"""

import dataclasses
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgekit.values.spec import Encoding, ImageInput, Selection
from edgekit.vision import decode, preprocess
from edgekit.vision.resize import resize

FORMULA = "value(x, y, channel) = (3·x·x + 5·y·y + 7·x·y + 85·channel + (x xor y)) mod 256"
USUAL = {"mean": (127.5,), "std": (127.5,)}
IMAGENET = {"mean": (123.675, 116.28, 103.53), "std": (58.395, 57.12, 57.375)}


def main() -> None:
    for name, data in files().items():
        Path(__file__).with_name(name).write_bytes(data)


def files() -> dict[str, bytes]:
    """Every golden file by name."""
    return {
        "resize.json": _written("resize", resize_cases()),
        "input.json": _written("input", input_cases()),
        "decode.json": _written("decode", decode_cases()),
    }


def _written(kind: str, cases: Sequence[dict[str, Any]]) -> bytes:
    lines = ",\n".join(json.dumps(case, ensure_ascii=False) for case in cases)
    return f'{{"kind": "{kind}", "picture": "{FORMULA}", "cases": [\n{lines}\n]}}\n'.encode()


def picture(height: int, width: int, channels: int = 3) -> NDArray[np.uint8]:
    """A picture that needs no file: every language computes it."""
    y, x, channel = np.ogrid[:height, :width, :channels]
    values = 3 * x * x + 5 * y * y + 7 * x * y + 85 * channel + (x ^ y)
    return (values % 256).astype(np.uint8)


def resize_cases() -> list[dict[str, Any]]:
    """Source picture [height, width, channels] by the formula, its target size, and the result or its SHA-256."""
    small = [(5, 7, 3, 3, 4), (3, 4, 3, 5, 9), (1, 1, 3, 4, 3), (9, 2, 1, 1, 1), (6, 6, 1, 6, 6), (4, 16, 1, 16, 4),
             (37, 29, 3, 8, 8), (2, 2, 1, 9, 9)]  # fmt: skip
    large = [(480, 640, 3, 300, 300), (1200, 1600, 3, 300, 300), (65, 47, 3, 640, 640)]
    cases = []
    for height, width, channels, rows, columns in small + large:
        result = resize(picture(height, width, channels), rows, columns)
        case = {"source": [height, width, channels], "target": [rows, columns]}
        whole = (height, width, channels, rows, columns) in small
        found = (
            {"pixels": result.ravel().tolist()} if whole else {"sha256": hashlib.sha256(result.tobytes()).hexdigest()}
        )
        cases.append(case | found)
    return cases


def input_cases() -> list[dict[str, Any]]:
    """An input as in the manifest, and for each of its channels what the 256 pixel values are stored as."""
    encodings = [
        (USUAL, "RGB", "uint8", 1 / 128, 128),
        (USUAL, "RGB", "int8", 1 / 128, 0),
        (USUAL, "RGB", "int8", 1 / 127.5, -1),
        ({"mean": (0.0,), "std": (255.0,)}, "RGB", "uint8", 1 / 255, 0),
        ({"mean": (0.0,), "std": (1.0,)}, "RGB", "uint8", 1, 1),
        ({"mean": (0.0,), "std": (1.0,)}, "RGB", "uint8", 1, 2),
        ({"mean": (100.0,), "std": (1.0,)}, "RGB", "uint8", 2, 0),
        (IMAGENET, "RGB", "uint8", 0.0187, 114),
        (IMAGENET, "BGR", "int8", 0.0187, -14),
        (USUAL, "GRAY", "uint8", 1 / 128, 128),
        (USUAL, "RGB", "float32", 1.0, 0),
        (IMAGENET, "RGB", "float32", 1.0, 0),
    ]
    cases = []
    pixels = picture(4, 5)
    for normalisation, colour, dtype, scale, zero_point in encodings:
        encoding = Encoding(dtype=dtype, scale=float(np.float32(scale)), zero_point=zero_point)
        spec = ImageInput(name="image", height=4, width=5, colour=colour, encoding=encoding, **normalisation)
        cases.append(
            {
                "colour": colour,
                "dtype": dtype,
                "scale": encoding.scale,
                "zero_point": zero_point,
                **normalisation,
                "table": preprocess.table(spec).tolist(),
                "source": list(pixels.shape),
                "tensor": preprocess.encode(pixels, spec).ravel().tolist(),
            }
        )
    return cases


def decode_cases() -> list[dict[str, Any]]:
    """Raw heads, anchors and options, and the rows that post-processing gives: boxes as (ymin, xmin, ymax, xmax)."""
    settings = [
        (Selection(), 3, 1, "none", 0),
        (Selection(max_detections=20, score=0.3, iou=0.3), 3, 0, "none", 4),
        (Selection(max_detections=6, max_classes_per_detection=3), 7, 1, "none", 4),
        (Selection(max_detections=4, max_classes_per_detection=4), 2, 1, "none", 2),
        (Selection(max_detections=12, regular=True), 4, 1, "none", 4),
        (Selection(max_detections=12, detections_per_class=2, score=0.25, regular=True), 5, 0, "none", 2),
        (Selection(max_detections=3, max_classes_per_detection=2, regular=True), 3, 1, "none", 0),
        (Selection(score=1.0), 3, 1, "none", 0),
        (Selection(score=0.5), 3, 1, "sigmoid", 0),
        (Selection(score=0.3), 3, 1, "softmax", 0),
    ]
    return [_decode_case(number, *setting) for number, setting in enumerate(settings)]


def _decode_case(
    number: int, selection: Selection, num_classes: int, background: int, activation: str, levels: int
) -> dict[str, Any]:
    """levels: how many different scores there are, so that many are equal; 0 for 256."""
    rng = np.random.default_rng(number)
    count, levels = 18, levels or 256
    boxes = (rng.integers(-40, 40, (count, 4)) / 16).astype(np.float32)
    scores = (rng.integers(0, levels, (count, num_classes + background)) / levels).astype(np.float32)
    if activation != "none":
        scores = scores * 8 - 4
    anchors = (rng.integers(8, 56, (count, 4)) / 64).astype(np.float32)
    anchors[0, 2] = 0  # a box without area neither suppresses nor is suppressed
    coder = (10.0, 10.0, 5.0, 5.0)
    active = decode.activate(scores, activation)
    rows = decode.postprocess(boxes, active, anchors, coder, selection, num_classes)
    return {
        "num_classes": num_classes,
        "background": bool(background),
        "activation": activation,
        "box_coder": coder,
        "selection": dataclasses.asdict(selection),
        "boxes": boxes.tolist(),
        "scores": scores.tolist(),
        "anchors": anchors.tolist(),
        "rows": {
            "boxes": rows.boxes.tolist(),
            "classes": rows.classes.tolist(),
            "scores": rows.scores.tolist(),
            "count": rows.found,
        },
    }


if __name__ == "__main__":
    main()
