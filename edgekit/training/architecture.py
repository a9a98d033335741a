"""Networks of the SSD-MobileNet family as lists of layers: what to train, and what to write into a graph.

A network is data: the training code gives its layers variables, the exporter gives them constants.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from ..vision.anchors import Grid, Size

IMAGE = "image"
PREFIX = "FeatureExtractor/MobilenetV1/"
TOP_DOWN = "TopDown"
BACKBONE = f"{PREFIX}Conv2d_"  # begins the names of layers that are the same whatever the maps are
BOX = 4  # numbers of a box encoding
FULL, DEPTHWISE = "full", "depthwise"
BOX_RANGE, SCORE_RANGE = "boxes", "scores"  # heads of all maps share a range each: they are concatenated
LEAST_RANGE = 1e-4  # a weight's range is never empty


@dataclass(frozen=True, kw_only=True)
class Layer:
    """A convolution, SAME padding. Hidden layers are followed by batch norm and Relu6; a head only has a bias.

    name: path, as the Object Detection API names such layers. source: name of the layer before, or IMAGE.
    kernel: (height, width, inputs, outputs), for depthwise ones (height, width, channels, 1).
    """

    name: str
    source: str
    kind: str
    kernel: tuple[int, int, int, int]
    stride: int = 1
    head: bool = False

    @property
    def channels(self) -> int:
        return self.kernel[2] if self.kind == DEPTHWISE else self.kernel[3]


@dataclass(frozen=True, kw_only=True)
class Merge:
    """A coarse map, made as large as a fine one by repeating its cells, is added to that.

    name: path. source: name of the coarse layer; lateral: of the fine one, with as many channels.
    """

    name: str
    source: str
    lateral: str


@dataclass(frozen=True, kw_only=True)
class FeatureMap:
    """Where boxes are predicted: the names of two head layers, and the anchors of their cells."""

    boxes: str
    scores: str
    grid: Grid


@dataclass(frozen=True, kw_only=True)
class Architecture:
    """A detector. steps: each after its sources. classes: without background; scores have one column more."""

    height: int
    width: int
    classes: int
    steps: tuple[Layer | Merge, ...]
    maps: tuple[FeatureMap, ...]

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The convolutions."""
        return tuple(step for step in self.steps if isinstance(step, Layer))

    @property
    def ranged(self) -> tuple[str, ...]:
        """Names of the steps whose results have a range each when they are quantised: all but the heads."""
        return tuple(step.name for step in self.steps if isinstance(step, Merge) or not step.head)

    @property
    def columns(self) -> int:
        return self.classes + 1

    @property
    def grids(self) -> tuple[Grid, ...]:
        return tuple(place.grid for place in self.maps)


@dataclass(frozen=True, kw_only=True)
class _Block:
    """One block of a backbone. kind: 'conv' (3 × 3), 'point' (1 × 1) or 'sep' (depthwise 3 × 3, then 1 × 1)."""

    name: str
    kind: str
    channels: int
    stride: int = 1


# Stride → widths of the blocks at it; the first block of a stride halves the size
_COMPACT = {2: (16,), 4: (32, 32), 8: (96, 96, 96, 96), 16: (160, 160), 32: (160,), 64: (160,)}
# Howard et al., MobileNets, 2017, table 1, and the extra layers of the Object Detection API's SSD feature extractor
_MOBILENET_V1 = (64, (128, 2), 128, (256, 2), 256, (512, 2), 512, 512, 512, 512, 512, (1024, 2), 1024)
_EXTRA = ((256, 512), (128, 256), (128, 256), (64, 128))
_V1_MAPS = (11, 13)  # blocks whose outputs are the first two feature maps
COMPACT, MOBILENET_V1 = "compact", "mobilenet_v1"
KINDS = (COMPACT, MOBILENET_V1)
COMPACT_STRIDES = tuple(stride for stride in _COMPACT if stride >= 4)
V1_STRIDES = (16, 32, 64, 128, 256, 512)


