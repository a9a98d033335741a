"""Label files in every form that people keep them in; docs/formats/labels.md says how each is recognised.

Line i, from 0, names class i as the model's post-processing counts: without background. An unused class is '???'.
"""

import codecs
import difflib
import json
import re
import reprlib
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from ..errors import MissingToolError, UserDataError
from ..system import read_file
from . import textproto
from .foreign import kind, refuse_mishap

GAP = "???"
MAX_LABELS = 65_536
MAX_BYTES = 16 * 2**20
BACKGROUND = frozenset({"background", "__background__", "bg", "dummy", "none", "n/a", "unlabeled", GAP})

_NUMBERED = re.compile(r"(\d{1,9})(?:\s*[:,]\s*|\s+)(\S.*)")
_PBTXT_ITEM = re.compile(r"(?:\s|#[^\n]*\n)*item\s*:?\s*[{<]")
_FORBIDDEN = frozenset({"Cc", "Cs", "Zl", "Zp"})  # control characters, lone surrogates, line and paragraph separators


@dataclass(frozen=True, kw_only=True)
class Fitted:
    """labels: exactly one a class. notes: what was done to make them fit, as sentences to show."""

    labels: tuple[str, ...]
    notes: tuple[str, ...] = ()


def read(path: Path) -> tuple[str, ...]:
    """The labels of a file in any of the known forms, a first background line still among them; see ``fit``.

    Raises UserDataError where the file is no label file, UsageError where there is none.
    """
    return parse(read_file(path, limit=MAX_BYTES), name=str(path))


def parse(data: bytes, *, name: str) -> tuple[str, ...]:
    """The labels in the bytes of a file; ``name`` is what messages call it, and .yaml or .yml makes it YAML."""
    text = text_of(data, name)
    if name.lower().endswith((".yaml", ".yml")):
        labels = _from_data(_yaml(text, name), name)
    elif text.lstrip()[:1] in ("{", "["):
        labels = _from_data(_json(text, name), name)
    elif _PBTXT_ITEM.match(text):
        labels = _by_id(_pbtxt_items(text, name), name)
    else:
        labels = _from_lines(text, name)
    return _checked(labels, name)


def fit(labels: Sequence[str], num_classes: int, *, name: str = "The label file") -> Fitted:
    """One label for each class; one first background line too many is dropped and said.

    Raises UserDataError that says expected and got, and what the likely slip is.
    """
    got = len(labels)
    if got == num_classes:
        return Fitted(labels=tuple(labels))
    if got == num_classes + 1 and labels[0].lower() in BACKGROUND:
        note = f"{name}: the first of {got} labels, {labels[0]!r}, is the background and was left out."
        return Fitted(labels=tuple(labels[1:]), notes=(note,))
    raise UserDataError(
        f"{name} has {got} labels, the model has {num_classes} classes.",
        cause=_slip(labels, num_classes),
        fix=f"Give {num_classes} labels, one a line, with {GAP} for every unused class and no background.",
    )


def encode(labels: Iterable[str]) -> bytes:
    """The form that edgekit writes: UTF-8, one label a line, each line ended."""
    return "".join(f"{label}\n" for label in labels).encode()


def encode_map(labels: Iterable[str]) -> bytes:
    """A label map (.pbtxt): label i, from 0, as id i + 1; unused classes are left out."""
    named = [(number, label) for number, label in enumerate(labels, start=1) if label != GAP]
    # JSON's escapes are among those of protocol buffers' text form
    items = (
        f"item {{\n  id: {number}\n  name: {json.dumps(label, ensure_ascii=False)}\n}}\n" for number, label in named
    )
    return "".join(items).encode()


def decode(data: bytes, *, name: str) -> tuple[str, ...]:
    """Plain lines, as ``encode`` writes them: nothing is recognised, numbered or dropped. The last may lack its end."""
    lines = text_of(data, name).split("\n")
    return _checked(lines if lines[-1] else lines[:-1], name)


