"""The specification of a .tflite file as it is: what to feed it, and what its outputs mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...errors import SourceError, UsageError
from ...values.spec import (
    DTYPES,
    GIVE_NORMALISATION,
    ClassHead,
    Encoding,
    FinalHead,
    Head,
    ImageInput,
    ModelSpec,
    Selection,
)
from ...values.support import display_name
from .. import labels as label_files
from . import postprocess
from .metadata import unpack
from .metadata_content import CATEGORY, COUNT, DETECTION_OUTPUTS, LABEL_TYPES, LOCATION, SCORE
from .metadata_layout import CHANNELS, layout, output_metadata, tensor_metadata
from .reader import Tensor, TfliteModel, read

SCORE_OPERATORS = {"LOGISTIC", "SOFTMAX"}
MOVES = {"RESHAPE", "CONCATENATION", "QUANTIZE", "DEQUANTIZE", "SQUEEZE", "EXPAND_DIMS", "TRANSPOSE"}
TAKEN_AS_PROBABILITIES = "The scores end without sigmoid or softmax: they are taken as probabilities."


@dataclass(frozen=True, kw_only=True)
class FileSpec:
    """notes: what was taken and not read from the file, and what was done to labels, as sentences to show."""

    spec: ModelSpec
    notes: tuple[str, ...] = ()


def read_spec(
    data: bytes,
    *,
    name: str,
    mean: Sequence[float] = (),
    std: Sequence[float] = (),
    labels: Sequence[str] = (),
) -> FileSpec:
    """How to run a finished detector or a classifier. name: of the model; tensors get the names that its runner uses.

    mean, std, labels: go before what the metadata says. Raises SourceError where the file is neither, UsageError
    where normalisation has to be given, UserDataError where labels do not fit.
    """
    model = read(data, name=name)
    metadata, files = unpack(data)
    found = layout(model, metadata)
    if found.task not in ("detection", "classification"):
        raise _neither(found.task, name)
    image, notes = image_input(model, metadata, tuple(mean), tuple(std), name)
    given = tuple(labels) or packed_labels(metadata, files)
    num_classes = found.num_classes or len(given)
    if not num_classes:
        raise UsageError(f"{name} does not say how many classes it has.", fix="Give its labels: --labels FILE")
    fitted = label_files.fit(given, num_classes, name="The label file") if given else label_files.Fitted(labels=())
    head, selection = _head(model, found.outputs)
    if isinstance(head, ClassHead) and not is_activated(model, model.main.outputs[0]):
        notes += (TAKEN_AS_PROBABILITIES,)
    spec = ModelSpec(
        name=display_name(name),
        task=found.task,
        input=image,
        head=head,
        selection=selection,
        num_classes=num_classes,
        labels=fitted.labels,
    )
    return FileSpec(spec=spec, notes=notes + fitted.notes)


def _neither(task: str, name: str) -> SourceError:
    cause = "Its outputs are neither detections nor the scores of a classifier."
    if task == "raw":
        fix = "Convert it first, which adds the post-processing: edgekit convert"
        return SourceError(f"{name} is a detector without its post-processing.", cause=cause, fix=fix)
    return SourceError(f"{name} is no detector and no classifier.", cause=cause, fix="See what it is: edgekit inspect")


def _names(model: TfliteModel, side: str) -> list[str]:
    """Names of the inputs or outputs: those of the first signature, else the tensors' own."""
    indices: tuple[int, ...] = getattr(model.main, side)
    if not model.signatures:
        return [model.main.tensors[index].name for index in indices]
    by_index = {index: name for name, index in getattr(model.signatures[0], side).items()}
    if model.signatures[0].subgraph != 0 or not set(indices) <= set(by_index):
        raise SourceError(f"The file's signature does not name all of its {side}.")
    return [by_index[index] for index in indices]


