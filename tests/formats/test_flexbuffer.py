"""Options of operators: the public package writes and judges, and damaged bytes have one error."""

import random

import pytest
from flatbuffers import flexbuffers

from edgekit.formats.flexbuffer import FlexbufferError, read_map, write_map

VALUES = {"zero": 0, "negative": -5, "wide": 2**40, "real": 0.25, "yes": True, "no": False}


def test_the_public_reader_reads_what_is_written():
    assert flexbuffers.Loads(write_map(VALUES)) == VALUES


def test_what_the_public_writer_writes_is_read():
    assert read_map(bytes(flexbuffers.Dumps(VALUES | {"nothing": None, "text": "a", "list": [1, 2]}))) == VALUES | {
        "nothing": None
    }


def test_indirect_numbers_are_read():
    builder = flexbuffers.Builder()
    with builder.Map():
        builder.Key("a")
        builder.IndirectInt(-7)
        builder.Key("b")
        builder.IndirectFloat(1.5)
        builder.Key("c")
        builder.IndirectUInt(2**63)
    assert read_map(bytes(builder.Finish())) == {"a": -7, "b": 1.5, "c": 2**63}


@pytest.mark.parametrize("data", [b"", b"\0", b"abc", bytes(flexbuffers.Dumps([1, 2])), bytes(flexbuffers.Dumps(3))])
def test_what_is_no_map_is_refused(data):
    with pytest.raises(FlexbufferError):
        read_map(data)


def test_damaged_bytes_are_refused_or_read_never_more():
    rng, data = random.Random(5), write_map(VALUES)
    refused = 0
    for _ in range(2000):
        mutated = bytearray(data)
        for _ in range(rng.randint(1, 3)):
            mutated[rng.randrange(len(mutated))] = rng.choice((0, 1, 127, 128, 255, rng.randrange(256)))
        try:
            read_map(bytes(mutated))
        except FlexbufferError:
            refused += 1
    assert 0 < refused < 2000
