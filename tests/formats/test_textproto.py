"""The text form of protocol buffers, read without a schema."""

import contextlib
import math
import random
from typing import Any

import pytest
from google.protobuf import struct_pb2, text_format

from edgekit.errors import UserDataError
from edgekit.formats.textproto import MAX_DEPTH, MAX_VALUES, Word, parse
from tests.mutations import mutate

FORMS: list[tuple[str, dict[str, Any]]] = [
    ("", {}),
    ("# only a comment", {}),
    ("a: 1, b: 2; c: 3 a: 4", {"a": [1, 4], "b": [2], "c": [3]}),
    ("b { } a: { b < c: 1 > } # x\n d: <>;", {"b": [{}], "a": [{"b": [{"c": [1]}]}], "d": [{}]}),
    ("a: [1, -2 ,3] b: [] c [{d: 1}, <>] c { }", {"a": [1, -2, 3], "b": [], "c": [{"d": [1]}, {}, {}]}),
    ("a: 0x1F b: -017 c: 0 d: - 5", {"a": [31], "b": [-15], "c": [0], "d": [-5]}),
    ("a: 18446744073709551615 b: 18446744073709551616", {"a": [2**64 - 1], "b": [2.0**64]}),
    ("a: 1. b: .5 c: 1e3 d: 2.5E-1f e: 3f", {"a": [1.0], "b": [0.5], "c": [1000.0], "d": [0.25], "e": [3.0]}),
    ("a: inf b: -Infinity c: 1e999", {"a": [math.inf], "b": [-math.inf], "c": [math.inf]}),
    ("a: true b: RELU_6 c: _x", {"a": [Word("true")], "b": [Word("RELU_6")], "c": [Word("_x")]}),
    ("""a: "x" 'y'# z\n "z" b: '' """, {"a": ["xyz"], "b": [""]}),
    (r"""a: "\n\t\\\"\'\?\x41\X5A\101\0" """, {"a": ["\n\t\\\"'?AZA\0"]}),
    (r"""a: "\303\251 é \u00e9 \U0001F600" b: '\xc3' "\xa9" """, {"a": ["é é é 😀"], "b": ["é"]}),
    ("""a: "'#{" b: '"' """, {"a": ["'#{"], "b": ['"']}),
]


@pytest.mark.parametrize(("text", "expected"), FORMS, ids=range(len(FORMS)))
def test_every_form_is_read(text: str, expected: dict[str, Any]) -> None:
    tree = parse(text, "x")
    assert tree == expected
    assert [*tree] == [*expected]
    assert [type(v) for values in tree.values() for v in values if isinstance(v, int | float)] == [
        type(v) for values in expected.values() for v in values if isinstance(v, int | float)
    ]


def test_nan_is_a_float() -> None:
    assert math.isnan(parse("a: -nan", "x")["a"][0])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\n}", "x, line 2: unexpected '}', expected the name of a field"),
        ("a {\n b: 1", "ends inside a message.\nThe file is cut off"),
        ("a: { b: 1 >", "unexpected '>'"),
        ("a:", "ends where a value of 'a' should be"),
        ("a", "ends where ':' or '{' after 'a' should be"),
        ("a 1", "unexpected '1', expected ':' or '{' after 'a'"),
        ("a [1]", "unexpected '1', expected ':' or '{' after 'a'"),
        ("a: }", "unexpected '}', expected a value of 'a'"),
        ("a: [1 2]", "unexpected '2', expected ',' or ']'"),
        ("a: [1,]", "unexpected ']', expected a value"),
        ("a: [[1]]", "unexpected '[', expected a value"),
        ("a: 1,;b: 2", "unexpected ';'"),
        ("a: 'x\n'", "x, line 1: a text that begins with ' does not end on its line"),
        ('a: "\n\n', 'x, line 1: a text that begins with " does not end on its line'),
        ('\n\na: "C:\\data"', r"x, line 3: unknown escape \d." + "\nWrite / or"),
        (r'a: "\777"', r"unknown escape \777"),
        (r'a: "\ud800"', r"unknown escape \ud800"),
        (r'a: "\U00110000"', "unknown escape"),
        (r'a: "\351"', "is not UTF-8"),
        ("a: '\ud800'", "is not UTF-8"),
        ("a: 08", "'08' is no number"),
        ("a: 0xg", "'0xg' is no number"),
        ("a: 1.2.3", "'1.2.3' is no number"),
        ("a: 3m", "'3m' is no number"),
        ("a: 0x10000000000000000", "is no number"),
        ("a: 07777777777777777777777", "is no number"),
        ("a: -x", "unexpected 'x', expected a number after '-'"),
        ("a: -'x'", "unexpected \"'x'\""),
        ("[a.b]: 1", "names in brackets"),
        ("1: 2", "unexpected '1', expected the name of a field"),
        ("a: é", "unexpected 'é'"),
        ("a: " + "9" * 5000 + "x", "9999…' is no number"),
        ("a{" * (MAX_DEPTH + 1), f"more than {MAX_DEPTH} messages"),
        ("a{" * 100_000, f"more than {MAX_DEPTH} messages"),
        ("a:[" + "1," * MAX_VALUES + "1]", f"more than {MAX_VALUES} values"),
    ],
    ids=range(35),
)
def test_what_is_wrong_is_named_with_its_line(text: str, message: str) -> None:
    with pytest.raises(UserDataError) as caught:
        parse(text, "x")
    assert message in str(caught.value)
    assert str(caught.value).startswith("x")