def image_input(
    model: TfliteModel, metadata: Any, mean: tuple[float, ...], std: tuple[float, ...], name: str
) -> tuple[ImageInput, tuple[str, ...]]:
    """The picture that a file with one 4-dimensional input takes, and what was assumed of it.

    Raises SourceError where edgekit cannot feed it, UsageError where mean and std have to be given.
    """
    tensor = model.main.tensors[model.main.inputs[0]]
    _, height, width, channels = tensor.shape
    if channels not in CHANNELS or -1 in tensor.signature[1:] or tensor.dtype not in DTYPES:
        raise SourceError(
            f"{name} takes {tensor.dtype} {list(tensor.signature)}; edgekit feeds pictures of a fixed size with one or "
            f"three channels, as {', '.join(DTYPES)}."
        )
    encoding = stored_encoding(tensor)
    mean, std, notes = _normalisation(metadata, mean, std, encoding, name)
    try:
        image = ImageInput(
            name=_names(model, "inputs")[0],
            height=height,
            width=width,
            colour=CHANNELS[channels],
            mean=mean,
            std=std,
            encoding=encoding,
        )
    except ValueError as error:
        raise UsageError(f"{name} cannot be fed so: {error}.", fix=GIVE_NORMALISATION) from None
    return image, notes


def is_activated(model: TfliteModel, scores: int) -> bool:
    """Whether a file applies LOGISTIC or SOFTMAX to the tensor with this index at its end."""
    producers = {index: operator for operator in model.main.operators for index in operator.outputs}
    index = scores
    for _ in model.main.operators:
        operator = producers.get(index)
        if operator is not None and operator.name in SCORE_OPERATORS:
            return True
        if operator is None or operator.name not in MOVES or not operator.inputs:
            break
        index = operator.inputs[0]
    return False


def stored_encoding(tensor: Tensor) -> Encoding:
    if tensor.dtype == "float32":
        return Encoding()
    quantisation = tensor.quantisation
    if quantisation is None or not quantisation.scales[0]:
        return Encoding(dtype=tensor.dtype)
    return Encoding(dtype=tensor.dtype, scale=quantisation.scales[0], zero_point=quantisation.zero_points[0])


def _normalisation(
    metadata: Any, mean: tuple[float, ...], std: tuple[float, ...], encoding: Encoding, name: str
) -> tuple[tuple[float, ...], tuple[float, ...], tuple[str, ...]]:
    """mean and std as given, else as the metadata says; a uint8 input takes the pixels unchanged."""
    if mean or std:
        return mean, std, ()
    for entry in tensor_metadata(metadata, "input")[:1]:
        for unit in entry.get("process_units") or []:
            options = unit.get("options") or {}
            if unit.get("options_type") == "NormalizationOptions" and options.get("mean") and options.get("std"):
                return tuple(map(float, options["mean"])), tuple(map(float, options["std"])), ()
    if encoding.dtype == "uint8":
        note = "The file does not say its mean and std: pixels are fed unchanged, as uint8 models expect them."
        return (float(encoding.zero_point),), (1 / encoding.scale,), (note,)
    raise UsageError(
        f"{name} takes {encoding.dtype} and does not say how pixels become its input.",
        cause="The file has no metadata with mean and std.",
        fix=GIVE_NORMALISATION,
    )


def packed_labels(metadata: Any, files: Mapping[str, bytes]) -> tuple[str, ...]:
    """The first label file without a locale that the metadata names, else the first of all.

    Every reader takes it as plain lines.
    """
    entries = [
        entry
        for output in output_metadata(metadata)
        for entry in output.get("associated_files") or []
        if entry.get("type") in LABEL_TYPES and entry.get("name") in files
    ]
    first = next(iter(sorted(entries, key=lambda entry: bool(entry.get("locale")))), None)
    return label_files.decode(files[first["name"]], name=first["name"]) if first else ()


def _head(model: TfliteModel, meaning: Sequence[str]) -> tuple[Head, Selection | None]:
    names = _names(model, "outputs")
    if len(names) == 1:
        return ClassHead(scores=names[0]), None
    places = [meaning.index(role) for role in DETECTION_OUTPUTS]
    by_role = {role: names[place] for role, place in zip(DETECTION_OUTPUTS, places, strict=True)}
    head = FinalHead(
        boxes=by_role[LOCATION],
        classes=by_role[CATEGORY],
        scores=by_role[SCORE],
        count=by_role[COUNT],
        order=(places[0], places[1], places[2], places[3]),
    )
    found = postprocess.find(model)
    if found is not None:
        return head, found.options.selection
    # Another post-processing: its count is that of rows, whatever rule chose them
    rows = model.main.tensors[model.main.outputs[head.order[2]]].elements
    try:
        return head, Selection(max_detections=max(rows, 1), regular=True)
    except ValueError as error:
        raise SourceError(f"The file answers with {rows} rows.", cause=f"{error}.") from None
