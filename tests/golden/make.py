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
from tests.golden import answers
from tests.golden.manifests import manifest_cases

FORMULA = "value(x, y, channel) = (3·x·x + 5·y·y + 7·x·y + 85·channel + (x xor y)) mod 256"
USUAL = {"mean": (127.5,), "std": (127.5,)}
IMAGENET = {"mean": (123.675, 116.28, 103.53), "std": (58.395, 57.12, 57.375)}


def main() -> None:
    for name, data in files().items():
        Path(__file__).with_name(name).write_bytes(data)


def files() -> dict[str, bytes]:
    """Every golden file by name."""
    return {
        "resize.json": _written("resize", resize_cases(), picture=FORMULA),
        "transparent.json": _written("transparent", answers.transparent_cases()),
        "input.json": _written("input", input_cases(), picture=FORMULA),
        "decode.json": _written("decode", decode_cases(), picture=FORMULA),
        "final.json": _written("final", answers.final_cases()),
        "classes.json": _written("classes", answers.class_cases()),
        "labels.json": _written("labels", answers.label_cases()),
        "counts.json": _written("counts", answers.count_cases()),
        "manifest.json": _written("manifest", manifest_cases()),
    }


def _written(kind: str, cases: Sequence[dict[str, Any]], **header: str) -> bytes:
    start = json.dumps({"kind": kind} | header, ensure_ascii=False)[:-1]
    lines = ",\n".join(json.dumps(case, allow_nan=False) for case in cases)
    return f'{start}, "cases": [\n{lines}\n]}}\n'.encode()


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
        (Selection(max_detections=8, max_classes_per_detection=8), 12, 1, "none", 3),
    ]
    return [_random_case(number, *setting) for number, setting in enumerate(settings)] + _limit_cases()


def _random_case(
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
    return _decode_case(boxes, scores, anchors, selection, num_classes, activation)


def _limit_cases() -> list[dict[str, Any]]:
    """Where float32 and double, or > and ≥, answer differently: at the limits of score and overlap."""
    side = np.random.default_rng(0).random((64, 2), np.float32)
    exact = side.astype(np.float64).prod(axis=1)
    area = side.prod(axis=1)
    overlap = area / (np.float32(1) + area - area)  # of the whole picture with a part of it
    above, below = (int(np.flatnonzero(found)[0]) for found in (exact > overlap, exact < overlap))
    whole = [0.5, 0.5, 1, 1]
    parts = [
        ([0.25, 0.5, 0.5, 1], 0.5),
        ([0.3, 0.5, 0.6, 1], 0.6),  # as float32 above 0.6, and yet its equal
        ([*side[above] / 2, *side[above]], float(overlap[above])),
        ([*side[below] / 2, *side[below]], float(np.nextafter(overlap[below], np.float32(0)))),
    ]
    boxes, scores = np.zeros((2, 4), np.float32), np.array([[0.75], [0.5]], np.float32)
    cases = [
        _decode_case(boxes, scores, np.array([whole, part], np.float32), Selection(iou=limit), 1)
        for part, limit in parts
    ]
    least = np.float32(0.7)  # as float32 below 0.7, and yet its equal
    scores = np.array([[least], [np.nextafter(least, np.float32(0))]], np.float32)
    cases.append(_decode_case(boxes, scores, np.array([whole, whole], np.float32), Selection(score=0.7, iou=1.0), 1))
    turns = np.random.default_rng(1).normal(0, 3, (8, 4)).astype(np.float32)
    odd = _decode_case(
        turns, side[:8, :1], np.tile(np.float32([whole]), (8, 1)), Selection(), 1, box_coder=(9.7, 10.3, 5.1, 4.9)
    )
    return [*cases, odd]


def _decode_case(
    boxes: NDArray[np.float32],
    scores: NDArray[np.float32],
    anchors: NDArray[np.float32],
    selection: Selection,
    num_classes: int,
    activation: str = "none",
    box_coder: Sequence[float] = (10.0, 10.0, 5.0, 5.0),
) -> dict[str, Any]:
    active = decode.activate(scores, activation)
    rows = decode.postprocess(boxes, active, anchors, box_coder, selection, num_classes)
    return {
        "num_classes": num_classes,
        "background": scores.shape[1] > num_classes,
        "activation": activation,
        "box_coder": box_coder,
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
        "detections": answers.detections_data(decode.detections(rows, selection, num_classes)),
    }


if __name__ == "__main__":
    main()
