"""TFLite metadata in a file: the metadata flatbuffer as one of the model's buffers, label files in a ZIP behind it."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from ...errors import SourceError, UsageError, UserDataError
from ...values.spec import GIVE_NORMALISATION, ModelSpec
from .. import flatbuffer, labels
from . import archive
from .draft import rewrite
from .metadata_codec import Metadata, decode, encode, min_parser_version
from .metadata_content import (
    LABEL_TYPES,
    NOTHING,
    Details,
    Layout,
    apply,
    associated_files,
    describe,
    label_file,
    skeleton,
)
from .metadata_layout import layout, output_metadata, refit
from .metadata_schema import ENTRY
from .reader import TfliteModel, damaged, read
from .schema import IDENTIFIER, SCHEMA

__all__ = [
    "NOTHING",
    "Details",
    "Layout",
    "Metadata",
    "annotate",
    "apply",
    "associated_files",
    "declared_files",
    "decode",
    "describe",
    "encode",
    "label_file",
    "min_parser_version",
    "pack",
    "renew",
    "revise",
    "skeleton",
    "unpack",
]


def annotate(tflite: bytes, spec: ModelSpec, details: Details = NOTHING, *, scores: str = "float32") -> bytes:
    """The file with full metadata and label files for ``spec``, in the place of any it had.

    scores: dtype of a classifier's output. Raises as ``describe`` and ``pack`` do.
    """
    metadata = describe(spec, details, scores=scores)
    from_spec = Details(
        labels=details.labels or spec.labels,
        labels_file=details.labels_file,
        locale_labels=details.locale_labels,
        calibration=details.calibration,
    )
    return pack(tflite, metadata, associated_files(Layout.of(spec, scores=scores), from_spec))


def renew(tflite: bytes, spec: ModelSpec, details: Details = NOTHING, *, scores: str = "float32") -> bytes:
    """As ``annotate``, but what the file's older metadata says beyond the specification and the details stays."""
    before, files = unpack(tflite)
    if before is None:
        return annotate(tflite, spec, details, scores=scores)
    own = replace(
        details,
        mean=details.mean or spec.input.mean,
        std=details.std or spec.input.std,
        labels=details.labels or spec.labels,
        locale_labels=dict(_locale_labels(before, files)) | dict(details.locale_labels),
    )
    return revise(tflite, own)[0]


def _locale_labels(metadata: Metadata, files: Mapping[str, bytes]) -> Iterator[tuple[str, tuple[str, ...]]]:
    for output in output_metadata(metadata):
        for entry in output.get("associated_files") or []:
            if entry.get("type") in LABEL_TYPES and entry.get("locale") and entry.get("name") in files:
                yield entry["locale"], labels.decode(files[entry["name"]], name=entry["name"])


def revise(tflite: bytes, details: Details, *, default: bool = False) -> tuple[bytes, tuple[str, ...]]:
    """Any .tflite with the details in its metadata, and sentences about what was done to make labels fit.

    Metadata that no longer describes the model is brought into step; where there was none, or with ``default``, it
    starts from the default form, and the archive from nothing.
    Raises SourceError, UserDataError, and UsageError where something must be given.
    """
    model = read(tflite)
    before, files = (None, {}) if default else unpack(tflite)
    found = layout(model, before)
    fitted, found, notes = _fitted(details, found)
    start = refit(before, found) if before is not None else skeleton(found, ranges=not default)
    metadata = apply(start, found, fitted)
    _expect_normalisation(found, metadata)
    missing = [name for name in declared_files(metadata) if name in files]
    contents = {name: files[name] for name in missing} | associated_files(found, fitted)
    return pack(tflite, metadata, contents, keep=not default), notes


def _fitted(details: Details, found: Layout) -> tuple[Details, Layout, tuple[str, ...]]:
    """The details with labels for exactly the model's classes; a raw head may have a column for the background."""
    given = details.labels or next(iter(details.locale_labels.values()), ())
    if found.task == "raw" and found.num_classes is not None and len(given) == found.num_classes - 1:
        found = replace(found, background=True, num_classes=found.num_classes - 1)
    if found.num_classes is None:
        return details, found, ()
    notes: list[str] = []

    def fit(names: tuple[str, ...], name: str) -> tuple[str, ...]:
        result = labels.fit(names, found.num_classes or 0, name=name)
        notes.extend(result.notes)
        return result.labels

    own = fit(details.labels, "The label file") if details.labels else ()
    shown = {locale: fit(names, f"The labels for {locale}") for locale, names in details.locale_labels.items()}
    return replace(details, labels=own, locale_labels=shown), found, tuple(notes)


