"""TFLite files: finished detectors, detectors with raw heads, classifiers. TensorFlow is never needed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import EdgekitError, SourceError, UsageError
from ..formats import model as model_file
from ..formats.model import ANCHORS
from ..formats.tflite import audit as auditing
from ..formats.tflite import metadata as packing
from ..formats.tflite import postprocess as op
from ..formats.tflite.metadata_layout import layout
from ..formats.tflite.metadata_schema import ENTRY
from ..formats.tflite.reader import Tensor, TfliteModel, read
from ..formats.tflite.readers import lint
from ..formats.tflite.schema import IDENTIFIER
from ..formats.tflite.spec import image_input, is_activated, packed_labels
from ..system import read_file, write_file
from ..values.model import Model, Quantisation, Source
from ..values.spec import BOXES, IMAGE, SCORES, USUAL, ClassHead, Head, ImageInput, ModelSpec, RawHead, Selection
from ..values.support import INTEGERS, display_name
from .inspection import Anchors, Port, TfliteInspection
from .naming import count_classes, name_classes, name_model
from .options import SELECTION, LoadOptions
from .outlook import outlook

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FILE = "model.tflite"
SUFFIXES = (".tflite", ".lite")
TASKS = {
    "raw": "a detector with raw heads, without post-processing",
    "classification": "an image classifier",
    "other": "a model that is no detector and no classifier known here",
}


def recognises(path: Path, head: bytes) -> bool:
    """By the identifier at byte 4, or by the suffix, so that a damaged one is called damaged."""
    return bool(head) and (head[4:8] == IDENTIFIER or path.suffix.lower() in SUFFIXES)


@dataclass(frozen=True, kw_only=True)
class _File:
    """A file with what stands in it. metadata: None where there is none."""

    path: Path
    data: bytes
    model: TfliteModel
    metadata: Mapping[str, Any] | None
    packed: Mapping[str, bytes]

    @property
    def outputs(self) -> list[Tensor]:
        return [self.model.main.tensors[index] for index in self.model.main.outputs]


@dataclass(frozen=True, kw_only=True)
class _Parts:
    """What a Model is made of, before labels are fitted. outputs: tensors of the raw heads by their plain names."""

    head: Head
    selection: Selection | None
    num_classes: int
    outputs: Mapping[str, Tensor]
    anchors: NDArray[np.float32] | None = None
    notes: tuple[str, ...] = ()


def load(path: Path, *, out: Path, options: LoadOptions) -> Model:
    """A .tflite file without post-processing, its tensors under plain names, in the folder ``out``."""
    from ..formats.tflite.edit import canonical, strip
    from . import anchors as anchor_files

    file = _open(path)
    parts = _parts(file, options)
    image, notes = _image(file, options)
    names = name_classes(parts.num_classes, options, packed_labels(file.metadata, file.packed))
    result = Model(
        root=out,
        file=FILE,
        spec=ModelSpec(
            name=name_model(path, options),
            task="detection" if parts.selection else "classification",
            input=replace(image, name=IMAGE),
            head=parts.head,
            selection=parts.selection,
            num_classes=parts.num_classes,
            labels=names.labels,
            groups=names.groups,
        ),
        quantisation=_quantisation(auditing.audit(file.model)),
        source=Source(kind="tflite", name=display_name(path.name), sha256=hashlib.sha256(file.data).hexdigest()),
        assumptions=notes + parts.notes + names.notes,
    )
    picture = file.model.main.tensors[file.model.main.inputs[0]]
    cut, plain = file.data, {tensor.name: name for name, tensor in parts.outputs.items()}
    if op.find(file.model) is not None:  # the heads before the dequantisers that go with the post-processing
        cut = strip(file.data)
        main = read(cut).main
        plain = {main.tensors[index].name: name for index, name in zip(main.outputs, (BOXES, SCORES), strict=True)}
    write_file(out / FILE, canonical(cut, inputs={picture.name: IMAGE}, outputs=plain))
    if parts.anchors is not None:
        write_file(out / ANCHORS, anchor_files.encode(parts.anchors))
    model_file.write(result)
    return result


def _open(path: Path) -> _File:
    data = read_file(path)
    model = read(data, name=str(path))
    metadata, packed = packing.unpack(data)
    return _File(path=path, data=data, model=model, metadata=metadata, packed=packed)


def _parts(file: _File, options: LoadOptions) -> _Parts:
    found = op.find(file.model)
    task = layout(file.model, file.metadata).task
    if found is not None:
        options.expect_only({"anchors", *SELECTION}, "a finished detector")
        return _finished(file, found, options)
    if task == "classification":
        options.expect_only({"activation"}, "a classifier in a .tflite")
        scores = file.outputs[0]
        head = ClassHead(scores=SCORES, activation=_activation(file, scores, options))
        return _Parts(head=head, selection=None, num_classes=scores.shape[-1], outputs={SCORES: scores})
    if task == "raw" or options.outputs:
        options.expect_only({"outputs", "anchors", "activation", *SELECTION}, "a .tflite with raw heads")
        return _raw(file, options)
    there = ", ".join(f"{tensor.name} {list(tensor.shape)}" for tensor in file.outputs)
    raise SourceError(
        f"{file.path} is {TASKS['other']}.",
        cause=f"Its outputs are: {there or 'none'}.",
        fix=f"Needed is {op.CUSTOM_NAME}, raw heads [1, N, 4] and [1, N, classes], or scores [1, classes].",
    )


def _finished(file: _File, found: op.Postprocess, options: LoadOptions) -> _Parts:
    """A detector with its post-processing: options and anchors become values, the operator goes."""
    from . import anchors as anchor_files

    own = op.anchors(file.model, found) if not options.anchors else anchor_files.read(options.anchors)
    table = anchor_files.check(own, f"The anchors of {file.path}")
    columns = found.scores.shape[-1] if found.scores.shape else None
    counted = count_classes(columns, found.options.num_classes, options)
    head = RawHead(
        boxes=BOXES,
        scores=SCORES,
        anchors=ANCHORS,
        box_coder=found.options.box_coder,
        background=counted.background,
    )
    return _Parts(
        head=head,
        selection=options.select(found.options.selection),
        num_classes=counted.num_classes,
        outputs={BOXES: found.boxes, SCORES: found.scores},
        anchors=table,
        notes=counted.notes,
    )


def _raw(file: _File, options: LoadOptions) -> _Parts:
    """Two raw heads. Their anchors, and how boxes are coded, stand nowhere in the file."""
    from . import anchors as anchor_files

    boxes, scores = _raw_outputs(file, options)
    if not options.anchors:
        raise UsageError(
            f"{file.path} has raw heads, and no anchors to decode them with.",
            fix="Give them with --anchors FILE (.npy, .f32, .csv; [N, 4]: y centre, x centre, height, width in 0…1).",
        )
    table = anchor_files.read(options.anchors)
    if boxes.shape[1:] != (len(table), 4) or scores.shape[1:2] != (len(table),):
        raise SourceError(
            f"{options.anchors} has {len(table)} anchors, the heads are {list(boxes.shape)} and {list(scores.shape)}."
        )
    counted = count_classes(scores.shape[-1], None, options)
    activation = _activation(file, scores, options)
    note = "Box coder 10, 10, 5, 5 is assumed: a .tflite with raw heads does not say its own."
    return _Parts(
        head=RawHead(boxes=BOXES, scores=SCORES, anchors=ANCHORS, activation=activation, background=counted.background),
        selection=options.select(Selection()),
        num_classes=counted.num_classes,
        outputs={BOXES: boxes, SCORES: scores},
        anchors=table,
        notes=(note, *counted.notes),
    )


def _raw_outputs(file: _File, options: LoadOptions) -> tuple[Tensor, Tensor]:
    """Boxes and scores, as the user named them or by shape: boxes end in 4."""
    if not options.outputs:
        boxes, scores = file.outputs
        return boxes, scores
    by_name = {tensor.name: tensor for tensor in file.outputs}
    if len(options.outputs) != 2 or set(options.outputs) != set(by_name):
        raise UsageError(
            f"--outputs {','.join(options.outputs)} does not fit {file.path}.",
            fix=f"Name boxes and scores among its outputs: {', '.join(by_name)}",
        )
    return by_name[options.outputs[0]], by_name[options.outputs[1]]


def _activation(file: _File, scores: Tensor, options: LoadOptions) -> str:
    """What the reader must still apply: nothing where the file ends its scores with LOGISTIC or SOFTMAX."""
    if options.activation:
        return options.activation
    if is_activated(file.model, scores.index):
        return "none"
    raise UsageError(
        f"The scores {scores.name!r} of {file.path} end without sigmoid or softmax.",
        fix="Say what they still need: --activation sigmoid, softmax or none.",
    )


def _image(file: _File, options: LoadOptions) -> tuple[ImageInput, tuple[str, ...]]:
    """The picture that the file takes, and what was assumed of it."""
    inputs = file.model.main.inputs
    if len(inputs) != 1 or len(file.model.main.tensors[inputs[0]].shape) != 4:
        raise SourceError(f"{file.path} has {len(inputs)} inputs, not one picture [1, height, width, channels].")
    image, notes = image_input(file.model, file.metadata, options.mean, options.std, str(file.path))
    derived = bool(notes) and not options.mean
    # toco's recipe wrote 127.5 as 128, which no pixel can tell apart
    if derived and all(abs(value - USUAL) < 1 for value in (*image.mean, *image.std)):
        image = replace(image, mean=(USUAL,), std=(USUAL,))
        notes = (
            f"mean = std = {USUAL} is assumed: the input's scale and zero point are those of pixel / {USUAL} − 1.",
        )
    return image, notes


def _quantisation(found: auditing.Audit) -> Quantisation:
    """The types of the operators that do most of the work."""
    weighted = [row for row in found.rows if row.weights]
    weights = weighted[0].weights if weighted else "float32"
    activations = weighted[0].inputs[0] if weighted and weighted[0].inputs else "float32"
    kind = "integer" if activations in INTEGERS else "float16" if weights == "float16" else "none"
    return Quantisation(kind=kind, weights=weights, activations=activations)


def inspect(path: Path) -> TfliteInspection:
    """Everything that a .tflite file says, and who reads it. Metadata that cannot be read is said, not fatal."""
    data = read_file(path)
    model = read(data, name=str(path))
    metadata, packed, unreadable = _metadata(data)
    file = _File(path=path, data=data, model=model, metadata=metadata, packed=packed)
    found = op.find_usable(model)
    trouble, notes = _outcome(file)
    audited, labels = auditing.audit(model), _labels(file)
    meanings = zip(file.outputs, _meanings(file, found), strict=True)
    return TfliteInspection(
        path=path,
        bytes=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        what=_what(file, found),
        description=model.description,
        subgraphs=len(model.subgraphs),
        inputs=tuple(_port(model.main.tensors[index], "") for index in model.main.inputs),
        outputs=tuple(_port(tensor, meaning) for tensor, meaning in meanings),
        signatures=tuple(signature.key for signature in model.signatures),
        operators=audited.rows,
        integer_operators=audited.integer_operator_share if audited.operators else None,
        integer_macs=audited.integer_mac_share,
        macs=audited.macs,
        float_operators=tuple(f"{one.operator} ({one.kind}) → {one.output}" for one in audited.floats),
        postprocess=_options(found),
        anchors=_anchor_origin(found),
        metadata=metadata,
        other_metadata=tuple(name for name in model.metadata if name != ENTRY),
        files={name: len(content) for name, content in packed.items()},
        labels=labels,
        readers=tuple(lint(model)),
        recipes=() if trouble else outlook(_quantisation(audited)),
        trouble=trouble,
        notes=unreadable + notes,
    )


def _metadata(data: bytes) -> tuple[Mapping[str, Any] | None, Mapping[str, bytes], tuple[str, ...]]:
    try:
        return *packing.unpack(data), ()
    except SourceError as error:
        return None, {}, (_sentence(error),)


def _outcome(file: _File) -> tuple[str, tuple[str, ...]]:
    """Why ``load`` refuses the file, '' where it does not; and what it assumes, or has to be told."""
    try:
        parts, image = _parts(file, LoadOptions()), _image(file, LoadOptions())
        return "", image[1] + parts.notes
    except UsageError as error:
        return "", (_sentence(error),)
    except EdgekitError as error:
        return _sentence(error), ()


def _sentence(error: EdgekitError) -> str:
    return str(error).replace("\n", " ")


def _what(file: _File, found: op.Postprocess | None) -> str:
    if found is not None:
        return f"a finished detector of {found.options.num_classes} classes, with {op.CUSTOM_NAME} inside"
    if any(operator.name == op.CUSTOM_NAME for operator in file.model.main.operators):
        return f"a detector with {op.CUSTOM_NAME} that edgekit cannot use"
    task = layout(file.model, file.metadata).task
    return "a finished detector with another post-processing" if task == "detection" else TASKS[task]


def _meanings(file: _File, found: op.Postprocess | None) -> Iterator[str]:
    """What each output is: by the op's ports, else by what metadata and shapes say."""
    if found is None:
        yield from layout(file.model, file.metadata).outputs
        return
    ports = dict(zip(found.operator.outputs, op.PORTS, strict=True))
    for tensor in file.outputs:
        yield ports.get(tensor.index, "made after the post-processing")


