"""How pictures are stored in integer inputs."""

import numpy as np
import pytest

from edgekit.targets.encoding import input_encoding
from edgekit.values.spec import Encoding, ImageInput


def image(mean: tuple[float, ...], std: tuple[float, ...]) -> ImageInput:
    return ImageInput(name="image", height=2, width=2, mean=mean, std=std)


@pytest.mark.parametrize(
    ("mean", "std", "scale", "zero_point"),
    [
        ((127.5,), (127.5,), 1 / 128, 128),
        ((127.5,) * 3, (127.5,) * 3, 1 / 128, 128),
        ((128.0,), (128.0,), 1 / 128, 128),
        ((0.0,), (255.0,), 1 / 255, 0),
        ((0.0,), (1.0,), 1.0, 0),
        ((255.0,), (10.0,), 0.1, 255),
    ],
)
def test_pixels_are_stored_unchanged_where_one_mean_and_std_allow_it(
    mean: tuple[float, ...], std: tuple[float, ...], scale: float, zero_point: int
) -> None:
    assert input_encoding(image(mean, std), "uint8") == Encoding(dtype="uint8", scale=scale, zero_point=zero_point)
    assert input_encoding(image(mean, std), "int8") == Encoding(dtype="int8", scale=scale, zero_point=zero_point - 128)


@pytest.mark.parametrize(
    ("mean", "std"),
    [
        ((123.675, 116.28, 103.53), (58.395, 57.12, 57.375)),
        ((127.5, 127.5, 127.5), (127.5, 120.0, 130.0)),
        ((-20.0,), (60.0,)),
        ((300.0,), (60.0,)),
    ],
)
def test_else_the_whole_real_range_lies_on_the_grid(mean: tuple[float, ...], std: tuple[float, ...]) -> None:
    encoding = input_encoding(image(mean, std), "uint8")
    pixels = np.arange(256)[:, None]
    real = (pixels - np.array(mean)) / np.array(std)
    stored = np.rint(real / encoding.scale) + encoding.zero_point
    assert 0 <= encoding.zero_point <= 255
    assert stored.min() >= -1  # half a step, from the rounding of the zero point
    assert stored.max() <= 256
    assert max(real.max(), 0) - min(real.min(), 0) == pytest.approx(255 * encoding.scale)


def test_floats_are_stored_as_they_are() -> None:
    assert input_encoding(image((127.5,), (127.5,)), "float32") == Encoding()
