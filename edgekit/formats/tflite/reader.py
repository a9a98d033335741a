"""A .tflite file as plain values. Whatever the bytes are, the result is a checked value or a SourceError."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from ...errors import SourceError
from ..flatbuffer import MAX_SIZE, FlatbufferError, Table, root
from ..foreign import refuse_foreign
from . import archive
from .schema import BITS, CUSTOM, IDENTIFIER, OPERATORS, SCHEMA, TYPES

MAX_RANK = 64  # numpy's limit; no kernel of the runtime goes beyond 8
_PRINTABLE = bytes(range(32, 127)) + b"\t\n\r\f"


@dataclass(frozen=True, kw_only=True)
class Quantisation:
    """real = (stored − zero_point) × scale; one pair for the tensor, or one a slice along ``axis``."""

    scales: tuple[float, ...]
    zero_points: tuple[int, ...]
    axis: int


@dataclass(frozen=True, kw_only=True)
class Tensor:
    """index: place in its subgraph. shape: as stored, where an unknown size stands as 1 and ``signature`` says −1.

    has_data: whether the file holds a value for it (a constant).
    """

    index: int
    name: str
    shape: tuple[int, ...]
    signature: tuple[int, ...]
    dtype: str
    quantisation: Quantisation | None
    buffer: int
    has_data: bool

    @property
    def elements(self) -> int:
        return math.prod(self.shape)


@dataclass(frozen=True, kw_only=True)
class Operator:
    """name: of the built-in operator (CONV_2D), or the custom code. Inputs that are left out are −1."""

    index: int
    name: str
    version: int
    custom: bool
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    custom_options: bytes = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class Subgraph:
    """inputs, outputs: indices of tensors."""

    name: str
    tensors: tuple[Tensor, ...]
    operators: tuple[Operator, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Signature:
    """An entry point with plain names. inputs, outputs: name → index of a tensor of the subgraph."""

    key: str
    inputs: Mapping[str, int]
    outputs: Mapping[str, int]
    subgraph: int


@dataclass(frozen=True, kw_only=True, eq=False)
class TfliteModel:
    """What a .tflite file says. The first subgraph is the one that runs; others are bodies of conditions and loops.

    metadata: entries by name (TFLITE_METADATA, min_runtime_version, …). end: where the model ends and an appended
    zip archive begins; the length of ``data`` when there is none. places: start and length of each buffer in ``data``.
    """

    data: bytes = field(repr=False)
    version: int
    description: str
    subgraphs: tuple[Subgraph, ...]
    signatures: tuple[Signature, ...]
    metadata: Mapping[str, bytes] = field(repr=False)
    end: int
    places: tuple[tuple[int, int], ...] = field(repr=False)

    @property
    def main(self) -> Subgraph:
        return self.subgraphs[0]

    @property
    def archive(self) -> bytes:
        """The zip archive behind the model, empty when there is none."""
        return self.data[self.end :]

    def constant(self, tensor: Tensor) -> memoryview:
        """The stored bytes of a tensor's value, wherever in the file they lie; empty where it has none."""
        start, size = self.places[tensor.buffer] if tensor.has_data else (0, 0)
        return memoryview(self.data)[start : start + size]


def read(data: bytes, *, name: str = "The file") -> TfliteModel:
    """Read a whole .tflite file, check every offset, index, shape and size in it.

    name: how messages call the file. Raises SourceError for whatever is not a sound .tflite model.
    """
    _refuse_others(data, name)
    with damaged(name):
        end = archive.read(data).start
        table = root(SCHEMA, "Model", memoryview(data)[:end], IDENTIFIER)
        places = tuple(_place(buffer, i, end) for i, buffer in enumerate(table.get("buffers") or []))
        codes = [_code(code) for code in table.get("operator_codes") or []]
        subgraphs = tuple(_subgraph(graph, codes, places) for graph in table.get("subgraphs") or [])
        if not subgraphs:
            raise FlatbufferError("it has no subgraph")
        return TfliteModel(
            data=data,
            version=table.get("version"),
            description=table.get("description") or "",
            subgraphs=subgraphs,
            signatures=tuple(_signature(entry, subgraphs) for entry in table.get("signature_defs") or []),
            metadata={key: table.copy(*place) for key, place in _metadata(table, places)},
            end=end,
            places=places,
        )


