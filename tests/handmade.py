"""A detector made by hand: a seeded SSD graph that finds red, green and blue products, and pictures to find them in.

The graph is written as TensorFlow's contrib.quantize and the SSD exporter left theirs: true node names, batch norms
folded by a Mul before weights_quant, add_fold, Relu6 before act_quant, prediction heads with their own ranges, anchors
off the uint8 grid, and the node TFLite_Detection_PostProcess. Its weights are not trained but reasoned:

1. Conv2d_0 takes differences of colour channels, saturating; Conv2d_1 joins two of them to a mask of one colour.
2. Conv2d_2 and Conv2d_4 bring the masks to a quarter and an eighth of the size.
3. Conv2d_3 and Conv2d_5 look through large depthwise kernels: centre minus surround for each product colour and anchor
   size, and first moments and extents of all products together.
4. The class heads scale centre-surround responses to logits; the box heads turn moments into offsets and sizes.

A little seeded noise lies on every weight, so that no seed gives the bytes of another. No TensorFlow is needed. Weight
ranges are asymmetric, which int8 can only take when they are rounded anew.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgekit import system
from edgekit.datasets import annotate
from edgekit.datasets.picture import Picture
from edgekit.formats import coco, labels
from edgekit.formats.graphdef import proto
from edgekit.formats.graphdef.writer import Range, Writer
from edgekit.values.spec import Selection
from edgekit.vision import images

Array = NDArray[np.float32]

SIZE = 128  # input height and width, pixels
LABELS = ("red", "green", "blue")
GROUPS = {"warm": ("red",), "cold": ("green", "blue")}
SELECTION = Selection(score=1e-8, iou=0.5, max_detections=25)
BOX_CODER = (10.0, 10.0, 5.0, 5.0)
EPSILON = 0.001  # of the batch norms
FULL = 6.0  # a mask's value inside a product: where Relu6 saturates


@dataclass(frozen=True, kw_only=True)
class _Level:
    """One feature map: cells of ``stride`` pixels, square anchors, windows over a finer map of stride ``unit``."""

    layer: int
    stride: int
    unit: int
    anchors: tuple[float, ...]  # side in pixels

    @property
    def cells(self) -> int:
        return SIZE // self.stride


LEVELS = (
    _Level(layer=3, stride=8, unit=4, anchors=(17.3, 24.9)),
    _Level(layer=5, stride=16, unit=8, anchors=(35.7, 50.3)),
)
WINDOW = 10  # cells of the finer map that a prediction sees, each way
MOMENTS = 6  # down, up, right, left, height, width
CHANNELS = 2 * len(LABELS) + MOMENTS
OFFSET = 2.0  # cells of offset at which a moment of a middling product saturates
FILL, STRIP_FILL = 0.9, 0.96  # share of its box, and of a strip through it, that a product fills: disc or square
GAIN, THRESHOLD = 2.0, 2.8
NOISE = 0.004  # of the weights, relative to the largest of a layer
BOX_RANGES = ((-7.9, 7.7), (-7.6, 7.8))
CLASS_RANGES = ((-5.9, 6.2), (-6.1, 5.8))
PICTURES = 12
SEED = 1000  # of the first written picture; the tests look at pictures from 0 on


@dataclass(frozen=True, kw_only=True)
class Files:
    """What ``write`` wrote. pictures: a folder; truth: COCO annotations of them."""

    graph: Path
    labels: Path
    groups: Path
    pictures: Path
    truth: Path


@dataclass(kw_only=True)
class _Writer(Writer):
    """With the stream that everything seeded comes from."""

    random: np.random.Generator


def write(folder: Path) -> Files:
    """The detector and pictures for it, as a user would have them."""
    files = Files(
        graph=folder / "tflite_graph.pb",
        labels=folder / "labels.txt",
        groups=folder / "groups.toml",
        pictures=folder / "pictures",
        truth=folder / "truth.json",
    )
    shown = {f"shelf_{index:02}.png": picture(SEED + index) for index in range(PICTURES)}
    system.write_file(files.graph, contrib_graph())
    system.write_file(files.labels, labels.encode(LABELS))
    system.write_file(files.groups, "".join(f"{group} = {json.dumps(of)}\n" for group, of in GROUPS.items()))
    for name, one in shown.items():
        system.write_file(files.pictures / name, images.encode(one.pixels, ".png"))
    truth = [annotate(one, LABELS, name=name) for name, one in shown.items()]
    system.write_file(files.truth, coco.encode(truth, LABELS))
    return files


def contrib_graph(seed: int = 0) -> bytes:
    """The bytes of a tflite_graph.pb."""
    writer = _Writer(random=np.random.default_rng(seed))
    channels = _masks(writer, writer.image(SIZE, SIZE))
    features = []
    for level in LEVELS:
        channels = _shrink(writer, channels, level)
        features.append(_look(writer, channels, level))
    boxes, scores = _heads(writer, features)
    writer.postprocess(writer.heads(boxes, scores, _anchors()), SELECTION, BOX_CODER, len(LABELS))
    return proto.write(proto.make_graph(writer.nodes))


def _masks(writer: _Writer, image: str) -> str:
    """[1, 64, 64, 3]: FULL inside a product of each colour, 0 elsewhere."""
    pairs = ((0, 1), (0, 2), (1, 0), (1, 2), (2, 0), (2, 1))
    differences = np.zeros((3, 3, 3, 6), np.float32)
    for index, (more, less) in enumerate(pairs):
        differences[:2, :2, more, index], differences[:2, :2, less, index] = 1 / 4, -1 / 4
    # A difference of .3 (38 grey levels) begins to count, one of .65 (83) saturates.
    gain = FULL / 0.35
    hidden = _layer(writer, image, "Conv2d_0", differences * gain, bias=-0.3 * gain, stride=2)
    keep = np.zeros((3, 3, 6, 1), np.float32)
    keep[1, 1] = 1
    hidden = _layer(writer, hidden, "Conv2d_1_depthwise", keep)
    both = np.zeros((1, 1, 6, 3), np.float32)
    for colour in range(3):
        both[0, 0, 2 * colour : 2 * colour + 2, colour] = 1
    return _layer(writer, hidden, "Conv2d_1_pointwise", both, bias=-FULL)


def _shrink(writer: _Writer, channels: str, level: _Level) -> str:
    """The maps at half the size (each cell the mean of four, so that no edge moves), one for each kernel to come."""
    count = 3 if level is LEVELS[0] else CHANNELS
    mean = np.zeros((3, 3, count, 1), np.float32)
    mean[:2, :2] = 1 / 4
    half = _layer(writer, channels, f"Conv2d_{level.layer - 1}_depthwise", mean, stride=2)
    spread = np.eye(CHANNELS, dtype=np.float32)
    if count == 3:
        colours = np.tile(np.eye(3, dtype=np.float32), len(level.anchors))
        spread = np.concatenate([colours, np.ones((3, MOMENTS), np.float32)], axis=1)
    return _layer(writer, half, f"Conv2d_{level.layer - 1}_pointwise", spread[None, None])


def _look(writer: _Writer, channels: str, level: _Level) -> str:
    """[1, cells, cells, CHANNELS]: per anchor and colour the centre-surround response, then the moments."""
    kernels = [_centre_surround(size / level.unit) for size in level.anchors for _ in LABELS] + _moments(level)
    stacked = np.stack(kernels, -1)[..., None].astype(np.float32)
    seen = _layer(writer, channels, f"Conv2d_{level.layer}_depthwise", stacked, stride=2)
    same = np.eye(CHANNELS, dtype=np.float32)[None, None]
    return _layer(writer, seen, f"Conv2d_{level.layer}_pointwise", same)


def _centre_surround(side: float) -> NDArray[np.float64]:
    """[WINDOW, WINDOW]: mean over a square of this side in cells, minus that over a ring around it."""
    inner, outer = _square(side), _square(min(1.7 * side, WINDOW))
    ring = outer - _square(1.15 * side)
    kernel: NDArray[np.float64] = inner / inner.sum() - 1.1 * ring / ring.sum()
    return kernel


def _square(side: float) -> NDArray[np.float64]:
    """How much of each cell of the window a centred square covers."""
    edges = np.arange(WINDOW + 1) - WINDOW / 2
    covered = np.diff(np.clip(edges, -side / 2, side / 2))
    return np.outer(covered, covered)


def _moments(level: _Level) -> list[NDArray[np.float64]]:
    """Kernels for the offset down, up, right, left and for height and width of what lies in the window."""
    place = np.arange(WINDOW) - (WINDOW - 1) / 2
    down = np.repeat(place[:, None], WINDOW, 1) / (OFFSET * _reference(level) ** 2)
    strip = np.zeros((WINDOW, WINDOW))
    strip[:, WINDOW // 2 - 1 : WINDOW // 2 + 1] = 1 / (2 * WINDOW)
    return [down, -down, down.T, -down.T, strip, strip.T]


def _reference(level: _Level) -> float:
    """Side of a middling product of this level, in cells of the window."""
    return float(np.sqrt(level.anchors[0] * level.anchors[1])) / level.unit


def _heads(writer: _Writer, features: list[str]) -> tuple[str, str]:
    """Box encodings [1, N, 4] and scores [1, N, classes + background]."""
    boxes, scores = [], []
    for index, (level, source) in enumerate(zip(LEVELS, features, strict=True)):
        count = level.cells**2 * len(level.anchors)
        path = f"BoxPredictor_{index}"
        encoded = _head(writer, source, f"{path}/BoxEncodingPredictor", *_box_weights(level), BOX_RANGES[index])
        boxes.append(writer.reshape(f"{path}/Reshape", encoded, (1, count, 1, 4)))
        logits = _head(writer, source, f"{path}/ClassPredictor", *_class_weights(level), CLASS_RANGES[index])
        scores.append(writer.reshape(f"{path}/Reshape_1", logits, (1, count, len(LABELS) + 1)))
    box = writer.real("Squeeze", "Squeeze", _joined(writer, "concat", boxes, BOX_RANGES), squeeze_dims=[2])
    score = writer.real("convert_scores", "Sigmoid", _joined(writer, "concat_1", scores, CLASS_RANGES))
    return box, score


def _box_weights(level: _Level) -> tuple[Array, Array]:
    """Weights [1, 1, CHANNELS, anchors · 4] and bias: (ty, tx, th, tw) from the moments, linear around the anchor."""
    weights = np.zeros((CHANNELS, len(level.anchors), 4))
    first = CHANNELS - MOMENTS
    for index, side in enumerate(level.anchors):
        cells = side / level.unit
        offset = BOX_CODER[0] / cells * OFFSET * (_reference(level) / cells) ** 2 / FULL / FILL
        weights[first : first + 4, index, :2] = [[offset, 0], [-offset, 0], [0, offset], [0, -offset]]
        # log(size / anchor) is size / anchor − 1 near the anchor.
        size = BOX_CODER[2] * WINDOW / FULL / cells / STRIP_FILL
        weights[first + 4 :, index, 2:] = [[size, 0], [0, size]]
    bias = np.tile([0, 0, -BOX_CODER[2], -BOX_CODER[3]], len(level.anchors))
    return weights.reshape(1, 1, CHANNELS, -1).astype(np.float32), bias.astype(np.float32)


def _class_weights(level: _Level) -> tuple[Array, Array]:
    """Weights [1, 1, CHANNELS, anchors · (background + classes)] and bias, from responses to logits."""
    weights = np.zeros((CHANNELS, len(level.anchors), len(LABELS) + 1))
    for index in range(len(level.anchors)):
        for colour in range(len(LABELS)):
            weights[index * len(LABELS) + colour, index, [0, colour + 1]] = [-GAIN, GAIN]
    bias = np.tile([THRESHOLD * GAIN] + [-THRESHOLD * GAIN] * len(LABELS), len(level.anchors))
    return weights.reshape(1, 1, CHANNELS, -1).astype(np.float32), bias.astype(np.float32)


def _layer(writer: _Writer, source: str, name: str, kernel: Array, *, bias: float = 0.0, stride: int = 1) -> str:
    """Convolution with its batch norm folded into the weights, Relu6, fake-quants: what contrib.quantize wrote."""
    depthwise = name.endswith("depthwise")
    variables, path = f"FeatureExtractor/MobilenetV1/{name}", f"FeatureExtractor/MobilenetV1/MobilenetV1/{name}"
    channels = kernel.shape[2 if depthwise else 3]
    scale, shift = _batch_norm(writer, variables, path, np.full(channels, bias, np.float32))
    folded = (kernel + _noise(writer, kernel)).astype(np.float32)
    along = scale[:, None] if depthwise else scale
    weights = writer.constant(f"{variables}/{'depthwise_' if depthwise else ''}weights", folded / along)
    factor = f"{path}/BatchNorm_Fold/mul"
    if depthwise:
        factor = writer.reshape(f"{path}/scale_reshape", factor, (channels, 1))
    product = writer.real(f"{path}/mul_fold", "Mul", weights, factor)
    quantised = writer.quantise(f"{path}/weights_quant", product, (folded.min(), folded.max()), narrow=True)
    fold = f"{path}/{'depthwise' if depthwise else 'Conv2D'}_Fold"
    convolved = writer.convolve(fold, source, quantised, stride=stride, depthwise=depthwise)
    added = writer.real(f"{path}/add_fold", "Add", convolved, shift)
    active = writer.real(f"{path}/Relu6", "Relu6", added)
    return writer.quantise(f"{path}/act_quant", active, (0.0, 6.0))


def _batch_norm(writer: _Writer, variables: str, path: str, bias: Array) -> tuple[Array, str]:
    """A seeded batch norm whose shift comes out as ``bias``; its scale, and the node of its shift."""
    random, count = writer.random, len(bias)
    gamma, mean, variance = (
        random.uniform(low, high, count).astype(np.float32) for low, high in ((0.5, 1.5), (-0.3, 0.3), (0.5, 2.0))
    )
    scale = (gamma / np.sqrt(variance + EPSILON)).astype(np.float32)
    values = {"gamma": gamma, "beta": bias + mean * scale, "moving_mean": mean, "moving_variance": variance}
    nodes = {key: writer.constant(f"{variables}/BatchNorm/{key}", value) for key, value in values.items()}
    fold = f"{path}/BatchNorm_Fold"
    epsilon = writer.constant(f"{fold}/add/y", np.float32(EPSILON))
    total = writer.real(f"{fold}/add", "Add", nodes["moving_variance"], epsilon)
    inverse = writer.real(f"{fold}/Rsqrt", "Rsqrt", total)
    factor = writer.real(f"{fold}/mul", "Mul", inverse, nodes["gamma"])
    shifted = writer.real(f"{fold}/mul_1", "Mul", nodes["moving_mean"], factor)
    return scale, writer.real(f"{fold}/bias", "Sub", nodes["beta"], shifted)


def _head(writer: _Writer, source: str, path: str, kernel: Array, bias: Array, limits: Range) -> str:
    """A prediction layer: no batch norm, no Relu6, a range of its own."""
    kernel = (kernel + _noise(writer, kernel)).astype(np.float32)
    weights = writer.constant(f"{path}/weights", kernel)
    quantised = writer.quantise(f"{path}/weights_quant", weights, (kernel.min(), kernel.max()), narrow=True)
    convolved = writer.convolve(f"{path}/Conv2D", source, quantised)
    biased = writer.real(f"{path}/BiasAdd", "BiasAdd", convolved, writer.constant(f"{path}/biases", bias))
    return writer.quantise(f"{path}/act_quant", biased, limits)


def _noise(writer: _Writer, kernel: Array) -> NDArray[np.float64]:
    return writer.random.normal(0, NOISE * float(np.abs(kernel).max()), kernel.shape)


def _joined(writer: Writer, name: str, parts: list[str], ranges: tuple[Range, ...]) -> str:
    """The feature maps one after another, with a range that holds all of theirs."""
    limits = min(low for low, _ in ranges), max(high for _, high in ranges)
    return writer.quantise(f"{name}/act_quant", writer.concat(name, parts), limits)


def _anchors() -> Array:
    """[N, 4] of (y centre, x centre, height, width), the picture being [0, 1]: by level, row, column, size."""
    parts = []
    for level in LEVELS:
        centres = (np.arange(level.cells) + 0.5) / level.cells
        y, x, side = np.meshgrid(centres, centres, np.array(level.anchors) / SIZE, indexing="ij")
        parts.append(np.stack([y, x, side, side], -1).reshape(-1, 4))
    return np.concatenate(parts).astype(np.float32)


def picture(seed: int, *, side: int = 2 * SIZE) -> Picture:
    """A shelf with four to nine products that do not touch, and things that are none."""
    random = np.random.default_rng(seed)
    canvas = _shelf(random, side)
    boxes, classes = _place(random, side)
    for _ in range(4):
        _paint(canvas, random, _random_box(random, side, 0.05, 0.12), _DISTRACTORS[random.integers(len(_DISTRACTORS))])
    for (x, y, width, height), colour in zip(boxes, classes, strict=True):
        tone = np.array(_COLOURS[colour]) + random.uniform(-20, 20, 3)
        _paint(canvas, random, (x, y, width, height), tuple(tone), disc=bool(random.integers(2)))
    noisy = canvas + random.normal(0, 6, canvas.shape)
    corners = np.array([(x, y, x + w, y + h) for x, y, w, h in boxes], np.float32) / side
    return Picture(
        pixels=np.clip(np.rint(noisy), 0, 255).astype(np.uint8),
        boxes=corners.reshape(-1, 4).astype(np.float32),
        classes=np.array(classes, np.int64),
        crowd=np.zeros(len(classes), np.bool_),
    )


_COLOURS = ((205.0, 45.0, 45.0), (40.0, 165.0, 50.0), (45.0, 60.0, 205.0))
_DISTRACTORS = ((215.0, 200.0, 40.0), (230.0, 230.0, 230.0), (60.0, 55.0, 50.0), (50.0, 190.0, 195.0))

Box = tuple[float, float, float, float]  # x, y, width, height in pixels


def _shelf(random: np.random.Generator, side: int) -> NDArray[np.float64]:
    """A grey wall, darker towards one side, with boards."""
    shade = np.linspace(random.uniform(0, 15), random.uniform(-15, 0), side)
    canvas = np.full((side, side, 3), (150.0, 145.0, 140.0)) + shade[None, :, None]
    for board in range(3):
        top = int((board + random.uniform(0.6, 0.9)) * side / 3)
        canvas[top : top + side // 42] -= 45
    return canvas


def _place(random: np.random.Generator, side: int) -> tuple[list[Box], list[int]]:
    boxes: list[Box] = []
    wanted = int(random.integers(4, 10))
    for _ in range(60):
        box = _random_box(random, side, 0.13, 0.42)
        if len(boxes) < wanted and all(_apart(box, other) for other in boxes):
            boxes.append(box)
    return boxes, [int(random.integers(len(_COLOURS))) for _ in boxes]


def _random_box(random: np.random.Generator, side: int, smallest: float, largest: float) -> Box:
    """A box inside the picture; sizes are equally likely on a logarithmic scale, sides differ by a fifth at most."""
    size = side * float(np.exp(random.uniform(np.log(smallest), np.log(largest))))
    aspect = float(np.exp(random.uniform(-0.09, 0.09)))
    width, height = size * aspect, size / aspect
    margin = 0.02 * side
    x, y = (random.uniform(margin, side - extent - margin) for extent in (width, height))
    return float(x), float(y), width, height


def _apart(a: Box, b: Box) -> bool:
    """Whether a third of the larger product's size lies between two."""
    gap = max(a[2], a[3], b[2], b[3]) / 3
    return any(abs(a[i] + a[i + 2] / 2 - b[i] - b[i + 2] / 2) > (a[i + 2] + b[i + 2]) / 2 + gap for i in (0, 1))


def _paint(
    canvas: NDArray[np.float64],
    random: np.random.Generator,
    box: Box,
    colour: tuple[float, ...],
    *,
    disc: bool = False,
) -> None:
    """A disc or a rectangle, lit from above."""
    x, y, width, height = box
    rows, columns = np.mgrid[: canvas.shape[0], : canvas.shape[1]] + 0.5
    v, u = (rows - y) / height * 2 - 1, (columns - x) / width * 2 - 1
    inside = u * u + v * v <= 1 if disc else np.maximum(np.abs(u), np.abs(v)) <= 1
    light = random.uniform(0, 18) * -v
    canvas[inside] = np.array(colour) + light[inside][:, None]
