"""Graph models of TensorFlow.js from anywhere: ``model.json`` checked, shards measured, weights read one by one."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import SourceError
from ...system import read_file
from ...values.spec import expect_inside
from ...values.support import name_some
from ..foreign import refuse_foreign
from .fields import a_list, a_text, an_object
from .graph import INITIALIZER, constants, expect_sound
from .quantise import Stored, restore
from .shards import Shard, Shards
from .weights import Quantization, Weight, read_entry

__all__ = ["GraphModel", "Quantization", "Shard", "Weight", "describe", "faults", "read", "stored", "values"]

MAX_BYTES = 64 * 2**20  # of a model.json
OWN_KEYS = frozenset(
    ("format", "generatedBy", "convertedBy", "signature", "userDefinedMetadata", "modelTopology", "weightsManifest")
)
CUT_OFF = "A download or a copy was cut off."
_NUMPY = {"bool": "u1", "float32": "<f4", "int32": "<i4", "complex64": "<c8", "float16": "<f2", "uint16": "<u2"}


@dataclass(frozen=True, kw_only=True)
class GraphModel:
    """A model.json. topology: GraphDef in JSON, its constants without values. weights: in the order of the shards.

    signature, metadata: as they stand in the file, empty where they do not. others: further keys of the file, such as
    the graph that fills look-up tables.
    """

    path: Path
    topology: dict[str, Any]
    weights: tuple[Weight, ...]
    shards: tuple[Shard, ...]
    signature: Mapping[str, Any]
    metadata: Mapping[str, Any]
    generated_by: str
    converted_by: str
    others: Mapping[str, Any]


def read(path: Path) -> GraphModel:
    """A graph model whose shards are all there and as long as its weights need.

    Raises SourceError for what is no graph model, is damaged, or names files outside its folder; UsageError where
    there is no such file.
    """
    model = describe(path)
    if found := faults(model):
        raise SourceError(f"{path}: {found[0]}.", cause=CUT_OFF, fix="Copy the whole folder again.")
    return model


def describe(path: Path) -> GraphModel:
    """As ``read``, but shards may be missing or of the wrong length; see ``faults``."""
    data = _json(path)
    if _is_layers(data):
        raise SourceError(
            f"{path} is a Layers model of TensorFlow.js, made of a Keras model; edgekit reads graph models.",
            fix="Freeze the Keras model as a TensorFlow graph (.pb), and give that.",
        )
    if not isinstance(data, dict) or "modelTopology" not in data:
        raise SourceError(
            f"{path} is not a model of TensorFlow.js: it has no modelTopology.",
            fix="Give the model.json that tf.loadGraphModel loads.",
        )
    try:
        return _model(path, data)
    except ValueError as error:
        raise SourceError(
            f"{path} is not a sound model of TensorFlow.js. {error}.",
            cause="It is damaged, or was edited by hand.",
            fix="Convert the model again.",
        ) from None


def faults(model: GraphModel) -> tuple[str, ...]:
    """What is wrong with the shards, as clauses: files that are missing, bytes too few or too many."""
    missing = [shard.path for shard in model.shards if shard.bytes is None]
    if missing:
        verb = "is" if len(missing) == 1 else "are"
        return (f"{name_some(missing)} {verb} missing, of {len(model.shards)} shards",)
    shards = Shards(model.path.parent, model.shards)
    needed = 0
    for weight in model.weights:
        needed += _length(shards, needed, weight)
    if shards.total == needed:
        return ()
    usual = max(shard.bytes or 0 for shard in model.shards) if model.shards else 0
    short = [shard.path for shard in model.shards[:-1] if shard.bytes != usual]
    hint = f" ({name_some(short)} {'is' if len(short) == 1 else 'are'} shorter than the others)" if short else ""
    return (f"the shards hold {shards.total} bytes, the weights need {needed}{hint}",)


def stored(model: GraphModel) -> Iterator[Stored]:
    """The weights in their order, each read when it is asked for.

    Raises SourceError for a weight that holds NaN, of which nothing but NaN can be calculated.
    """
    shards = Shards(model.path.parent, model.shards)
    place = 0
    for weight in model.weights:
        length = _length(shards, place, weight)
        one = Stored(weight=weight, data=_array(weight, shards.at(place, length)))
        _expect_numbers(one, model.path)
        yield one
        place += length


def values(model: GraphModel) -> dict[str, NDArray[Any]]:
    """The values that TensorFlow.js will calculate with, by name; same errors as ``stored``."""
    return {one.name: restore(one) for one in stored(model)}


def _json(path: Path) -> Any:
    raw = read_file(path, limit=MAX_BYTES)
    refuse_foreign(raw, str(path))
    try:
        return json.loads(raw, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        why = str(error) or "it is nested too deeply"
        raise SourceError(f"{path} is not valid JSON: {why}.", cause=CUT_OFF, fix="Fetch the file again.") from None


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no number in JSON, and no browser reads it")


def _is_layers(data: Any) -> bool:
    """A Layers model says so, or has the configuration of a Keras model in the place of a graph."""
    if not isinstance(data, dict):
        return False
    topology = data.get("modelTopology")
    return data.get("format") == "layers-model" or (
        isinstance(topology, dict) and "node" not in topology and bool({"model_config", "class_name"} & topology.keys())
    )


def _model(path: Path, data: Mapping[str, Any]) -> GraphModel:
    topology, initializer = data["modelTopology"], data.get(INITIALIZER)
    expect_sound(topology, "modelTopology")
    an_object(topology.get("versions"), "modelTopology.versions")  # TensorFlow.js looks into it, whatever it says
    if initializer is not None:
        expect_sound(initializer, INITIALIZER)
    weights, paths = _manifest(data.get("weightsManifest", []))
    _expect_matching(weights, {*constants(topology), *(constants(initializer) if initializer is not None else ())})
    metadata = an_object(data.get("userDefinedMetadata") or {}, "userDefinedMetadata")
    # The first releases kept the signature among the metadata, and TensorFlow.js still looks there
    signature = an_object(data.get("signature") or metadata.get("signature") or {}, "signature")
    return GraphModel(
        path=path,
        topology=topology,
        weights=weights,
        shards=tuple(Shard.of(path.parent, name) for name in paths),
        signature=signature,
        metadata=metadata,
        generated_by=str(data.get("generatedBy") or ""),
        converted_by=str(data.get("convertedBy") or ""),
        others={key: value for key, value in data.items() if key not in OWN_KEYS and value is not None},
    )


def _manifest(groups: Any) -> tuple[tuple[Weight, ...], tuple[str, ...]]:
    """Weights and shards of all groups: TensorFlow.js reads them one behind the other."""
    weights: list[Weight] = []
    paths: list[str] = []
    for number, group in enumerate(a_list(groups, "weightsManifest")):
        where = f"weightsManifest[{number}]"
        for name in a_list(an_object(group, where).get("paths"), f"{where}.paths"):
            expect_inside(a_text(name, f"{where}.paths"))
            paths.append(name)
        weights += (_entry(entry, where) for entry in a_list(group.get("weights"), f"{where}.weights"))
    return tuple(weights), tuple(paths)


def _entry(data: Any, where: str) -> Weight:
    try:
        return read_entry(data)
    except ValueError as error:
        name = data.get("name") if isinstance(data, dict) else None
        raise ValueError(f"{where}, weight {name!r}: {error}") from None


def _expect_matching(weights: tuple[Weight, ...], constants: set[str]) -> None:
    names = Counter(weight.name for weight in weights)
    if twice := [name for name, count in names.items() if count > 1]:
        raise ValueError(f"weightsManifest lists twice: {name_some(twice)}")
    if without := sorted(constants - names.keys()):
        raise ValueError(f"There are no weights for the constants {name_some(without)}")
    if idle := [name for name in names if name not in constants]:
        raise ValueError(f"There are no constants for the weights {name_some(idle)}")


def _length(shards: Shards, start: int, weight: Weight) -> int:
    """Bytes of a weight that starts there; of strings, as far as there are any."""
    if weight.bytes is not None:
        return weight.bytes
    length = 0
    for _ in range(weight.count):
        head = shards.at(start + length, 4)
        length += 4 + int.from_bytes(head, "little")
        if len(head) < 4:
            break
    return length


def _array(weight: Weight, data: bytes) -> NDArray[Any]:
    if weight.dtype == "string":
        return _strings(weight, data)
    if len(data) != weight.bytes:
        raise SourceError(f"The shards end within the weight {weight.name!r}.", cause="They changed while being read.")
    array = np.frombuffer(data, _NUMPY.get(weight.stored, weight.stored)).reshape(weight.shape)
    return array != 0 if weight.dtype == "bool" else array


def _strings(weight: Weight, data: bytes) -> NDArray[Any]:
    """Each string is its length, 4 bytes, and its bytes."""
    found, place = np.empty(weight.count, object), 0
    for index in range(weight.count):
        end = place + 4 + int.from_bytes(data[place : place + 4], "little")
        found[index] = data[place + 4 : end]
        place = end
    return found.reshape(weight.shape)


def _expect_numbers(one: Stored, path: Path) -> None:
    if one.data.dtype.kind not in "fc" or not (broken := np.isnan(one.data)).any():
        return
    first = [int(index[0]) for index in np.nonzero(broken)]
    raise SourceError(
        f"{path}: the weight {one.name!r} holds NaN, {int(broken.sum())} of {one.data.size} values, the first at "
        f"{first}.",
        cause="The training ran away, or the file is damaged.",
        fix="Convert from a sound checkpoint.",
    )
