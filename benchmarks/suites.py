"""One function a promise. Each measures both sides in turn and gives its bars."""

import itertools
import shutil
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TypeVar

import numpy as np

from edgekit import shelf
from edgekit.report import size
from edgekit.stats.paired import Ratio, interleave, ratio

from . import feeding
from .bars import Bar, Unmeasured
from .launches import Pairs, launched
from .processes import Measure, compare, cost, edgekit, fresh, python, repeated, seconds
from .subjects import Subject, bundled, without_postprocessing
from .tfjs import tfjs

T = TypeVar("T")

DRAWN = 40  # pictures of a shelf in a row
PNGS = 0.73  # PNG encodings of a picture that take a 150th of a second of CPU time, where one takes 9.1 ms

BARE_CONVERTER = """
import os
os.environ["TF_CPP_MIN_LOG_LEVEL"], os.environ["CUDA_VISIBLE_DEVICES"] = "3", "-1"
import tensorflow as tf
lite = tf.compat.v1.lite
heads = ["raw_outputs/box_encodings", "raw_outputs/class_predictions"]
name = "normalized_input_image_tensor"
converter = lite.TFLiteConverter.from_frozen_graph({graph!r}, [name], heads, {{name: [1, {side}, {side}, 3]}})
converter.inference_type = tf.uint8
converter.quantized_input_stats = {{name: (128.0, 128.0)}}
open("bare.tflite", "wb").write(converter.convert())
"""


def start(folder: Path, subject: Subject) -> list[Bar]:
    """``edgekit --help`` and ``edgekit inspect``, as whole processes."""
    nothing = repeated(python("pass"), folder)
    numpy = repeated(python("import numpy"), folder)
    return [
        Bar(
            "edgekit --help",
            "python -c pass",
            8,
            seconds(repeated(edgekit("--help"), folder), nothing, 20),
            5,
        ),
        Bar(
            f"edgekit inspect, {size(subject.tflite.stat().st_size)} .tflite",
            'python -c "import numpy"',
            4,
            seconds(repeated(edgekit("inspect", subject.tflite), folder), numpy, 12),
            3,
        ),
    ]


def convert(folder: Path, subject: Subject) -> list[Bar]:
    """Conversion of the COCO graph against a bare script that calls TensorFlow's converter once."""
    graph, side = without_postprocessing(subject.graph, folder)
    bare = repeated(python(BARE_CONVERTER.format(graph=str(graph), side=side)), folder)
    one = _fresh(subject, folder, "tflite-uint8")
    two = _fresh(subject, folder, "tflite-uint8", "tflite-f32")
    pairs = interleave(one, bare, launches=8)
    pairs_of_two = interleave(two, bare, launches=8)
    cached = repeated(subject.conversion(folder / "kept", "tflite-uint8"), folder)
    cached()
    nothing = repeated(python("pass"), folder)
    return [
        Bar("convert, one recipe", "bare converter script", 1.25, compare(pairs, "seconds"), 1.15),
        Bar("convert, two recipes", "bare converter script", 1.4, compare(pairs_of_two, "seconds")),
        Bar("convert, peak memory", "bare converter script", 1.3, compare(pairs, "peak")),
        Bar("convert, nothing changed", "python -c pass", 15, seconds(cached, nothing, 12)),
    ]


def finish(folder: Path, subject: Subject) -> list[Bar]:
    """Post-processing, metadata and labels put on a 4 MB file, in process."""
    from .finishing import finish_model, object_api_round_trip, unfinished

    if not subject.published:  # the promise is about 4 MB
        return []
    data = subject.tflite.read_bytes()
    model = unfinished(data)
    finish_model(model)
    pairs = interleave(_timed(finish_model, model), _timed(object_api_round_trip, data), launches=20)
    against_half_second = ratio([(ours, 0.5) for ours, _ in pairs])
    return [
        Bar("attach + metadata + labels", "object-API round trip", 1.5, ratio(pairs)),
        Bar("attach + metadata + labels", "half a second", 1, against_half_second),
    ]


