"""The judge, with networks that are made of what they should say."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgekit.training import judge
from edgekit.training.data import DataSet
from edgekit.training.judge import Judge, Predict
from edgekit.training.options import LossOptions, SsdOptions
from edgekit.vision.anchors import table
from edgekit.vision.assign import Assigner, Matching
from edgekit.vision.metrics import evaluate
from edgekit.vision.resize import resize

from .networks import small
from .pictures import data_set

LABELS = ("red", "green", "blue")
ARCHITECTURE = small(sizes=(((0.5, 0.5), (0.2, 0.2), (0.6, 0.2), (0.2, 0.6)), ((0.9, 0.9), (0.5, 0.9))))
OPTIONS = SsdOptions()
SURE = 12.0


def knowing(data: DataSet, options: SsdOptions, *, wrong: int = 0, asked: list[int] | None = None) -> Predict:
    """A network that knows every picture by its pixels; of the first ``wrong`` it thinks nothing."""
    assigner = Assigner(ARCHITECTURE.grids, Matching(positive=0.2, negative=0.2), options.box_coder)
    known = [resize(one.pixels(), ARCHITECTURE.height, ARCHITECTURE.width).tobytes() for one in data.validation]

    def predict(pixels: np.ndarray) -> tuple[Any, Any]:
        if asked is not None:
            asked.append(len(pixels))
        count = len(table(ARCHITECTURE.grids))
        boxes = np.zeros((len(pixels), count, 4), np.float32)
        logits = np.full((len(pixels), count, len(LABELS) + 1), -SURE, np.float32)
        logits[..., 0] = SURE
        for row, one in enumerate(pixels):
            index = known.index(one.tobytes())
            truth = data.validation[index].truth
            found = assigner.assign([(truth.boxes, truth.classes, truth.crowd)])
            if index >= wrong:
                boxes[row, found.anchors] = found.encodings
                logits[row, found.anchors, 0] = -SURE
                logits[row, found.anchors, found.classes + 1] = SURE
        return boxes, logits

    return predict


def judging(data: DataSet, options: SsdOptions = OPTIONS) -> Judge:
    return Judge(data.validation, ARCHITECTURE, options)


@pytest.mark.parametrize("loss", ["quality_focal", "softmax"])
def test_a_network_that_knows_all_is_perfect(tmp_path: Path, loss: str) -> None:
    data = data_set(tmp_path, labels=LABELS[:2])
    options = replace(OPTIONS, losses=LossOptions(classification=loss), box_coder=(7.0, 8.0, 3.0, 4.0))
    found = evaluate(judging(data, options).look(knowing(data, options)))
    assert found.figures.ap50 == pytest.approx(1)
    assert found.by_class.keys() == {0, 1}
    assert found.by_class[0][1] == pytest.approx(1)


def test_a_network_that_knows_nothing_is_worth_nothing(tmp_path: Path) -> None:
    data = data_set(tmp_path, validation=4, labels=LABELS[:2])
    ignorant, erring = (evaluate(judging(data).look(knowing(data, OPTIONS, wrong=wrong))) for wrong in (4, 2))
    assert ignorant.figures.ap == 0
    assert 0.2 < erring.figures.ap50 < 0.8


def test_pictures_go_through_the_network_in_batches_and_all_at_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = data_set(tmp_path, validation=7, labels=LABELS[:2])
    monkeypatch.setattr(judge, "TOGETHER", 2)
    monkeypatch.setattr(judge, "ON_THE_WAY", 5)
    asked: list[int] = []
    one = judging(data)
    found = evaluate(one.look(knowing(data, OPTIONS, asked=asked)))
    assert (asked, found.figures.ap50) == ([2, 2, 1], pytest.approx(1))
    asked.clear()
    one.look(knowing(data, OPTIONS, asked=asked), whole=True)
    assert asked == [2, 2, 2, 1]


def test_one_answer(tmp_path: Path) -> None:
    data = data_set(tmp_path, labels=LABELS[:2])
    for index, example in enumerate(data.validation):
        found = judging(data).answer(knowing(data, OPTIONS), index).above(0.5)
        assert set(found.classes.tolist()) == set(example.truth.classes.tolist())


def test_without_pictures_there_is_nothing_to_judge() -> None:
    assert not Judge((), ARCHITECTURE, OPTIONS).look(lambda pixels: pytest.fail("there is nothing to look at"))