def nearest(label: str, labels: Sequence[str], *, kind: str = "labels") -> str:
    """A hint for a name that is not among ``labels``. kind: what they are called."""
    close = difflib.get_close_matches(label, labels, n=1)
    if close:
        return f"Did you mean {close[0]!r}?"
    return f"The {kind} are: {', '.join(labels[:10])}{', …' if len(labels) > 10 else ''}"


def check_text(text: str, where: str) -> None:
    """Raise UserDataError where a name has characters that no screen shows and that break lines and formats."""
    bad = next((c for c in text if unicodedata.category(c) in _FORBIDDEN), None)
    if bad is not None:
        raise UserDataError(f"{where}: control character U+{ord(bad):04X}.", fix="Remove it.")


def shown(value: Any) -> str:
    """A value for a message. Only short ones are written out: aliases of YAML unfold into gigabytes."""
    plain = value is None or isinstance(value, str) or (isinstance(value, int | float) and abs(value) < 2**63)
    return reprlib.repr(value) if plain else f"a value of type {type(value).__name__}"


def _slip(labels: Sequence[str], num_classes: int) -> str:
    difference = len(labels) - num_classes
    if difference == 1:
        return f"One too many: the first is {labels[0]!r}, the last {labels[-1]!r}; one of them is probably no class."
    if difference == -1:
        return "One too few: the last line may be missing, or a background class was counted."
    if difference < 0 and GAP not in labels:
        return f"{-difference} too few: label lists often leave unused ids out, and then every later name is wrong."
    return "The labels belong to another model, or the file is not the whole list."


def text_of(data: bytes, name: str) -> str:
    """The text of a file in UTF-8 or marked UTF-16, its lines ended by line feeds; UserDataError where it is none."""
    refuse_mishap(data, name)
    wide = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    if not wide and b"\0" in data[:4096]:
        what = kind(data)
        cause = f"It is {what}." if what else "It is a binary file, or UTF-16 without its mark."
        raise UserDataError(f"{name} is not text.", cause=cause, fix="Save it as UTF-8.")
    encoding, spoken = ("utf-16", "UTF-16") if wide else ("utf-8-sig", "UTF-8")
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        raise UserDataError(f"{name} is not {spoken} (byte {error.start}).", fix="Save it as UTF-8.") from None
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _from_lines(text: str, name: str) -> list[str]:
    # str.splitlines would also split at characters that are an error here
    lines = [line.strip(" \t") for line in text.rstrip("\n \t").split("\n")] if text.strip() else []
    matches = [_NUMBERED.fullmatch(line) for line in lines]
    numbered = [(int(match[1]), match[2]) for match in matches if match]
    if len(numbered) == len(lines) and _is_numbering(numbered):
        return _by_number(numbered, name, first=numbered[0][0])
    return lines


def _is_numbering(pairs: Sequence[tuple[int, str]]) -> bool:
    """Whether leading numbers are class numbers and not part of the names, as in '1 cent', '2 cent'."""
    numbers = [number for number, _ in pairs]
    names = [label for _, label in pairs if label != GAP]
    rising = all(a < b for a, b in pairwise(numbers))
    return rising and numbers[:1] in ([0], [1]) and len(set(names)) == len(names)


def _from_data(data: Any, name: str) -> list[Any]:
    """Labels from the structures that JSON and YAML share."""
    if isinstance(data, dict):
        # Not deeper than one level: aliases of YAML can make a mapping that holds itself.
        data = next((data[key] for key in ("categories", "id2label", "names", "labels") if key in data), data)
    if isinstance(data, dict) and data and all(_is_number(key) for key in data):
        return _by_number([(int(key), label) for key, label in data.items()], name, first=0)
    if isinstance(data, list) and data:
        if not all(isinstance(item, dict) for item in data):
            return data
        if all(_is_number(item.get("id")) and "name" in item for item in data):
            return _by_id([(int(item["id"]), item["name"]) for item in data], name)
    raise UserDataError(
        f"{name} holds no labels.",
        cause="Expected a list of names, COCO categories with id and name, or id2label.",
    )