def _port(tensor: Tensor, meaning: str) -> Port:
    numbers = tensor.quantisation
    return Port(
        name=tensor.name,
        dtype=tensor.dtype,
        shape=tensor.signature,
        scale=numbers.scales if numbers else (),
        zero_point=numbers.zero_points if numbers else (),
        meaning=meaning,
    )


def _options(found: op.Postprocess | None) -> Mapping[str, Any] | None:
    """The op's options under its own names."""
    if found is None:
        return None
    chosen, (y, x, height, width) = found.options.selection, found.options.box_coder
    return {
        "max_detections": chosen.max_detections,
        "max_classes_per_detection": chosen.max_classes_per_detection,
        "detections_per_class": chosen.detections_per_class,
        "use_regular_nms": chosen.regular,
        "nms_score_threshold": chosen.score,
        "nms_iou_threshold": chosen.iou,
        "num_classes": found.options.num_classes,
        "y_scale": y,
        "x_scale": x,
        "h_scale": height,
        "w_scale": width,
    }


def _anchor_origin(found: op.Postprocess | None) -> Anchors | None:
    if found is None:
        return None
    table = found.anchors
    return Anchors(count=table.shape[0] if table.shape else 0, origin=f"{table.dtype} constant of the op")


def _labels(file: _File) -> tuple[str, ...]:
    try:
        return packed_labels(file.metadata, file.packed)
    except EdgekitError:  # the lint says what is wrong with the label file
        return ()
