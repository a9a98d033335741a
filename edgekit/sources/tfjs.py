"""The source tfjs: a graph model of TensorFlow.js, in its model.json or in the folder of that.

It is looked into; but its graph has been folded and fused for one runtime, so it is converted only into itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from ..errors import SourceError, UsageError
from ..formats import tfjs
from ..formats.tfjs.graph import op_counts, producer
from ..formats.tfjs.ops import missing
from ..formats.tfjs.reader import GraphModel, describe, faults, stored
from ..formats.tfjs.signature import DTYPES, TensorInfo, read_ports, read_shape
from ..system import sha256
from ..values.model import Model
from ..values.recipe import recipes
from ..values.support import TFJS
from .inspection import Outlook, Port, StoredWeights, TfjsInspection
from .options import LoadOptions


def recognises(path: Path, head: bytes) -> bool:
    """By the suffix, so that a damaged one is called damaged, or by its keys; a folder by the model.json in it."""
    return tfjs.find(path) is not None or (head.lstrip()[:1] == b"{" and b'"modelTopology"' in head)


def load(path: Path, *, out: Path, options: LoadOptions) -> Model:
    """Raises UsageError: nothing but a TensorFlow.js model can be made of it, and that is no work for this verb."""
    raise UsageError(
        f"{path} is a TensorFlow.js model, and can only become one again.",
        cause="Its graph was folded and fused for that runtime.",
        fix=f"Type: edgekit convert {path} --to tfjs-uint16 -o OUT (in Python: edgekit.rewrite), or give the graph "
        "that it was converted from.",
    )


def inspect(path: Path) -> TfjsInspection:
    """Everything that a graph model says. Shards that are missing or damaged are said, not fatal."""
    model = describe(tfjs.find(path) or path)
    trouble = _trouble(model)
    operators = op_counts(model.topology)
    return TfjsInspection(
        path=model.path,
        bytes=model.path.stat().st_size + sum(shard.bytes or 0 for shard in model.shards),
        sha256=sha256(model.path),
        what=f"a TensorFlow.js graph model of {sum(operators.values())} nodes",
        generated_by=model.generated_by,
        converted_by=model.converted_by,
        inputs=tuple(_ports(model, "inputs")),
        outputs=tuple(_ports(model, "outputs")),
        operators=operators,
        weights=tuple(_weights(model)),
        shards=model.shards,
        without_kernels=missing(operators),
        recipes=() if trouble else _outlook(),
        trouble=trouble,
        notes=tuple(_notes(model, operators)),
    )


def _trouble(model: GraphModel) -> str:
    """Why it cannot be used, '' where it can: every shard is measured, every weight is read."""
    if found := faults(model):
        return "; ".join(found)
    try:
        for _ in stored(model):
            pass
    except SourceError as error:
        return str(error).replace("\n", " ")
    return ""


def _ports(model: GraphModel, side: str) -> Iterator[Port]:
    """As the signature has them; without one, placeholders and the nodes that nothing takes."""
    ports = read_ports(model.signature, side) or _nodes(model, side)
    for key, info in ports.items():
        meaning = "" if producer(info.name) == key else f"node {info.name}"
        yield Port(name=key, dtype=info.dtype, shape=info.shape, meaning=meaning)


def _nodes(model: GraphModel, side: str) -> dict[str, TensorInfo]:
    nodes = model.topology["node"]
    taken = {producer(reference) for node in nodes for reference in node.get("input", [])}
    found = {}
    for node in nodes:
        is_input = node["op"].startswith("Placeholder")
        if is_input if side == "inputs" else not is_input and node["name"] not in taken:
            shape, dtype = (_attribute(node, *keys) for keys in (("shape", "shape"), ("dtype", "type")))
            found[node["name"]] = TensorInfo(
                name=node["name"], dtype=DTYPES.get(str(dtype), ""), shape=read_shape(shape)
            )
    return found


def _attribute(node: Mapping[str, object], name: str, kind: str) -> object:
    attributes = node.get("attr")
    value = attributes.get(name) if isinstance(attributes, dict) else None
    return value.get(kind) if isinstance(value, dict) else None


def _weights(model: GraphModel) -> Iterator[StoredWeights]:
    """A row for each stored type, the one with most values first."""
    by_type: dict[str, list[tuple[int, int | None]]] = {}
    for weight in model.weights:
        by_type.setdefault(weight.stored, []).append((weight.count, weight.bytes))
    for dtype, sizes in sorted(by_type.items(), key=lambda item: -sum(count for count, _ in item[1])):
        lengths = [length for _, length in sizes if length is not None]
        yield StoredWeights(
            dtype=dtype,
            count=len(sizes),
            values=sum(count for count, _ in sizes),
            bytes=sum(lengths) if len(lengths) == len(sizes) else None,
        )


def _outlook() -> tuple[Outlook, ...]:
    return tuple(
        Outlook(recipe=name, works=True)
        if recipe.target == TFJS
        else Outlook(
            recipe=name,
            works=False,
            why="A TensorFlow.js model can only become one again.",
            fix="Give the graph that it was converted from.",
        )
        for name, recipe in recipes().items()
    )


def _notes(model: GraphModel, operators: Mapping[str, int]) -> Iterator[str]:
    if not model.signature:
        yield "There is no signature: a page has to feed it and to ask it by the names of nodes."
    if fake := sum(count for op, count in operators.items() if op.startswith("FakeQuant")):
        yield f"{fake} fake-quants are left in; TensorFlow.js hands their input on unchanged, without clipping it."
