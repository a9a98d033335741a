"""The files that hold the weights, read as the one row of bytes that they are pieces of."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

from ...errors import StorageError
from ...system import read_range


@dataclass(frozen=True, kw_only=True)
class Shard:
    """path: as weightsManifest has it. bytes: None where there is no such file."""

    path: str
    bytes: int | None

    @classmethod
    def of(cls, folder: Path, path: str) -> Shard:
        try:
            file = folder / path
            return cls(path=path, bytes=file.stat().st_size if file.is_file() else None)
        except OSError as error:
            raise StorageError(f"{path} cannot be read: {error.strerror}.") from None


class Shards:
    """Bytes by their place behind each other; nothing is kept in memory."""

    def __init__(self, folder: Path, shards: Sequence[Shard]) -> None:
        self._files = [folder / shard.path for shard in shards]
        self._ends = list(accumulate(shard.bytes or 0 for shard in shards))

    @property
    def total(self) -> int:
        return self._ends[-1] if self._ends else 0

    def at(self, start: int, length: int) -> bytes:
        """``length`` bytes from ``start`` on, fewer where the shards end before."""
        pieces = []
        end = min(start + length, self.total)
        index = bisect_right(self._ends, start)
        while start < end:
            first = self._ends[index - 1] if index else 0
            stop = min(end, self._ends[index])
            if start < stop:
                pieces.append(read_range(self._files[index], start - first, stop - start))
            start, index = stop, index + 1
        return b"".join(pieces)
