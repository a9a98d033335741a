"""A graph model's files from its parts: ``model.json``, and shards of equal length. docs/formats/tfjs.md."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

from . import NAME, SHARD_SIZE, expect_shard_size
from .graph import INITIALIZER, bare, constants
from .quantise import Stored
from .weights import entry

HASH = 16  # hex digits of a shard's digest in its name


def encode(
    topology: Mapping[str, Any],
    stored: Sequence[Stored],
    *,
    signature: Mapping[str, Any],
    shard_size: int = SHARD_SIZE,
    hashed: bool = False,
    metadata: Mapping[str, Any] | None = None,
    generated_by: str,
    converted_by: str,
    others: Mapping[str, Any] | None = None,
) -> dict[str, bytes]:
    """File name → content, model.json last; the same parts give the same bytes.

    topology: GraphDef in JSON; values of its constants are left out. stored: one a constant, in the order in which they
    will lie in the shards. hashed: shards carry the digest of their content in their names, so that a page may keep
    them for ever. others: further keys of model.json. Raises ValueError where weights and constants do not match.
    """
    rest = {key: bare(value) if key == INITIALIZER else value for key, value in (others or {}).items()}
    wanted = sorted(constants(topology) + (constants(rest[INITIALIZER]) if INITIALIZER in rest else []))
    if (got := sorted(one.name for one in stored)) != wanted:
        raise ValueError(f"weights and constants differ: {sorted({*got} ^ {*wanted})[:4]}")
    shards = _shards(b"".join(map(_bytes, stored)), shard_size, hashed)
    model = {
        "format": "graph-model",
        "generatedBy": generated_by,
        "convertedBy": converted_by,
        **({"signature": signature} if signature else {}),
        **({"userDefinedMetadata": metadata} if metadata else {}),
        "modelTopology": bare(topology),
        **rest,
        "weightsManifest": [{"paths": [*shards], "weights": [entry(one.weight) for one in stored]}],
    }
    return {**shards, NAME: json.dumps(model, separators=(",", ":"), allow_nan=False).encode()}


def _shards(data: bytes, size: int, hashed: bool) -> dict[str, bytes]:
    expect_shard_size(size)
    pieces = [data[start : start + size] for start in range(0, len(data), size)]
    return {
        f"group1-shard{number}of{len(pieces)}{f'-{sha256(piece).hexdigest()[:HASH]}' if hashed else ''}.bin": piece
        for number, piece in enumerate(pieces, start=1)
    }


def _bytes(one: Stored) -> bytes:
    if one.weight.dtype == "string":
        return b"".join(len(text).to_bytes(4, "little") + text for text in one.data.reshape(-1))
    return one.data.astype(one.data.dtype.newbyteorder("<"), copy=False).tobytes()
