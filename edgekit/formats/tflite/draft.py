"""A .tflite file under change: what an edit touches becomes new tables, everything else stays where it lies."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from ..flatbuffer import ALIGNMENT, Ref, Table, encode, root
from .reader import Quantisation, Signature, Tensor, damaged, read
from .schema import CUSTOM, IDENTIFIER, LARGEST_OLD_CODE, OPERATORS, SCHEMA, TYPES

Entry = Ref | dict[str, Any]


class Draft:
    """The first subgraph of a file and the lists that it refers to, open for change; ``encode`` gives the new file.

    inputs, outputs: indices of the subgraph's tensors. signatures: all of the file.
    """

    def __init__(self, data: bytes) -> None:
        self.model = read(data)
        with damaged("The file"):
            self._table = root(SCHEMA, "Model", memoryview(data)[: self.model.end], IDENTIFIER)
            self._first_new = max(1, len(self._table.get("buffers") or []))
            graph, *others = self._table.get("subgraphs")
            self._graph = graph.shallow()
            self._tensor_tables: list[Table] = graph.get("tensors") or []
            self._operator_tables: list[Table] = graph.get("operators") or []
            self._others = [_with_options_inside(other) for other in others]
            self._codes = _refs(self._table.get("operator_codes") or [])
            self._new_buffers: list[Entry] = []
            self._tensors = _refs(self._tensor_tables)
            self._operators = [_options_inside(table) for table in self._operator_tables]
            self._kinds = {
                (operator.name, operator.version): table.get("opcode_index")
                for operator, table in zip(self.model.main.operators, self._operator_tables, strict=True)
                if operator.custom != (operator.name in OPERATORS)  # a custom operator may call itself ADD
            }
        self.inputs, self.outputs = list(self.model.main.inputs), list(self.model.main.outputs)
        self.signatures = self.model.signatures

    def constant(self, content: bytes) -> int:
        """A new buffer with this content; its index."""
        self._new_buffers.append({"data": content})
        return self._first_new + len(self._new_buffers) - 1

    def tensor(
        self,
        name: str,
        shape: Sequence[int],
        dtype: str,
        *,
        quantisation: Quantisation | None = None,
        buffer: int = 0,
    ) -> int:
        """A new tensor; its index. Buffer 0 is the empty one by the format's rule."""
        fields = {"name": name, "shape": list(shape), "type": TYPES.index(dtype), "buffer": buffer, "has_rank": True}
        if quantisation is not None:
            fields["quantization"] = {"scale": quantisation.scales, "zero_point": quantisation.zero_points}
        self._tensors.append(fields)
        return len(self._tensors) - 1

    def change_tensor(self, index: int, **fields: Any) -> None:
        """Give an old tensor other fields; None takes a field away."""
        with damaged("The file"):
            self._tensors[index] = self._tensor_tables[index].shallow() | fields

    def operator(
        self,
        name: str,
        version: int,
        inputs: Sequence[int],
        outputs: Sequence[int],
        *,
        first: bool = False,
        **fields: Any,
    ) -> None:
        """A new operator, last or first in the graph. A name that is not built in is a custom code."""
        if (name, version) not in self._kinds:
            number = OPERATORS.index(name) if name in OPERATORS else CUSTOM
            self._kinds[name, version] = len(self._codes)
            self._codes.append(
                {
                    "deprecated_builtin_code": min(number, LARGEST_OLD_CODE),
                    "builtin_code": number,
                    "custom_code": name if number == CUSTOM else None,
                    "version": version,
                }
            )
        entry = {"opcode_index": self._kinds[name, version], "inputs": inputs, "outputs": outputs} | fields
        self._operators.insert(0 if first else len(self._operators), entry)

    def drop(self, operators: Collection[int]) -> None:
        """Take old operators out, and with them the tensors and operator codes that nothing else uses.

        Tensors are renumbered. To be called before anything is added.
        """
        graph = self.model.main
        kept = [operator for operator in graph.operators if operator.index not in operators]
        dropped = [operator for operator in graph.operators if operator.index in operators]
        used = {i for operator in kept for i in (*operator.inputs, *operator.outputs)} | {*self.inputs, *self.outputs}
        loose = {i for operator in dropped for i in (*operator.inputs, *operator.outputs)} - used
        tensors = [i for i in range(len(self._tensors)) if i not in loose]
        place = {old: new for new, old in enumerate(tensors)} | {-1: -1}
        codes = self._used_codes({operator.index for operator in kept})
        code_place = {old: new for new, old in enumerate(codes)}
        with damaged("The file"):
            self._operators = [self._renumbered(operator.index, place, code_place) for operator in kept]
        self._tensors = [self._tensors[i] for i in tensors]
        self._codes = [self._codes[i] for i in codes]
        self._kinds = {kind: code_place[code] for kind, code in self._kinds.items() if code in code_place}
        self.inputs, self.outputs = [place[i] for i in self.inputs], [place[i] for i in self.outputs]
        self.signatures = tuple(_renumbered_signature(signature, place) for signature in self.signatures)

    def _used_codes(self, operators: Collection[int]) -> list[int]:
        if self._others:  # other subgraphs use the same list, and stay as they are
            return list(range(len(self._codes)))
        return sorted({self._operator_tables[i].get("opcode_index") for i in operators})

    def _renumbered(self, index: int, place: Mapping[int, int], code_place: Mapping[int, int]) -> dict[str, Any]:
        table, entry = self._operator_tables[index], self._operators[index]
        fields = table.shallow() if isinstance(entry, Ref) else dict(entry)
        for name in ("inputs", "outputs", "intermediates"):
            if table.get(name) is not None:
                fields[name] = [place.get(i, -1) for i in table.get(name)]
        return fields | {"opcode_index": code_place[table.get("opcode_index")]}

    def encode(self) -> bytes:
        """The changed file: new tables, the old file, its zip archive last."""
        graph = self._graph | {
            "tensors": self._tensors,
            "operators": self._operators,
            "inputs": self.inputs,
            "outputs": self.outputs,
        }
        fields = {
            "operator_codes": self._codes,
            "subgraphs": [graph, *self._others],
            "signature_defs": [_signature(signature) for signature in self.signatures] or None,
        }
        buffers = dict(enumerate(self._new_buffers, self._first_new))
        with damaged("The file"):
            return rewrite(self._table, fields, buffers) + self.model.archive