@pytest.mark.parametrize("as_utf8", [True, False])
@pytest.mark.parametrize("one_line", [True, False])
def test_what_protocol_buffers_write_is_read_alike(as_utf8: bool, one_line: bool) -> None:
    seeded = random.Random(0)
    texts = ["".join(map(chr, seeded.choices([*range(0x300), 0x20AC, 0x1F600], k=9))) for _ in range(200)]
    numbers = [seeded.uniform(-1, 1) * 10.0 ** seeded.randint(-300, 300) for _ in range(200)] + [math.inf, 0.0, 1.0]
    written = struct_pb2.ListValue()
    written.values.extend([struct_pb2.Value(string_value=text) for text in texts])
    written.values.extend([struct_pb2.Value(number_value=number) for number in numbers])
    tree = parse(text_format.MessageToString(written, as_utf8=as_utf8, as_one_line=one_line), "x")
    assert tree == {"values": [{"string_value": [t]} for t in texts] + [{"number_value": [n]} for n in numbers]}


def _random_text(seeded: random.Random, tree: dict[str, Any]) -> str:
    """The tree in one of its many forms."""
    pieces = []
    for field, values in tree.items():
        for value in values:
            gap = seeded.choice(["", " ", "\n", " # {\n"])
            opening, closing = seeded.choice(["{}", "<>"])
            if isinstance(value, dict):
                colon = seeded.choice(["", ":"])
                pieces.append(f"{field}{gap}{colon}{gap}{opening}{gap}{_random_text(seeded, value)}{closing}")
            elif isinstance(value, str):
                cut = seeded.randint(0, len(value))
                pieces.append(f"{field}{gap}:{gap}{value[:cut]!r}{gap}{value[cut:]!r}")
            else:
                pieces.append(f"{field}{gap}:{gap}{value}")
            pieces.append(seeded.choice([" ", ",", ";", " , ", "\n"]))
    return "".join(pieces)


def _random_tree(seeded: random.Random, depth: int) -> dict[str, Any]:
    def value() -> Any:
        kind = seeded.randint(0, 3 if depth else 2)
        if kind == 3:
            return _random_tree(seeded, depth - 1)
        return [seeded.randint(-99, 99), seeded.random(), "".join(seeded.choices("ab'\"\\{}<>#é \n", k=5))][kind]

    names = seeded.sample(["a", "B_2", "_c", "inf", "true", "item"], seeded.randint(0, 4))
    return {name: [value() for _ in range(seeded.randint(1, 3))] for name in names}


@pytest.mark.parametrize("seed", range(100))
def test_trees_come_back_from_every_form(seed: int) -> None:
    seeded = random.Random(seed)
    tree = _random_tree(seeded, depth=4)
    assert parse(_random_text(seeded, tree), "x") == tree


def test_damaged_text_is_a_tree_or_a_clear_error() -> None:
    text = "\n".join(text for text, _ in FORMS).encode()
    for seed in range(2000):
        with contextlib.suppress(UserDataError):
            parse(mutate(text, seed).decode("latin-1"), "x")
