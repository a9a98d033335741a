"""Training batches, and pictures kept in memory."""

import threading
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgekit.errors import UserDataError
from edgekit.training.data import DataSet
from edgekit.training.feed import AHEAD, Batch, Feed
from edgekit.training.pictures import Pictures
from edgekit.vision.anchors import Grid
from edgekit.vision.assign import Assigner, Matching
from edgekit.vision.augment import Augmentation

from .pictures import SIZE, data_set

GRID = Grid(rows=4, columns=6, sizes=((0.5, 0.4), (0.2, 0.2)))
BYTES = 3 * SIZE[0] * SIZE[1]  # of a decoded picture
STILL = Augmentation(horizontal=0, crop=0, brightness=0, contrast=0, saturation=0, cast=0)


def feed(data: DataSet, **changes: object) -> Feed:
    made = Feed(
        examples=data.train,
        pixels=Pictures(data.train),
        size=(24, 36),
        batch=3,
        augmentation=Augmentation(),
        assigner=Assigner((GRID,), Matching(), (10.0, 10.0, 5.0, 5.0)),
        seed=1,
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def same(first: Batch, second: Batch) -> bool:
    names = ("anchors", "classes", "encodings", "ignored")
    pairs = [(getattr(first.targets, name), getattr(second.targets, name)) for name in names]
    return all(np.array_equal(a, b) for a, b in [*pairs, (first.pixels, second.pixels)])


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> DataSet:
    return data_set(tmp_path_factory.mktemp("data"), train=7)


def test_a_batch(data: DataSet) -> None:
    batch = feed(data).at(0)
    assert (batch.pixels.shape, batch.pixels.dtype) == ((3, 24, 36, 3), np.uint8)
    assert len(batch.targets.anchors) > 0
    assert batch.targets.anchors.max() < 3 * GRID.count
    assert set(batch.targets.classes.tolist()) <= {0, 1}


def test_the_same_seed_and_step_give_the_same_batch(data: DataSet) -> None:
    one, other = feed(data), feed(data)
    assert all(same(one.at(step), other.at(step)) for step in (5, 0, 5))
    assert not same(one.at(0), one.at(1))
    assert not same(one.at(0), feed(data, seed=2).at(0))


def test_threads_that_take_turns_oddly_change_nothing(data: DataSet) -> None:
    """Every second picture comes late, so that later batches are done first."""
    still = feed(data)
    calls = iter(range(10**6))

    def late(index: int) -> np.ndarray:
        if next(calls) % 2:
            time.sleep(0.004)
        return still.pixels(index)

    slow = list(feed(data, pixels=late).stream(2, 14))
    assert len(slow) == 12
    assert all(same(batch, still.at(step)) for step, batch in enumerate(slow, start=2))


@pytest.mark.parametrize("batch", [1, 3, 7, 20])
def test_each_picture_comes_once_an_epoch(data: DataSet, batch: int) -> None:
    seen: list[int] = []

    def pixels(index: int) -> np.ndarray:
        seen.append(index)
        return np.zeros((4, 4, 3), np.uint8)

    one = feed(data, pixels=pixels, batch=batch)
    epochs = 20
    for step in range(epochs * 7 // batch):
        one.at(step)
    whole = [tuple(seen[start : start + 7]) for start in range(0, len(seen) - 6, 7)]
    assert len(whole) > epochs / 2
    assert all(sorted(epoch) == list(range(7)) for epoch in whole)
    assert len(set(whole)) > len(whole) / 2  # each in an order of its own


def test_a_picture_looks_different_each_time(data: DataSet) -> None:
    alone = replace(data, train=data.train[:1])
    moved, still = feed(alone, batch=1), feed(alone, batch=1, augmentation=STILL)
    assert not same(moved.at(0), moved.at(1))
    assert same(still.at(0), still.at(1))


def test_a_stream_that_nobody_reads_on_ends_with_its_threads(data: DataSet) -> None:
    made: Counter[str] = Counter()
    still = feed(data)

    def pixels(index: int) -> np.ndarray:
        made["pictures"] += 1
        return still.pixels(index)

    before = threading.active_count()
    batches = feed(data, pixels=pixels).stream(0, 10**6)
    next(batches)
    batches.close()
    assert threading.active_count() == before
    assert made["pictures"] <= 3 * (AHEAD + 4)


def test_a_broken_picture_ends_the_stream_with_its_words(data: DataSet) -> None:
    def pixels(index: int) -> np.ndarray:
        raise UserDataError("x.png is a damaged picture.")

    with pytest.raises(UserDataError, match=r"x\.png is a damaged"):
        next(feed(data, pixels=pixels).stream(0, 5))


@pytest.mark.parametrize(("room", "kept"), [(10**9, 5), (3 * BYTES, 3), (3 * BYTES - 1, 2), (0, 0)])
def test_pictures_that_do_not_fit_are_read_each_time(tmp_path: Path, room: int, kept: int) -> None:
    examples = data_set(tmp_path).train
    pictures = Pictures(examples, room=room)
    assert pictures.kept == kept
    for index, example in enumerate(examples):
        np.testing.assert_array_equal(pictures(index), example.pixels())
    for example in examples:
        example.listed.path.unlink()
    for index in range(len(examples)):
        if index < kept:
            assert pictures(index).shape == (SIZE[1], SIZE[0], 3)
        else:
            with pytest.raises(Exception, match="There is no file"):
                pictures(index)