def rewrite(model: Table, fields: Mapping[str, Any], buffers: Mapping[int, Entry]) -> bytes:
    """A model with other ``fields`` in its root, and other or further buffers by index, in front of the old bytes.

    Whatever lies behind the flatbuffer stays reachable: constants there are found at their new offsets, and operators'
    options there come inside. Raises FlatbufferError.
    """
    tables: list[Table] = model.get("buffers") or []
    inside = {"subgraphs": [_with_options_inside(graph) for graph in model.get("subgraphs") or []]}

    def encoded(shift: int) -> bytes:
        entries: dict[int, Entry] = {0: {}}  # buffer 0 is empty by the format's rule, and there if no other is
        entries |= {index: _moved(table, shift) for index, table in enumerate(tables)} | dict(buffers)
        changed = {**model.shallow(), **inside, **fields, "buffers": list(entries.values())}
        return encode(SCHEMA, "Model", changed, IDENTIFIER, model.data)

    result = encoded(0)
    if any(table.get("offset") > 1 for table in tables):
        # Constants behind the flatbuffer move by what is put in front, which is known only now.
        result = encoded(len(result) - (len(model.data) + -len(model.data) % ALIGNMENT))
    return result


def per_tensor(tensor: Tensor) -> bool:
    """Whether a tensor has one scale and zero point."""
    return tensor.quantisation is not None and len(tensor.quantisation.scales) == 1


def _refs(tables: Iterable[Table]) -> list[Entry]:
    return [Ref(table.position) for table in tables]


def _moved(table: Table, shift: int) -> Entry:
    offset = table.get("offset")
    return Ref(table.position) if offset <= 1 else table.shallow() | {"offset": offset + shift}


def _options_inside(table: Table) -> Entry:
    """An operator whose options lie behind the flatbuffer gets them inside, since everything there will move."""
    start, size = table.get("large_custom_options_offset"), table.get("large_custom_options_size")
    if start <= 1:
        return Ref(table.position)
    outside = {"large_custom_options_offset": None, "large_custom_options_size": None}
    return table.shallow() | outside | {"custom_options": table.copy(start, size)}


def _with_options_inside(graph: Table) -> Entry:
    operators = [_options_inside(table) for table in graph.get("operators") or []]
    if all(isinstance(entry, Ref) for entry in operators):
        return Ref(graph.position)
    return graph.shallow() | {"operators": operators}


def _signature(signature: Signature) -> dict[str, Any]:
    def maps(names: Mapping[str, int]) -> list[dict[str, Any]]:
        return [{"name": name, "tensor_index": index} for name, index in names.items()]

    return {
        "signature_key": signature.key,
        "inputs": maps(signature.inputs),
        "outputs": maps(signature.outputs),
        "subgraph_index": signature.subgraph,
    }


def _renumbered_signature(signature: Signature, place: Mapping[int, int]) -> Signature:
    """The signature without tensors that are gone."""
    if signature.subgraph:
        return signature

    def renumbered(names: Mapping[str, int]) -> dict[str, int]:
        return {name: place[index] for name, index in names.items() if index in place}

    return Signature(
        key=signature.key,
        inputs=renumbered(signature.inputs),
        outputs=renumbered(signature.outputs),
        subgraph=0,
    )
