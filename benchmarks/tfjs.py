"""The suite of TensorFlow.js: models and conversions against the official converter's, and a page's first answer."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from edgekit import shelf
from edgekit.stats.paired import Ratio, interleave, ratio
from edgekit.vision import images

from . import official, pages
from .bars import Bar, Unmeasured
from .launches import launched
from .processes import compare, cost, edgekit, fresh
from .subjects import Subject, real, without_fake_quants, without_postprocessing

OFFICIAL = "official converter"
HEADS = "raw_outputs/box_encodings,raw_outputs/class_predictions"
FLOAT_SHELF = "shelf without fake-quants"
RACES = 20  # new pages, which differ among each other by two or three hundredths
COLD = 10  # pairs of new pages

Row = Bar | Unmeasured


@dataclass(frozen=True, kw_only=True)
class Contest:
    """One frozen graph for both converters. theirs: the graph without what the official one does not know.

    options: what edgekit has to be told of it. outputs: nodes, for the official one.
    """

    name: str
    ours: Path
    theirs: Path
    outputs: str
    options: tuple[str | Path, ...]

    def by_us(self, out: Path) -> list[str]:
        """The command that makes OUT/tfjs-f32."""
        return edgekit("convert", self.ours, "--to", "tfjs-f32", *self.options, "-o", out)

    def by_them(self, out: Path) -> list[str]:
        return official.conversion(self.theirs, self.outputs, out)


def tfjs(folder: Path, subject: Subject) -> Iterator[Row]:
    """Speed, bytes and cost of TensorFlow.js models."""
    if obstacle := pages.obstacle():
        yield Unmeasured("TensorFlow.js", "", obstacle)
        return
    yield from _against_official(folder, subject)
    yield _bytes(folder, subject)
    yield _beside_tflite(folder, subject)
    yield from _first_answers(folder, subject)


def _against_official(folder: Path, subject: Subject) -> Iterator[Row]:
    if obstacle := official.obstacle():
        yield Unmeasured("latency and conversion of tfjs-f32", OFFICIAL, obstacle)
        return
    bare = _detector(FLOAT_SHELF, without_fake_quants(folder), shelf.LABELS, folder)
    trained = _detector(f"{subject.name}, with its fake-quants", subject.graph, subject.labels, folder)
    yield _latency(bare, folder)
    yield _latency(trained, folder)
    for version in (2, 3):
        yield _keras(version, folder)
    pairs = interleave(
        fresh(bare.by_us(folder / "by-us"), folder / "by-us", folder),
        fresh(bare.by_them(folder / "by-them"), folder / "by-them", folder),
        launches=8,
    )
    figure = f"convert to tfjs-f32, {FLOAT_SHELF}"
    yield Bar(figure, OFFICIAL, 0.6, compare(pairs, "seconds"))
    yield Bar(f"{figure}, CPU time", OFFICIAL, 0.6, compare(pairs, "cpu"))


def _detector(name: str, graph: Path, labels: Path, folder: Path) -> Contest:
    cut, _ = without_postprocessing(graph, folder)
    return Contest(name=name, ours=graph, theirs=cut, outputs=HEADS, options=("--labels", labels))


def _keras(version: int, folder: Path) -> Row:
    name = f"MobileNet v1 0.25, frozen by Keras {version}"
    model = real("mobilenet_v1_025_224") / "mobilenet_v1_0.25_224.h5"
    if not model.is_file():
        return Unmeasured(_figure(name), OFFICIAL, f"EDGEKIT_REAL has no {model.name}")
    graph = folder / f"keras{version}.pb"
    cost(official.freezing(model, graph, keras=version), folder)
    options = ("--mean", "127.5", "--std", "127.5")
    contest = Contest(name=name, ours=graph, theirs=graph, outputs=official.KERAS_OUTPUT, options=options)
    return _latency(contest, folder)


def _figure(name: str) -> str:
    return f"run on wasm, {name}"


def _latency(contest: Contest, folder: Path) -> Row:
    out = folder / "contests" / contest.theirs.stem
    cost(contest.by_us(out / "ours"), folder)
    cost(contest.by_them(out / "theirs"), folder)
    ours, theirs = out / "ours" / "tfjs-f32", out / "theirs"
    pictures = [images.load(path) for path in images.pictures(shelf.PICTURES)]
    if objection := pages.objection(ours, theirs, pictures[0]):
        return Unmeasured(_figure(contest.name), OFFICIAL, objection)
    compared = launched(lambda first, second: pages.invoked(first, second, pictures), ours, theirs, launches=RACES)
    return Bar(_figure(contest.name), OFFICIAL, 1.02, compared)


def _bytes(folder: Path, subject: Subject) -> Row:
    """Of all that a page fetches. They are the same each time."""
    out = folder / "web"
    cost(subject.conversion(out, "tfjs-uint8", "tfjs-f32"), folder)
    small, large = (_fetched(out / recipe) for recipe in ("tfjs-uint8", "tfjs-f32"))
    exact = Ratio(median=small / large, upper=small / large, confidence=1.0, launches=1)
    return Bar("bytes of tfjs-uint8", "tfjs-f32", 1 / 3.5, exact)


def _fetched(root: Path) -> int:
    return sum(path.stat().st_size for path in (root / "model.json", *root.glob("*.bin")))


def _beside_tflite(folder: Path, subject: Subject) -> Row:
    out = folder / "fresh"
    both = fresh(subject.conversion(out, "tflite-uint8", "tfjs-uint8"), out, folder)
    alone = fresh(subject.conversion(out, "tflite-uint8"), out, folder)
    pairs = [(a.seconds, b.seconds + 2) for a, b in interleave(both, alone, launches=8)]
    return Bar("convert, tflite-uint8 and tfjs-uint8", "tflite-uint8 alone, and 2 s", 1, ratio(pairs))


def _first_answers(folder: Path, subject: Subject) -> Iterator[Row]:
    """From new pages, of the models that ``_bytes`` has made."""
    sharded, whole = folder / "web" / "tfjs-f32", folder / "whole" / "tfjs-f32"
    cost([*subject.conversion(whole.parent, "tfjs-f32"), "--shard-size", "64MiB"], folder)
    picture = images.load(images.pictures(shelf.PICTURES)[0])

    def first(root: Path, backend: str) -> Callable[[], float]:
        return lambda: pages.first_answer(root, backend, picture)

    shards = interleave(first(sharded, "wasm"), first(whole, "wasm"), launches=COLD)
    yield Bar("first answer of a page, shards of 4 MiB", "one file", None, ratio(shards))
    backends = interleave(first(sharded, "wasm"), first(sharded, "webgl"), launches=COLD)
    yield Bar("first answer of a page, wasm", "webgl, by software", None, ratio(backends))
