"""Cases of manifests, right and wrong: three that are right, and what becomes of each when one value changes."""

import copy
import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jsonschema

from edgekit.errors import EdgekitError
from edgekit.formats import manifest

ROOT = Path(__file__).parents[2]
SCHEMA = jsonschema.Draft202012Validator(json.loads((ROOT / "docs" / "formats" / "manifest.schema.json").read_bytes()))
LABELS = "cola\nlemonade\nwater\n"
MISSING = {"missing": True}  # stands for "no such key" among the values
VALUES = (None, True, 0, 5, -1, 0.5, "", "x", "../x", "a/b", [], [[]], ["x"], {}, {"a": []}, MISSING)
Way = tuple[str | int, ...]

_IMAGE = {
    "name": "image",
    "width": 30,
    "height": 20,
    "colour": "RGB",
    "dtype": "uint8",
    "scale": 0.0078125,
    "zero_point": 128,
    "mean": [127.5],
    "std": [127.5],
    "resize": {"fit": "stretch", "filter": "bilinear", "centres": "half-pixel", "antialias": False},
}
_FINAL = {
    "kind": "final",
    "boxes": "boxes",
    "classes": "classes",
    "scores": "scores",
    "count": "count",
    "order": [3, 1, 0, 2],
}
_RAW = {
    "kind": "raw",
    "boxes": "boxes",
    "scores": "scores",
    "anchors": "anchors.f32",
    "box_coder": [10.0, 10.0, 5.0, 5.0],
    "activation": "sigmoid",
    "background": True,
}
_SELECTION = {
    "score": 1e-8,
    "iou": 0.6,
    "max_detections": 10,
    "max_classes_per_detection": 1,
    "detections_per_class": 100,
    "regular": False,
}


def manifest_cases() -> list[dict[str, Any]]:
    """``manifest`` with the ``labels`` beside it is right.

    ``changes``: the way to a value, and for each of VALUES in its place 'x' where the manifest is refused, else '.'.
    ``wrong``: what is refused, the way to it as a reader names it, and a word that every reader's refusal says.
    """
    return [_case(base, wrong) for base, wrong in ((_detector(), _WRONG), (_raw(), _WRONG_RAW), (_classifier(), ()))]


def changed(data: Any, way: Sequence[str | int], value: Any) -> Any:
    """A copy with another value in one place, or without it."""
    if not way:
        return value
    result = copy.copy(data)
    if len(way) == 1 and value == MISSING:
        del result[way[0]]
    else:
        result[way[0]] = changed(result[way[0]], way[1:], value)
    return result


def reason(data: Any, labels: str) -> str:
    """Why a manifest with these labels beside it is refused, by the reader or else by the schema; '' where it is not.

    The schema also refuses what the reader takes for granted because only a writer of another make would leave it out.
    """
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "labels.txt").write_text(labels, "utf-8")
        (root / manifest.NAME).write_text(json.dumps(data), "utf-8")
        try:
            manifest.read(root)
        except EdgekitError as error:
            return str(error)
    return next((error.message for error in SCHEMA.iter_errors(data)), "")


def ways(data: Any) -> list[Way]:
    """The way to every value inside, and to all of it."""
    items = data.items() if isinstance(data, Mapping) else enumerate(data) if isinstance(data, list) else ()
    return [(), *((key, *rest) for key, value in items for rest in ways(value))]


def _case(base: dict[str, Any], wrong: Sequence[tuple[Way, Any, str, str]]) -> dict[str, Any]:
    labels = LABELS if base["labels"] else ""
    return {
        "manifest": base,
        "labels": labels,
        "values": VALUES,
        "changes": [[way, _verdicts(base, way, labels)] for way in ways(base) if way],
        "wrong": [dict(zip(("way", "value", "field", "says"), row, strict=True)) for row in wrong],
    }


def _verdicts(base: dict[str, Any], way: Way, labels: str) -> str:
    values = [value for value in VALUES if not (value == MISSING and isinstance(way[-1], int))]
    return "".join("x" if reason(changed(base, way, value), labels) else "." for value in values)


def _manifest(task: str, head: Mapping[str, Any], selection: Any, **roles: str) -> dict[str, Any]:
    files = [{"path": path, "role": role, "bytes": 4, "sha256": "a" * 64} for role, path in roles.items()]
    return {
        "edgekit": 1,
        "name": "shelf",
        "task": task,
        "recipe": "tflite-uint8",
        "model": roles["model"],
        "input": _IMAGE,
        "head": head,
        "selection": selection,
        "display": {"score": 0.6},
        "labels": roles.get("labels"),
        "num_classes": 3,
        "label_offset": 0,
        "groups": {"Acme & Co": ["cola", "lemonade"], "empty": []},
        "files": files,
        "licence": "Apache-2.0",
        "source": {"kind": "tf1-frozen", "name": "tflite_graph.pb", "sha256": "b" * 64},
        "assumptions": ["mean and std are the usual ones"],
        "tools": {"edgekit": "1.0"},
        "key": "c" * 64,
    }


