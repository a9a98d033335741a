"""What a caller may write for an option, and what it then is."""

from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from edgekit import convert, load
from edgekit.errors import UsageError
from edgekit.sources.options import LoadKeywords, LoadOptions


@pytest.mark.parametrize(
    ("name", "given", "plain"),
    [
        ("mean", 127.5, (127.5,)),
        ("mean", 127, (127.0,)),
        ("mean", [1, 2, 3], (1.0, 2.0, 3.0)),
        ("outputs", "a, b", ("a", "b")),
        ("outputs", ["a", "b"], ("a", "b")),
        ("anchors", "a.npy", Path("a.npy")),
        ("groups", "g.toml", Path("g.toml")),
        ("labels", "l.txt", Path("l.txt")),
        ("labels", ["a", "b"], ("a", "b")),
        ("labels", (), None),
    ],
)
def test_every_way_to_write_it_is_one_value(name: str, given: Any, plain: Any) -> None:
    more = {"std": [1.0] * len(plain)} if name == "mean" else {}
    options = LoadOptions.of({name: given, **more})
    assert getattr(options, name) == plain
    assert hash(options) == hash(LoadOptions.of({name: plain, **more}))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"mean": 127.5}, "belong together"),
        ({"mean": 127.5, "std": (1, 2, 3)}, "as many numbers"),
        ({"mean": float("nan"), "std": 1}, "finite"),
        ({"mean": 0, "std": float("inf")}, "finite"),
        ({"mean": 0, "std": 0}, "above 0"),
        ({"mean": "127.5", "std": 1}, "expected a number"),
        ({"mean": [None], "std": 1}, "expected a number"),
        ({"activation": "relu"}, "activation"),
        ({"labells": "x"}, "no option labells"),
    ],
)
def test_what_makes_no_sense_is_refused(given: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        LoadOptions.of(given)


def test_the_verbs_name_every_option() -> None:
    names = {field.name for field in fields(LoadOptions)}
    assert LoadKeywords.__annotations__.keys() == names
    for verb in (convert, load):
        assert verb.__doc__ is not None
        assert not [name for name in names if name not in verb.__doc__]
