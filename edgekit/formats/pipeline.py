"""The Object Detection API's pipeline.config, read field by field, so that what nobody asked for can be listed.

Fields are those of object_detection/protos/pipeline.proto and what it imports. Nothing of that schema is kept here:
who asks for a field says its type and its default.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from ..errors import UsageError, UserDataError
from ..system import read_file
from . import textproto
from .labels import shown, text_of
from .textproto import Message, Value, Word

MAX_BYTES = 2**20
ROOT = ("model", "train_config", "train_input_reader", "eval_config", "eval_input_reader", "graph_rewriter")
_FLAGS = {"true": True, "True": True, "t": True, "false": False, "False": False, "f": False}

_T = TypeVar("_T")


def read(path: Path) -> Config:
    """The configuration in a file. Raises UsageError that names the line, or the field of the root that it is not."""
    return parse(read_file(path, limit=MAX_BYTES), name=str(path))


def parse(data: bytes, *, name: str) -> Config:
    """The configuration in the bytes of a file; ``name`` is what messages call it."""
    try:
        message = textproto.parse(text_of(data, name), name)
    except UserDataError as error:
        raise UsageError(error.what, cause=error.cause, fix=error.fix) from None
    strange = next((field for field in message if field not in ROOT), "")
    if strange or not message:
        what = f"its root has {strange!r}" if strange else "it holds nothing"
        raise UsageError(f"{name} is no pipeline.config: {what}.", cause=f"Expected {', '.join(ROOT)}.")
    return Config(message, name)


class Section:
    """One message of the configuration. A message that the file does not have is one without fields.

    Fields are named by dotted paths from here: ``number("ssd.loss.classification_weight", 1.0)``. A method that is
    given no default raises UsageError where the field is missing; each does where the value is of another kind, or
    where there are several and one is asked for.
    """

    def __init__(self, message: Message, name: str, path: str = "", read: set[tuple[int, str]] | None = None) -> None:
        self._message, self._name, self.path = message, name, path
        self._read: set[tuple[int, str]] = set() if read is None else read

    @property
    def kind(self) -> str:
        """The last part of the path: 'adam_optimizer' of 'train_config.optimizer.adam_optimizer'."""
        return self.path.rpartition(".")[2]

    def __contains__(self, path: str) -> bool:
        """Whether the file has the field. That does not count as reading it."""
        message = self._message
        *parents, field = path.split(".")
        for parent in parents:
            inner = message.get(parent, [])
            if not inner or not isinstance(inner[-1], Message):
                return False
            message = inner[-1]
        return bool(message.get(field))

    def section(self, path: str) -> Section:
        """The message at a path."""
        head, _, rest = path.partition(".")
        found = self.sections(head)
        if len(found) > 1:
            raise self._several(head, len(found))
        inner = found[0] if found else Section(Message(), self._name, self._full(head), self._read)
        return inner.section(rest) if rest else inner

    def sections(self, path: str) -> tuple[Section, ...]:
        """Every message of a repeated field."""
        parent, field = self._parent(path)
        values = parent._values(field)
        inner = [value for value in values if isinstance(value, Message)]
        if len(inner) < len(values):
            raise parent.refusal(field, "a message { … }")
        return tuple(Section(message, self._name, parent._full(field), self._read) for message in inner)

    def present(self) -> str:
        """The name of the one message in here, as a oneof has it; '' where there is none.

        That does not count as reading it: a kind that is passed over is listed as ignored.
        """
        kinds = [field for field, values in self._message.items() if any(isinstance(v, Message) for v in values)]
        if len(kinds) > 1:
            raise UsageError(f"{self._where(self.path)}: expected one of {', '.join(kinds)}, got {len(kinds)} of them.")
        return kinds[0] if kinds else ""

    def choice(self, path: str, kinds: Collection[str]) -> Section:
        """The one message inside the one at a path, which must be of one of these kinds."""
        outer = self.section(path)
        found = outer.present()
        if found not in kinds:
            raise UsageError(f"{self._where(outer.path)}: expected {_one_of(kinds)}, got {found or 'none'}.")
        return outer.section(found)

    def number(
        self, path: str, default: float | None = None, *, low: float = -math.inf, high: float = math.inf
    ) -> float:
        """A finite number, from ``low`` to ``high``."""

        def inside(value: Value) -> float | None:
            number = _number(value)
            return number if number is not None and low <= number <= high else None

        return self._one(path, f"a number{_bounds(low, high)}", inside, default)

    def positive(self, path: str, default: float | None = None) -> float:
        """A finite number above 0."""

        def above(value: Value) -> float | None:
            number = _number(value)
            return number if number is not None and number > 0 else None

        return self._one(path, "a number above 0", above, default)

    def integer(self, path: str, default: int | None = None, *, low: float = -math.inf, high: float = math.inf) -> int:
        """A whole number, from ``low`` to ``high``."""

        def inside(value: Value) -> int | None:
            number = _integer(value)
            return number if number is not None and low <= number <= high else None

        return self._one(path, f"a whole number{_bounds(low, high)}", inside, default)

    def flag(self, path: str, default: bool | None = None) -> bool:
        return self._one(path, "true or false", _flag, default)

    def text(self, path: str, default: str | None = None) -> str:
        return self._one(path, "a text in quotes", _text, default)

    def word(self, path: str, words: Collection[str], default: str | None = None) -> str:
        """A value of an enum: one of ``words``."""

        def known(value: Value) -> str | None:
            return value.text if isinstance(value, Word) and value.text in words else None

        return self._one(path, _one_of(words), known, default)

    def numbers(self, path: str, default: Sequence[float] = ()) -> tuple[float, ...]:
        """Every number of a repeated field, ``default`` where there is none."""
        return self._all(path, "numbers", _number, default)

    def texts(self, path: str, default: Sequence[str] = ()) -> tuple[str, ...]:
        """Every text of a repeated field, ``default`` where there is none."""
        return self._all(path, "texts in quotes", _text, default)

    def confirm(self, path: str, done: bool | float | str) -> bool:
        """Read a field where it says what is done in any case, or nothing.

        With any other value it stays unread, and so is listed as ignored: then False.
        """
        parent, field = self._parent(path)
        agreed = all(_means(value, done) for value in parent._message.get(field, []))
        if agreed:
            parent._values(field)
        return agreed

    def refusal(self, path: str, expected: str) -> UsageError:
        """The error for a field whose value is not what was expected, to be raised by who knows more of it."""
        parent, field = self._parent(path)
        got = ", ".join(_spoken(value) for value in parent._message.get(field, [])[:5]) or "none"
        return UsageError(f"{self._where(parent._full(field))}: expected {expected}, got {got}.")

    def _one(self, path: str, expected: str, convert: Callable[[Value], _T | None], default: _T | None) -> _T:
        parent, field = self._parent(path)
        values = parent._values(field)
        if len(values) > 1:
            raise parent._several(field, len(values))
        if not values and default is not None:
            return default
        if not values:
            raise parent._missing(field, expected)
        converted = convert(values[0])
        if converted is None:
            raise parent.refusal(field, expected)
        return converted

    def _all(
        self, path: str, expected: str, convert: Callable[[Value], _T | None], default: Sequence[_T]
    ) -> tuple[_T, ...]:
        parent, field = self._parent(path)
        values = [convert(value) for value in parent._values(field)]
        converted = [value for value in values if value is not None]
        if len(converted) < len(values):
            raise parent.refusal(field, expected)
        return tuple(converted or default)

    def _parent(self, path: str) -> tuple[Section, str]:
        parents, _, field = path.rpartition(".")
        return (self.section(parents) if parents else self), field

    def _values(self, field: str) -> list[Value]:
        self._read.add((id(self._message), field))
        return self._message.get(field, [])

    def _full(self, field: str) -> str:
        return f"{self.path}.{field}" if self.path else field

    def _where(self, path: str) -> str:
        return f"{self._name}, {path}" if path else self._name

    def _several(self, field: str, count: int) -> UsageError:
        return UsageError(f"{self._where(self._full(field))}: expected one, got {count}.", fix="Remove the others.")

    def _missing(self, field: str, expected: str) -> UsageError:
        close = difflib.get_close_matches(field, self._message, n=1)
        return UsageError(
            f"{self._where(self._full(field))} is missing: expected {expected}.",
            cause=f"Its section has {close[0]!r}, perhaps misspelt." if close else "",
        )


class Config(Section):
    """A whole configuration: its root section, which knows what was read of it."""

    def ignored(self) -> tuple[str, ...]:
        """Dotted paths of what nobody has read, in the file's order, each once; of a message only its own path."""
        return tuple(dict.fromkeys(self._unread(self._message, "")))

    def _unread(self, message: Message, path: str) -> Iterator[str]:
        for field, values in message.items():
            if (id(message), field) not in self._read:
                yield f"{path}{field}"
                continue
            for value in values:
                if isinstance(value, Message):
                    yield from self._unread(value, f"{path}{field}.")


def _number(value: Value) -> float | None:
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None


def _integer(value: Value) -> int | None:
    return value if isinstance(value, int) else None


def _flag(value: Value) -> bool | None:
    if isinstance(value, Word):
        return _FLAGS.get(value.text)
    return bool(value) if value in (0, 1) and isinstance(value, int) else None


def _text(value: Value) -> str | None:
    return value if isinstance(value, str) else None


def _means(value: Value, said: bool | float | str) -> bool:
    if isinstance(said, bool):
        return _flag(value) is said
    if isinstance(said, str):
        return value in (said, Word(said))
    number = _number(value)
    return number is not None and math.isclose(number, said, rel_tol=1e-6)  # the file's numbers went through float32


def _bounds(low: float, high: float) -> str:
    if math.isfinite(low) and math.isfinite(high):
        return f" from {low:g} to {high:g}"
    return "".join(f" of at {most} {end:g}" for most, end in (("least", low), ("most", high)) if math.isfinite(end))


def _one_of(names: Collection[str]) -> str:
    return " or ".join(names)


def _spoken(value: Value) -> str:
    if isinstance(value, Message):
        return "a message"
    if isinstance(value, Word):
        return value.text
    return repr(value) if isinstance(value, float) else shown(value)
