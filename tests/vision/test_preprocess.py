import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter

from edgekit.values.spec import Encoding, ImageInput
from edgekit.vision.images import load
from edgekit.vision.preprocess import dequantise, encode, real, table, tensor
from edgekit.vision.resize import resize

LEVELS = np.arange(256)


def image(encoding=None, **changes):
    fields = {"name": "image", "height": 4, "width": 6, "mean": (127.5,), "std": (127.5,)} | changes
    return ImageInput(encoding=encoding or Encoding(), **fields)


def uint8(scale, zero_point):
    return Encoding(dtype="uint8", scale=scale, zero_point=zero_point)


def int8(scale, zero_point):
    return Encoding(dtype="int8", scale=scale, zero_point=zero_point)


@pytest.mark.parametrize(
    ("encoding", "mean", "std"),
    [
        (uint8(1 / 128, 128), 127.5, 127.5),  # the usual detector: off by one whole step at 255, and that is still it
        (uint8(1 / 127.5, 127), 127.5, 127.5),
        (uint8(1 / 127.5, 128), 127.5, 127.5),
        (uint8(1 / 255, 0), 0, 255),
        (uint8(1, 0), 0, 1),
    ],
)
def test_pixels_are_stored_as_they_are(encoding, mean, std):
    assert (table(image(encoding, mean=(mean,), std=(std,))) == LEVELS).all()


@pytest.mark.parametrize(
    ("encoding", "mean", "std"),
    [(int8(1 / 128, 0), 127.5, 127.5), (int8(1 / 127.5, -1), 127.5, 127.5), (int8(1 / 255, -128), 0, 255)],
)
def test_int8_pixels_are_shifted(encoding, mean, std):
    stored = table(image(encoding, mean=(mean,), std=(std,)))
    assert stored.dtype == np.int8
    assert (stored == LEVELS - 128).all()


def test_more_than_one_step_away_takes_the_table():
    inside, beyond = (image(uint8(1, zero_point), mean=(0.0,), std=(1.0,)) for zero_point in (1, 2))
    assert (table(inside) == LEVELS).all()
    assert (table(beyond) == np.minimum(LEVELS + 2, 255)).all()


def test_table_rounds_halves_up_and_clamps():
    stored = table(image(uint8(2, 0), mean=(100.0,), std=(1.0,)))
    wanted = np.clip(np.floor((LEVELS - 100) / 2 + 0.5), 0, 255)
    assert (stored == wanted).all()
    assert stored[0, [99, 101, 103]].tolist() == [0, 1, 2]  # −.5 → 0, .5 → 1, 1.5 → 2


def test_one_channel_that_needs_the_table_gives_it_to_all():
    spec = image(uint8(1, 0), mean=(0.0, 0.0, 50.0), std=(1.0, 1.0, 1.0))
    assert (table(spec)[:2] == LEVELS).all()
    assert (table(spec)[2] == np.clip(LEVELS - 50, 0, 255)).all()


def test_real_numbers_are_within_half_a_step_of_what_is_meant():
    spec = image(uint8(0.0187, 114), mean=(123.68, 116.779, 103.939), std=(58.4, 57.1, 57.4))
    wanted = (LEVELS - np.array(spec.mean)[:, None]) / np.array(spec.std)[:, None]
    error = np.abs(real(table(spec), spec.encoding) - wanted)
    assert error.max() <= 0.0187 / 2 + 1e-6


def test_float_input():
    spec = image(mean=(1.0, 2.0, 3.0), std=(2.0, 4.0, 8.0))
    stored = encode(np.full((4, 6, 3), 11, np.uint8), spec)
    assert stored.dtype == np.float32
    assert stored.shape == (1, 4, 6, 3)
    assert stored[0, 0, 0].tolist() == [5, 2.25, 1]
    assert (real(stored, spec.encoding) == stored).all()


def test_real_is_one_rounding_of_the_product():
    values = real(LEVELS.astype(np.uint8), uint8(0.1, 3))
    assert values.dtype == np.float32
    assert (values == (LEVELS - 3).astype(np.float32) * np.float32(0.1)).all()


def test_dequantised_32_bits_are_rounded_once():
    # As float32 the stored numbers are the same one, so their difference would be lost before the product.
    stored = np.array([2**24, 2**24 + 1, 2**31 - 1], np.int32)
    wanted = (stored.astype(np.float64) - 2**24) * np.float32(0.1)
    assert (dequantise(stored, 0.1, 2**24) == wanted.astype(np.float32)).all()


def test_order_of_colours():
    pixels = np.tile(np.array([10, 20, 30], np.uint8), (4, 6, 1))
    plain = {"mean": (0.0,), "std": (1.0,)}
    assert encode(pixels, image(uint8(1, 0), **plain))[0, 0, 0].tolist() == [10, 20, 30]
    assert encode(pixels, image(uint8(1, 0), colour="BGR", **plain))[0, 0, 0].tolist() == [30, 20, 10]
    # mean and std stand in the tensor's order: the first is that of blue here
    bgr = image(colour="BGR", mean=(30.0, 20.0, 10.0), std=(1.0, 1.0, 1.0))
    assert not encode(pixels, bgr).any()


def test_grey_is_luma():
    pixels = np.random.default_rng(0).integers(0, 256, (4, 6, 3), np.uint8)
    grey = encode(pixels, image(uint8(1, 0), colour="GRAY", mean=(0.0,), std=(1.0,)))
    assert grey.shape == (1, 4, 6, 1)
    wanted = pixels @ [0.299, 0.587, 0.114]
    assert np.abs(grey[0, ..., 0] - wanted).max() < 0.51
    white = np.full((4, 6, 3), 255, np.uint8)
    assert (encode(white, image(uint8(1, 0), colour="GRAY", mean=(0.0,), std=(1.0,))) == 255).all()


def test_tensor_resizes_first():
    pixels = np.random.default_rng(0).integers(0, 256, (9, 5, 3), np.uint8)
    spec = image(uint8(1 / 128, 128))
    assert (tensor(pixels, spec) == resize(pixels, 4, 6)).all()


@pytest.mark.real
def test_published_detector_gives_the_scores_that_the_decision_page_states(real):
    spec = ImageInput(name="image", height=300, width=300, mean=(127.5,), std=(127.5,), encoding=uint8(1 / 128, 128))
    interpreter = Interpreter(str(real / "coco_ssd_mobilenet_v1" / "ssd_mobilenet_v1.tflite"))
    interpreter.allocate_tensors()
    pixels = tensor(load(real / "photos" / "cats_and_dogs.jpg"), spec)
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], pixels)
    interpreter.invoke()
    scores = interpreter.get_tensor(interpreter.get_output_details()[2]["index"])
    assert scores[0, :4].tolist() == pytest.approx([0.645, 0.609, 0.563, 0.512], abs=1 / 256)
