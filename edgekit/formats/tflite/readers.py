"""Who opens a .tflite, who refuses it, and who misreads it: one lint for all readers, their needs as data.

readers.json holds what each reader needs and which of its sources say so; operator_versions.json holds which operator
versions it has kernels for, as measured. A rule below is a question that is asked of every reader it concerns.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from ...errors import SourceError, UserDataError
from ...values.codec import from_data
from . import archive, calibration
from .metadata_codec import Metadata, decode
from .metadata_content import CATEGORY, DETECTION_OUTPUTS, LABEL_TYPES, LOCATION, SCORE, Layout
from .metadata_layout import layout, ports, tensor_metadata
from .metadata_schema import ENTRY
from .postprocess import find_usable
from .reader import Tensor, TfliteModel

ACCEPTS, REFUSES, MISREADS = "accepts", "refuses", "misreads"
SET = "edgekit metadata set FILE"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What a reader does with the file. outcome: accepts, refuses or misreads; why; fix: what to do about it."""

    reader: str
    outcome: str
    why: str
    fix: str = ""


@dataclass(frozen=True, kw_only=True)
class Reader:
    """What a reader needs; an empty tuple asks nothing.

    operators: its table of operator versions, '' where none was measured. tasks: what it can be used for. parser: the
    newest metadata it reads. one_normalisation: it takes one mean and std for all channels only. labels_must_fit: it
    refuses another number of labels than classes.
    """

    name: str
    version: str
    source: str
    input_dtypes: tuple[str, ...]
    output_dtypes: tuple[str, ...]
    operators: str
    custom_operators: tuple[str, ...]
    tasks: tuple[str, ...]
    reads_metadata: bool
    parser: tuple[int, ...]
    channels: tuple[int, ...]
    one_subgraph: bool
    one_normalisation: bool
    labels_must_fit: bool


@dataclass(frozen=True, kw_only=True)
class Subject:
    """A model as the rules look at it. metadata: None where there is none or it cannot be read, with ``unreadable``."""

    model: TfliteModel
    layout: Layout
    ports: tuple[str, ...] | None
    metadata: Metadata | None
    unreadable: str
    archive: archive.Archive

    @property
    def inputs(self) -> list[Tensor]:
        graph = self.model.main
        return [graph.tensors[index] for index in graph.inputs]

    @property
    def outputs(self) -> list[Tensor]:
        graph = self.model.main
        return [graph.tensors[index] for index in graph.outputs]

    def role(self, name: str) -> int:
        """Which output a reader takes for this one: by the metadata's names if all are there, else by their place."""
        names = [entry.get("name") for entry in tensor_metadata(self.metadata, "output")]
        known = all(output in names for output in DETECTION_OUTPUTS)
        return names.index(name) if known else DETECTION_OUTPUTS.index(name)

    def output(self, name: str) -> Metadata:
        """The metadata that a reader takes for this output's, empty where there is none."""
        entries = tensor_metadata(self.metadata, "output")
        if self.layout.task != "detection":
            return entries[0] if entries else {}
        return entries[self.role(name)] if self.role(name) < len(entries) else {}


Problem = tuple[str, str, str]  # outcome, why, fix
Rule = Callable[[Reader, Subject], Iterator[Problem]]


@cache
def readers() -> tuple[Reader, ...]:
    """All readers, from readers.json."""
    return tuple(from_data(Reader, entry) for entry in _data("readers.json"))


@cache
def operator_versions() -> Mapping[str, Mapping[str, list[int]]]:
    """Runtime → operator → oldest and newest version that it has a kernel for."""
    runtimes: Mapping[str, Mapping[str, list[int]]] = _data("operator_versions.json")["runtimes"]
    return runtimes


def lint(model: TfliteModel) -> list[Finding]:
    """What every reader does with the model: all that it refuses or misreads, or that it accepts the file."""
    subject = _subject(model)
    findings = []
    for reader in readers():
        name = f"{reader.name} {reader.version}"
        problems = [problem for rule in RULES for problem in rule(reader, subject)]
        findings += [Finding(reader=name, outcome=outcome, why=why, fix=fix) for outcome, why, fix in problems]
        if not problems:
            findings.append(Finding(reader=name, outcome=ACCEPTS, why=_welcome(reader, subject)))
    return findings


def _data(name: str) -> Any:
    return json.loads(resources.files(__package__).joinpath(name).read_text("utf-8"))


def _subject(model: TfliteModel) -> Subject:
    metadata, unreadable = None, ""
    if ENTRY in model.metadata:
        try:
            metadata = decode(model.metadata[ENTRY])
        except SourceError as error:
            unreadable = error.what
    return Subject(
        model=model,
        layout=layout(model, metadata),
        ports=ports(model),
        metadata=metadata,
        unreadable=unreadable,
        archive=archive.read(model.data),
    )


