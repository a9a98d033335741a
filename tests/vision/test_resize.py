"""The resize against its definition in exact fractions."""

import tracemalloc
from fractions import Fraction
from math import floor

import numpy as np
import pytest

from edgekit.vision.resize import resize

SIZES = [((5, 7), (3, 4)), ((3, 4), (5, 9)), ((1, 1), (4, 3)), ((9, 2), (1, 1)), ((2, 2), (7, 5)), ((6, 6), (6, 6))]


def exactly(pixels, height, width):
    """Bilinear interpolation between half-pixel centres, edges repeated, with no rounding at all."""
    result = [[[Fraction(0)] * pixels.shape[2] for _ in range(width)] for _ in range(height)]
    for y in range(height):
        for x in range(width):
            for row, vertical in taps(y, pixels.shape[0], height):
                for column, horizontal in taps(x, pixels.shape[1], width):
                    for channel in range(pixels.shape[2]):
                        value = int(pixels[row, column, channel])
                        result[y][x][channel] += vertical * horizontal * value
    return result


def taps(place, size, length):
    position = Fraction(2 * place + 1, 2) * Fraction(size, length) - Fraction(1, 2)
    first = floor(position)
    share = position - first
    return (min(max(first, 0), size - 1), 1 - share), (min(max(first + 1, 0), size - 1), share)


@pytest.mark.parametrize(("size", "target"), SIZES)
def test_within_the_error_of_the_weights(size, target):
    pixels = np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)
    wanted = np.array(exactly(pixels, *target), dtype=float)
    got = resize(pixels, *target)
    assert got.shape == (*target, 3)
    # half a level from the rounding, and each of two weights is off by at most half of 1/2048
    assert np.abs(got - wanted).max() <= 0.5 + 2 * 255 / 4096


def test_same_size_changes_nothing():
    pixels = np.random.default_rng(0).integers(0, 256, (31, 17, 3), np.uint8)
    assert (resize(pixels, 31, 17) == pixels).all()


@pytest.mark.parametrize("level", [0, 1, 127, 255])
def test_flat_pictures_stay_flat(level):
    assert (resize(np.full((13, 29, 1), level, np.uint8), 7, 40) == level).all()


def test_halves_are_rounded_up():
    assert resize(np.array([[[0], [1]]], np.uint8), 1, 1).item() == 1


def test_no_antialias():
    # Going to a fifth takes the pixel in the middle of five, whatever stands around it.
    pixels = np.zeros((5, 5, 1), np.uint8)
    pixels[2, 2] = 200
    assert resize(pixels, 1, 1).item() == 200


def test_only_the_pixels_that_count_are_touched():
    pixels = np.zeros((3000, 4000, 3), np.uint8)
    tracemalloc.start()
    resize(pixels, 300, 300)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < pixels.nbytes / 2


@pytest.mark.slow
def test_tensorflow_rounds_to_the_same_levels():
    tensorflow = pytest.importorskip("tensorflow", reason="extra 'convert' is not installed")
    pixels = np.random.default_rng(0).integers(0, 256, (341, 512, 3), np.uint8)
    for size in ((300, 300), (640, 640)):
        theirs = tensorflow.image.resize(pixels, size, method="bilinear", antialias=False).numpy()
        ours = resize(pixels, *size)
        assert np.abs(theirs - ours).max() < 0.63  # half a level and the weights' 1/8
        assert (np.floor(theirs + 0.5) != ours).mean() < 0.02  # noise has more values near a half than photos