def build(
    kind: str,
    *,
    height: int,
    width: int,
    classes: int,
    sizes: Sequence[Sequence[Size]],
    strides: Sequence[int],
    multiplier: float = 1.0,
    min_depth: int = 8,
) -> Architecture:
    """A network of one kind. strides: of its feature maps in pixels, rising; sizes: of the anchors of each map.

    multiplier: of the number of channels of every layer, which stays at least ``min_depth``; in a compact network
    it also stays a multiple of 8, in a MobileNet v1 it is cut as the Object Detection API cuts it.
    """

    def depth(channels: int) -> int:
        wanted = channels * multiplier
        return max(int(wanted) if kind == MOBILENET_V1 else int(wanted + 4) // 8 * 8, min_depth)

    blocks, tapped = _compact(strides) if kind == COMPACT else _mobilenet_v1(len(strides), depth)

    steps: list[Layer | Merge] = []
    taps: list[_Tap] = []
    source, inputs, rows, columns = IMAGE, 3, height, width
    for block in blocks:
        made = _layers(block, source, inputs, depth(block.channels))
        steps += made
        source, inputs = made[-1].name, made[-1].channels
        rows, columns = -(-rows // block.stride), -(-columns // block.stride)
        if block.name in tapped:
            taps.append(_Tap(name=source, channels=inputs, rows=rows, columns=columns))
    if kind == COMPACT:
        taps = _top_down(steps, taps)
    maps = []
    for index, (tap, own) in enumerate(zip(taps, sizes, strict=True)):
        grid = Grid(rows=tap.rows, columns=tap.columns, sizes=tuple(own))
        heads = _heads(f"BoxPredictor_{index}", tap.name, tap.channels, len(own), classes, deep=kind == COMPACT)
        steps += heads
        maps.append(FeatureMap(boxes=heads[-2].name, scores=heads[-1].name, grid=grid))
    return Architecture(height=height, width=width, classes=classes, steps=tuple(steps), maps=tuple(maps))


@dataclass(frozen=True, kw_only=True)
class _Tap:
    """A feature map before its heads: the step that makes it, and its size."""

    name: str
    channels: int
    rows: int
    columns: int


def _top_down(steps: list[Layer | Merge], taps: list[_Tap]) -> list[_Tap]:
    """Adds what coarser maps see to each finer one; source: Lin et al., Feature Pyramid Networks, 2017.

    Small objects are told apart on fine maps, whose own layers see little around them.
    """
    merged = [taps[-1]]
    for fine in reversed(taps[:-1]):
        coarse = merged[0]
        path = f"{PREFIX}{TOP_DOWN}_{len(taps) - 1 - len(merged)}"
        narrow = Layer(
            name=f"{path}_pointwise", source=coarse.name, kind=FULL, kernel=(1, 1, coarse.channels, fine.channels)
        )
        merge = Merge(name=f"{path}_merge", source=narrow.name, lateral=fine.name)
        steps += [narrow, merge]
        merged.insert(0, replace(fine, name=merge.name))
    return merged


def _compact(strides: Sequence[int]) -> tuple[list[_Block], list[str]]:
    """A MobileNet v1 of small widths that ends at the coarsest map; every map is the last block of its stride."""
    blocks: list[_Block] = []
    tapped: list[str] = []
    for stride, widths in _COMPACT.items():
        if stride > strides[-1]:
            break
        for index, channels in enumerate(widths):
            kind = "sep" if blocks else "conv"
            blocks.append(_Block(name=f"Conv2d_{len(blocks)}", kind=kind, channels=channels, stride=1 if index else 2))
        if stride in strides:
            tapped.append(blocks[-1].name)
    return blocks, tapped


def _mobilenet_v1(maps: int, depth: Callable[[int], int]) -> tuple[list[_Block], list[str]]:
    blocks = [_Block(name="Conv2d_0", kind="conv", channels=32, stride=2)]
    for number, entry in enumerate(_MOBILENET_V1, start=1):
        channels, stride = entry if isinstance(entry, tuple) else (entry, 1)
        blocks.append(_Block(name=f"Conv2d_{number}", kind="sep", channels=channels, stride=stride))
    tapped = [f"Conv2d_{number}" for number in _V1_MAPS]
    for number, (narrow, wide) in enumerate(_EXTRA, start=2):
        path = "Conv2d_13_pointwise"
        blocks.append(_Block(name=f"{path}_1_Conv2d_{number}_1x1_{depth(narrow)}", kind="point", channels=narrow))
        blocks.append(
            _Block(name=f"{path}_2_Conv2d_{number}_3x3_s2_{depth(wide)}", kind="conv", channels=wide, stride=2)
        )
        tapped.append(blocks[-1].name)
    last = next(index for index, block in enumerate(blocks) if block.name == tapped[maps - 1])
    return blocks[: last + 1], tapped[:maps]


def _layers(block: _Block, source: str, inputs: int, channels: int) -> list[Layer]:
    path = PREFIX + block.name
    if block.kind != "sep":
        side = 3 if block.kind == "conv" else 1
        return [Layer(name=path, source=source, kind=FULL, kernel=(side, side, inputs, channels), stride=block.stride)]
    return _separable(path, source, inputs, channels, block.stride)


def _separable(path: str, source: str, inputs: int, channels: int, stride: int = 1) -> list[Layer]:
    depthwise, pointwise = f"{path}_depthwise", f"{path}_pointwise"
    return [
        Layer(name=depthwise, source=source, kind=DEPTHWISE, kernel=(3, 3, inputs, 1), stride=stride),
        Layer(name=pointwise, source=depthwise, kind=FULL, kernel=(1, 1, inputs, channels)),
    ]


def _heads(path: str, source: str, inputs: int, anchors: int, classes: int, *, deep: bool) -> list[Layer]:
    """Layers of a map's predictions; the last two are those of boxes and scores."""
    shared = _separable(f"{path}/Shared", source, inputs, inputs) if deep else []
    last = shared[-1].name if shared else source
    outputs = {"BoxEncodingPredictor": BOX, "ClassPredictor": classes + 1}
    return shared + [
        Layer(name=f"{path}/{name}", source=last, kind=FULL, kernel=(1, 1, inputs, anchors * numbers), head=True)
        for name, numbers in outputs.items()
    ]