def _welcome(reader: Reader, subject: Subject) -> str:
    task = {"detection": "an object detector", "classification": "an image classifier"}.get(subject.layout.task)
    if not reader.reads_metadata:
        return "It runs the file and reads no metadata: the app brings labels and normalisation."
    return f"It opens the file as {task}{', with class names' if _label_file(subject) else ', without class names'}."


def _label_file(subject: Subject, *, kind: str | None = None) -> str:
    """Name of the first label file where a reader looks for it, '' where there is none."""
    carrier = subject.layout.labelled
    if carrier is None:
        return ""
    entries = subject.output(carrier[0]).get("associated_files") or []
    return next((str(entry.get("name", "")) for entry in entries if entry.get("type") == (kind or carrier[1])), "")


def _operators(reader: Reader, subject: Subject) -> Iterator[Problem]:
    table = operator_versions().get(reader.operators)
    seen = set()
    for graph in subject.model.subgraphs:
        for operator in graph.operators:
            if (operator.name, operator.version) in seen:
                continue
            seen.add((operator.name, operator.version))
            if operator.custom and operator.name not in reader.custom_operators:
                flex = "Convert without TensorFlow operators (Flex)."
                fix = flex if operator.name.startswith("Flex") else "Use a runtime to which the app can add it."
                yield REFUSES, f"It has no kernel for the custom operator {operator.name}.", fix
            elif not operator.custom and table is not None:
                yield from _version(operator.name, operator.version, table)


def _version(name: str, version: int, table: Mapping[str, list[int]]) -> Iterator[Problem]:
    if name not in table:
        yield REFUSES, f"It has no kernel for {name}.", "Convert the model with an older converter."
    elif version > table[name][1]:
        why = f"{name} has version {version}, its newest is {table[name][1]}."
        per_channel = "with _experimental_disable_per_channel_quantization_for_dense_layers"
        dense = f"Convert it as full integer, or {per_channel}, or use a newer runtime."
        yield REFUSES, why, dense if name == "FULLY_CONNECTED" else "Use a newer runtime, or an older converter."


def _dtypes(reader: Reader, subject: Subject) -> Iterator[Problem]:
    sides = (("input", subject.inputs, reader.input_dtypes), ("output", subject.outputs, reader.output_dtypes))
    for side, tensors, allowed in sides:
        for tensor in tensors:
            if allowed and tensor.dtype not in allowed:
                fix = "Convert to a recipe with uint8 input and float32 output, such as tflite-uint8 or tflite-int8."
                yield REFUSES, f"The {side} {tensor.name!r} is {tensor.dtype}; it takes {' or '.join(allowed)}.", fix
    dtypes = sorted({tensor.dtype for tensor in subject.outputs})
    if reader.tasks and len(dtypes) > 1:
        yield REFUSES, f"The outputs are {' and '.join(dtypes)}; it wants one type for all.", "Convert the model again."


def _picture(reader: Reader, subject: Subject) -> Iterator[Problem]:
    if not reader.tasks:
        return
    if reader.one_subgraph and len(subject.model.subgraphs) != 1:
        yield (
            REFUSES,
            f"The model has {len(subject.model.subgraphs)} subgraphs; it takes one.",
            "Convert it without loops.",
        )
    shapes = [tensor.shape for tensor in subject.inputs]
    if len(shapes) != 1 or len(shapes[0]) != 4:
        yield (
            REFUSES,
            "It wants one input [1, height, width, channels].",
            "Use a runtime without tasks, such as LiteRT.",
        )
    elif shapes[0][0] != 1 or shapes[0][3] not in reader.channels:
        allowed = " or ".join(str(count) for count in reader.channels)
        yield (
            REFUSES,
            f"The input is {list(shapes[0])}; it wants [1, height, width, {allowed}].",
            "Convert for one picture.",
        )


def _task(reader: Reader, subject: Subject) -> Iterator[Problem]:
    if not reader.tasks or subject.layout.task in reader.tasks:
        return
    if subject.layout.task == "raw":
        yield (
            REFUSES,
            "The detector has no post-processing in the file, and no anchors in its metadata.",
            "Attach it: edgekit convert FILE --to tflite-uint8 (without --raw).",
        )
    else:
        found = f"{len(subject.outputs)} outputs {[list(tensor.shape) for tensor in subject.outputs]}"
        yield REFUSES, f"It is neither a detector nor a classifier that it knows: {found}.", "Use LiteRT itself."


