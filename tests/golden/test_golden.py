"""The golden vectors are what this code computes, and what LiteRT's own kernel computes."""

import json
from pathlib import Path

import numpy as np
import pytest

from edgekit.values.spec import Selection
from edgekit.vision.decode import activate
from tests.golden import make
from tests.vision import one_op

HERE = Path(__file__).parent


def test_regenerating_changes_nothing():
    committed = {path.name: path.read_bytes() for path in HERE.glob("*.json")}
    assert make.files() == committed, "python -m tests.golden.make writes them anew; say why they changed"


@pytest.mark.parametrize("number", range(len(make.decode_cases())))
def test_decoding_is_that_of_the_kernel(number):
    case = json.loads((HERE / "decode.json").read_bytes())["cases"][number]
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
