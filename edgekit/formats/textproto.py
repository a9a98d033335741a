"""Protocol buffers' text form, read without a schema: label maps, pipeline.config.

Format: https://protobuf.dev/reference/protobuf/textformat-spec. Extensions and Any, names in brackets, are refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..errors import UserDataError

MAX_DEPTH = 100  # of messages in messages, as protocol buffers' own readers have it
MAX_VALUES = 2**19  # several for each of the most labels that edgekit takes
_MAX_INT = 2**64 - 1

_TOKEN = re.compile(
    r"""\s+|\#[^\n]*
    |(?P<text>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')
    |(?P<number>\.?[0-9](?:[eE][+-]|[0-9A-Za-z_.])*)
    |(?P<word>[A-Za-z_][0-9A-Za-z_]*)
    |(?P<mark>.)""",
    re.VERBOSE,
)
_DECIMAL = re.compile(r"(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?[fF]?")
_INTEGER = re.compile(r"0[xX](?P<hex>[0-9a-fA-F]{1,16})|0(?P<octal>[0-7]{1,22})|(?P<plain>0|[1-9][0-9]{0,19})")
_ESCAPE = re.compile(
    r"\\(?:(?P<octal>[0-7]{1,3})|[xX](?P<hex>[0-9a-fA-F]{1,2})"
    r"|u(?P<short>[0-9a-fA-F]{4})|U(?P<long>[0-9a-fA-F]{8})|(?P<plain>.))"
)
_PLAIN_ESCAPES = dict(zip("abfnrtv?\\'\"", "\a\b\f\n\r\t\v?\\'\"", strict=True))
_CLOSING = {"{": "}", "<": ">"}


@dataclass(frozen=True)
class Word:
    """A name without quotes, such as true or RELU_6."""

    text: str


class Message(dict[str, "list[Value]"]):
    """Field → its values, both in the file's order."""


Value = Message | Word | str | int | float


def parse(text: str, name: str) -> Message:
    """The tree of a file's text; ``name`` is what messages call it. inf and nan are floats.

    Raises UserDataError that names the line.
    """
    return _Reader(text, name).message("", 0)


class _Reader:
    """Recursive descent over the tokens, of which one is looked at before it is taken."""

    def __init__(self, text: str, name: str) -> None:
        self._text, self._name = text, name
        self._tokens = (match for match in _TOKEN.finditer(text) if match.lastgroup)
        self._next = next(self._tokens, None)
        self._values = 0

    def message(self, close: str, depth: int) -> Message:
        """Fields up to the closing mark, or to the end of the text where that is ''."""
        if depth > MAX_DEPTH:
            raise self._error(f"more than {MAX_DEPTH} messages lie in each other")
        fields = Message()
        while not self._take(close) if close else self._next:
            field = self._field()
            colon = self._take(":")
            fields.setdefault(field, []).extend(self._field_values(field, colon, depth))
            if not self._take(","):
                self._take(";")
        return fields

    def _field(self) -> str:
        if self._next is None:
            raise UserDataError(f"{self._name} ends inside a message.", cause="The file is cut off, or a '}' lacks.")
        if self._kind() == "word":
            return self._pop().group()
        if self._token() == "[":
            raise self._error("names in brackets (extensions, Any) are not read")
        raise self._unexpected("the name of a field")

    def _field_values(self, field: str, colon: bool, depth: int) -> list[Value]:
        if not self._take("["):
            return [self._value(field, colon, depth)]
        values: list[Value] = []
        if self._take("]"):
            return values
        while True:
            values.append(self._value(field, colon, depth))
            if self._take("]"):
                return values
            if not self._take(","):
                raise self._unexpected("',' or ']'")

    def _value(self, field: str, colon: bool, depth: int) -> Value:
        self._values += 1
        if self._values > MAX_VALUES:
            raise self._error(f"more than {MAX_VALUES} values")
        if self._token() in _CLOSING:
            return self.message(_CLOSING[self._pop().group()], depth + 1)
        if not colon:
            raise self._unexpected(f"':' or '{{' after {field!r}")
        if self._kind() == "text":
            return self._string()
        negative = self._take("-")
        if self._kind() == "number":
            return self._number(negative)
        if self._kind() == "word":
            return self._word(negative)
        raise self._unexpected(f"a value of {field!r}")

    def _word(self, negative: bool) -> Word | float:
        lower = self._token().lower()
        if lower in ("inf", "infinity", "nan"):
            self._pop()
            return -float(lower) if negative else float(lower)
        if negative:
            raise self._unexpected("a number after '-'")
        return Word(self._pop().group())

    def _number(self, negative: bool) -> int | float:
        text = self._token()
        whole = _INTEGER.fullmatch(text)
        if whole is not None:
            base = {"hex": 16, "octal": 8, "plain": 10}[whole.lastgroup or ""]
            number = int(whole[whole.lastgroup or 0], base)
            if number <= _MAX_INT:
                self._pop()
                return -number if negative else number
        # A whole number too large for 64 bits is a float, but '08' and '0xfg' are no numbers at all
        if not _DECIMAL.fullmatch(text) or (text.isdigit() and text[0] == "0"):
            raise self._error(f"{_short(text)} is no number")
        self._pop()
        value = float(text.rstrip("fF"))
        return -value if negative else value

    def _string(self) -> str:
        """The text that adjacent literals stand for together; escapes may put one character in several of them."""
        pieces: list[bytes] = []
        while self._kind() == "text":
            # Escapes are bytes, so the text around them must be bytes as well while they are put in
            plain = self._token()[1:-1].encode("utf-8", "surrogatepass").decode("latin-1")
            pieces.append(_ESCAPE.sub(self._unescaped, plain).encode("latin-1"))
            last = self._pop()
        try:
            return b"".join(pieces).decode()
        except UnicodeDecodeError:
            raise self._error(f"{_short(last.group())} is not UTF-8", last) from None

    def _unescaped(self, match: re.Match[str]) -> str:
        kind = match.lastgroup or ""
        code = match[kind]
        if kind == "plain" and code in _PLAIN_ESCAPES:
            return _PLAIN_ESCAPES[code]
        number = -1 if kind == "plain" else int(code, 8 if kind == "octal" else 16)
        if kind in ("octal", "hex") and number <= 0xFF:
            return chr(number)
        if kind in ("short", "long") and number <= 0x10FFFF and not 0xD800 <= number < 0xE000:
            return chr(number).encode().decode("latin-1")
        raise self._error(f"unknown escape {match.group()}", fix="Write / or \\\\ in a path.")

    def _take(self, mark: str) -> bool:
        found = self._token() == mark
        if found:
            self._pop()
        return found

    def _token(self) -> str:
        return self._next.group() if self._next else ""

    def _kind(self) -> str:
        return (self._next.lastgroup or "") if self._next else ""

    def _pop(self) -> re.Match[str]:
        assert self._next is not None
        token, self._next = self._next, next(self._tokens, None)
        return token

    def _unexpected(self, expected: str) -> UserDataError:
        if self._next is None:
            return UserDataError(f"{self._name} ends where {expected} should be.", cause="The file is cut off.")
        token = self._token()
        if token in "\"'":
            return self._error(f"a text that begins with {token} does not end on its line")
        return self._error(f"unexpected {_short(token)}, expected {expected}")

    def _error(self, what: str, at: re.Match[str] | None = None, *, fix: str = "") -> UserDataError:
        token = at or self._next
        line = self._text.count("\n", 0, token.start() if token else len(self._text)) + 1
        return UserDataError(f"{self._name}, line {line}: {what}.", fix=fix)


def _short(token: str) -> str:
    return repr(token if len(token) <= 40 else f"{token[:39]}…")