def _detector() -> dict[str, Any]:
    return _manifest("detection", _FINAL, _SELECTION, model="model.tflite", labels="labels.txt")


def _raw() -> dict[str, Any]:
    roles = {"model": "model.json", "shard": "group1-shard1of1.bin", "anchors": "anchors.f32"}
    floats = _IMAGE | {"dtype": "float32", "scale": 1.0, "zero_point": 0, "colour": "BGR", "mean": [1.5, 2, 3]}
    base = _manifest("detection", _RAW, _SELECTION | {"regular": True}, **roles)
    return base | {"input": floats | {"std": [1, 2, 4.5]}, "recipe": "tfjs-f32", "groups": {}}


def _classifier() -> dict[str, Any]:
    head = {"kind": "class", "scores": "probability", "activation": "softmax"}
    base = _manifest("classification", head, None, model="model.tflite")
    return base | {"input": _IMAGE | {"colour": "GRAY", "dtype": "int8", "zero_point": 0}, "groups": {}}


_WRONG = (
    (("edgekit",), MISSING, "edgekit", "edgekit"),
    (("edgekit",), True, "edgekit", "edgekit"),
    (("edgekit",), 0, "edgekit", "edgekit"),
    (("input",), MISSING, "input", "input"),
    (("input", "width"), "30", "input.width", "width"),
    (("input", "mean"), [1, 2], "input.mean", "mean"),
    (("input", "std"), [1, 1, 1], "input.std", "std"),
    (("input", "std"), [0], "input.std[0]", "std"),
    (("input", "resize", "filter"), "nearest", "input.resize.filter", "resize"),
    (("input", "resize", "antialias"), True, "input.resize.antialias", "resize"),
    (("head", "kind"), "tail", "head.kind", "kind"),
    (("head", "kind"), "toString", "head.kind", "kind"),
    (("head", "order"), [0, 1, 2, 2], "head.order", "order"),
    (("task",), "classification", "head.kind", "class"),
    (("selection",), None, "selection", "selection"),
    (("selection", "iou"), 0, "selection.iou", "iou"),
    (("selection", "max_detections"), 2**31, "selection.max_detections", "max_detections"),
    (("selection", "max_classes_per_detection"), 200_000, "selection", "max_detections × max_classes_per_detection"),
    (("label_offset",), 1, "label_offset", "label_offset"),
    (("labels",), None, "labels", "labels"),
    (("labels",), "model.tflite", "labels", "labels"),
    (("model",), "labels.txt", "model", "role model"),
    (("display", "score"), 1.5, "display.score", "1.5"),
    (("groups",), {"Acme": "cola"}, "groups.Acme", "Acme"),
    (("source", "sha256"), "b", "source.sha256", "64"),
)

_WRONG_RAW = (
    (("head", "anchors"), "../../passwd", "head.anchors", "inside its folder"),
    (("head", "anchors"), "C:passwd", "head.anchors", "inside its folder"),
    (("head", "anchors"), "model.json", "head.anchors", "role anchors"),
    (("head", "box_coder"), [10, 10, 5], "head.box_coder", "4 items"),
    (("head", "activation"), "tanh", "head.activation", "activation"),
    (("input", "mean"), [1.5, 2], "input.mean", "mean"),
    (("input", "scale"), 2, "input.scale", "float32"),
    (("files", 1, "path"), "../shard", "files[1].path", "inside its folder"),
    (("files", 1, "path"), "a/../../shard", "files[1].path", "inside its folder"),
    (("files", 1, "path"), "/etc/passwd", "files[1].path", "inside its folder"),
    (("files", 1, "path"), "https://host/shard", "files[1].path", "inside its folder"),
    (("files", 1, "path"), "..\\shard", "files[1].path", "inside its folder"),
    (("files", 1, "path"), "a\0", "files[1].path", "inside its folder"),
    (("files", 1, "path"), "", "files[1].path", "inside its folder"),
    (("files", 1, "path"), "model.json", "files", "different paths"),
    (("files", 1, "path"), "manifest.json", "files", "different paths"),
    (("files", 1, "role"), "model", "files", "exactly one"),
)
