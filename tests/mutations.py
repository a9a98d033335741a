"""Seeded damage to files, for every reader that must refuse it with words."""

import numpy as np

EDGES = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0xFFFFFFFC, 0xFFFFFFF0)


def mutate(data: bytes, seed: int, *, reach: int | None = None) -> bytes:
    """The same bytes with a few seeded faults: flipped bits, edge values, a cut, a hole, a repetition, another order.

    Structures stand at both ends of a file and weights between, so half of the faults go to the ends. reach: only the
    first so many bytes are damaged.
    """
    random = np.random.default_rng(seed)
    result = bytearray(data)
    for _ in range(int(random.geometric(0.6))):
        near_end = random.random() < 0.5
        end = min(reach or len(result), len(result))
        place = int(random.integers(end))
        if near_end:
            place = min(int(random.exponential(400)), end - 1)
            place = place if random.random() < 0.5 else end - 1 - place
        kind = int(random.integers(13))
        if kind < 5:
            result[place] ^= 1 << int(random.integers(8))
        elif kind < 8:
            value = (*EDGES, len(data))[int(random.integers(len(EDGES) + 1))]
            place = place & ~3 if random.random() < 0.5 else place  # half of them where flatbuffers keep their words
            result[place : place + 4] = value.to_bytes(4, "little")
        elif kind == 8:
            result[place : place + 8] = random.bytes(8)
        elif kind == 9:
            del result[place : place + int(random.integers(1, 64))]
        elif kind == 10:
            result[place:place] = result[place : place + int(random.integers(1, 64))]
        elif kind == 11:
            other = int(random.integers(end))
            result[place : place + 8], result[other : other + 8] = result[other : other + 8], result[place : place + 8]
        elif random.random() < 0.3:
            del result[place:]
        if not result:
            return b""
    return bytes(result)