@contextlib.contextmanager
def damaged(name: str) -> Iterator[None]:
    """Translate what goes wrong inside a flatbuffer into a SourceError."""
    try:
        yield
    except FlatbufferError as error:
        raise SourceError(
            f"{name} is damaged: {error}.",
            cause="It was truncated or changed on the way, or its writer has a fault.",
            fix="Fetch or convert it again.",
        ) from None


def _refuse_others(data: bytes, name: str) -> None:
    refuse_foreign(data, name)
    if not data[:1024].translate(None, _PRINTABLE):
        raise SourceError(f"{name} is a text file, not a .tflite model.", fix="Give the .tflite file.")
    if len(data) > MAX_SIZE:
        raise SourceError(f"{name} has {len(data)} bytes, more than the 2 GB that a .tflite file can hold.")
    if len(data) < 8:
        raise SourceError(
            f"{name} has {len(data)} bytes, too few for a .tflite model.",
            cause="A download or a copy was cut off.",
            fix="Fetch the file again.",
        )
    if data[4:8] != IDENTIFIER:
        raise SourceError(
            f"{name} is not a .tflite model: {data[4:8]!r} stands where {IDENTIFIER!r} should.",
            cause="It is a file of another kind, or its beginning is damaged.",
            fix="Give a .tflite file.",
        )


def _place(buffer: Table, index: int, end: int) -> tuple[int, int]:
    """Start and length of a buffer's bytes, inside the flatbuffer or behind it."""
    inside = buffer.span("data")
    if inside[1]:
        return inside
    offset, size = buffer.get("offset"), buffer.get("size")
    if offset <= 1:  # 1 is a placeholder of writers; real offsets count from the file's beginning
        return 0, 0
    if size > MAX_SIZE:
        raise FlatbufferError(f"buffer {index} claims {size} bytes, more than the 2 GB that a file can hold")
    if offset + size > end:
        raise FlatbufferError(f"buffer {index} lies at {offset} to {offset + size}, beyond the file's {end} bytes")
    return offset, size


def _code(code: Table) -> tuple[str, int, bool]:
    """Name, version and whether custom. Older files have the deprecated field only, newer ones both."""
    number = max(code.get("builtin_code"), code.get("deprecated_builtin_code"))
    if number == CUSTOM:
        return code.get("custom_code") or "", code.get("version"), True
    return OPERATORS[number] if 0 <= number < len(OPERATORS) else f"BUILTIN_{number}", code.get("version"), False


def _subgraph(graph: Table, codes: list[tuple[str, int, bool]], places: tuple[tuple[int, int], ...]) -> Subgraph:
    tensors = tuple(_tensor(tensor, i, places) for i, tensor in enumerate(graph.get("tensors") or []))
    operators = tuple(_operator(op, i, codes, len(tensors)) for i, op in enumerate(graph.get("operators") or []))
    inputs, outputs = graph.get("inputs") or (), graph.get("outputs") or ()
    _expect_indices(inputs, len(tensors), "the inputs")
    _expect_indices(outputs, len(tensors), "the outputs")
    return Subgraph(name=graph.get("name") or "", tensors=tensors, operators=operators, inputs=inputs, outputs=outputs)


