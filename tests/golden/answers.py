"""Cases of what comes before and after the tensors: transparent pixels, final and class heads, labels, counts."""

import dataclasses
import hashlib
import io
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from edgekit.errors import UserDataError
from edgekit.formats import labels as label_files
from edgekit.values.answers import Classification, Detections
from edgekit.values.spec import ClassHead, FinalHead, ImageInput, ModelSpec, Selection
from edgekit.vision import decode, images
from edgekit.vision.counts import count

VEILED = "256 × 256 pixels: red = x, green = 255 − x, blue = x xor y, alpha = y"


def veiled() -> NDArray[np.uint8]:
    """A picture with every level at every transparency."""
    y, x = np.mgrid[:256, :256]
    return np.stack([x, 255 - x, x ^ y, y], axis=-1).astype(np.uint8)


def transparent_cases() -> list[dict[str, Any]]:
    """The SHA-256 of the pixels, red, green, blue, that are left when the picture lies over white."""
    stream = io.BytesIO()
    Image.fromarray(veiled()).save(stream, "PNG")
    pixels = images.decode(stream.getvalue(), "veiled.png")
    return [{"source": VEILED, "sha256": hashlib.sha256(pixels.tobytes()).hexdigest()}]


def final_cases() -> list[dict[str, Any]]:
    """Outputs of a finished file in its own order, and the detections that they mean, best first."""
    settings = [
        (FinalHead(), Selection(), 3, 10),
        (FinalHead(order=(3, 1, 0, 2)), Selection(max_detections=6), 3, 4),
        (FinalHead(order=(1, 2, 3, 0)), Selection(max_detections=4, max_classes_per_detection=3), 5, 3),
        (FinalHead(order=(2, 3, 0, 1)), Selection(max_detections=4, max_classes_per_detection=3), 2, 4),
        (FinalHead(), Selection(max_detections=5, max_classes_per_detection=2, regular=True), 4, 5),
        (FinalHead(boxes="b:0", classes="c:0", scores="s:0", count="n:0"), Selection(), 3, 0),
        (FinalHead(), Selection(max_detections=3), 3, 100),
        (FinalHead(), Selection(max_detections=3), 3, -1),
    ]
    return [_final_case(number, *setting) for number, setting in enumerate(settings)]


def _final_case(number: int, head: FinalHead, selection: Selection, num_classes: int, found: int) -> dict[str, Any]:
    rng = np.random.default_rng(number)
    by_name = {
        head.boxes: (rng.integers(-8, 72, (1, selection.rows, 4)) / 64).astype(np.float32),
        head.classes: rng.integers(0, num_classes, (1, selection.rows)).astype(np.float32),
        head.scores: (rng.integers(0, 6, (1, selection.rows)) / 8).astype(np.float32),
        head.count: np.array([found], np.float32),
    }
    outputs: list[Any] = [None] * 4
    for place, tensor in zip(head.order, by_name.values(), strict=True):
        outputs[place] = tensor.tolist()
    answer = decode.answer(model(head, selection=selection, num_classes=num_classes), by_name)
    assert isinstance(answer, Detections)
    return {
        "head": {"kind": head.kind} | dataclasses.asdict(head),
        "selection": dataclasses.asdict(selection),
        "num_classes": num_classes,
        "outputs": outputs,
        "detections": detections_data(answer),
    }


def class_cases() -> list[dict[str, Any]]:
    """Scores of a classifier, many of them equal, and its classes, best first."""
    settings = [("none", 1), ("none", 40), ("sigmoid", 12), ("softmax", 12), ("softmax", 1001)]
    cases = []
    for number, (activation, num_classes) in enumerate(settings):
        steps = np.random.default_rng(number).integers(0, 24, num_classes)
        scores = (steps / 32 if activation == "none" else steps / 2 - 6).astype(np.float32)
        head = ClassHead(scores="probability", activation=activation)
        answer = decode.answer(model(head, num_classes=num_classes), {"probability": scores[None]})
        assert isinstance(answer, Classification)
        cases.append(
            {
                "activation": activation,
                "outputs": scores.tolist(),
                "classes": answer.classes.tolist(),
                "scores": answer.scores.tolist(),
            }
        )
    return cases


