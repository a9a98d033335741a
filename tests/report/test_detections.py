"""What a model saw, in words and in data."""

import io

import numpy as np
from rich.console import Console

from edgekit.report.detections import line, record, show_counts
from edgekit.values.answers import Classification, Detections
from edgekit.values.sighting import Seen, Sighting
from edgekit.values.spec import FinalHead, ImageInput, ModelSpec, Selection
from edgekit.vision.counts import Counts, Share

SPEC = ModelSpec(
    name="shelf",
    task="detection",
    input=ImageInput(name="image", height=2, width=2, mean=(0,), std=(1,)),
    head=FinalHead(),
    selection=Selection(),
    num_classes=2,
    labels=("cola", "[b]ad [/]markup"),
)


def sighting(count: int, **fields: object) -> Sighting:
    answer = Detections(
        boxes=np.tile(np.array([[-0.1, 0, 0.5, 1.5]], np.float32), (count, 1)),
        scores=np.full(count, 0.75, np.float32),
        classes=(np.arange(count) % 2).astype(np.int64),
    )
    return Sighting(**{"source": "a.png", "width": 200, "height": 100, "answer": answer} | fields)


def test_boxes_beyond_the_picture_are_told_as_they_are() -> None:
    data = record(sighting(1), SPEC)
    expected = {"box": [-20.0, 0.0, 100.0, 150.0], "normalised": [-0.1, 0.0, 0.5, 1.5]}
    assert data["detections"] == [{"label": "cola", "class": 0, "score": 0.75} | expected]
    assert "frame" not in data


def test_a_frame_says_which_and_when() -> None:
    data = record(sighting(0, frame=7, seconds=0.23333), SPEC)
    assert (data["frame"], data["seconds"], data["detections"]) == (7, 0.233, [])


def test_classes_of_a_classification() -> None:
    answer = Classification(classes=np.array([1, 5]), scores=np.array([0.5, 0.25], np.float32))
    data = record(sighting(0, answer=answer), SPEC)
    assert [row["label"] for row in data["classes"]] == ["[b]ad [/]markup", "5"]


def test_a_line_stays_short_where_much_was_found() -> None:
    assert line(sighting(2, frame=3, seconds=0.1), SPEC) == "a.png, frame 3: cola 0.75, [b]ad [/]markup 0.75"
    assert line(sighting(101), SPEC) == "a.png: 101 found: 51 × cola, 50 × [b]ad [/]markup"


def test_tables_show_names_as_they_are() -> None:
    stream = io.StringIO()
    shares = (Share(group="A[/]", count=3, by_count=0.75, by_area=0.5),)
    counted = Counts(total=4, classes={"[b]ad [/]markup": 4}, shares=shares)
    seen = Seen(spec=SPEC, score=0.5, sightings=(sighting(4),))
    show_counts(seen, counted, Console(file=stream, width=80, highlight=False))
    text = stream.getvalue()
    assert "4 found in 1 picture\n" in text
    for part in ("[b]ad [/]markup", "A[/]", "75.0%", "50.0%"):
        assert part in text
