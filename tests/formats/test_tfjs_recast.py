"""Weights under recipes and rules: which type each gets, and what is said of it."""

from collections.abc import Sequence

import numpy as np
import pytest

from edgekit.errors import UsageError
from edgekit.formats.tfjs.quantise import Stored, affine, half, plain, restore
from edgekit.formats.tfjs.recast import recast
from edgekit.formats.tfjs.rules import Rules

RANDOM = np.random.default_rng(5)
ALIKE = RANDOM.normal(size=(3, 3, 4, 8)).astype(np.float32)
UNLIKE = ALIKE * np.array([1, 0.01] * 4, np.float32)
BIAS = RANDOM.normal(size=128).astype(np.float32)

FLOAT = plain("w", ALIKE)
ROUGH = plain("w", UNLIKE)
HALF = half("w", ALIKE)
EIGHT = affine("w", ALIKE, "uint8")
SIXTEEN = affine("w", ALIKE, "uint16")
ROUGH_SIXTEEN = affine("w", UNLIKE, "uint16")
HUGE = plain("w", ALIKE * np.float32(1e6))
VECTOR = plain("w", BIAS)
HALF_VECTOR = half("w", BIAS)
EIGHT_VECTOR = affine("w", BIAS, "uint8")
SCALAR = plain("w", np.array(1e-9, np.float32))
WHOLE = plain("w", np.arange(100))


@pytest.mark.parametrize(
    ("before", "wanted", "rules", "stored", "note"),
    [
        (FLOAT, "float32", [], "float32", ""),
        (FLOAT, "float16", [], "float16", ""),
        (FLOAT, "uint16", [], "uint16", ""),
        (FLOAT, "uint8", [], "uint8", ""),
        (ROUGH, "uint8", [], "float16", "Left in float16, because uint8 would spoil: w."),
        (ROUGH_SIXTEEN, "uint8", [], "uint16", "Left in uint16, because uint8 would spoil: w."),
        (HUGE, "float16", [], "float32", "Left in float32, because float16 would spoil: w."),
        (HALF, "float32", [], "float32", "Now float32, with the precision that float16 had left: w."),
        (HALF, "uint8", [], "uint8", ""),
        (EIGHT, "float32", [], "float32", "Now float32, with the precision that uint8 had left: w."),
        (EIGHT, "float16", [], "uint8", "Left in uint8, which float16 would only round once more: w."),
        (EIGHT, "uint16", [], "uint8", "Left in uint8, which uint16 would only round once more: w."),
        (EIGHT, "uint8", [], "uint8", ""),
        (SIXTEEN, "float16", [], "uint16", "Left in uint16, which float16 would only round once more: w."),
        (SIXTEEN, "uint8", [], "uint8", ""),
        (VECTOR, "uint8", [], "float32", ""),
        (VECTOR, "float16", [], "float16", ""),
        (HALF_VECTOR, "uint8", [], "float16", ""),
        (EIGHT_VECTOR, "uint8", [], "uint8", ""),
        (SCALAR, "float16", [], "float32", ""),
        (WHOLE, "uint8", ["w=uint8"], "int32", ""),
        (FLOAT, "uint8", ["w=none"], "float32", ""),
        (FLOAT, "float32", ["*=uint8", "w=uint16"], "uint16", ""),
        (FLOAT, "uint8", ["other=none"], "uint8", ""),
        (ROUGH, "float32", ["w=uint8"], "uint8", "uint8 as asked, which is coarse for: w."),
        (EIGHT, "uint8", ["w=uint16"], "uint16", "Now uint16, with the precision that uint8 had left: w."),
        (EIGHT, "uint8", ["w=float16"], "float16", "Now float16, with the precision that uint8 had left: w."),
        (SCALAR, "uint8", ["w=uint8"], "uint8", ""),
    ],
)
def test_what_becomes_of_a_weight(before: Stored, wanted: str, rules: Sequence[str], stored: str, note: str) -> None:
    made = recast([before], wanted, Rules.parse(rules), {})
    assert made.stored[0].weight.stored == stored
    assert made.notes == ((note,) if note else ())


@pytest.mark.parametrize("before", [EIGHT, SIXTEEN, HALF])
def test_what_needs_no_rounding_is_not_rounded(before: Stored) -> None:
    for wanted in ("float32", before.weight.stored):
        (after,) = recast([before], wanted, Rules(), {}).stored
        np.testing.assert_array_equal(restore(after), restore(before))
    if before is EIGHT:
        (wider,) = recast([before], "uint8", Rules.parse(["w=uint16"]), {}).stored
        np.testing.assert_array_equal(restore(wider), restore(before))


def test_notes_name_the_weights_in_one_sentence() -> None:
    weights = [plain(f"w{index}", UNLIKE) for index in range(6)]
    (note,) = recast(weights, "uint8", Rules(), {}).notes
    assert note == "Left in float16, because uint8 would spoil: w0, w1, w2, w3 and 2 more."


def test_channels_of_a_layer_are_looked_at_where_they_lie() -> None:
    weight = plain("w", np.moveaxis(UNLIKE, 3, 2))
    across, along = (recast([weight], "uint8", Rules(), axes).stored[0] for axes in ({}, {"w": (2,)}))
    assert (across.weight.stored, along.weight.stored) == ("uint8", "float16")


@pytest.mark.parametrize(
    ("weight", "rule", "message"),
    [
        (HUGE, "w=float16", "--quantize w=float16 cannot be kept: 'w' holds .*beyond float16"),
        (plain("w", np.full((9, 9), np.inf, np.float32)), "w=uint8", "values that are not finite"),
    ],
)
def test_a_rule_that_cannot_be_kept_is_refused(weight: Stored, rule: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        recast([weight], "float32", Rules.parse([rule]), {})


@pytest.mark.parametrize("text", ["uint8", "=uint8", "w=", "w=int8", "w=float32", ""])
def test_what_is_no_rule_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"expected PATTERN=float16\|uint16\|uint8\|none, got"):
        Rules.parse([text])


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        (["a/*=uint8"], "uint8"),
        (["*=uint8", "a/[bc]/x=none"], "float32"),
        (["a/[bc]/x=none", "*=uint8"], "uint8"),
        (["A/*=uint8"], None),
        (["a/b=x=uint16"], None),
        ([], None),
    ],
)
def test_the_last_rule_that_fits_wins(rules: list[str], expected: str | None) -> None:
    assert Rules.parse(rules).of("a/b/x") == expected


def test_a_pattern_without_use_is_refused() -> None:
    rules = Rules.parse(["conv/*=uint8", "convolution=uint8"])
    with pytest.raises(UsageError, match="--quantize convolution: no weight has such a name") as caught:
        rules.expect_used(["conv/weights"])
    assert "conv/weights" in caught.value.fix
    rules.expect_used(["conv/weights", "convolution"])
