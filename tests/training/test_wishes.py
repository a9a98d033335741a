"""What a user may say about a training."""

from dataclasses import replace
from typing import Any

import pytest

from edgekit.errors import UsageError
from edgekit.training.architecture import MOBILENET_V1, V1_STRIDES
from edgekit.training.options import Schedule, SsdOptions
from edgekit.training.start import About
from edgekit.training.wishes import options

BASE = SsdOptions()
ABOUT = About(kind="compact", multiplier=0.5, height=96, width=128, strides=(4, 8), sizes=(), labels=("red",))


def wished(
    *, about: About | None = None, configured: bool = False, base: SsdOptions = BASE, **wishes: Any
) -> SsdOptions:
    return options(base, wishes, about=about, configured=configured)


def test_without_wishes_all_stays() -> None:
    found = wished()
    assert replace(found, rate=BASE.rate, quantised_rate=BASE.quantised_rate) == BASE
    for name in ("rate", "quantised_rate"):
        now, before = getattr(found, name), getattr(BASE, name)
        assert [now.at(step) for step in range(0, 400, 7)] == pytest.approx(
            [before.at(step) for step in range(0, 400, 7)]
        )


@pytest.mark.parametrize(
    ("wish", "value", "path"),
    [
        ("size", (64, 96), ("height", 64)),
        ("size", (64, 96), ("width", 96)),
        ("width", 0.5, ("multiplier", 0.5)),
        ("maps", (4, 8), ("strides", (4, 8))),
        ("anchors", 12, ("anchors", 12)),
        ("match", (0.6, 0.3), ("matching.positive", 0.6)),
        ("match", (0.6, 0.3), ("matching.negative", 0.3)),
        ("loss", "softmax", ("losses.classification", "softmax")),
        ("steps", 77, ("steps", 77)),
        ("quantised_steps", 0, ("quantised_steps", 0)),
        ("batch", 5, ("batch", 5)),
        ("learning_rate", 0.5, ("rate.base", 0.5)),
        ("warmup", 3, ("rate.warmup", 3)),
        ("flips", "", ("augmentation.horizontal", 0)),
        ("flips", "vertical, horizontal", ("augmentation.vertical", 0.5)),
        ("flips", "vertical", ("augmentation.horizontal", 0)),
        ("smallest_crop", 0.3, ("augmentation.smallest", 0.3)),
        ("max_detections", 200, ("selection.max_detections", 200)),
        ("iou", 0.7, ("selection.iou", 0.7)),
        ("symmetric", False, ("quantisation.symmetric", False)),
        ("seed", 5, ("seed", 5)),
        ("deterministic", True, ("deterministic", True)),
        ("evaluate", 9, ("evaluate", 9)),
        ("patience", 2, ("patience", 2)),
    ],
)
def test_each_wish_is_kept(wish: str, value: Any, path: tuple[str, Any]) -> None:
    found: Any = wished(**{wish: value})
    for name in path[0].split("."):
        found = getattr(found, name)
    assert found == path[1]


def test_an_architecture_is_wished_for_with_its_maps() -> None:
    found = wished(architecture=MOBILENET_V1, maps=V1_STRIDES)
    assert (found.kind, found.strides) == (MOBILENET_V1, V1_STRIDES)
    assert wished(architecture=MOBILENET_V1) == found
    v1 = replace(ABOUT, kind=MOBILENET_V1, strides=V1_STRIDES)
    assert wished(about=v1, architecture="compact").strides == BASE.strides


def test_schedules_go_with_the_steps() -> None:
    found = wished(steps=60)
    assert found.rate.at(59) < found.rate.base / 100
    assert 0 < found.quantised_steps < 60
    assert found.quantised_rate.at(found.quantised_steps) == pytest.approx(0)
    assert 0 < found.quantised_rate.base < found.rate.base
    assert wished(steps=5).rate.warmup <= 5


@pytest.mark.parametrize(
    ("wishes", "message"),
    [
        ({"flips": "horizontl"}, "flips: expected horizontal, vertical, or nothing, got 'horizontl'"),
        ({"match": (0.4, 0.5)}, "match"),
        ({"match": (1.4, 0.5)}, "match"),
        ({"size": (8, 8)}, "input size"),
        ({"maps": (16, 8)}, "maps"),
        ({"architecture": "yolo"}, "architecture"),
        ({"loss": "hinge"}, "classification loss"),
        ({"learning_rate": -1.0}, "learning rate"),
        ({"learning_rate": float("nan")}, "learning rate"),
        ({"warmup": -3}, "warm-up"),
        ({"steps": 0}, "steps"),
        ({"quantised_steps": -2}, "quantised steps"),
        ({"batch": 0}, "batch"),
        ({"seed": -1}, "seed"),
        ({"smallest_crop": 0.0}, "crop"),
        ({"smallest_crop": 7.0}, "crop"),
        ({"max_detections": 0}, "max_detections"),
        ({"iou": 1.5}, "iou"),
        ({"anchors": 0}, "anchors"),
    ],
)
def test_wishes_that_make_no_sense(wishes: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=rf"Nothing can be trained so\. .*{message}"):
        wished(**wishes)
    with pytest.raises(UsageError, match=r"no option learning_rat, stepps\."):
        wished(learning_rat=1, stepps=3, seed=2)


def test_the_network_of_a_checkpoint_is_kept_where_none_is_wished_for() -> None:
    found = wished(about=ABOUT)
    assert (found.kind, found.multiplier, found.height, found.width, found.strides) == ("compact", 0.5, 96, 128, (4, 8))
    found = wished(about=ABOUT, size=(64, 64), width=1.0, maps=(8,))
    assert (found.multiplier, found.height, found.width, found.strides) == (1.0, 64, 64, (8,))
    assert wished(about=ABOUT).rate.base < BASE.rate.base  # what was learnt is not to be undone
    assert wished(about=ABOUT, learning_rate=0.25).rate.base == 0.25


def test_schedules_of_a_configuration_stay_unless_one_is_wished_for() -> None:
    rate = Schedule(kind="manual", base=0.004, changes=((5, 0.001),))
    base = replace(BASE, rate=rate, quantised_rate=replace(rate, offset=50), steps=50, quantised_steps=30)
    found = wished(base=base, configured=True, about=ABOUT, batch=3)
    assert found == replace(base, batch=3)
    for wish, value in (("steps", 60), ("quantised_steps", 7), ("learning_rate", 0.1), ("warmup", 2)):
        found = wished(base=base, configured=True, **{wish: value})
        assert found.rate.kind != "manual"
        assert found.rate.base == (value if wish == "learning_rate" else 0.004)
        assert found.steps == (value if wish == "steps" else 50)


@pytest.mark.parametrize("wish", [{"architecture": "compact"}, {"maps": (16, 32)}, {"anchors": 12}])
def test_the_network_of_a_configuration_is_not_taken_apart(wish: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="names its own network") as caught:
        wished(configured=True, **wish)
    assert f"--{next(iter(wish))}" in caught.value.fix


def test_fake_quants_come_where_steps_with_them_are_wished_for() -> None:
    base = replace(BASE, quantisation=None)
    assert wished(base=base, quantised_steps=9).quantisation is not None
    assert wished(base=base, quantised_steps=0).quantisation is None
    assert wished(base=base, steps=9).quantisation is None
