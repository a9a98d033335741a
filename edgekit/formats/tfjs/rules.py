"""Which weights are to be stored otherwise than the recipe says: ``PATTERN=TYPE``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from ...errors import UsageError
from ..labels import nearest

TYPES = {"float16": "float16", "uint16": "uint16", "uint8": "uint8", "none": "float32"}  # as typed → as stored


@dataclass(frozen=True)
class Rules:
    """pairs: (pattern, stored type), in the order in which they were given. The last that fits a name wins."""

    pairs: tuple[tuple[str, str], ...] = ()

    @classmethod
    def parse(cls, texts: Sequence[str]) -> Rules:
        """Raises UsageError for what is no rule."""
        return cls(tuple(_rule(text) for text in texts))

    def of(self, name: str) -> str | None:
        """The type in which this weight is to be stored; None where no rule speaks of it."""
        return next((dtype for pattern, dtype in reversed(self.pairs) if fnmatchcase(name, pattern)), None)

    def expect_used(self, names: Iterable[str]) -> None:
        """Raise UsageError for a pattern that fits none of these names: it was probably meant to fit some."""
        known = tuple(names)
        for pattern, _ in self.pairs:
            if not any(fnmatchcase(name, pattern) for name in known):
                raise UsageError(
                    f"--quantize {pattern}: no weight has such a name.", fix=nearest(pattern, known, kind="weights")
                )


def _rule(text: str) -> tuple[str, str]:
    pattern, _, dtype = text.rpartition("=")
    if not pattern or dtype not in TYPES:
        raise UsageError(
            f"--quantize: expected PATTERN={'|'.join(TYPES)}, got {text!r}.",
            fix="Type for example: --quantize '*/ClassPredictor/*=float16'",
        )
    return pattern, TYPES[dtype]
