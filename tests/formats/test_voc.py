"""What is no VOC annotation."""

import contextlib

import pytest

from edgekit.errors import UserDataError
from edgekit.formats import voc
from edgekit.values.truth import Annotation, TrueBox

from .annotations import voc_xml

# Eleven levels of ten entities each: the last stands for 10^12 letters.
LAUGHS = (
    '<!DOCTYPE annotation [<!ENTITY e0 "xxxxxxxxxx">'
    + "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 12))
    + "]><annotation><object><name>&e11;</name></object></annotation>"
)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "is empty"),
        (b"<annotation>", "not valid XML"),
        (b"<html></html>", "is a web page"),
        (b"<drawing/>", "its root is <drawing>"),
        (b'<!DOCTYPE a [<!ENTITY x "y">]><annotation/>', "document type"),
        (LAUGHS.encode("utf-16"), "document type"),
        (b'<?xml version="1.0" encoding="latin-1"?>' + LAUGHS.encode(), "document type"),
        (voc_xml(("red", "1 2 3")), "no box of four numbers"),
        (voc_xml(("red", "1 2 3 x")), "no box of four numbers"),
        (voc_xml(("", "1 2 3 4")), "has no name"),
    ],
)
def test_bad_voc_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(UserDataError, match=message):
        voc.parse(data, name="a.xml")


def test_what_is_encoded_is_parsed() -> None:
    boxes = (
        TrueBox(label="red & <green>", box=(1.5, 2.125, 30.25, 4.0), area=53.90625),
        TrueBox(label="grün", box=(0.0, 0.0, 5.0, 5.0), area=25.0, crowd=True),
    )
    for size in ((200, 100), None):
        one = Annotation(name="a", size=size, boxes=boxes)
        assert voc.parse(voc.encode(one), name="a.xml") == one


@pytest.mark.parametrize(("written", "crowd"), [("1", True), (" 1\n", True), ("0", False), ("", False), ("no", False)])
def test_difficult_objects_are_not_asked_for(written: str, crowd: bool) -> None:
    data = voc_xml(("red", "1 2 3 4")).replace(b"<bndbox>", f"<difficult>{written}</difficult><bndbox>".encode())
    assert voc.parse(data, name="a.xml").boxes[0].crowd is crowd


def test_damaged_bytes_are_a_clear_error_or_boxes() -> None:
    data = voc_xml(("red", "1 2 3 4"))
    for place in range(0, len(data), 3):
        for value in (0, 0x2D, 0x65, 0x7D, 0xFF):
            with contextlib.suppress(UserDataError):
                voc.parse(data[:place] + bytes([value]) + data[place + 1 :], name="a")
