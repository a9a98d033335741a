"""Each constant travels in the type that was asked for, or wider and named."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from google.protobuf.json_format import MessageToDict

from edgekit.errors import ConversionError, UsageError
from edgekit.formats.graphdef.proto import make_constant, make_node
from edgekit.formats.tfjs.quantise import restore
from edgekit.formats.tfjs.recast import Recast
from edgekit.formats.tfjs.rules import Rules
from edgekit.runtimes.tensorflow.treat import Grid
from edgekit.targets.tfjs.storing import Wish, store

from .graphs import FLOAT, convolution, graph, values

GRID = Grid(scale=float(np.float32(0.031)), zero_point=117)
STEPS = np.random.default_rng(0).integers(0, 256, (3, 3, 3, 6))
ON_GRID = ((STEPS - GRID.zero_point).astype(np.float32) * np.float32(GRID.scale)).astype(np.float32)
UNEVEN = values(3, 3, 3, 6) * np.array([1, 1, 1, 1, 1, 1e-3], np.float32)


def stored(weights: np.ndarray[Any, Any], kind: str, **wish: Any) -> Recast:
    nodes = convolution()
    nodes[1] = make_constant("weights", weights)
    bias = [make_constant("bias", values(6)), make_node("biased", "BiasAdd", ["layer", "bias"], T=FLOAT)]
    whole = graph([*nodes, *bias])
    given = {"weights": kind, "rules": Rules(), "grids": {}, "moved": ()} | wish
    return store(whole, MessageToDict(whole.message), Wish(**given))


def types(found: Recast) -> dict[str, str]:
    return {one.name: one.weight.stored for one in found.stored}


@pytest.mark.parametrize("kind", ["float32", "float16", "uint16", "uint8"])
def test_weights_have_the_type_of_the_recipe_and_biases_stay(kind: str) -> None:
    found = stored(ON_GRID, kind)
    assert types(found) == {"weights": kind, "bias": "float32"}
    assert found.notes == ()


def test_weights_on_a_grid_are_its_very_integers() -> None:
    found = stored(ON_GRID, "uint8", grids={"weights": GRID})
    (weights,) = [one for one in found.stored if one.name == "weights"]
    assert np.array_equal(weights.data, STEPS)
    assert np.array_equal(restore(weights), ON_GRID)


def test_weights_that_left_their_grid_are_wider_and_named() -> None:
    found = stored(ON_GRID, "uint8", moved=("weights",))
    assert types(found)["weights"] == "float16"
    assert found.notes == ("Left in float16, because something was folded into them after their fake-quant: weights.",)


def test_channels_of_very_different_size_are_not_forced_on_one_scale() -> None:
    found = stored(UNEVEN, "uint8")
    assert types(found)["weights"] == "float16"
    assert found.notes == ("Left in float16, because uint8 would spoil: weights.",)


def test_a_rule_has_the_last_word() -> None:
    assert types(stored(UNEVEN, "float32", rules=Rules.parse(["bias=float16", "*=none", "w*=uint16"]))) == {
        "weights": "uint16",
        "bias": "float32",
    }


def test_a_rule_without_use_is_refused() -> None:
    with pytest.raises(UsageError, match="no weight has such a name"):
        stored(ON_GRID, "uint8", rules=Rules.parse(["head=none"]))


def test_what_is_no_number_is_named() -> None:
    broken = ON_GRID.copy()
    broken[0, 0, 0, 0] = np.nan
    with pytest.raises(ConversionError, match="'weights' holds numbers that are not finite"):
        stored(broken, "float32")


def test_strings_are_refused() -> None:
    text = make_node("names", "Const", dtype=FLOAT)
    text.attr["dtype"].type = 7  # DT_STRING
    whole = graph([*convolution(), text])
    wish = Wish(weights="float32", rules=Rules(), grids={}, moved=())
    with pytest.raises(ConversionError, match="'names' is of type string"):
        store(whole, MessageToDict(whole.message), wish)
