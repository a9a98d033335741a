"""The twelve COCO figures; pycocotools is the judge."""

import contextlib
import io
from pathlib import Path

import numpy as np
import pytest
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from edgekit.values.answers import Detections
from edgekit.values.truth import Truth
from edgekit.vision.metrics import CocoFigures, evaluate

NAMES = [
    "ap", "ap50", "ap75", "ap_small", "ap_medium", "ap_large",
    "ar1", "ar10", "ar100", "ar_small", "ar_medium", "ar_large",
]  # fmt: skip


def boxes_near(rng, base, spread):
    boxes = base + rng.normal(0, spread, base.shape)
    return np.concatenate([np.minimum(boxes[:, :2], boxes[:, 2:]), np.maximum(boxes[:, :2], boxes[:, 2:])], axis=1)


def random_picture(rng, *, classes, crowds, score_levels, most=12):
    width, height = int(rng.integers(50, 800)), int(rng.integers(50, 800))
    count = int(rng.integers(0, most))
    corner = rng.uniform(0, 0.9, (count, 2))
    boxes = np.concatenate([corner, corner + rng.uniform(0.02, 0.6, (count, 2))], axis=1)
    true_classes = rng.integers(0, classes, count)
    copies = np.repeat(np.arange(count), rng.integers(0, 5, count))
    near = boxes_near(rng, boxes[copies], 0.02)
    far = boxes_near(rng, rng.random((int(rng.integers(0, 6)), 4)), 0.01)
    found = np.concatenate([near, far])
    found_classes = np.concatenate([true_classes[copies], rng.integers(0, classes, len(far))])
    flip = rng.random(len(found)) < 0.1
    found_classes = np.where(flip, rng.integers(0, classes, len(found)), found_classes)
    scores = rng.random(len(found))
    if score_levels:
        scores = np.floor(scores * score_levels) / score_levels
    sides = (boxes[:, 2:] - boxes[:, :2]) * [width, height]
    return (
        Detections(boxes=found.astype(np.float32), scores=scores.astype(np.float32), classes=found_classes),
        Truth(
            path=Path("x.jpg"),
            width=width,
            height=height,
            boxes=boxes.astype(np.float32),
            classes=true_classes,
            crowd=rng.random(count) < crowds,
            areas=(sides.prod(axis=1) * rng.uniform(0.5, 1, count)).astype(np.float32),
        ),
    )


def judged_by_pycocotools(pictures, classes):
    data = {"images": [], "annotations": [], "categories": [{"id": index} for index in range(classes)], "info": {}}
    results = []
    for number, (found, truth) in enumerate(pictures, 1):
        scale = np.array([truth.width, truth.height] * 2, np.float64)
        data["images"].append({"id": number, "width": truth.width, "height": truth.height})
        for index, box in enumerate(truth.boxes * scale):
            data["annotations"].append(
                {
                    "id": len(data["annotations"]) + 1,
                    "image_id": number,
                    "category_id": int(truth.classes[index]),
                    "bbox": [box[0], box[1], box[2] - box[0], box[3] - box[1]],
                    "area": float(truth.areas[index]),
                    "iscrowd": int(truth.crowd[index]),
                }
            )
        for index, box in enumerate(found.boxes * scale):
            results.append(
                {
                    "image_id": number,
                    "category_id": int(found.classes[index]),
                    "bbox": [box[0], box[1], box[2] - box[0], box[3] - box[1]],
                    "score": float(found.scores[index]),
                }
            )
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO()
        truth.dataset = data
        truth.createIndex()
        evaluation = COCOeval(truth, truth.loadRes(results), "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return evaluation


@pytest.mark.parametrize("crowds", [0, 0.2])
@pytest.mark.parametrize("score_levels", [0, 4, 256])
@pytest.mark.parametrize("classes", [1, 5])
def test_equals_pycocotools(crowds, score_levels, classes):
    for seed in range(2):
        rng = np.random.default_rng([seed, classes, score_levels, bool(crowds)])
        pictures = [random_picture(rng, classes=classes, crowds=crowds, score_levels=score_levels) for _ in range(20)]
        figures = evaluate(pictures).figures
        np.testing.assert_allclose(
            [getattr(figures, name) for name in NAMES], judged_by_pycocotools(pictures, classes).stats, atol=1e-6
        )


def test_more_than_a_hundred_detections_of_a_class_in_a_picture():
    rng = np.random.default_rng(0)
    pictures = [random_picture(rng, classes=2, crowds=0.1, score_levels=32, most=250) for _ in range(4)]
    assert max(np.bincount(found.classes).max() for found, _ in pictures) > 120
    figures = evaluate(pictures).figures
    np.testing.assert_allclose(
        [getattr(figures, name) for name in NAMES], judged_by_pycocotools(pictures, 2).stats, atol=1e-6
    )


@pytest.mark.parametrize("crowds", [0, 0.4])
def test_classes_one_by_one_equal_pycocotools(crowds):
    rng = np.random.default_rng(3)
    pictures = [random_picture(rng, classes=4, crowds=crowds, score_levels=0) for _ in range(15)]
    found = evaluate(pictures)
    precision = judged_by_pycocotools(pictures, 6).eval["precision"][..., 0, 2]  # overlaps, recalls, classes
    assert found.by_class.keys() == {0, 1, 2, 3}
    for index, (ap, ap50) in found.by_class.items():
        assert ap == pytest.approx(precision[..., index].mean(), abs=1e-6)
        assert ap50 == pytest.approx(precision[0, :, index].mean(), abs=1e-6)
    assert (precision[..., 4:] == -1).all()  # of classes that truth does not have nothing is said


def test_a_class_that_is_crowds_alone_has_no_precision():
    rng = np.random.default_rng(4)
    pictures = [random_picture(rng, classes=1, crowds=2, score_levels=0) for _ in range(3)]
    assert evaluate(pictures).by_class == {0: (-1, -1)}


def test_nothing_to_measure_on_is_minus_one():
    assert evaluate([]).by_class == {}
    assert evaluate([]).figures == CocoFigures(**dict.fromkeys(NAMES, -1.0))


def test_a_perfect_answer_scores_one():
    rng = np.random.default_rng(1)
    _, truth = random_picture(rng, classes=3, crowds=0, score_levels=0)
    found = Detections(boxes=truth.boxes, scores=np.ones(len(truth.classes), np.float32), classes=truth.classes)
    assert evaluate([(found, truth)]).figures.ap == pytest.approx(1)