def _expect_normalisation(found: Layout, metadata: Metadata) -> None:
    """No task reader takes a float32 picture without it, and there is no usual one to assume."""
    if found.dtype != "float32" or found.task not in ("detection", "classification"):
        return
    units = metadata["subgraph_metadata"][0]["input_tensor_metadata"][0].get("process_units") or []
    if not any(unit.get("options_type") == "NormalizationOptions" for unit in units):
        raise UsageError(
            "The model's input is float32, and its metadata would not say how to normalise a picture.",
            cause="A .tflite file does not hold the mean and std that it was trained with.",
            fix=GIVE_NORMALISATION,
        )


def unpack(tflite: bytes) -> tuple[Metadata | None, dict[str, bytes]]:
    """The metadata of a file, None where it has none, and every file in the ZIP archive behind it.

    Raises SourceError for a file that is no TFLite model, and for metadata or an archive that cannot be trusted.
    """
    files = archive.read(tflite).checked().files
    found = read(tflite).metadata.get(ENTRY)
    return None if found is None else decode(found), dict(files)


def pack(tflite: bytes, metadata: Mapping[str, Any], files: Mapping[str, bytes], *, keep: bool = True) -> bytes:
    """The file with this metadata and these files, in the place of older ones; the same input gives the same bytes.

    min_parser_version is computed. Other metadata entries, and files in the archive that the older metadata does not
    declare, stay. keep: False drops the old archive, whatever is in it. Raises SourceError for a file that cannot be
    read, UserDataError for metadata that does not fit it.
    """
    old = archive.read(tflite)
    contents = {**(_kept(tflite, old.checked().files) if keep else {}), **files}
    if missing := [name for name in declared_files(metadata) if name not in contents]:
        raise UserDataError(f"The metadata names files that are not given: {', '.join(missing)}.")
    full = {**metadata, "min_parser_version": min_parser_version(metadata)}
    model = read(tflite)
    _expect_tensor_counts(model, metadata)
    content = encode(full)
    if model.metadata.get(ENTRY) == content:  # so that packing twice gives the bytes of packing once
        return tflite[: old.start] + archive.write(contents)
    with damaged("The file"):
        return _with_entry(memoryview(tflite)[: old.start], content) + archive.write(contents)


def _kept(tflite: bytes, files: Mapping[str, bytes]) -> dict[str, bytes]:
    """The files of an archive that the file's metadata does not declare."""
    try:
        before, _ = unpack(tflite)
        stale = set(declared_files(before)) if before else set()
    except SourceError:  # metadata that cannot be read is replaced all the same
        stale = set()
    return {name: content for name, content in files.items() if name not in stale}


def declared_files(metadata: Any) -> Iterator[str]:
    """Names of all files that the metadata refers to, wherever it does."""
    if isinstance(metadata, Mapping):
        for key, value in metadata.items():
            if key in ("associated_files", "vocab_file", "sentencePiece_model"):
                yield from (entry["name"] for entry in value if "name" in entry)
            else:
                yield from declared_files(value)
    elif isinstance(metadata, list) and metadata and isinstance(metadata[0], Mapping):
        for item in metadata:
            yield from declared_files(item)


def _expect_tensor_counts(model: TfliteModel, metadata: Mapping[str, Any]) -> None:
    """Readers refuse metadata that describes another number of tensors than the model has."""
    subgraphs = metadata.get("subgraph_metadata") or []
    if len(subgraphs) != 1:
        raise UserDataError(f"Metadata must describe exactly one subgraph, this describes {len(subgraphs)}.")
    for kind, tensors in (("input", model.main.inputs), ("output", model.main.outputs)):
        described = len(subgraphs[0].get(f"{kind}_tensor_metadata") or [])
        if described != len(tensors):
            raise UserDataError(f"The metadata describes {described} {kind}s, the model has {len(tensors)}.")


def _with_entry(data: memoryview, content: bytes) -> bytes:
    """The model with ``content`` as the buffer of its one TFLITE_METADATA entry."""
    model = flatbuffer.root(SCHEMA, "Model", data, IDENTIFIER)
    entries = model.get("metadata") or []
    ours = [entry.get("buffer") for entry in entries if entry.get("name") == ENTRY]
    place = ours[0] if ours else max(1, len(model.get("buffers") or []))
    others = [flatbuffer.Ref(entry.position) for entry in entries if entry.get("name") != ENTRY]
    return rewrite(model, {"metadata": [*others, {"name": ENTRY, "buffer": place}]}, {place: {"data": content}})
