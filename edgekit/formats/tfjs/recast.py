"""Weights in the types that a recipe and the user's rules ask for, and what is to be said about that."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ...errors import UsageError
from ...values.support import name_some
from .quantise import Stored, affine, fit, half, plain, restore, spoils, suits, widen
from .rules import Rules
from .weights import INTEGERS, SIZES

Axes = tuple[int, ...]
LAST: Axes = (-1,)


@dataclass(frozen=True, kw_only=True)
class Recast:
    """stored: one a weight, in their order. notes: sentences on what was left, lost, or done against advice."""

    stored: tuple[Stored, ...]
    notes: tuple[str, ...]


def recast(weights: Iterable[Stored], wanted: str, rules: Rules, channels: Mapping[str, Axes]) -> Recast:
    """Every weight of floats in the type that its rule names, else in ``wanted`` where that suits it.

    channels: axes of the output channels, of weights that have them elsewhere than last. Raises UsageError for a rule
    that cannot be kept.
    """
    made: list[Stored] = []
    told: dict[str, list[str]] = {}
    for before in weights:
        axes = channels.get(before.name, LAST)
        after, sentence = _one(before, wanted, rules.of(before.name), axes)
        made.append(after)
        if sentence:
            told.setdefault(sentence, []).append(before.name)
    notes = tuple(f"{sentence}: {name_some(names)}." for sentence, names in told.items())
    return Recast(stored=tuple(made), notes=notes)


def _one(before: Stored, wanted: str, asked: str | None, axes: Axes) -> tuple[Stored, str]:
    """The weight, and a sentence that begins with what became of it; '' where there is nothing to say."""
    if before.weight.dtype != "float32" or before.weight.stored == (asked or wanted):
        return before, ""
    after, sentence = _asked(before, asked, axes) if asked else _usual(before, wanted, axes)
    have, got = before.weight.stored, after.weight.stored
    return after, f"Now {got}, with the precision that {have} had left" if SIZES[got] > SIZES[have] else sentence


def _asked(before: Stored, dtype: str, axes: Axes) -> tuple[Stored, str]:
    """In exactly this type."""
    if (before.weight.stored, dtype) == ("uint8", "uint16"):
        return widen(before), ""
    array = restore(before)
    try:
        if dtype in INTEGERS:
            after = affine(before.name, array, dtype)
            return after, f"{dtype} as asked, which is coarse for" if spoils(after, array, axes) else ""
        return half(before.name, array) if dtype == "float16" else plain(before.name, array), ""
    except ValueError as why:
        raise UsageError(f"--quantize {before.name}={dtype} cannot be kept: {why}.", fix="Leave it out.") from None


def _usual(before: Stored, dtype: str, axes: Axes) -> tuple[Stored, str]:
    """In this type, unless that would round integers anew for nothing, or spoil what a wider type would not."""
    have = before.weight.stored
    if dtype == "float32":
        return plain(before.name, restore(before)), ""
    if have in INTEGERS and SIZES[dtype] >= SIZES[have]:
        return before, f"Left in {have}, which {dtype} would only round once more"
    if not suits(before.data, dtype):
        return before, ""
    after = fit(before.name, restore(before), dtype, axes)
    if after.weight.stored == dtype:
        return after, ""
    kept = after if SIZES[after.weight.stored] < SIZES[have] else before
    return kept, f"Left in {kept.weight.stored}, because {dtype} would spoil"
