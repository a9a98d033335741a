"""The golden vectors are what this code computes, what LiteRT's own kernel computes, and what the documents say."""

import hashlib
import json
import math
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgekit.values.spec import Selection
from edgekit.vision.decode import activate
from tests.golden import answers, make, manifests
from tests.vision import one_op

HERE = Path(__file__).parent


def cases(name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((HERE / name).read_bytes())["cases"]
    return found


def test_regenerating_changes_nothing():
    committed = {path.name: path.read_bytes() for path in HERE.glob("*.json")}
    assert make.files() == committed, "python -m tests.golden.make writes them anew; say why they changed"


@pytest.mark.parametrize("number", range(len(make.decode_cases())))
def test_decoding_is_that_of_the_kernel(number):
    case = cases("decode.json")[number]
    selection = Selection(**case["selection"])
    boxes, scores, anchors = (np.array(case[name], np.float32) for name in ("boxes", "scores", "anchors"))
    scores = activate(scores, case["activation"])
    data = one_op.model(len(boxes), scores.shape[1], case["num_classes"], selection, case["box_coder"])
    *kernel, count = one_op.run(data, boxes, scores, anchors)
    assert case["rows"]["count"] == count[0]
    columns = 1 if selection.regular else selection.max_classes_per_detection
    written = np.arange(int(count[0]) * columns)
    written = written[written % columns < case["num_classes"]]
    for name, want in zip(("boxes", "classes", "scores"), kernel, strict=True):
        np.testing.assert_array_max_ulp(np.array(case["rows"][name], np.float32)[written], want[written], maxulp=1)


@pytest.mark.parametrize("case", cases("decode.json") + cases("final.json"))
def test_detections_are_the_rows_that_the_count_names_best_first(case):
    selection = Selection(**case["selection"])
    rows = case["rows"] if "rows" in case else final_rows(case)
    columns = 1 if selection.regular else selection.max_classes_per_detection
    used = [row for row in range(max(int(rows["count"]), 0) * columns) if row % columns < case["num_classes"]]
    used = sorted((row for row in used if row < selection.rows), key=lambda row: -rows["scores"][row])
    found = case["detections"]
    assert found["scores"] == [rows["scores"][row] for row in used]
    assert found["classes"] == [rows["classes"][row] for row in used]
    assert found["boxes"] == [[rows["boxes"][row][edge] for edge in (1, 0, 3, 2)] for row in used]


def final_rows(case: dict[str, Any]) -> dict[str, Any]:
    boxes, classes, scores, count = (case["outputs"][place] for place in case["head"]["order"])
    return {"boxes": boxes[0], "classes": classes[0], "scores": scores[0], "count": count[0]}


@pytest.mark.parametrize("case", cases("classes.json"))
def test_classes_are_those_of_the_formula(case):
    powers = [math.exp(score) for score in case["outputs"]]
    active = {
        "none": case["outputs"],
        "sigmoid": [power / (1 + power) for power in powers],
        "softmax": [power / sum(powers) for power in powers],
    }[case["activation"]]
    assert sorted(range(len(active)), key=lambda index: -case["outputs"][index]) == case["classes"]
    assert case["scores"] == pytest.approx([active[index] for index in case["classes"]], rel=1e-6)


@pytest.mark.parametrize("case", cases("counts.json"))
def test_counts_are_those_of_a_plain_recount(case):
    indices, boxes = case["detections"]["classes"], case["detections"]["boxes"]
    names = [case["labels"][index] if index < len(case["labels"]) else str(index) for index in indices]
    assert case["total"] == len(names)
    assert case["classes"] == sorted(([n, names.count(n)] for n in set(names)), key=lambda item: (-item[1], item[0]))
    sides = [[min(max(Fraction(edge), Fraction(0)), Fraction(1)) for edge in box] for box in boxes]
    areas = [(x1 - x0) * (y1 - y0) for x0, y0, x1, y1 in sides]
    for share in case["shares"]:
        grouped = {label for _, *labels in case["groups"] for label in labels}
        labels = next((set(labels) for group, *labels in case["groups"] if group == share["group"]), set())
        rest = share["group"] == "other"
        mine = [n for n, name in enumerate(names) if name in labels or (rest and name not in grouped)]
        assert share["count"] == len(mine)
        assert share["by_count"] == pytest.approx(len(mine) / max(len(names), 1))
        assert share["by_area"] == pytest.approx(float(sum(areas[n] for n in mine) / (sum(areas) or 1)))


def test_transparent_pixels_lie_over_white():
    pixels = answers.veiled().astype(int)
    alpha = pixels[..., 3:]
    over = (pixels[..., :3] * alpha + 255 * (255 - alpha) + 127) // 255
    (case,) = cases("transparent.json")
    assert case["sha256"] == hashlib.sha256(over.astype(np.uint8).tobytes()).hexdigest()


@pytest.mark.parametrize("case", cases("manifest.json"), ids=lambda case: case["manifest"]["recipe"])
def test_refused_manifests_are_told_what_is_wrong(case):
    assert manifests.reason(case["manifest"], case["labels"]) == ""
    for wrong in case["wrong"]:
        data = manifests.changed(case["manifest"], wrong["way"], wrong["value"])
        assert wrong["says"] in manifests.reason(data, case["labels"]), wrong
