"""What a .tflite from anywhere is, as far as its metadata goes, and old metadata brought into step with its model."""

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from .metadata_codec import Metadata
from .metadata_content import (
    CALIBRATION_TYPE,
    DETECTION_OUTPUTS,
    LABEL_TYPES,
    PROBABILITY,
    RAW_BOXES,
    RAW_SCORES,
    Layout,
    skeleton,
)
from .postprocess import find_usable
from .reader import Tensor, TfliteModel

CHANNELS = {1: "GRAY", 3: "RGB"}
SCORE_UNITS = ("ScoreThresholdingOptions", "ScoreCalibrationOptions")


def layout(model: TfliteModel, metadata: Mapping[str, Any] | None = None) -> Layout:
    """The layout of a model: what an output is, by the post-processing op's ports, the metadata's names or its shape.

    A file does not say the order of its colours: three channels are taken for RGB.
    """
    graph = model.main
    inputs, outputs = [graph.tensors[i] for i in graph.inputs], [graph.tensors[i] for i in graph.outputs]
    task, names, num_classes = _outputs(model, outputs, metadata)
    scored = {"classification": 0, "raw": 1}.get(task)
    picture = len(inputs) == 1 and len(inputs[0].shape) == 4
    return Layout(
        task=task if picture else "other",
        inputs=("image",) if picture and task != "other" else tuple(tensor.name for tensor in inputs),
        dtype=inputs[0].dtype if inputs else "",
        colour=CHANNELS.get(inputs[0].shape[3], "BGR") if picture else "RGB",
        outputs=names if picture else tuple(tensor.name for tensor in outputs),
        scores=outputs[scored].dtype if scored is not None else "float32",
        num_classes=num_classes,
    )


def ports(model: TfliteModel) -> tuple[str, ...] | None:
    """Names of the outputs by what the post-processing op writes there; None where no such op makes all of them."""
    found = find_usable(model)
    if found is None or found.order is None:
        return None
    return tuple(DETECTION_OUTPUTS[found.order.index(place)] for place in range(len(found.order)))


def refit(old: Mapping[str, Any], layout: Layout) -> Metadata:
    """The old metadata, with what does not describe this layout in the default form.

    Metadata goes stale when a model gets other outputs, by post-processing attached to it, say. Labels, and what is to
    be done with scores, then go over to the outputs that carry them now.
    """
    result, fresh = deepcopy(dict(old)), skeleton(layout)
    subgraphs = result.get("subgraph_metadata") or []
    if len(subgraphs) != 1:
        return result | {"subgraph_metadata": fresh["subgraph_metadata"]} if old else fresh
    subgraph, anew = subgraphs[0], fresh["subgraph_metadata"][0]
    inputs, outputs = (subgraph.get(f"{kind}_tensor_metadata") or [] for kind in ("input", "output"))
    if len(inputs) != len(layout.inputs):
        subgraph["input_tensor_metadata"] = anew["input_tensor_metadata"]
    by_name = {entry.get("name"): entry for entry in outputs}
    if len(outputs) == len(layout.outputs) and by_name.keys() == set(layout.outputs):
        subgraph["output_tensor_metadata"] = [by_name[name] for name in layout.outputs]
    elif layout.task == "detection" or len(outputs) != len(layout.outputs):  # elsewhere their own names serve as well
        _carry(outputs, anew["output_tensor_metadata"], layout)
        subgraph.pop("output_tensor_groups", None)
        subgraph |= {key: value for key, value in anew.items() if key.startswith("output_")}
    return result


def _carry(old: list[Metadata], new: list[Metadata], layout: Layout) -> None:
    """Put labels, and what is to be done with scores, from the old outputs on the new ones."""
    places = dict(zip(layout.outputs, new, strict=True))
    files = [entry for output in old for entry in output.get("associated_files") or []]
    units = [unit for output in old for unit in output.get("process_units") or []]
    if layout.labelled is not None:
        name, kind = layout.labelled
        labels = [{**entry, "type": kind} for entry in files if entry.get("type") in LABEL_TYPES]
        _extend(places[name], "associated_files", labels)
    if layout.scored is not None:
        calibrations = [entry for entry in files if entry.get("type") == CALIBRATION_TYPE]
        _extend(places[layout.scored], "associated_files", calibrations)
        rules = {unit["options_type"]: unit for unit in units if unit.get("options_type") in SCORE_UNITS}
        _extend(places[layout.scored], "process_units", list(rules.values()))


def _extend(place: Metadata, key: str, entries: list[Metadata]) -> None:
    if entries:
        place[key] = [*place.get(key, []), *entries]


def _outputs(
    model: TfliteModel, outputs: list[Tensor], metadata: Mapping[str, Any] | None
) -> tuple[str, tuple[str, ...], int | None]:
    """Task, names of the outputs in the file's order, and number of classes where it shows."""
    found, by_port = find_usable(model), ports(model)
    if found is not None and by_port is not None:
        return "detection", by_port, found.options.num_classes
    described = tuple(entry.get("name") for entry in output_metadata(metadata))
    if sorted(map(str, described)) == sorted(DETECTION_OUTPUTS) and len(outputs) == len(described):
        return "detection", tuple(map(str, described)), None
    shapes = [tensor.shape for tensor in outputs]
    if len(shapes) == 1 and (len(shapes[0]) == 2 or (len(shapes[0]) == 4 and tuple(shapes[0][1:3]) == (1, 1))):
        return "classification", (PROBABILITY,), int(shapes[0][-1])
    if [len(shape) for shape in shapes] == [3, 3] and shapes[0][-1] == 4 and shapes[0][1] == shapes[1][1]:
        return "raw", (RAW_BOXES, RAW_SCORES), int(shapes[1][-1])
    return "other", tuple(tensor.name for tensor in outputs), None


def output_metadata(metadata: Mapping[str, Any] | None) -> list[Metadata]:
    """The metadata of each output of the first subgraph, empty where there is none."""
    return tensor_metadata(metadata, "output")


def tensor_metadata(metadata: Mapping[str, Any] | None, kind: str) -> list[Metadata]:
    """The metadata of each ``input`` or ``output`` of the first subgraph, empty where there is none."""
    subgraphs = (metadata or {}).get("subgraph_metadata") or [{}]
    entries: list[Metadata] = subgraphs[0].get(f"{kind}_tensor_metadata") or []
    return entries
