"""``manifest.json``: what an app, or a later command, needs to know about an artifact. docs/formats/manifest.md.

Reading needs neither numpy nor any other package, because ``convert`` asks it whether there is anything to do.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import SourceError, StorageError, UsageError
from ..system import read_file, sha256, write_file
from ..values.artifact import Artifact
from ..values.codec import from_data, to_data
from ..values.spec import ImageInput, RawHead, expect
from . import labels as label_files

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

NAME = "manifest.json"
VERSION = 1
MAX_BYTES = 32 * 2**20


def write(artifact: Artifact) -> Path:
    """Write the manifest of an artifact whose files are all there; returns its path.

    Call it last: a folder with a manifest is complete. The same artifact gives the same bytes.
    """
    text = json.dumps(to_manifest(artifact), indent=1, ensure_ascii=False, allow_nan=False)
    path = artifact.root / NAME
    write_file(path, text + "\n")
    return path


def read(root: Path) -> Artifact:
    """The artifact in a folder. Its files are not looked at, but for the labels; see ``check``.

    Raises UsageError where there is no manifest, SourceError where it cannot be understood or is newer than this
    edgekit.
    """
    path = root / NAME
    raw = read_file(path, limit=MAX_BYTES)
    try:
        data = json.loads(raw, parse_constant=_refuse)
        _check_version(data, path)
        return _artifact(root, data)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        reason = f"{error.args[0]!r} is missing" if isinstance(error, KeyError) else str(error)
        raise SourceError(
            f"{path} is not a manifest: {reason}.", cause="It was damaged or edited.", fix="Convert the model again."
        ) from None


def find(out: Path) -> tuple[Path, ...]:
    """Folders of artifacts: ``out`` where it is one itself, else those in it, by name."""
    if (out / NAME).is_file():
        return (out,)
    return tuple(sorted(path.parent for path in out.glob(f"*/{NAME}")))


def check(artifact: Artifact) -> None:
    """Raise StorageError unless every file of the artifact is there with the bytes that the manifest says."""
    root = artifact.root.resolve()
    for file in artifact.files:
        path = artifact.root / file.path
        if not path.resolve().is_relative_to(root):
            problem = "leads out of the artifact's folder"
        elif not path.is_file():
            problem = "is missing"
        elif path.stat().st_size != file.bytes:
            problem = f"has {path.stat().st_size} bytes, the manifest says {file.bytes}"
        elif sha256(path) != file.sha256:
            problem = "has other bytes than the manifest says"
        else:
            continue
        raise StorageError(f"{path} {problem}.", cause="The artifact is damaged.", fix="Convert the model again.")


def anchors(artifact: Artifact) -> NDArray[np.float32] | None:
    """Anchors float32 (N, 4) of a raw head; None where the file has its own. Raises StorageError if damaged."""
    import numpy as np

    if not isinstance(artifact.spec.head, RawHead):
        return None
    path = artifact.root / artifact.spec.head.anchors
    data = _read_part(path)
    if not data or len(data) % 16:
        raise StorageError(f"{path} has {len(data)} bytes, no whole number of anchors.", fix="Convert the model again.")
    return np.frombuffer(data, "<f4").reshape(-1, 4)


def to_manifest(artifact: Artifact) -> dict[str, Any]:
    """The manifest as JSON-ready data, keys in the order in which they are written."""
    spec = artifact.spec
    files = to_data(artifact.files)
    labels = _role(files, "labels")
    expect(
        (labels is not None) == bool(spec.labels),
        "labels",
        "a file with role labels exactly when there are any",
        labels,
    )
    if isinstance(spec.head, RawHead):
        expect(spec.head.anchors == _role(files, "anchors"), "anchors", "the file with role anchors", spec.head.anchors)
    return {
        "edgekit": VERSION,
        "name": spec.name,
        "task": spec.task,
        "recipe": artifact.recipe,
        "model": _role(files, "model"),
        "input": _input_data(spec.input),
        "head": to_data(spec.head),
        "selection": to_data(spec.selection),
        "display": {"score": artifact.display_score},
        "labels": labels,
        "num_classes": spec.num_classes,
        "label_offset": 0,
        "groups": to_data(spec.groups),
        "files": files,
        "licence": artifact.licence,
        "source": to_data(artifact.source),
        **({"emulated": True} if artifact.emulated else {}),
        "assumptions": to_data(artifact.assumptions),
        "tools": to_data(artifact.tools),
        "key": artifact.key,
    }


def _input_data(image: ImageInput) -> dict[str, Any]:
    return {
        "name": image.name,
        "width": image.width,
        "height": image.height,
        "colour": image.colour,
        **to_data(image.encoding),
        "mean": to_data(image.mean),
        "std": to_data(image.std),
        "resize": to_data(image.resize),
    }


def _check_version(data: Any, path: Path) -> None:
    version = data.get("edgekit") if isinstance(data, dict) else None
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise SourceError(f"{path} is not a manifest of edgekit: it has no version.", fix="Convert the model again.")
    if version > VERSION:
        raise SourceError(
            f"{path} has version {version}; this edgekit reads up to {VERSION}.",
            cause="A newer edgekit wrote it.",
            fix="Run: pip install --upgrade edgekit",
        )


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON number")


def _artifact(root: Path, data: Mapping[str, Any]) -> Artifact:
    files = data["files"]
    expect(data["model"] == _role(files, "model"), "model", "the file with role model", data["model"])
    expect(data.get("labels") == _role(files, "labels"), "labels", "the file with role labels", data.get("labels"))
    head = data["head"]
    if head["kind"] == RawHead.kind:
        from_data(RawHead, head)  # says first what is wrong with the path itself
        expect(head["anchors"] == _role(files, "anchors"), "anchors", "the file with role anchors", head["anchors"])
    expect(data.get("label_offset", 0) == 0, "label_offset", "0", data.get("label_offset"))
    paths = [str(file["path"]) for file in files]
    expect(len(set(paths)) == len(paths) and NAME not in paths, "files", "different paths", paths)
    artifact = {
        "root": root,
        "spec": _spec_data(data),
        "display_score": data.get("display", {}).get("score", Artifact.display_score),
        **{key: data[key] for key in ("recipe", "files", "source")},
        **{key: data[key] for key in ("tools", "licence", "key", "assumptions", "emulated") if key in data},
    }
    # The labels' path is only followed once the value has found it to be inside the folder
    without_labels = from_data(Artifact, {"tools": {}} | artifact)
    labels = data.get("labels")
    if labels is None:
        return without_labels
    names = label_files.decode(_read_part(root / labels), name=str(root / labels))
    return replace(without_labels, spec=replace(without_labels.spec, labels=names))


def _spec_data(data: Mapping[str, Any]) -> dict[str, Any]:
    image = dict(data["input"])
    image["encoding"] = {key: image[key] for key in ("dtype", "scale", "zero_point")}
    keys = ("name", "task", "head", "selection", "num_classes")
    return {"input": image, "groups": data.get("groups", {}), **{key: data[key] for key in keys}}


def _read_part(path: Path) -> bytes:
    try:
        return read_file(path, limit=label_files.MAX_BYTES)
    except UsageError:
        raise StorageError(
            f"{path} is missing.", cause="The artifact is damaged.", fix="Convert the model again."
        ) from None


def _role(files: Sequence[Mapping[str, Any]], role: str) -> str | None:
    return next((str(file["path"]) for file in files if file["role"] == role), None)
