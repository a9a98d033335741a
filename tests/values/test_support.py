"""Which source can go to which recipe: the whole table."""

import pytest

from edgekit.values.model import Quantisation
from edgekit.values.recipe import recipes
from edgekit.values.support import REQUANTISE, name_some, refusal

FLOATS = {"tflite-f16", "tflite-f32"}
ALL = {"tflite-uint8", "tflite-int8", *FLOATS}


@pytest.mark.parametrize(
    ("source", "possible"),
    [
        (Quantisation(kind="none"), FLOATS),
        (Quantisation(kind="fake-quant", symmetric=True), ALL),
        (Quantisation(kind="fake-quant", symmetric=False), ALL - {"tflite-int8"}),
        (Quantisation(kind="fake-quant", symmetric=True, missing=("a",)), FLOATS),
        (Quantisation(kind="integer", weights="uint8", activations="uint8"), {"tflite-uint8"}),
        (Quantisation(kind="integer", weights="int8", activations="int8"), {"tflite-int8"}),
        (Quantisation(kind="float16", weights="float16", activations="float32"), {"tflite-f16"}),
        (Quantisation(kind="none", weights="float32", activations="float32"), {"tflite-f32"}),
        (Quantisation(kind="none", weights="int8", activations="float32"), set()),
    ],
)
def test_what_can_become_what(source: Quantisation, possible: set[str]) -> None:
    table = {name: recipe for name, recipe in recipes().items() if name in ALL}
    assert {name for name, recipe in table.items() if refusal(source, recipe) is None} == possible


def test_every_refusal_says_a_way_out() -> None:
    for source in (
        Quantisation(kind="none"),
        Quantisation(kind="fake-quant", missing=("a",)),
        Quantisation(kind="fake-quant"),
        Quantisation(kind="integer", weights="uint8", activations="uint8"),
    ):
        for recipe in recipes().values():
            against = refusal(source, recipe)
            assert against is None or (against.why and against.fix)


def test_only_asymmetric_weights_can_be_requantised() -> None:
    int8 = recipes()["tflite-int8"]
    asymmetric, missing = refusal(Quantisation(kind="fake-quant"), int8), refusal(Quantisation(kind="none"), int8)
    assert asymmetric is not None
    assert missing is not None
    assert (asymmetric.requantise, missing.requantise) == (True, False)
    assert REQUANTISE in asymmetric.fix


def test_long_lists_are_counted() -> None:
    assert name_some(("a", "b")) == "a, b"
    assert name_some(tuple("abcdefg")) == "a, b, c, d and 3 more"
