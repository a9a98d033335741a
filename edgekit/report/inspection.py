"""An inspection in the terminal."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from ..formats.tfjs.shards import Shard
from ..sources.inspection import (
    GraphInspection,
    Inspection,
    Outlook,
    Port,
    StoredWeights,
    TfjsInspection,
    TfliteInspection,
)
from ..values.support import name_some
from . import printable, size

OUTCOMES = {"accepts": ("✓", "green"), "refuses": ("✗", "red"), "misreads": ("!", "yellow")}
ARITHMETIC = {"integer": "green", "boundary": "", "hybrid": "yellow", "float": "yellow"}
INDENT = (0, 0, 0, 2)


def inspection(console: Console, value: Inspection) -> None:
    """Print an inspection: what the file is, its parts, and what can be made of it."""
    console.print(Text.assemble((printable(value.path.name), "bold"), f": {printable(value.what)}"))
    console.print(Text(f"{size(value.bytes)}, sha256 {value.sha256}", "dim"), soft_wrap=True)
    if isinstance(value, GraphInspection):
        _graph(console, value)
    elif isinstance(value, TfliteInspection):
        _tflite(console, value)
    else:
        _tfjs(console, value)
    if value.notes:
        _section(console, "Worth knowing", _lines(value.notes))
    _section(console, "What can be made of it", _recipes(value.trouble, value.recipes))


def _graph(console: Console, value: GraphInspection) -> None:
    _section(console, "Inputs", _ports(value.inputs))
    if value.heads:
        _section(console, "Raw heads", _ports(value.heads))
    else:
        _section(console, "Outputs", _ports(value.outputs))
    if value.postprocess is not None:
        _section(console, "Post-processing node", _pairs(value.postprocess))
    if value.anchors is not None:
        _section(console, "Anchors", _lines([f"{value.anchors.count}: {value.anchors.origin}"]))
    _section(console, "Quantisation ranges", _lines(_range_sentences(value)))
    _section(console, "Ops", _lines([_counts(value.operators)]))


def _counts(operators: Mapping[str, int]) -> str:
    return ", ".join(f"{count} × {name}" for name, count in operators.items())


def _range_sentences(value: GraphInspection) -> Iterable[str]:
    ranges = value.ranges
    if not ranges.fake_quants:
        yield "no fake-quants: the graph was not trained for quantisation"
        return
    yield f"{ranges.fake_quants} fake-quants over {ranges.layers} layers with weights"
    for names, what in ((ranges.missing_weights, "weight"), (ranges.missing_activations, "activation")):
        if names:
            yield f"{len(names)} without {'an' if what == 'activation' else 'a'} {what} range: {', '.join(names)}"
    if not ranges.missing_weights and not ranges.missing_activations:
        yield "every layer has a weight range and an activation range"
    if ranges.asymmetric_weights:
        yield f"{len(ranges.asymmetric_weights)} weight ranges are asymmetric: {name_some(ranges.asymmetric_weights)}"


def _tflite(console: Console, value: TfliteInspection) -> None:
    if value.description:
        console.print(_text(f"written by: {value.description}", "dim"))
    _section(console, "Inputs", _ports(value.inputs))
    _section(console, "Outputs, in the file's order", _ports(value.outputs))
    if value.postprocess is not None:
        _section(console, "Post-processing op", _pairs(value.postprocess))
    if value.anchors is not None:
        _section(console, "Anchors", _lines([f"{value.anchors.count}: {value.anchors.origin}"]))
    _section(console, "Operators", _operators(value))
    _section(console, "Integer share", _lines(_share_sentences(value)))
    _section(console, "Metadata and labels", _lines(_metadata_sentences(value)))
    _section(console, "Who reads it", _readers(value))


def _share_sentences(value: TfliteInspection) -> Iterable[str]:
    if value.integer_operators is not None:
        yield f"{value.integer_operators:.1%} of the operators"
    if value.integer_macs is not None:
        yield f"{value.integer_macs:.1%} of {value.macs / 1e6:.1f} million multiply-adds"
    if value.float_operators:
        yield f"not integer: {name_some(value.float_operators)}"


def _metadata_sentences(value: TfliteInspection) -> Iterable[str]:
    if value.metadata is None:
        yield "no metadata"
    else:
        name, parser = value.metadata.get("name", "without a name"), value.metadata.get("min_parser_version", "any")
        yield f"metadata: {name}; for parsers from version {parser}"
    if value.files:
        yield f"packed files: {', '.join(f'{name} ({size} bytes)' for name, size in value.files.items())}"
    if value.labels:
        yield f"{len(value.labels)} labels: {name_some(value.labels)}"
    if value.other_metadata:
        yield f"other entries: {', '.join(value.other_metadata)}"
    yield f"signatures: {', '.join(value.signatures) or 'none'}"


def _tfjs(console: Console, value: TfjsInspection) -> None:
    makers = [f"converted by: {value.converted_by}"] if value.converted_by else []
    makers += [f"from a graph of TensorFlow {value.generated_by}"] if value.generated_by else []
    if makers:
        console.print(_text("; ".join(makers), "dim"))
    _section(console, "Inputs", _ports(value.inputs))
    _section(console, "Outputs", _ports(value.outputs))
    _section(console, "Weights, by the type in which they are stored", _stored(value.weights))
    _section(console, "Shards", _shards(value.shards))
    _section(console, "Ops", _lines([_counts(value.operators)]))
    if value.without_kernels:
        lacking = [f"{op}: not in {', '.join(backends)}" for op, backends in value.without_kernels.items()]
        _section(console, "Ops without a kernel", _lines(lacking))


def _stored(weights: Iterable[StoredWeights]) -> Table:
    rows = []
    for one in weights:
        length = "" if one.bytes is None else size(one.bytes)
        rows.append((_text(f"{one.count} × {one.dtype}"), _text(f"{one.values} values"), _text(length)))
    return _grid(rows)


def _shards(shards: Iterable[Shard]) -> Table:
    return _grid(
        [
            (_text(one.path), Text("missing", "red") if one.bytes is None else _text(f"{one.bytes} bytes"))
            for one in shards
        ]
    )


def _operators(value: TfliteInspection) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for heading in ("operator", "version", "types", "weights", "arithmetic"):
        table.add_column(heading)
    table.add_column("number", justify="right")
    for row in value.operators:
        types = f"{', '.join(row.inputs)} → {', '.join(row.outputs)}"
        kind = Text(row.kind, ARITHMETIC[row.kind])
        table.add_row(_text(row.operator), str(row.version), types, row.weights, kind, str(row.count))
    return table


def _readers(value: TfliteInspection) -> Table:
    rows = []
    for finding in value.readers:
        mark, colour = OUTCOMES[finding.outcome]
        said = _text(f"{finding.outcome}: {finding.why} {finding.fix}")
        rows.append((Text(mark, colour), _text(finding.reader), said))
    return _grid(rows, gap=1)


def _recipes(trouble: str, recipes: Sequence[Outlook]) -> Table:
    rows = [(Text("✗", "red"), _text("nothing"), _text(trouble))] if trouble else []
    for one in recipes:
        mark, colour = ("✓", "green") if one.works else ("✗", "red")
        rows.append((Text(mark, colour), _text(one.recipe), _text(f"{one.why} {one.fix}".strip())))
    return _grid(rows, gap=1)


def _ports(ports: Iterable[Port]) -> Table:
    return _grid(
        [
            (
                _text(port.name),
                _text(port.dtype),
                _text(_shape(port)),
                _text(_quantisation(port)),
                _text(port.meaning, "bold"),
            )
            for port in ports
        ]
    )


def _shape(port: Port) -> str:
    if not port.shape:
        return "shape not stored"
    return f"[{', '.join('?' if size < 0 else str(size) for size in port.shape)}]"


def _quantisation(port: Port) -> str:
    if not port.scale:
        return ""
    if len(port.scale) > 1:
        return f"{len(port.scale)} scales"
    return f"scale {port.scale[0]:.6g}, zero point {port.zero_point[0]}"


def _pairs(options: Mapping[str, Any]) -> Table:
    rows = []
    for name, value in options.items():
        shown = (
            ", ".join(map(str, value))
            if isinstance(value, list)
            else f"{value:g}"
            if isinstance(value, float)
            else value
        )
        rows.append((_text(name), _text(str(shown))))
    return _grid(rows)


def _grid(rows: Sequence[Sequence[Text]], *, gap: int = 2) -> Table:
    """Without its empty columns: rich measures them as 0 wide and draws them 1 wide, so another would be folded."""
    table = Table.grid(padding=(0, gap))
    columns = [place for place in range(len(rows[0]) if rows else 0) if any(row[place].plain for row in rows)]
    for row in rows:
        table.add_row(*(row[place] for place in columns))
    return table


def _lines(sentences: Iterable[str]) -> Text:
    return _text("\n".join(sentences))


def _text(content: str, style: str = "") -> Text:
    return Text(printable(content), style, overflow="fold")  # a name is there to be copied, so no "…"


def _section(console: Console, title: str, content: Table | Text) -> None:
    console.print()
    console.print(Text(title, "bold"))
    console.print(Padding(content, INDENT, expand=False))