def _is_number(value: Any) -> bool:
    if isinstance(value, str):
        return re.fullmatch(r"[0-9]{1,9}", value) is not None
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**9


def _by_id(pairs: Sequence[tuple[int, Any]], name: str) -> list[Any]:
    """Ids count from 1, with 0 for the background, unless 0 is a class of its own."""
    zero = next((label for number, label in pairs if number == 0), GAP)
    if isinstance(zero, str) and zero.lower() in BACKGROUND:
        return _by_number([pair for pair in pairs if pair[0] > 0], name, first=1)
    return _by_number(pairs, name, first=0)


def _by_number(pairs: Sequence[tuple[int, Any]], name: str, *, first: int) -> list[Any]:
    """Each label at its number, counted from ``first``, and a gap wherever there is none."""
    labels: dict[int, Any] = {}
    for number, label in pairs:
        if number in labels:
            raise UserDataError(f"{name} names class {number} twice: {shown(labels[number])} and {shown(label)}.")
        labels[number] = label
    last = max(labels, default=first - 1)
    _check_count(last + 1 - first, name)
    return [labels.get(number, GAP) for number in range(first, last + 1)]


def _checked(labels: Sequence[Any], name: str) -> tuple[str, ...]:
    _check_count(len(labels), name)
    for number, label in enumerate(labels, start=1):
        where = f"{name}, label {number}"
        if not isinstance(label, str):
            raise UserDataError(f"{where}: {shown(label)} is no text.", fix="Put quotes around it.")
        if not label.strip():
            raise UserDataError(
                f"{where}: it is empty.", cause="Every line counts as a class.", fix=f"Write {GAP} for an unused class."
            )
        check_text(label, where)
    return tuple(label.strip() for label in labels)


def _check_count(count: int, name: str) -> None:
    if count == 0:
        raise UserDataError(f"{name} holds no labels.", cause="It is empty.")
    if count > MAX_LABELS:
        raise UserDataError(f"{name} has {count} labels.", cause=f"More than the {MAX_LABELS} that edgekit takes.")


def _json(text: str, name: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UserDataError(f"{name} is not valid JSON: {error}.") from None


def _yaml(text: str, name: str) -> Any:
    try:
        import yaml
    except ImportError:
        raise MissingToolError(
            f"{name} is YAML.", cause="PyYAML is not installed.", fix="Run: pip install 'edgekit[yaml]'"
        ) from None
    try:
        return yaml.safe_load(text)
    except MemoryError:
        raise
    except Exception as error:  # a tag such as !!int makes PyYAML raise whatever its text makes Python raise
        raise UserDataError(f"{name} is not valid YAML: {' '.join(str(error).split())}.") from None


def _pbtxt_items(text: str, name: str) -> list[tuple[int, Any]]:
    """(id, display name or name) of every item; other fields are passed over."""
    items = enumerate(textproto.parse(text, name)["item"], start=1)
    return [_pbtxt_item(item, f"{name}, item {number}") for number, item in items]


def _pbtxt_item(item: textproto.Value, where: str) -> tuple[int, Any]:
    fields = item if isinstance(item, textproto.Message) else {}
    number = _last(fields, "id")
    label = _last(fields, "display_name") or _last(fields, "name")
    if label is None or not _is_number(number):
        raise UserDataError(f"{where} lacks its id or its name.", fix="Write: item { id: 1 name: 'cat' }")
    return int(number), label.text if isinstance(label, textproto.Word) else label


def _last(fields: Mapping[str, list[Any]], field: str) -> Any:
    """The value that counts where a field is given several times; None where it is not given."""
    return fields[field][-1] if fields.get(field) else None
