"""What edgekit writes into the metadata of detectors and classifiers; docs/formats/metadata.md gives the reasons.

Names, value ranges and texts of a detector are those of the reference writer (object_detector.py of tflite-support
0.4.4): readers find a tensor by its name, and the golden files compare the texts too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field, replace
from typing import Any

from ...errors import UsageError, UserDataError
from ...values.spec import COLOURS, ClassHead, FinalHead, ModelSpec, RawHead, expect, expect_normalisation
from ..labels import check_text
from ..labels import encode as encode_labels
from .calibration import FILE as CALIBRATION_FILE
from .calibration import Calibration
from .metadata_codec import Metadata

LOCATION, CATEGORY, SCORE, COUNT = "location", "category", "score", "number of detections"
DETECTION_OUTPUTS = (LOCATION, CATEGORY, SCORE, COUNT)
PROBABILITY = "probability"
RAW_BOXES, RAW_SCORES = "boxes", "scores"
TASKS = ("detection", "classification", "raw", "other")
CALIBRATION_TYPE = "TENSOR_AXIS_SCORE_CALIBRATION"
LABEL_TYPES = ("TENSOR_VALUE_LABELS", "TENSOR_AXIS_LABELS")

_COLOUR_SPACES = {"RGB": "RGB", "GRAY": "GRAYSCALE"}  # BGR has no name there: readers must refuse, not misread
_BOX_ORDER = [1, 0, 3, 2]  # where a reader finds left, top, right, bottom in (ymin, xmin, ymax, xmax)
_TEXTS = {
    "detection": (
        "ObjectDetector",
        "Identify which of a known set of objects might be present and provide information about their positions "
        "within the given image or a video stream.",
    ),
    "classification": ("ImageClassifier", "Tells which of its known classes a picture shows."),
    "raw": ("ObjectDetector", "An object detector without its post-processing: encoded boxes and a score per class."),
    "other": ("", ""),
}
_DESCRIPTIONS = {
    "image": "Input image to be detected.",
    LOCATION: "The locations of the detected boxes.",
    CATEGORY: "The categories of the detected boxes.",
    SCORE: "The scores of the detected boxes.",
    COUNT: "The number of the detected boxes.",
    PROBABILITY: "The score of each class.",
    RAW_BOXES: "Boxes as offsets from the anchors.",
    RAW_SCORES: "The score of each class for each anchor.",
}
_LABELS = "Labels for categories that the model can recognize."


@dataclass(frozen=True, kw_only=True)
class Layout:
    """The part of a model that its metadata follows.

    inputs: a name per input; the first is the picture. dtype, colour: of the picture. outputs: a name per output, in
    the file's order: those of DETECTION_OUTPUTS, PROBABILITY, RAW_BOXES and RAW_SCORES, or the tensors' own.
    scores: dtype of the score tensor. background: the scores have a first column for it, which the labels lack.
    """

    task: str
    inputs: tuple[str, ...] = ("image",)
    dtype: str = "float32"
    colour: str = "RGB"
    outputs: tuple[str, ...]
    scores: str = "float32"
    background: bool = False
    num_classes: int | None = None

    def __post_init__(self) -> None:
        expect(self.task in TASKS, "task", f"one of {', '.join(TASKS)}", self.task)
        expect(self.colour in COLOURS, "colour", f"one of {', '.join(COLOURS)}", self.colour)

    @classmethod
    def of(cls, spec: ModelSpec, *, scores: str = "float32") -> Layout:
        """The layout of a model whose file is as its specification says."""
        match spec.head:
            case FinalHead(order=order):
                placed = sorted(zip(order, DETECTION_OUTPUTS, strict=True))
                task, outputs = "detection", tuple(name for _, name in placed)
            case RawHead():
                task, outputs = "raw", (RAW_BOXES, RAW_SCORES)
            case ClassHead():
                task, outputs = "classification", (PROBABILITY,)
        return cls(
            task=task,
            dtype=spec.input.encoding.dtype,
            colour=spec.input.colour,
            outputs=outputs,
            scores=scores,
            background=isinstance(spec.head, RawHead) and spec.head.background,
            num_classes=spec.num_classes,
        )

    @property
    def labelled(self) -> tuple[str, str] | None:
        """Name of the output that carries the labels, and the type of its label file; None where no output can."""
        names = {"detection": (CATEGORY, 0), "classification": (PROBABILITY, 1), "raw": (RAW_SCORES, 1)}
        if self.task not in names:
            return None
        name, kind = names[self.task]
        return name, LABEL_TYPES[kind]

    @property
    def scored(self) -> str | None:
        """Name of the output that carries the scores."""
        return {"detection": SCORE, "classification": PROBABILITY, "raw": RAW_SCORES}.get(self.task)


@dataclass(frozen=True, kw_only=True)
class Details:
    """What a person may add to the metadata; empty means: leave it as it is.

    mean, std: of the picture, in pixel units, one number or one a channel. locale_labels: locale (en, pt-BR) →
    labels to show there. score_threshold: below it a reader drops an answer.
    """

    name: str = ""
    description: str = ""
    author: str = ""
    version: str = ""
    licence: str = ""
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    labels: tuple[str, ...] = ()
    labels_file: str = "labels.txt"
    locale_labels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    score_threshold: float | None = None
    calibration: Calibration | None = None

    def __post_init__(self) -> None:
        expect(len(self.mean) in (0, 1, 3), "mean", "1 or 3 numbers", self.mean)
        expect_normalisation(self.mean, self.std)


NOTHING = Details()


def describe(
    spec: ModelSpec, details: Details = NOTHING, *, default: bool = False, scores: str = "float32"
) -> Metadata:
    """The metadata of a model, outputs in the order of its file; its labels and normalisation come from ``spec``.

    default: the shortest form that readers take for a uint8 input: names and boxes, without normalisation, value
    ranges and labels. scores: dtype of a classifier's output.
    """
    layout = Layout.of(spec, scores=scores)
    if default:
        return apply(skeleton(layout), layout, details)
    own = replace(
        details,
        mean=details.mean or spec.input.mean,
        std=details.std or spec.input.std,
        labels=details.labels or spec.labels,
    )
    return apply(skeleton(layout, ranges=True), layout, own)


def skeleton(layout: Layout, *, ranges: bool = False) -> Metadata:
    """The default form: what readers need to know which tensor is which. ranges: say a classifier's range of scores."""
    name, description = _TEXTS[layout.task]
    subgraph: Metadata = {
        "input_tensor_metadata": [_input(layout, index) for index in range(len(layout.inputs))],
        "output_tensor_metadata": [_output(layout, name) for name in layout.outputs],
    }
    if layout.task == "detection":
        subgraph["output_tensor_groups"] = [
            {"name": "detection_result", "tensor_names": [LOCATION, CATEGORY, SCORE]},
        ]
    if ranges and layout.task == "classification":
        subgraph["output_tensor_metadata"][0]["stats"] = _score_range(layout.scores)
    texts = {"name": name, "description": description} if name else {}
    return texts | {"subgraph_metadata": [subgraph]}


