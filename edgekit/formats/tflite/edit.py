"""Changes to a .tflite file, bytes in and bytes out: post-processing on and off, a canonical face, a uint8 input.

What an edit does not name stays bit for bit: other operators, weights, metadata entries, an appended zip archive.
TFLITE_METADATA describes inputs and outputs by position, so it is to be written anew after an edit that moves them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ...errors import ConversionError, UsageError
from .draft import Draft, per_tensor
from .postprocess import CUSTOM_NAME, PORTS, Postprocess, PostprocessOptions, find
from .reader import Quantisation, Signature, Tensor, TfliteModel
from .schema import SOFTMAX_OPTIONS

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SIGNATURE = "serving_default"
# Versions that the runtime asks of an operator by its input type (tools/versioning/op_version.cc).
_DEQUANTIZE_VERSIONS = {"uint8": 1, "int8": 2, "int16": 3}
_ACTIVATION_VERSIONS = {"float32": 1, "uint8": 1, "int8": 2, "int16": 3}
# The only output quantisation that the integer kernels of LOGISTIC and SOFTMAX take.
_PROBABILITY = {
    "uint8": Quantisation(scales=(1 / 256,), zero_points=(0,), axis=0),
    "int8": Quantisation(scales=(1 / 256,), zero_points=(-128,), axis=0),
    "int16": Quantisation(scales=(1 / 32768,), zero_points=(0,), axis=0),
}
_SCORES_OF_KERNEL = ("float32", "uint8")  # what the post-processing kernel reads without DEQUANTIZE


def attach(
    data: bytes,
    *,
    options: PostprocessOptions,
    anchors: NDArray[np.float32],
    boxes: str | int,
    scores: str | int,
    activation: str = "none",
) -> bytes:
    """A raw-head detector with TFLite_Detection_PostProcess at its end: outputs boxes, classes, scores, count.

    anchors: float32 [N, 4] of (y centre, x centre, height, width). boxes, scores: tensors [1, N, 4] and
    [1, N, classes (+ background)], by name or index. activation: what the file has not yet applied to the scores
    (none, sigmoid, softmax). Integer boxes are dequantised, scores only where the kernel cannot read them.
    Raises ConversionError where the parts do not fit, UsageError where there is no such tensor.
    """
    draft = Draft(data)
    if find(draft.model) is not None:
        raise ConversionError(f"The file has {CUSTOM_NAME} already.", fix="Strip it first.")
    box_tensor, score_tensor = _tensor(draft.model, boxes), _tensor(draft.model, scores)
    _expect_heads(box_tensor, score_tensor, anchors, options)
    ports = [
        _dequantised(draft, box_tensor, ("float32",)),
        _dequantised(draft, _activated(draft, score_tensor, activation), _SCORES_OF_KERNEL),
        draft.tensor("anchors", anchors.shape, "float32", buffer=draft.constant(anchors.astype("<f4").tobytes())),
    ]
    shapes = _port_shapes(options)
    names = [CUSTOM_NAME + suffix for suffix in ("", ":1", ":2", ":3")]
    draft.outputs = [draft.tensor(name, shape, "float32") for name, shape in zip(names, shapes, strict=True)]
    draft.operator(CUSTOM_NAME, 1, ports, draft.outputs, custom_options=options.encode())
    draft.signatures = _with_outputs(draft.signatures, dict(zip(PORTS, draft.outputs, strict=True)))
    return draft.encode()


def strip(data: bytes) -> bytes:
    """A detector without its post-processing and the dequantisers before it: its outputs are boxes and scores.

    Raises ConversionError where there is none, or where other operators use its outputs.
    """
    draft = Draft(data)
    graph, found = draft.model.main, _expect_postprocess(draft.model)
    consumers = {i: [op.index for op in graph.operators if i in op.inputs] for i in _ports(found)}
    if users := sorted({op for i in found.operator.outputs for op in consumers[i]}):
        raise ConversionError(
            f"{CUSTOM_NAME} cannot be taken out: {graph.operators[users[0]].name} uses its outputs.",
            cause="The file goes on after its post-processing.",
        )
    gone, heads = {found.operator.index}, []
    for tensor in (found.boxes, found.scores):
        producer = next((op for op in graph.operators if tensor.index in op.outputs), None)
        if producer is None or producer.name != "DEQUANTIZE" or min(producer.inputs, default=-1) < 0:
            heads.append(tensor.index)
            continue
        heads.append(producer.inputs[0])
        if consumers[tensor.index] == [found.operator.index] and tensor.index not in graph.outputs:
            gone.add(producer.index)
    draft.outputs = heads
    draft.drop(gone)
    draft.signatures = _with_outputs(draft.signatures, dict(zip(("boxes", "scores"), draft.outputs, strict=True)))
    return draft.encode()


def canonical(data: bytes, *, inputs: Mapping[str, str], outputs: Mapping[str, str] | None = None) -> bytes:
    """The file with static shapes, outputs in canonical order, and one signature 'serving_default' with plain names.

    inputs, outputs: tensor name in the file → plain name, for all of them; their order becomes the file's. With
    post-processing inside, the outputs are boxes, classes, scores, count by the operator's ports, and need no names.
    A file that is canonical already comes back as it is. Raises UsageError where names do not fit the file,
    ConversionError where a size other than the batch is open or the file has several entry points.
    """
    draft = Draft(data)
    model, found = draft.model, find(draft.model)
    if any(signature.subgraph for signature in model.signatures):
        raise ConversionError("The file has several entry points.", fix="Give a file with one.")
    plain_inputs = _renamed(model, model.main.inputs, inputs, "inputs")
    if found is not None and outputs is None:
        plain_outputs = _by_port(model, found)
    else:
        plain_outputs = _renamed(model, model.main.outputs, outputs or {}, "outputs")
    signature = Signature(key=SIGNATURE, inputs=plain_inputs, outputs=plain_outputs, subgraph=0)
    shapes = _static_shapes(model, found)
    draft.inputs, draft.outputs = list(plain_inputs.values()), list(plain_outputs.values())
    same_order = (*draft.inputs,) == model.main.inputs and (*draft.outputs,) == model.main.outputs
    if not shapes and same_order and _same_signature(model.signatures, signature):
        return data
    for index, shape in shapes.items():
        draft.change_tensor(index, shape=shape, shape_signature=None, has_rank=True)
    draft.signatures = (signature,)
    return draft.encode()


def quantise_input(data: bytes, dtype: str = "uint8") -> bytes:
    """The file with an 8-bit input of the other sign: QUANTIZE in front shifts the stored values by 128, exactly.

    dtype: uint8 or int8. The input keeps its name; the one behind it gets its dtype added. Raises ConversionError
    where the file has not one 8-bit input.
    """
    draft = Draft(data)
    graph = draft.model.main
    old = graph.tensors[graph.inputs[0]] if graph.inputs else None
    if old is None or len(graph.inputs) != 1 or old.dtype not in ("uint8", "int8") or not per_tensor(old):
        kinds = ", ".join(graph.tensors[i].dtype for i in graph.inputs)
        raise ConversionError(f"A {dtype} input needs a file with one 8-bit input; this one has: {kinds or 'none'}.")
    if old.dtype == dtype:
        return data
    assert old.quantisation is not None  # per_tensor said so
    shift = 128 if dtype == "uint8" else -128
    quantisation = replace(old.quantisation, zero_points=(old.quantisation.zero_points[0] + shift,))
    new = draft.tensor(old.name, old.shape, dtype, quantisation=quantisation)
    draft.change_tensor(old.index, name=f"{old.name}_{old.dtype}")
    draft.operator("QUANTIZE", 1, [new], [old.index], first=True)
    draft.inputs = [new]
    draft.signatures = tuple(
        replace(signature, inputs={name: new if i == old.index else i for name, i in signature.inputs.items()})
        if signature.subgraph == 0
        else signature
        for signature in draft.signatures
    )
    return draft.encode()


def _tensor(model: TfliteModel, which: str | int) -> Tensor:
    """A tensor by index, by its name, or by the name that a signature gives it."""
    graph = model.main
    if isinstance(which, int):
        found = [tensor for tensor in graph.tensors if tensor.index == which]
    else:
        named = [side for s in model.signatures if not s.subgraph for side in (s.inputs, s.outputs)]
        signed = {side[which] for side in named if which in side}
        found = [tensor for tensor in graph.tensors if tensor.name == which or tensor.index in signed]
    # A tensor inside the network may have the name that the signature gives another one
    outer = [tensor for tensor in found if tensor.index in (*graph.inputs, *graph.outputs)]
    if len(outer or found) != 1:
        names = ", ".join(repr(graph.tensors[i].name) for i in graph.outputs)
        count = "no tensor" if not found else f"{len(found)} tensors"
        raise UsageError(f"The file has {count} {which!r}.", fix=f"Its outputs are {names}.")
    return (outer or found)[0]


def _expect_heads(boxes: Tensor, scores: Tensor, anchors: NDArray[np.float32], options: PostprocessOptions) -> None:
    if anchors.ndim != 2 or anchors.shape[1] != 4 or not abs(anchors).max(initial=0.0) < float("inf"):
        raise ConversionError(f"The anchors are no finite table [N, 4], but {list(anchors.shape)}.")
    count = len(anchors)
    if boxes.shape != (1, count, 4):
        raise ConversionError(
            f"The boxes {boxes.name!r} are {list(boxes.shape)}, {count} anchors need [1, {count}, 4].",
            cause="Anchors and model belong to different networks or input sizes, or another tensor was meant.",
        )
    classes = (options.num_classes, options.num_classes + 1)
    if scores.shape[:-1] != (1, count) or scores.shape[-1] not in classes:
        raise ConversionError(
            f"The scores {scores.name!r} are {list(scores.shape)}; {count} anchors and {classes[0]} classes need "
            f"[1, {count}, {classes[0]}], or {classes[1]} with background.",
            cause="The number of classes is another one, or another tensor was meant.",
        )


def _activated(draft: Draft, tensor: Tensor, activation: str) -> Tensor:
    """The tensor after its activation, in its own type."""
    if activation == "none":
        return tensor
    operators: dict[str, tuple[str, dict[str, Any]]] = {
        "sigmoid": ("LOGISTIC", {}),
        "softmax": (
            "SOFTMAX",
            {"builtin_options_type": SOFTMAX_OPTIONS, "builtin_options": ("SoftmaxOptions", {"beta": 1.0})},
        ),
    }
    if activation not in operators or tensor.dtype not in _ACTIVATION_VERSIONS:
        raise ConversionError(f"There is no activation {activation!r} for scores of {tensor.dtype}.")
    name, fields = operators[activation]
    quantisation = _PROBABILITY.get(tensor.dtype)
    index = draft.tensor(f"{tensor.name}_{activation}", tensor.shape, tensor.dtype, quantisation=quantisation)
    draft.operator(name, _ACTIVATION_VERSIONS[tensor.dtype], [tensor.index], [index], **fields)
    return replace(tensor, index=index, name=f"{tensor.name}_{activation}", quantisation=quantisation)


def _dequantised(draft: Draft, tensor: Tensor, readable: tuple[str, ...]) -> int:
    """Index of the tensor, or of a float32 copy of it where the kernel cannot read its type."""
    if tensor.dtype == "float32":
        return tensor.index
    if tensor.dtype not in _DEQUANTIZE_VERSIONS or not per_tensor(tensor):
        raise ConversionError(f"The head {tensor.name!r} is {tensor.dtype} without one scale, which is no real number.")
    if tensor.dtype in readable:
        return tensor.index
    index = draft.tensor(f"{tensor.name}_dequantized", tensor.shape, "float32")
    draft.operator("DEQUANTIZE", _DEQUANTIZE_VERSIONS[tensor.dtype], [tensor.index], [index])
    return index


def _port_shapes(options: PostprocessOptions) -> list[tuple[int, ...]]:
    rows = options.selection.rows
    return [(1, rows, 4), (1, rows), (1, rows), (1,)]


def _expect_postprocess(model: TfliteModel) -> Postprocess:
    found = find(model)
    if found is None:
        raise ConversionError(f"The file has no {CUSTOM_NAME} to take out.")
    return found


def _ports(found: Postprocess) -> tuple[int, ...]:
    return (*found.operator.inputs, *found.operator.outputs)


def _with_outputs(signatures: tuple[Signature, ...], outputs: Mapping[str, int]) -> tuple[Signature, ...]:
    return tuple(signature if signature.subgraph else replace(signature, outputs=outputs) for signature in signatures)


def _by_port(model: TfliteModel, found: Postprocess) -> dict[str, int]:
    if found.order is None:
        names = ", ".join(repr(model.main.tensors[i].name) for i in model.main.outputs)
        raise ConversionError(
            f"The outputs of {CUSTOM_NAME} are not the outputs of the file.",
            cause=f"The file goes on after its post-processing; its outputs are {names}.",
        )
    return dict(zip(PORTS, found.operator.outputs, strict=True))


def _renamed(model: TfliteModel, indices: tuple[int, ...], names: Mapping[str, str], kind: str) -> dict[str, int]:
    """Plain name → tensor, in the order of ``names``, which must name every tensor once."""
    plain = {new: _tensor(model, old).index for old, new in names.items()}
    if sorted(plain.values()) != sorted(indices):
        there = ", ".join(repr(model.main.tensors[i].name) for i in indices)
        raise UsageError(
            f"The {kind} of the file are {there}; names were given for {', '.join(map(repr, names)) or 'none'}.",
            fix=f"Name each of the {kind} once.",
        )
    return plain


def _static_shapes(model: TfliteModel, found: Postprocess | None) -> dict[int, tuple[int, ...]]:
    """New shapes by tensor. An open batch becomes 1, which is what the stored shape says already."""
    graph = model.main
    shapes: dict[int, tuple[int, ...]] = {}
    for tensor in graph.tensors:
        if -1 not in tensor.signature:
            continue
        if tensor.signature[0] == -1 and tensor.signature.count(-1) == 1 and tensor.shape[:1] == (1,):
            shapes[tensor.index] = tensor.shape
        elif tensor.index in graph.inputs:
            raise ConversionError(
                f"The input {tensor.name!r} has an open size: {list(tensor.signature)}.",
                cause="Phones and readers of metadata need a fixed picture size.",
                fix="Convert the source with a fixed input size.",
            )
    if found is not None:
        wanted = zip(found.operator.outputs, _port_shapes(found.options), strict=True)
        shapes |= {i: shape for i, shape in wanted if graph.tensors[i].shape != shape or i in shapes}
    return shapes


def _same_signature(signatures: tuple[Signature, ...], wanted: Signature) -> bool:
    return (
        len(signatures) == 1
        and signatures[0] == wanted
        and list(signatures[0].inputs) == list(wanted.inputs)
        and list(signatures[0].outputs) == list(wanted.outputs)
    )