def _tensor(table: Table, index: int, places: tuple[tuple[int, int], ...]) -> Tensor:
    name, shape, buffer = table.get("name") or "", table.get("shape") or (), table.get("buffer")
    where = f"tensor {index} ({name[:80]!r})"
    code = table.get("type")
    dtype = TYPES[code] if 0 <= code < len(TYPES) else f"type {code}"
    if len(shape) > MAX_RANK or any(size < 0 for size in shape):
        raise FlatbufferError(f"{where} has the shape {list(shape)[:MAX_RANK]}")
    claimed = (math.prod(shape) * BITS.get(dtype, 0) + 7) // 8
    if claimed > MAX_SIZE:
        raise FlatbufferError(f"{where} claims {claimed} bytes by its shape {list(shape)}, more than 2 GB")
    # Files from before buffers were shared may have no buffers at all; index 0 then means no data, as it always does.
    if buffer >= len(places) and buffer:
        raise FlatbufferError(f"{where} has its data in buffer {buffer} of {len(places)}")
    size = places[buffer][1] if buffer else 0
    if size and size < claimed and table.get("sparsity") is None:
        raise FlatbufferError(f"{where} has {size} bytes of data, its shape {list(shape)} needs {claimed}")
    return Tensor(
        index=index,
        name=name,
        shape=shape,
        signature=table.get("shape_signature") or shape,
        dtype=dtype,
        quantisation=_quantisation(table.get("quantization"), where),
        buffer=buffer,
        has_data=size > 0,
    )


def _quantisation(table: Table | None, where: str) -> Quantisation | None:
    scales = table.get("scale") if table else None
    if table is None or not scales:
        return None
    zero_points = table.get("zero_point") or (0,) * len(scales)
    if not all(0 <= scale < math.inf for scale in scales) or len(zero_points) != len(scales):
        raise FlatbufferError(f"{where} has {len(scales)} scales and {len(zero_points)} zero points that make no sense")
    return Quantisation(scales=scales, zero_points=zero_points, axis=table.get("quantized_dimension"))


def _operator(table: Table, index: int, codes: list[tuple[str, int, bool]], tensors: int) -> Operator:
    code, inputs, outputs = table.get("opcode_index"), table.get("inputs") or (), table.get("outputs") or ()
    if code >= len(codes):
        raise FlatbufferError(f"operator {index} is of kind {code}, the file lists {len(codes)}")
    name, version, custom = codes[code]
    _expect_indices([i for i in inputs if i != -1], tensors, f"operator {index} ({name[:80]})")
    _expect_indices([i for i in outputs if i != -1], tensors, f"operator {index} ({name[:80]})")
    options = table.span("custom_options")
    if (offset := table.get("large_custom_options_offset")) > 1:
        options = offset, table.get("large_custom_options_size")
    return Operator(
        index=index,
        name=name,
        version=version,
        custom=custom,
        inputs=inputs,
        outputs=outputs,
        custom_options=table.copy(*options),
    )


def _signature(table: Table, subgraphs: tuple[Subgraph, ...]) -> Signature:
    key, index = table.get("signature_key") or "", table.get("subgraph_index")
    if index >= len(subgraphs):
        raise FlatbufferError(f"signature {key[:80]!r} is of subgraph {index} of {len(subgraphs)}")

    def names(field_name: str) -> dict[str, int]:
        maps = {entry.get("name") or "": entry.get("tensor_index") for entry in table.get(field_name) or []}
        _expect_indices(maps.values(), len(subgraphs[index].tensors), f"signature {key[:80]!r}")
        return maps

    return Signature(key=key, inputs=names("inputs"), outputs=names("outputs"), subgraph=index)


def _metadata(table: Table, places: tuple[tuple[int, int], ...]) -> Iterator[tuple[str, tuple[int, int]]]:
    for entry in table.get("metadata") or []:
        name, buffer = entry.get("name") or "", entry.get("buffer")
        _expect_indices([buffer], len(places), f"metadata {name[:80]!r}", "buffer")
        yield name, places[buffer]


def _expect_indices(indices: Iterable[int], count: int, where: str, kind: str = "tensor") -> None:
    for index in indices:
        if not 0 <= index < count:
            raise FlatbufferError(f"{where} refer to {kind} {index}, there are {count}")