def apply(metadata: Metadata, layout: Layout, details: Details) -> Metadata:
    """The metadata with the details in their places.

    Raises UsageError where the model has no place for one, UserDataError where labels do not fit.
    """
    result = deepcopy(metadata)
    texts = ("name", "description", "author", "version")
    result |= {key: value for key in texts if (value := getattr(details, key))}
    if details.licence:
        result["license"] = details.licence
    subgraph = result["subgraph_metadata"][0]
    if details.mean:
        _normalise(subgraph["input_tensor_metadata"][0], layout, details)
    if details.labels or details.locale_labels:
        _label(_place(subgraph, layout, "labels", layout.labelled and layout.labelled[0]), layout, details)
    if details.score_threshold is not None:
        options = {"global_score_threshold": details.score_threshold}
        _set_unit(_place(subgraph, layout, "a score threshold", layout.scored), "ScoreThresholdingOptions", options)
    if details.calibration is not None:
        _calibrate(_place(subgraph, layout, "a score calibration", layout.scored), layout, details.calibration)
    return result


def associated_files(layout: Layout, details: Details) -> dict[str, bytes]:
    """The files that the details name, by name: one line a class, a raw head's background first."""
    files = {
        name: label_file(labels, background=layout.background) for name, (_, labels) in _label_files(details).items()
    }
    if details.calibration is not None:
        files[CALIBRATION_FILE] = details.calibration.file
    return files


def label_file(labels: Iterable[str], *, background: bool = False) -> bytes:
    """A label file's bytes, one line a label. Raises UserDataError for a label that is more than one line."""
    lines = ["background", *labels] if background else list(labels)
    for number, line in enumerate(lines):
        check_text(line, f"label {number}")
    return encode_labels(lines)


def _input(layout: Layout, index: int) -> Metadata:
    if index or layout.task == "other":
        return {"name": layout.inputs[index]}
    properties = {"color_space": _COLOUR_SPACES[layout.colour]} if layout.colour in _COLOUR_SPACES else {}
    text = "Input image to be classified." if layout.task == "classification" else _DESCRIPTIONS["image"]
    content = {"content_properties_type": "ImageProperties", "content_properties": properties}
    return {"name": layout.inputs[0], "description": text, "content": content, "stats": {}}