def _presence(reader: Reader, subject: Subject) -> Iterator[Problem]:
    if not reader.reads_metadata or subject.layout.task not in reader.tasks:
        return
    if subject.unreadable:
        yield REFUSES, subject.unreadable, f"Write the metadata anew: {SET} --default."
    elif subject.metadata is None:
        if subject.layout.task == "detection":
            yield REFUSES, "The file has no metadata; detectors need it.", f"Write it: {SET} --labels LABELS."
        elif subject.inputs[0].dtype == "float32":
            fix = f"Write it: {SET} --mean M --std S --labels LABELS."
            yield REFUSES, "The file has no metadata, and a float32 input needs its normalisation.", fix
    else:
        for kind, tensors in (("input", subject.inputs), ("output", subject.outputs)):
            described = len(tensor_metadata(subject.metadata, kind))
            if described != len(tensors) and (described or subject.layout.task == "detection"):
                why = f"The metadata describes {described} {kind}s, the model has {len(tensors)}."
                yield REFUSES, why, f"Bring it into step: {SET}."
        yield from _parser(reader, subject.metadata)


def _parser(reader: Reader, metadata: Metadata) -> Iterator[Problem]:
    text = str(metadata.get("min_parser_version", ""))
    parts = text.split(".") if text else []
    if all(part.isdecimal() and len(part) < 6 for part in parts) and tuple(map(int, parts)) > reader.parser:
        newest = ".".join(map(str, reader.parser))
        yield REFUSES, f"The metadata needs a parser {text}, it has {newest}.", f"Write it anew: {SET} --default."


def _input_metadata(reader: Reader, subject: Subject) -> Iterator[Problem]:
    entries = tensor_metadata(subject.metadata, "input")
    if not reader.reads_metadata or subject.layout.task not in reader.tasks or not entries:
        return
    entry, content = entries[0], entries[0].get("content") or {}
    kind = content.get("content_properties_type", "NONE")
    if kind not in ("NONE", "ImageProperties"):
        yield REFUSES, f"The metadata calls the input {kind}, not a picture.", f"Write it anew: {SET} --default."
    elif kind == "ImageProperties":
        colour = content.get("content_properties", {}).get("color_space", "UNKNOWN")
        if colour != "RGB":
            yield REFUSES, f"The metadata says the picture's colours are {colour}; it takes RGB.", "Feed it yourself."
    units = [u.get("options", {}) for u in entry.get("process_units") or [] if _is(u, "NormalizationOptions")]
    yield from _normalisation(reader, subject, units)


def _normalisation(reader: Reader, subject: Subject, units: list[Metadata]) -> Iterator[Problem]:
    fix = f"Give one: {SET} --mean M --std S."
    if len(units) > 1:
        yield REFUSES, "The metadata normalises the input more than once.", fix
    elif not units:
        if subject.inputs[0].dtype == "float32":
            yield REFUSES, "The input is float32, and the metadata does not say how to normalise a picture.", fix
    else:
        mean, std = units[0].get("mean") or [], units[0].get("std") or []
        if len(mean) != len(std) or len(mean) not in (1, 3):
            yield REFUSES, f"The metadata has {len(mean)} means and {len(std)} stds; it takes 1 or 3 of each.", fix
        elif (
            reader.one_normalisation
            and subject.inputs[0].dtype == "float32"
            and len(set(zip(mean, std, strict=True))) > 1
        ):
            yield REFUSES, "It cannot normalise channels differently.", "Move the normalisation into the model."
        elif subject.inputs[0].dtype == "float32" and 0.0 in std:
            yield REFUSES, "The metadata divides by a std of 0.", fix


def _order(reader: Reader, subject: Subject) -> Iterator[Problem]:
    """The op's ports say what an output is; a reader goes by the metadata."""
    entries = tensor_metadata(subject.metadata, "output")
    if not reader.reads_metadata or subject.ports is None or len(entries) != len(subject.ports):
        return
    wrong = [name for name in DETECTION_OUTPUTS if subject.ports[subject.role(name)] != name]
    if not wrong:
        return
    why = f"By the metadata it takes {subject.ports[subject.role(wrong[0])]!r} for {wrong[0]!r}"
    outcome = MISREADS if set(wrong) == {CATEGORY, SCORE} else REFUSES  # these two have the same shape
    tail = "." if outcome == MISREADS else ", and stops at the first picture because the shapes do not fit."
    yield outcome, why + tail, f"Bring them into step: {SET}."