def latency(folder: Path, subject: Subject) -> list[Bar]:
    """One inference against the published file, in fresh processes, pairs within a launch."""
    if not subject.published:
        return []
    cost(subject.conversion(folder / "kept", "tflite-uint8"), folder)
    ours = folder / "kept" / "tflite-uint8" / "model.tflite"
    small = bundled(folder).tflite
    return [
        Bar("inference of our uint8 file", "published file", 1.03, _inference(ours, subject.tflite, folder)),
        Bar("inference of the bundled shelf", "published file", 1 / 8, _inference(small, subject.tflite, folder)),
    ]


def draw(folder: Path, subject: Subject) -> list[Bar]:
    """Pictures of shelves, drawn and written on one core: CPU time, in process."""
    from edgekit.datasets.shelf import write
    from edgekit.vision import images, opencv

    opencv.setNumThreads(1)
    seeds = itertools.count(step=DRAWN)

    def drawn() -> float:
        return _cpu(lambda: write(folder / "drawn", count=DRAWN, seed=next(seeds))) / DRAWN

    drawn()  # its packs are drawn once, for all pictures
    pixels = [images.load(path) for path in images.pictures(folder / "drawn")]

    def encoded() -> float:
        return _cpu(lambda: [images.encode(picture, ".png") for picture in pixels]) / DRAWN

    pairs = interleave(drawn, encoded, launches=11)
    against_second = ratio([(ours, 1 / 150) for ours, _ in pairs])
    return [
        Bar("a shelf picture, CPU time", "a 150th of a second", 1, against_second),
        Bar("a shelf picture, CPU time", "encoding one as PNG", PNGS, ratio(pairs)),
    ]


def train(folder: Path, subject: Subject) -> list[Bar]:
    """Training steps in one process: fed as a training feeds them, against batches that lie in memory."""
    from edgekit.runtimes.tensorflow import tensorflow_worker

    data = _pictures(folder / "few", 400)
    with tensorflow_worker() as worker:
        pairs = worker.run(feeding.spent, data, folder, launches=11, timeout=3600.0)
    # Where others want the cores as well, more threads get more of them: CPU time tells whether that helped
    return [
        Bar("a training step and its batch", "the step alone", 1 / 0.9, compare(pairs, "seconds")),
        Bar("a training step and its batch, CPU time", "the step alone", 1 / 0.9, compare(pairs, "cpu")),
    ]


def memory(folder: Path, subject: Subject) -> list[Bar]:
    """A whole training of a few steps on 6000 pictures: the largest process."""
    data = _pictures(folder / "many", 6000)
    out = folder / "trained"
    command = edgekit("train", "ssd", "--data", data, "-o", out, "--steps", "5", "--quantised-steps", "2")
    peaks = []
    for _ in range(3):
        shutil.rmtree(out, ignore_errors=True)
        peaks.append(cost(command, folder).peak)
    against_limit = ratio([(peak, 3e9) for peak in peaks], confidence=0.85)  # three hardly differ
    return [Bar("edgekit train ssd, 6000 pictures, peak memory", "3 GB", 1, against_limit)]


SUITES: Mapping[str, Callable[[Path, Subject], Iterable[Bar | Unmeasured]]] = {
    "start": start,
    "convert": convert,
    "finish": finish,
    "latency": latency,
    "tfjs": tfjs,
    "shelf": draw,
    "train": train,
    "memory": memory,
}


def _pictures(out: Path, count: int) -> Path:
    """A data set of so many pictures."""
    cost(edgekit("dataset", "shelf", out, "--count", str(count)), out.parent)
    return out


def _inference(file: Path, other: Path, folder: Path) -> Ratio:
    """In fresh processes."""
    script = Path(__file__).with_name("invoke.py")

    def launch(first: Path, second: Path) -> Pairs:
        command = [*python(script.read_text()), str(first), str(second), str(shelf.PICTURES), str(folder / "pairs")]
        cost(command, folder)
        return np.loadtxt(folder / "pairs")

    return launched(launch, file, other, launches=10)


def _cpu(function: Callable[[], object]) -> float:
    """Seconds of CPU time, of all threads."""
    begin = time.process_time()
    function()
    return time.process_time() - begin


def _timed(function: Callable[[T], object], argument: T) -> Callable[[], float]:
    def run() -> float:
        begin = time.perf_counter()
        function(argument)
        return time.perf_counter() - begin

    return run


def _fresh(subject: Subject, folder: Path, *recipes: str) -> Measure:
    return fresh(subject.conversion(folder / "fresh", *recipes), folder / "fresh", folder)
