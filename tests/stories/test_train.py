"""What is refused before anything is read, fetched or trained."""

from pathlib import Path
from typing import Any

import pytest

from edgekit import training
from edgekit.errors import MissingToolError, UsageError
from edgekit.stories.train import train

CONFIG = Path(__file__).parents[1] / "formats" / "quantised.config"


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({}, "(?s)nothing to train on.*--data"),
        ({"data": "nowhere"}, "no data set nowhere"),
        ({"data": "nowhere", "root": "x"}, "(?s)--root.*--pipeline-config"),
        ({"data": "nowhere", "maps": (5,)}, "maps: expected rising strides"),
        ({"data": "nowhere", "begin": "nothing"}, "no checkpoint nothing"),
        ({"data": "s3://", "steps": 0}, "steps: expected at least 1"),
        ({"pipeline_config": "nowhere"}, "no file nowhere"),
        ({"pipeline_config": CONFIG}, "(?s)PATH_TO_BE_CONFIGURED.*--root"),
        ({"pipeline_config": CONFIG, "root": "x"}, "no file x/label_map"),
        ({"pipeline_config": CONFIG, "root": "x", "maps": (16,)}, "(?s)its own network.*--maps"),
        ({"pipeline_config": CONFIG, "data": "a", "labels": "b"}, "(?s)its own data.*--data, --labels, or"),
        ({"pipeline_config": CONFIG, "pictures": "a"}, "(?s)its own data.*--pictures, or"),
        ({"pipeline_config": CONFIG, "split": "a", "validation_split": "b"}, "--split, --validation-split"),
    ],
)
def test_what_is_refused_at_once(
    asked: dict[str, Any],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=message):
        train(out="out", **asked)
    assert not list(tmp_path.iterdir())


def test_packages_are_asked_for_before_the_data(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(training.PACKAGES, "a_package_that_is_not_there", "Other")
    with pytest.raises(MissingToolError, match=r"(?s)Training needs Other\..*edgekit\[train\]"):
        train("nowhere", out="out")
