"""Networks as lists of layers: every layer fits the one before, names and maps are the Object Detection API's."""

import pytest

from edgekit.training.architecture import (
    BOX,
    COMPACT,
    COMPACT_STRIDES,
    DEPTHWISE,
    IMAGE,
    KINDS,
    MOBILENET_V1,
    V1_STRIDES,
    Architecture,
    Layer,
    Merge,
    build,
)

SIZE = (0.5, 0.4)


def made(
    kind: str, strides: tuple[int, ...], *, height: int = 192, width: int = 320, **options: object
) -> Architecture:
    sizes = [(SIZE,) * (index + 1) for index in range(len(strides))]
    return build(kind, height=height, width=width, classes=4, sizes=sizes, strides=strides, **options)  # type: ignore[arg-type]


CHOICES = [
    (COMPACT, (8, 16)),
    (COMPACT, (4,)),
    (COMPACT, (8, 32)),
    (COMPACT, COMPACT_STRIDES),
    (MOBILENET_V1, V1_STRIDES),
    (MOBILENET_V1, V1_STRIDES[:1]),
    (MOBILENET_V1, V1_STRIDES[:4]),
]


@pytest.mark.parametrize("multiplier", [0.25, 1.0, 1.3])
@pytest.mark.parametrize(("kind", "strides"), CHOICES)
@pytest.mark.parametrize(("height", "width"), [(192, 320), (300, 300), (33, 500)])
def test_every_step_fits_what_it_takes(
    kind: str, strides: tuple[int, ...], multiplier: float, height: int, width: int
) -> None:
    found = made(kind, strides, height=height, width=width, multiplier=multiplier)
    shapes = {IMAGE: (height, width, 3)}
    for step in found.steps:
        assert step.name not in shapes
        rows, columns, channels = shapes[step.source]
        if isinstance(step, Merge):
            fine = shapes[step.lateral]
            assert (fine[2], rows <= fine[0], columns <= fine[1]) == (channels, True, True)
            shapes[step.name] = fine
            continue
        assert step.kernel[2] == channels
        assert step.kind != DEPTHWISE or step.kernel[3] == 1
        shapes[step.name] = (-(-rows // step.stride), -(-columns // step.stride), step.channels)
    for index, place in enumerate(found.maps):
        grid, stride = place.grid, strides[index]
        assert (grid.rows, grid.columns) == (-(-height // stride), -(-width // stride))
        assert len(grid.sizes) == index + 1
        assert shapes[place.boxes] == (grid.rows, grid.columns, BOX * len(grid.sizes))
        assert shapes[place.scores] == (grid.rows, grid.columns, 5 * len(grid.sizes))
    assert found.columns == 5
    assert found.grids == tuple(place.grid for place in found.maps)


@pytest.mark.parametrize(("kind", "strides"), CHOICES)
def test_nothing_is_computed_in_vain(kind: str, strides: tuple[int, ...]) -> None:
    found = made(kind, strides)
    taken = {name for step in found.steps for name in (step.source, step.lateral if isinstance(step, Merge) else "")}
    heads = {name for place in found.maps for name in (place.boxes, place.scores)}
    assert {step.name for step in found.steps} - taken == heads
    assert {layer.name for layer in found.layers if layer.head} == heads
    assert set(found.ranged) == {step.name for step in found.steps} - heads


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("multiplier", [0.1, 0.35, 0.5, 1.4])
def test_widths_follow_the_multiplier(kind: str, multiplier: float) -> None:
    strides = (16, 32)
    whole = {layer.name: layer for layer in made(kind, strides).layers if not layer.head}
    for layer in made(kind, strides, multiplier=multiplier, min_depth=16).layers:
        if not layer.head and layer.kind != DEPTHWISE:
            wanted = max(whole[layer.name].channels * multiplier, 16)
            assert abs(layer.channels - wanted) <= (4 if kind == COMPACT else 1)
            assert layer.channels % 8 == 0 or kind != COMPACT


def test_mobilenet_v1_at_300_pixels() -> None:
    found = made(MOBILENET_V1, V1_STRIDES, height=300, width=300)
    assert [(grid.rows, grid.columns) for grid in found.grids] == [(n, n) for n in (19, 10, 5, 3, 2, 1)]
    path = "FeatureExtractor/MobilenetV1/Conv2d_"
    backbone = [f"{path}0"] + [f"{path}{n}_{part}" for n in range(1, 14) for part in ("depthwise", "pointwise")]
    extra = [
        name
        for number, (narrow, wide) in enumerate(((256, 512), (128, 256), (128, 256), (64, 128)), start=2)
        for name in (
            f"{path}13_pointwise_1_Conv2d_{number}_1x1_{narrow}",
            f"{path}13_pointwise_2_Conv2d_{number}_3x3_s2_{wide}",
        )
    ]
    heads = [f"BoxPredictor_{n}/{part}" for n in range(6) for part in ("BoxEncodingPredictor", "ClassPredictor")]
    assert [layer.name for layer in found.layers] == [*backbone, *extra, *heads]
    kernels = {layer.name: layer.kernel for layer in found.layers}
    assert kernels[f"{path}0"] == (3, 3, 3, 32)
    assert kernels[f"{path}12_depthwise"] == (3, 3, 512, 1)
    assert kernels[f"{path}13_pointwise"] == (1, 1, 1024, 1024)
    assert kernels["BoxPredictor_1/BoxEncodingPredictor"] == (1, 1, 1024, 2 * BOX)
    assert kernels["BoxPredictor_5/ClassPredictor"] == (1, 1, 128, 6 * 5)
    sources = {layer.name: layer.source for layer in found.layers}
    taps = [f"{path}11_pointwise", f"{path}13_pointwise", *extra[1::2]]
    assert [sources[place.boxes] for place in found.maps] == [sources[place.scores] for place in found.maps] == taps
    strided = [layer.name for layer in found.layers if isinstance(layer, Layer) and layer.stride == 2]
    assert strided[:5] == [f"{path}0", *(f"{path}{n}_depthwise" for n in (2, 4, 6, 12))]
    assert strided[5:] == extra[1::2]


def test_layers_keep_their_names_whatever_the_maps_are() -> None:
    """What a checkpoint has of the backbone is of use in every network of its kind."""
    few, many = made(COMPACT, (8, 16)), made(COMPACT, COMPACT_STRIDES)
    kernels = {layer.name: layer.kernel for layer in many.layers}
    backbone = [layer for layer in few.layers if "/Conv2d_" in layer.name]
    assert len(backbone) > 10
    assert all(kernels[layer.name] == layer.kernel for layer in backbone)