def count_cases() -> list[dict[str, Any]]:
    """Detections, labels and groups, and what is counted."""
    drinks = ("cola", "lemonade", "水", "tea", "cola")
    brands = {"Acme": ("cola", "lemonade"), "农夫山泉": ("水",)}
    signs = ("\N{BEVERAGE BOX}", "\N{FULLWIDTH LATIN SMALL LETTER A}", "a", "ab", "b")
    settings: list[tuple[tuple[str, ...], Mapping[str, tuple[str, ...]], int]] = [
        (drinks, brands, 40),
        (drinks, {}, 7),
        (drinks, brands, 0),
        (drinks, {"other": ("tea",), "Acme": ("cola", "never seen")}, 12),
        (signs, {"7": ("a",), "empty": (), "both": (signs[0], "b")}, 25),
        ((), {"by number": ("1", "3")}, 9),
    ]
    return [_count_case(number, *setting) for number, setting in enumerate(settings)]


def _count_case(
    number: int, labels: tuple[str, ...], groups: Mapping[str, tuple[str, ...]], boxes: int
) -> dict[str, Any]:
    rng = np.random.default_rng(number)
    corners = np.sort((rng.integers(-16, 80, (boxes, 2, 2)) / 64).astype(np.float32), axis=1).reshape(-1, 4)
    found = Detections(
        boxes=corners, scores=np.linspace(1, 0.5, boxes, dtype=np.float32), classes=rng.integers(0, 5, boxes)
    )
    counts = count(found, model(FinalHead(), selection=Selection(), num_classes=5, labels=labels, groups=groups))
    return {
        "labels": labels,
        "groups": [[group, *members] for group, members in groups.items()],
        "detections": detections_data(found),
        "total": counts.total,
        "classes": [list(item) for item in counts.classes.items()],
        "shares": [dataclasses.asdict(share) for share in counts.shares],
    }


def label_cases() -> list[dict[str, Any]]:
    """Texts of a labels file, and the labels in it or a word that every reader's refusal says."""
    texts = [
        "cola\n???\n0  crème ../x\n",
        "last line\nwithout end",
        "\N{ZERO WIDTH NO-BREAK SPACE}with a mark\r\n水\r\n",
        " spaced \N{IDEOGRAPHIC SPACE}\n\N{NO-BREAK SPACE}\N{ZERO WIDTH NO-BREAK SPACE}\n",
        "<b>bold</b>\nitem { id: 1 }\n[1]\n",
        "a\n\nb\n",
        "a\n \N{EM SPACE}\n",
        "bell\a\n",
        "tab\tinside\n",
        "next\N{NEXT LINE}\n",
        "line\N{LINE SEPARATOR}separator\n",
    ]
    return [_label_case(text) for text in texts]


def _label_case(text: str) -> dict[str, Any]:
    try:
        return {"text": text, "labels": label_files.decode(text.encode(), name="labels.txt")}
    except UserDataError as error:
        says = next(part for part in str(error).replace(".", " ").split() if part == "empty" or part.startswith("U+"))
        return {"text": text, "says": says}


def detections_data(found: Detections) -> dict[str, Any]:
    """As JSON: boxes as (xmin, ymin, xmax, ymax)."""
    return {"boxes": found.boxes.tolist(), "scores": found.scores.tolist(), "classes": found.classes.tolist()}


def model(head: FinalHead | ClassHead, **fields: Any) -> ModelSpec:
    image = ImageInput(name="image", height=4, width=4, mean=(0.0,), std=(1.0,))
    task = "classification" if isinstance(head, ClassHead) else "detection"
    return ModelSpec(name="golden", task=task, input=image, head=head, **({"selection": None} | fields))
