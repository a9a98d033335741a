"""Values check themselves."""

from typing import Any

import pytest

from edgekit.values.spec import MAX_COUNT, MAX_ROWS, ImageInput, Selection


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("score", float("nan")),
        ("score", 7.0),
        ("score", -3.0),
        ("iou", float("nan")),
        ("iou", 0.0),
        ("max_detections", 0),
        ("max_detections", 2.5),
        ("max_detections", MAX_ROWS + 1),
        ("max_detections", 3_000_000_000),
        ("max_classes_per_detection", MAX_COUNT),
        ("detections_per_class", MAX_COUNT + 1),
    ],
)
def test_a_selection_that_the_kernel_cannot_make(field: str, value: Any) -> None:
    with pytest.raises(ValueError, match=field):
        Selection(**{field: value})


def test_the_limits_themselves_are_allowed() -> None:
    Selection(score=0.0, iou=1.0, max_detections=MAX_ROWS, detections_per_class=MAX_COUNT)
    Selection(score=1.0)


@pytest.mark.parametrize(
    ("mean", "std"), [((1.0,), (1.0, 2.0, 3.0)), ((float("nan"),), (1.0,)), ((0.0,), (float("inf"),)), ((0.0,), (0.0,))]
)
def test_a_normalisation_that_is_none(mean: tuple[float, ...], std: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="std"):
        ImageInput(name="image", height=1, width=1, mean=mean, std=std)
