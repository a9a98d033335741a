"""What edgekit converts loads in MediaPipe Tasks and in the Task Library, and shows the same boxes with their names."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from edgekit.stories.subject import Runner, open_subject
from edgekit.values.answers import Detections
from edgekit.values.artifact import Artifact
from edgekit.vision import images
from edgekit.vision.matching import match

from ..handmade import picture
from .judging import JUDGES, judged

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("judge", JUDGES)
def test_every_recipe_of_the_handmade_graph(judge: str, phone: Mapping[str, Artifact], tmp_path: Path) -> None:
    shown = tmp_path / "shelf.png"
    shown.write_bytes(images.encode(picture(100).pixels, ".png"))
    answers = judged(judge, JUDGES[judge][1], shown, *(artifact.path for artifact in phone.values()))
    for artifact, answer in zip(phone.values(), answers, strict=True):
        expect_same(artifact, shown, answer)


@pytest.mark.real
@pytest.mark.parametrize("judge", JUDGES)
def test_the_published_detector(judge: str, real: Path, coco: Artifact) -> None:
    shown = real / "photos" / "cats_and_dogs.jpg"
    (answer,) = judged(judge, JUDGES[judge][1], shown, coco.path)
    expect_same(coco, shown, answer)
    assert {entry["category"] for entry in answer["detections"] if entry["score"] >= 0.4} >= {"cat", "dog"}


def expect_same(artifact: Artifact, shown: Path, answer: Mapping[str, list[dict[str, object]]]) -> None:
    """Each box that we would show is the judge's too: same name, IoU .8, score within .1; its resize is another."""
    pixels = images.load(shown)
    ours = Runner(open_subject(artifact.root)).answer(pixels)
    assert isinstance(ours, Detections)
    ours = ours.above(0.6)
    assert len(ours)
    assert "error" not in answer, (artifact.recipe, answer)
    theirs = detections(answer["detections"], artifact.spec.labels, pixels.shape)
    pairs = match(ours, theirs, iou=0.8)
    assert len(pairs) == len(ours), artifact.recipe
    assert max(abs(float(ours.scores[i]) - float(theirs.scores[j])) for i, j in pairs) <= 0.1


def detections(entries: list[dict[str, object]], labels: tuple[str, ...], shape: tuple[int, ...]) -> Detections:
    sides = np.array([entry["box"] for entry in entries], np.float32).reshape(-1, 4)
    corners = np.concatenate([sides[:, :2], sides[:, :2] + sides[:, 2:]], axis=1)
    return Detections(
        boxes=(corners / np.array([shape[1], shape[0]] * 2)).astype(np.float32),
        scores=np.array([entry["score"] for entry in entries], np.float32),
        classes=np.array([labels.index(str(entry["category"])) for entry in entries], np.int64),
    )