def _boxes(reader: Reader, subject: Subject) -> Iterator[Problem]:
    if not reader.reads_metadata or subject.layout.task != "detection" or not subject.metadata:
        return
    content = subject.output(LOCATION).get("content") or {}
    kind, box = content.get("content_properties_type", "none"), content.get("content_properties") or {}
    fix = f"Write it anew: {SET} --default."
    if kind != "BoundingBoxProperties":
        yield REFUSES, f"The metadata must describe the boxes with BoundingBoxProperties, found {kind}.", fix
        return
    if box.get("type", "UNKNOWN") != "BOUNDARIES" or box.get("coordinate_type", "RATIO") != "RATIO":
        found = f"{box.get('type', 'UNKNOWN')}, {box.get('coordinate_type', 'RATIO')}"
        yield REFUSES, f"The boxes must be BOUNDARIES in RATIO coordinates, the metadata says {found}.", fix
    index = box.get("index")
    if index is not None and len(index) != 4:
        yield REFUSES, f"The order of a box must have 4 places, the metadata has {len(index)}.", fix
    elif subject.ports is not None and index != [1, 0, 3, 2]:
        yield MISREADS, f"The metadata takes a box's sides in the order {index or [0, 1, 2, 3]}, not [1, 0, 3, 2].", fix


def _archive(reader: Reader, subject: Subject) -> Iterator[Problem]:
    if not reader.reads_metadata or subject.metadata is None:
        return
    if subject.archive.compressed:
        name = subject.archive.compressed[0]
        yield (
            REFUSES,
            f"{name!r} in the archive behind the model is compressed; it wants it stored.",
            f"Pack it anew: {SET}.",
        )
    for problem in subject.archive.problems:
        yield REFUSES, f"The archive behind the model: {problem}", f"Pack it anew: {SET} --default."


def _labels(reader: Reader, subject: Subject) -> Iterator[Problem]:
    carrier = subject.layout.labelled
    if not reader.reads_metadata or subject.layout.task not in reader.tasks or not subject.metadata or carrier is None:
        return
    fix = f"Give the labels: {SET} --labels LABELS."
    name = _label_file(subject)
    if not name:
        other = next((kind for kind in LABEL_TYPES if kind != carrier[1] and _label_file(subject, kind=kind)), "")
        if other:
            why = f"The labels are declared as {other}; it looks for {carrier[1]} and goes without names."
            yield MISREADS, why, fix
        return
    if name not in subject.archive.files:
        if not subject.archive.problems:
            yield REFUSES, f"The label file {name!r} is declared and not in the file.", fix
        return
    classes, labels = subject.layout.num_classes, _lines(subject.archive.files[name])
    if classes is None or labels == classes:
        return
    why = f"There are {labels} labels for {classes} classes"
    if reader.labels_must_fit and (labels < classes or subject.layout.task == "classification"):
        yield REFUSES, f"{why}, at the latest when a class without a name is found.", fix
    else:
        yield MISREADS, f"{why}: names are missing or do not belong to their classes.", fix


def _calibration(reader: Reader, subject: Subject) -> Iterator[Problem]:
    scored = subject.layout.scored
    if not reader.reads_metadata or scored is None or subject.layout.task not in reader.tasks:
        return
    entry = subject.output(scored)
    if not any(_is(unit, "ScoreCalibrationOptions") for unit in entry.get("process_units") or []):
        return
    kind = "TENSOR_AXIS_SCORE_CALIBRATION"
    name = next((f.get("name", "") for f in entry.get("associated_files") or [] if f.get("type") == kind), "")
    fix = f"Give the calibration: {SET} --score-calibration CSV."
    if name not in subject.archive.files:
        yield REFUSES, "The scores are to be calibrated, and the calibration file is not there.", fix
        return
    content = subject.archive.files[name]
    try:
        calibration.parse(content, name=name, num_classes=None)
    except UserDataError as error:
        yield REFUSES, f"The calibration file cannot be read: {error.what}", fix
        return
    lines, labels = content.count(b"\n") + 1, subject.archive.files.get(_label_file(subject))
    if reader.labels_must_fit and (labels is None or lines != _lines(labels)):
        yield REFUSES, f"The calibration has {lines} lines, a final newline counts; it wants one for each label.", fix


def _threads(reader: Reader, subject: Subject) -> Iterator[Problem]:
    """A fault of the kernel, tensorflow/tensorflow#56058; with 2, 3 and 4 threads it was seen in LiteRT 2.3.0."""
    found = find_usable(subject.model)
    if found is not None and found.options.selection.regular:
        why = "Run with t threads, the class-by-class suppression of the post-processing op leaves out class number t."
        yield MISREADS, why, "Run it with one thread, or convert with --fast-nms."


def _lines(labels: bytes) -> int:
    """How many labels a reader finds: it ignores one final newline."""
    return labels.removesuffix(b"\n").count(b"\n") + 1


def _is(unit: Metadata, kind: str) -> bool:
    return bool(unit.get("options_type") == kind)


RULES: tuple[Rule, ...] = (
    _operators,
    _dtypes,
    _picture,
    _task,
    _presence,
    _input_metadata,
    _order,
    _boxes,
    _archive,
    _labels,
    _calibration,
    _threads,
)
