"""Values of weights in the types that shards store them in: what is exact, what is near, and what is refused."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from edgekit.formats.tfjs.quantise import LIMIT, affine, error, exact, fit, half, plain, restore, spoils, suits, widen
from edgekit.formats.tfjs.weights import Quantization, Weight

RANDOM = np.random.default_rng(3)


def grid(low: float, high: float, narrow: bool) -> tuple[float, int]:
    """Scale, a float32, and zero point of a fake-quant."""
    first = 1 if narrow else 0
    scale = float((np.float32(high) - np.float32(low)) / np.float32(255 - first))
    return scale, round(first - low / scale)


@pytest.mark.parametrize(
    ("array", "dtype", "values"),
    [
        (np.array([1.5, -2], np.float32), "float32", [1.5, -2]),
        (np.array([1.5, np.inf], np.float64), "float32", [1.5, np.inf]),
        (np.array([1.5], np.float16), "float32", [1.5]),
        (np.array([2**31 - 1, -(2**31)], np.int64), "int32", [2**31 - 1, -(2**31)]),
        (np.array([255], np.uint8), "int32", [255]),
        (np.array([[True, False]]), "bool", [[True, False]]),
        (np.array([1j], np.complex128), "complex64", [1j]),
        (np.zeros((0, 2), np.int64), "int32", np.zeros((0, 2))),
        (np.array([b"a", b"bc"]), "string", [b"a", b"bc"]),
        (np.array([[b"\xff"]], object), "string", [[b"\xff"]]),
    ],
)
def test_plain_values_are_those_of_the_browser(array: NDArray[Any], dtype: str, values: Any) -> None:
    stored = plain("x", array)
    assert stored.weight == Weight(name="x", shape=array.shape, dtype=dtype)
    assert restore(stored).tolist() == np.array(values, stored.data.dtype).tolist()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: plain("x", np.array([2**31])), "'x' holds integers beyond int32"),
        (lambda: plain("x", np.array([1e39, 2])), r"'x' holds 1e\+39, which is beyond float32"),
        (lambda: plain("x", np.array(["2020-01-01"], "M8[D]")), "which TensorFlow.js does not know"),
        (lambda: half("x", np.array([1, -70000], np.float32)), "'x' holds 70000, which is beyond float16"),
        (lambda: affine("x", np.array([1, np.inf], np.float32), "uint8"), "'x' holds values that are not finite"),
        (lambda: exact("x", np.array([3, 300], np.float32), 1.0, 0), "beyond the 256 values"),
        (lambda: exact("x", np.array([3, -1], np.float32), 1.0, 0), "beyond the 256 values"),
        (lambda: exact("x", np.array([np.nan], np.float32), 1.0, 0), "beyond the 256 values"),
        (lambda: exact("x", np.array([0.5, 1], np.float32), 1.0, 0), "does not lie on the grid"),
    ],
)
def test_what_cannot_be_stored_is_refused(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


def test_half_is_the_nearest_float16() -> None:
    array = np.array([0.1, -65504, np.inf, 1e-8], np.float32)
    stored = half("x", array)
    assert (stored.weight.stored, stored.data.dtype) == ("float16", np.float16)
    np.testing.assert_array_equal(restore(stored), array.astype(np.float16).astype(np.float32))


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize(("low", "high"), [(-1, 3), (0, 5), (-7, -2), (2, 9), (-1e-30, 1e-30), (-3e38, 3e38)])
def test_affine_strays_by_at_most_a_step(dtype: str, low: float, high: float) -> None:
    array = RANDOM.uniform(low, high, (40, 50)).astype(np.float32)
    array[0, :2] = low, high
    if low <= 0 <= high:
        array[3, 4] = 0
    stored = affine("x", array, dtype)
    scale, _ = stored.weight.grid
    assert stored.data.dtype == dtype
    assert scale == pytest.approx((float(array.max()) - float(array.min())) / np.iinfo(dtype).max)
    back = restore(stored)
    assert np.abs(back.astype(np.float64) - array).max() <= scale * 1.001
    assert not back[array == 0].any()


@pytest.mark.parametrize("array", [np.full((3, 4), 0.3, np.float32), np.zeros((2, 2)), np.zeros((0, 5), np.float32)])
def test_values_that_are_all_alike_are_stored_exactly(array: NDArray[Any]) -> None:
    np.testing.assert_array_equal(restore(affine("x", array, "uint8")), array.astype(np.float32))


@pytest.mark.parametrize("narrow", [False, True])
@pytest.mark.parametrize(("low", "high"), [(-1, 1), (-0.37, 2.911), (0, 6), (-4.2, 0), (-0.0013, 0.0007)])
def test_fake_quantised_weights_are_their_own_integers(low: float, high: float, narrow: bool) -> None:
    scale, zero_point = grid(low, high, narrow)
    integers = RANDOM.integers(1 if narrow else 0, 256, (20, 30))
    array = ((integers - zero_point) * scale).astype(np.float32)
    stored = exact("x", array, scale, zero_point)
    np.testing.assert_array_equal(stored.data, integers)
    np.testing.assert_array_equal(restore(stored), array)
    assert stored.weight.grid == (scale, -zero_point * scale)


def test_what_is_near_the_grid_but_not_on_it_is_refused() -> None:
    scale, zero_point = grid(-0.37, 2.911, False)
    array = ((np.arange(256) - zero_point) * scale).astype(np.float32)
    exact("x", array, scale, zero_point)
    with pytest.raises(ValueError, match="does not lie on the grid"):
        exact("x", np.nextafter(array, np.float32(9)), scale, zero_point)


def test_uint8_becomes_uint16_without_loss() -> None:
    stored = affine("x", RANDOM.normal(size=(9, 9)).astype(np.float32), "uint8")
    wider = widen(stored)
    assert (wider.weight.stored, wider.data.dtype) == ("uint16", np.uint16)
    np.testing.assert_array_equal(restore(wider), restore(stored))


def layer(*sizes: float, shape: tuple[int, ...] = (3, 3, 16)) -> NDArray[np.float32]:
    """Normal values, an output channel of each size, on the last axis."""
    return np.stack([RANDOM.normal(size=shape) * size for size in sizes], -1).astype(np.float32)


def test_one_grid_suits_channels_of_one_size_and_spoils_unlike_ones() -> None:
    alike, unlike = layer(1, 1, 1, 1), layer(1, 0.02, 1, 0.02)
    assert 0.005 < error(affine("x", alike, "uint8"), alike) < LIMIT
    assert error(affine("x", unlike, "uint8"), unlike) > 5 * LIMIT
    assert not spoils(affine("x", unlike, "uint16"), unlike)
    # across its channels the same array looks well
    assert error(affine("x", unlike, "uint8"), unlike, (0,)) < LIMIT


def test_channels_that_are_dead_do_not_count() -> None:
    dead = layer(1, 1e-12, 1, 0)
    assert not spoils(affine("x", dead, "uint8"), dead)
    assert error(affine("x", np.zeros((3, 4), np.float32), "uint8"), np.zeros((3, 4))) == 0


def test_a_vector_is_one_channel() -> None:
    vector = layer(1, shape=(100,))[:, 0]
    assert not spoils(affine("x", vector, "uint8"), vector)


@pytest.mark.parametrize(
    ("shape", "dtype", "expected"),
    [
        ((3, 3, 8), "uint8", True),
        ((3, 3, 7), "uint8", False),
        ((64,), "uint16", False),
        ((64,), "float16", True),
        ((63,), "float16", False),
        ((), "float16", False),
    ],
)
def test_small_weights_and_biases_are_left_alone(shape: tuple[int, ...], dtype: str, expected: bool) -> None:
    assert suits(np.ones(shape), dtype) is expected


@pytest.mark.parametrize(
    ("array", "dtype", "expected"),
    [
        (layer(1, 1), "uint8", "uint8"),
        (layer(1, 0.01), "uint8", "float16"),
        (layer(1, 0.01), "uint16", "uint16"),
        (layer(1e6, 1e3), "uint8", "float32"),
        (layer(1e6, 1e6), "float16", "float32"),
        (np.full((9, 9), -np.inf, np.float32), "uint8", "float32"),
        (layer(1, 1), "float32", "float32"),
    ],
)
def test_a_type_that_spoils_gives_way_to_the_next_wider(array: NDArray[Any], dtype: str, expected: str) -> None:
    stored = fit("x", array, dtype)
    assert stored.weight.stored == expected
    if expected == "float32":
        np.testing.assert_array_equal(restore(stored), array)


def test_channels_lie_where_they_are_said_to_lie() -> None:
    depthwise = np.moveaxis(layer(1, 0.01, shape=(5, 5, 16))[..., None], 3, 2)
    assert fit("x", depthwise[:, :, :, 0], "uint8", (2,)).weight.stored == "float16"


@pytest.mark.parametrize("scale", [None, float("nan"), float("inf")])
def test_integers_need_a_grid(scale: Any) -> None:
    with pytest.raises(ValueError, match=r"quantization.scale: expected a finite number"):
        Quantization(dtype="uint8", scale=scale, min=0)
