"""Groups of labels."""

from pathlib import Path

import pytest

from edgekit.errors import UserDataError
from edgekit.formats import groups

LABELS = ("cola", "???", "lemonade", "water")


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("groups.toml", '"Açme & Co" = ["lemonade", "cola"]\nBlue = ["water"]\n'),
        ("groups.json", '{"Açme & Co": ["lemonade", "cola"], "Blue": ["water"]}'),
    ],
)
def test_groups_are_read_in_their_order(tmp_path: Path, name: str, data: str) -> None:
    (tmp_path / name).write_text(data, "utf-8")
    read = groups.read(tmp_path / name, LABELS)
    assert list(read.items()) == [("Açme & Co", ("lemonade", "cola")), ("Blue", ("water",))]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b'A = ["colla"]', "Did you mean 'cola'?"),
        (b'A = ["zzz"]', "The labels are: cola, lemonade, water"),
        (b'A = ["???"]', "no label '???'"),
        (b'A = ["cola"]\nB = ["cola"]', "in 'A' and in 'B'"),
        (b'A = ["cola", "cola"]', "twice in 'A'"),
        (b'A = "cola"', "expected a list"),
        (b"A = [1]", "expected a list"),
        (b'"A\\u0007" = ["cola"]', "U+0007"),
        (b"", "is empty"),
        (b"\n", "no groups"),
        (b"A: [cola]", "not valid TOML"),
        (b"\xff\xfe\x00\xd8", "not UTF-16"),
    ],
)
def test_every_slip_is_named(data: bytes, message: str) -> None:
    with pytest.raises(UserDataError) as caught:
        groups.parse(data, LABELS, name="groups.toml")
    assert message in str(caught.value)