def _output(layout: Layout, name: str) -> Metadata:
    if layout.task == "other":
        return {"name": name}
    content: Metadata = {"content_properties_type": "FeatureProperties", "content_properties": {}}
    if name == LOCATION:
        box = {"index": list(_BOX_ORDER), "type": "BOUNDARIES"}
        content = {"content_properties_type": "BoundingBoxProperties", "content_properties": box}
    if name in (LOCATION, CATEGORY, SCORE):
        content["range"] = {"min": 2, "max": 2}  # dimensions that hold values: [batch, detections, …]
    return {"name": name, "description": _DESCRIPTIONS[name], "content": content, "stats": {}}


def _place(subgraph: Metadata, layout: Layout, what: str, name: str | None) -> Metadata:
    """The output tensor's metadata that carries something, by its name in the layout."""
    if name is None:
        raise UsageError(
            f"The model has no place for {what}.",
            cause="It is neither a detector nor a classifier, or its outputs are not recognised as such.",
            fix="Leave the option out.",
        )
    place: Metadata = subgraph["output_tensor_metadata"][layout.outputs.index(name)]
    return place


def _normalise(tensor: Metadata, layout: Layout, details: Details) -> None:
    """What a reader does with a pixel, and the range of what it then feeds; stored integers are fed unchanged."""
    _set_unit(tensor, "NormalizationOptions", {"mean": list(details.mean), "std": list(details.std)})
    if layout.dtype == "uint8":
        tensor["stats"] = {"max": [255.0], "min": [0.0]}
    elif layout.dtype == "float32":
        pairs = list(zip(details.mean, details.std, strict=True))
        tensor["stats"] = {"max": [(255.0 - m) / s for m, s in pairs], "min": [(0.0 - m) / s for m, s in pairs]}


def _score_range(dtype: str) -> Metadata:
    if dtype not in ("float32", "uint8"):
        return {}  # the reference writer leaves other types without a range
    return {"max": [1.0 if dtype == "float32" else 255.0], "min": [0.0]}


def _label_files(details: Details) -> dict[str, tuple[str, tuple[str, ...]]]:
    """File name → (locale, labels); the file without a locale first, because readers take the first one."""
    files: dict[str, tuple[str, tuple[str, ...]]] = {}
    if details.labels:
        files[details.labels_file] = ("", details.labels)
    stem, dot, suffix = details.labels_file.rpartition(".")
    for locale, labels in details.locale_labels.items():
        files[f"{stem}_{locale}{dot}{suffix}" if dot else f"{suffix}_{locale}"] = (locale, labels)
    return files


def _label(tensor: Metadata, layout: Layout, details: Details) -> None:
    assert layout.labelled is not None
    entries = []
    for name, (locale, labels) in _label_files(details).items():
        if layout.num_classes is not None and len(labels) != layout.num_classes:
            raise UserDataError(f"{name} has {len(labels)} labels, the model {layout.num_classes} classes.")
        entry = {"name": name, "description": _LABELS, "type": layout.labelled[1]}
        entries.append(entry | {"locale": locale} if locale else entry)
    locales = {entry.get("locale", "") for entry in entries}
    others = [
        entry
        for entry in tensor.get("associated_files", [])
        if entry.get("type") not in LABEL_TYPES or entry.get("locale", "") not in locales
    ]
    # Readers take the first file of the type when no locale is asked for: it must be the one without.
    tensor["associated_files"] = sorted(others + entries, key=lambda entry: bool(entry.get("locale")))


def _calibrate(tensor: Metadata, layout: Layout, calibration: Calibration) -> None:
    if layout.num_classes is not None and len(calibration.sigmoids) != layout.num_classes:
        raise UserDataError(
            f"The score calibration has {len(calibration.sigmoids)} lines, the model {layout.num_classes} classes."
        )
    _set_unit(tensor, "ScoreCalibrationOptions", calibration.options)
    text = "A sigmoid per class that makes the scores of different classes comparable."
    others = [entry for entry in tensor.get("associated_files", []) if entry.get("type") != CALIBRATION_TYPE]
    entry = {"name": CALIBRATION_FILE, "description": text, "type": CALIBRATION_TYPE}
    tensor["associated_files"] = [*others, entry]


def _set_unit(tensor: Metadata, kind: str, options: dict[str, Any]) -> None:
    """Put a process unit in the place of another of its type: readers refuse two of one."""
    others = [unit for unit in tensor.get("process_units", []) if unit.get("options_type") != kind]
    tensor["process_units"] = [*others, {"options_type": kind, "options": options}]
