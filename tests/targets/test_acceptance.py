"""What keeps a file from being called converted."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgekit.errors import ConversionError
from edgekit.formats.tflite import read
from edgekit.targets.acceptance import expect_kept, try_out
from edgekit.values.model import Model, Quantisation, Source
from edgekit.values.recipe import recipes
from edgekit.values.spec import ImageInput, ModelSpec, RawHead, Selection
from tests.formats.tflite_models import SIZE, Builder, convolution, raw_detector


def spec(**changes: Any) -> ModelSpec:
    """The raw detector's, by the names of its signature."""
    whole = ModelSpec(
        name="small",
        task="detection",
        input=ImageInput(name="pixels", height=SIZE, width=SIZE, mean=(127.5,), std=(127.5,)),
        head=RawHead(boxes="first", scores="second", anchors="anchors.f32"),
        selection=Selection(),
        num_classes=3,
    )
    return replace(whole, **changes)


def model() -> Model:
    source = Source(kind="tflite", name="small.tflite", sha256="0" * 64)
    return Model(root=Path(), file="model.tflite", spec=spec(), quantisation=Quantisation(kind="none"), source=source)


@pytest.mark.parametrize(
    ("dtype", "recipe"), [("uint8", "tflite-uint8"), ("int8", "tflite-int8"), ("float32", "tflite-f32")]
)
def test_a_file_of_the_recipes_types_is_kept(dtype: str, recipe: str) -> None:
    expect_kept(read(raw_detector(dtype)), model(), recipes()[recipe])


@pytest.mark.parametrize(
    ("dtype", "recipe", "said"),
    [
        ("float32", "tflite-uint8", "CONV_2D 'boxes', .* stayed in floating point"),
        ("int8", "tflite-uint8", "2 × CONV_2D have int8 weights and int8 activations"),
        ("uint8", "tflite-int8", "2 × CONV_2D have uint8 weights"),
        ("float32", "tflite-f16", "have float32 weights"),
        ("uint8", "tflite-f32", "have uint8 weights"),
    ],
)
def test_other_types_are_refused_by_name(dtype: str, recipe: str, said: str) -> None:
    with pytest.raises(ConversionError, match=said):
        expect_kept(read(raw_detector(dtype)), model(), recipes()[recipe])


def test_a_float_island_is_found() -> None:
    """QUANTIZE and DEQUANTIZE around one operator, as the converter leaves it where a range is missing."""
    builder = Builder()
    image = builder.tensor("image", [1, SIZE, SIZE, 3], "uint8", scale=1 / 128)
    first = convolution(builder, "first", image, 3, dtype="uint8", seed=0, batch={})
    shape = [1, SIZE, SIZE, 3]
    real, clipped = builder.tensor("real", shape), builder.tensor("island", shape)
    builder.operator("DEQUANTIZE", [first], [real])
    builder.operator("RELU", [real], [clipped])
    out = builder.tensor("out", shape, "uint8", scale=1 / 32)
    builder.operator("QUANTIZE", [clipped], [out])
    with pytest.raises(ConversionError, match="RELU 'island' stayed in floating point"):
        expect_kept(read(builder.build([image], [out])), model(), recipes()["tflite-uint8"])


@pytest.mark.parametrize("dtype", ["float32", "uint8", "int8"])
def test_a_sound_file_runs(dtype: str) -> None:
    try_out(raw_detector(dtype), spec(), "tflite-f32")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"num_classes": 7}, r"Expected outputs .*second"),
        ({"head": RawHead(boxes="first", scores="second", anchors="a", background=False)}, "Expected outputs"),
        ({"head": RawHead(boxes="boxes", scores="scores", anchors="a")}, "Expected outputs"),
    ],
)
def test_an_answer_of_another_shape_is_refused(changes: Mapping[str, Any], said: str) -> None:
    with pytest.raises(ConversionError, match=f"tflite-f32: the converted file does not run with XNNPACK. {said}"):
        try_out(raw_detector(), spec(**changes), "tflite-f32")


def test_an_answer_that_is_no_number_is_refused() -> None:
    builder = Builder()
    image = builder.tensor("pixels", [1, SIZE, SIZE, 3])
    heads = []
    for name, columns in (("first", 4), ("second", 4)):
        flat = builder.tensor(f"{name}/flat", [1, 12, columns])
        shape = builder.tensor(f"{name}/shape", [3], "int32", value=np.array([1, 12, columns], "<i4"))
        builder.operator("RESHAPE", [image, shape], [flat])
        heads.append(builder.tensor(name, [1, 12, columns]))
        builder.operator("LOG" if name == "second" else "ABS", [flat], [heads[-1]])
    with pytest.raises(ConversionError, match="second are not finite"):
        try_out(builder.build([image], heads), spec(), "tflite-f32")


def test_int8_weights_with_a_zero_point_are_refused_whatever_xnnpack_says() -> None:
    """LiteRT loads such a file with one kind of kernels and not with the other."""
    builder = Builder()
    image = builder.tensor("pixels", [1, SIZE, SIZE, 3], "int8", scale=1 / 128)
    heads = []
    for seed, name in enumerate(("first", "second")):
        map_ = convolution(builder, f"{name}/map", image, 4, dtype="int8", seed=seed, batch={})
        weights = next(t for t in builder.tensors if t["name"] == f"{name}/map/weights")
        weights["quantization"]["zero_point"] = [7]
        shape = builder.tensor(f"{name}/shape", [3], "int32", value=np.array([1, SIZE * SIZE, 4], "<i4"))
        heads.append(builder.tensor(name, [1, SIZE * SIZE, 4], "int8", scale=1 / 32))
        builder.operator("RESHAPE", [map_, shape], [heads[-1]])
    with pytest.raises(ConversionError, match="does not run with"):
        try_out(builder.build([image], heads), spec(), "tflite-int8")
