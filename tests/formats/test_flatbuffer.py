"""The codec against itself, against the flatbuffers package, and against bytes that mean harm."""

import struct

import flatbuffers
import pytest

from edgekit.formats.flatbuffer import ALIGNMENT, Field, FlatbufferError, Ref, encode, root

SCHEMA = {
    "Root": {
        "flag": Field(0, "bool", False),
        "small": Field(1, "int8", 7),
        "big": Field(2, "uint64", 0),
        "real": Field(3, "float64", 0.5),
        "name": Field(4, "string"),
        "numbers": Field(5, "[int32]"),
        "blob": Field(6, "[uint8]", align=16),
        "child": Field(7, "Child"),
        "children": Field(8, "[Child]"),
        "names": Field(9, "[string]"),
        "kind": Field(10, "uint8", 0),
        "choice": Field(11, "union"),
    },
    "Child": {"value": Field(0, "int32", 0), "blob": Field(1, "[uint8]", align=16)},
}
FULL = {
    "flag": True,
    "small": -3,
    "big": 2**63,
    "real": 0.1,
    "name": "häuser",
    "numbers": (1, -2, 3),
    "blob": b"0123456789",
    "child": {"value": 5},
    "children": [{"value": 6}, {"value": 7, "blob": b"x"}],
    "names": ["a", ""],
    "kind": 1,
    "choice": ("Child", {"value": 8}),
}


def test_everything_written_is_read():
    table = root(SCHEMA, "Root", encode(SCHEMA, "Root", FULL, b"TEST"), b"TEST")
    for name in ("flag", "small", "big", "real", "name", "numbers", "names", "kind"):
        assert table.get(name) == FULL[name]
    assert bytes(table.get("blob")) == b"0123456789"
    assert table.get("child").get("value") == 5
    assert [child.get("value") for child in table.get("children")] == [6, 7]
    assert isinstance(table.get("choice"), Ref)


def test_absent_fields_have_their_defaults():
    table = root(SCHEMA, "Root", encode(SCHEMA, "Root", {"name": None}, b"TEST"), b"TEST")
    assert (table.get("flag"), table.get("small"), table.get("real"), table.get("name")) == (False, 7, 0.5, None)
    assert table.span("blob") == (0, 0)


def test_bytes_of_the_public_builder_are_read():
    builder = flatbuffers.Builder(0)
    name = builder.CreateString("theirs")
    builder.StartObject(5)
    builder.PrependInt8Slot(1, 9, 0)
    builder.PrependUOffsetTRelativeSlot(4, name, 0)
    builder.Finish(builder.EndObject(), file_identifier=b"TEST")
    table = root(SCHEMA, "Root", bytes(builder.Output()), b"TEST")
    assert (table.get("small"), table.get("name")) == (9, "theirs")


@pytest.mark.parametrize("padding", [0, 1, 7, 15])
def test_a_rewritten_file_keeps_the_old_bytes_and_their_alignment(padding):
    old = encode(SCHEMA, "Root", FULL, b"TEST") + bytes(padding)
    table = root(SCHEMA, "Root", old, b"TEST")
    new = encode(SCHEMA, "Root", table.shallow() | {"name": "changed", "numbers": [4]}, b"TEST", old)
    again = root(SCHEMA, "Root", new, b"TEST")
    assert (again.get("name"), again.get("numbers"), again.get("small")) == ("changed", (4,), -3)
    assert [child.get("value") for child in again.get("children")] == [6, 7]
    assert new[len(new) - len(old) - (-len(old) % ALIGNMENT) :].startswith(old)
    assert again.span("blob")[0] % ALIGNMENT == 0
    assert again.get("children")[1].span("blob")[0] % ALIGNMENT == 0


def test_the_same_input_gives_the_same_bytes():
    assert encode(SCHEMA, "Root", FULL, b"TEST") == encode(SCHEMA, "Root", FULL, b"TEST")


def test_a_field_of_a_newer_schema_is_not_lost_silently():
    newer = SCHEMA | {"Child": SCHEMA["Child"] | {"added": Field(2, "int32", 0)}}
    data = encode(newer, "Root", {"child": {"value": 1, "added": 2}}, b"TEST")
    child = root(SCHEMA, "Root", data, b"TEST").get("child")
    assert child.get("value") == 1
    with pytest.raises(FlatbufferError, match="field 2, which a newer schema"):
        child.shallow()


def test_an_unknown_name_is_a_fault_of_the_caller():
    with pytest.raises(KeyError, match="Root has no field nmae"):
        encode(SCHEMA, "Root", {"nmae": "x"}, b"TEST")


def _patched(name, value):
    """A file in which the offset of one field says something else."""
    data = bytearray(encode(SCHEMA, "Root", FULL, b"TEST"))
    table = root(SCHEMA, "Root", bytes(data), b"TEST")
    (slot,) = (table._slot(SCHEMA["Root"][name].id),)
    struct.pack_into("<I", data, slot, value)
    return bytes(data)


@pytest.mark.parametrize("name", ["name", "numbers", "child", "children", "names", "choice"])
@pytest.mark.parametrize("value", [0, 2**31, 2**32 - 1])
def test_offsets_that_lead_outside_are_refused(name, value):
    with pytest.raises(FlatbufferError, match="leads outside"):
        root(SCHEMA, "Root", _patched(name, value), b"TEST").get(name)


def test_every_truncation_is_refused_or_read():
    data = encode(SCHEMA, "Root", FULL, b"TEST")
    refused = 0
    for size in range(len(data)):
        try:
            table = root(SCHEMA, "Root", data[:size], b"TEST")
            for name in FULL:
                table.get(name)
        except FlatbufferError:
            refused += 1
    assert refused > len(data) * 0.9


def test_a_long_vector_claimed_by_a_short_file_is_refused():
    data = bytearray(encode(SCHEMA, "Root", {"numbers": [1, 2, 3]}, b"TEST"))
    at = data.index(struct.pack("<4I", 3, 1, 2, 3))
    struct.pack_into("<I", data, at, 2**30)
    with pytest.raises(FlatbufferError, match="leaves the file"):
        root(SCHEMA, "Root", bytes(data), b"TEST").get("numbers")


def test_shared_objects_do_not_unfold_without_limit():
    shared = encode(SCHEMA, "Root", {"name": "x" * 100_000}, b"TEST")
    name = Ref(root(SCHEMA, "Root", shared, b"TEST").shallow()["name"].position)
    data = encode(SCHEMA, "Root", {"names": [name] * 20_000}, b"TEST", shared)
    with pytest.raises(FlatbufferError, match="unfolds"):
        root(SCHEMA, "Root", data, b"TEST").get("names")


def test_another_identifier_is_refused():
    with pytest.raises(FlatbufferError, match="no identifier 'ELSE'"):
        root(SCHEMA, "Root", encode(SCHEMA, "Root", FULL, b"TEST"), b"ELSE")
