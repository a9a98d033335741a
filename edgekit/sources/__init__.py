"""Kinds of files that models come in. The verbs: ``inspect`` says what a file is, ``load`` makes a Model of it."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, Unpack, cast

from ..errors import SourceError, StorageError, UsageError
from ..formats import manifest
from ..formats.foreign import refuse_foreign
from ..formats.tfjs import NAME as WEB_MODEL
from ..formats.tfjs import find as find_web_model
from ..values.model import Model
from .options import LoadKeywords, LoadOptions

if TYPE_CHECKING:
    from .inspection import Inspection

__all__ = ["KINDS", "LoadKeywords", "LoadOptions", "Source", "inspect", "load"]

HEAD = 65536  # bytes by which a kind is recognised
READ = "Give a frozen graph (.pb, .pbtxt), a .tflite or the model.json of a TensorFlow.js model."
PRINTABLE = bytes(range(32, 127)) + b"\t\n\r\f"


class Source(Protocol):
    """A module of this folder."""

    def recognises(self, path: Path, head: bytes) -> bool:
        """Whether the file, or folder with an empty head, is of this kind; damaged ones of it included."""

    def inspect(self, path: Path) -> Inspection:
        """Everything that can be said about it. Raises SourceError where it cannot be read."""

    def load(self, path: Path, *, out: Path, options: LoadOptions) -> Model:
        """Cut it at its raw heads and store it in the folder ``out``."""


# kind → module, asked in this order; a graph has no identifier of its own and so comes last
KINDS = {"tflite": ".tflite", "tfjs": ".tfjs", "graph": ".graphdef"}


def inspect(path: Path | str) -> Inspection:
    """What a model file is, what can be made of it, and what is wrong with it.

    Raises SourceError where it cannot be read as any kind, UsageError where there is no such file.
    """
    return _recognise(Path(path)).inspect(Path(path))


def load(path: Path | str, *, out: Path | str, **options: Unpack[LoadKeywords]) -> Model:
    """The Model in a file, stored in the folder ``out``: the cut graph, model.json and the anchors.

    options, all taken from the file where it says them: input, outputs (names of nodes); mean, std (pixel units);
    anchors, groups (files); labels (a file, or names); activation ('sigmoid', 'softmax', 'none'); name; score, iou,
    max_detections, max_classes_per_detection, detections_per_class, regular. See LoadOptions.
    Raises SourceError where it is not understood, UsageError where something has to be said that the file does not
    say, UserDataError where labels, groups or anchors do not fit.
    """
    return _recognise(Path(path)).load(Path(path), out=Path(out), options=LoadOptions.of(options))


def _recognise(path: Path) -> Source:
    head = _head(path)
    for module in KINDS.values():
        source = cast(Source, import_module(module, __name__))
        if source.recognises(path, head):
            return source
    if path.is_dir():
        raise _folder(path)
    refuse_foreign(head, str(path))
    if not head.translate(None, PRINTABLE):
        raise SourceError(f"{path} is a text file, not a model.", fix=READ)
    raise SourceError(
        f"{path} is no model that edgekit reads.",
        cause="It begins neither as a .tflite file nor as a TensorFlow graph: damaged, or another kind of file.",
        fix=READ,
    )


def _head(path: Path) -> bytes:
    try:
        if path.is_dir():
            return b""
        with path.open("rb") as stream:
            return stream.read(HEAD)
    except FileNotFoundError:
        raise UsageError(f"There is no file {path}.", fix="Check the path.") from None
    except OSError as error:
        raise StorageError(f"{path} cannot be read: {error.strerror}.") from None


def _folder(path: Path) -> SourceError:
    """What a folder is that no kind reads, and what to give instead."""
    if (path / "saved_model.pb").is_file() or (path / "saved_model" / "saved_model.pb").is_file():
        return SourceError(
            f"{path} is a SavedModel, which edgekit does not read.",
            fix="Export a frozen tflite_graph.pb, or convert it to a .tflite and give that.",
        )
    if checkpoints := sorted(entry.name for entry in path.glob("*.index")):
        return SourceError(
            f"{path} holds a TensorFlow checkpoint ({checkpoints[0]}), which edgekit does not read.",
            fix="Freeze it first: export_tflite_ssd_graph.py writes tflite_graph.pb.",
        )
    places = [*manifest.find(path), path]
    inside = [place / name for place in places for name in ("model.tflite", "tflite_graph.pb", "graph.pb")]
    inside += [file for file in sorted(path.glob(f"*/{WEB_MODEL}")) if find_web_model(file.parent)]
    if found := list(dict.fromkeys(str(file) for file in inside if file.is_file())):
        return SourceError(f"{path} is a folder.", fix=f"Give the file inside it: {' or '.join(found)}")
    return SourceError(f"{path} is a folder, and holds no model.", fix="Give the model file.")
