"""The train_config of a pipeline.config: optimiser, learning rate and augmentation."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

from ..formats.pipeline import Section
from ..vision.augment import KEPT, Augmentation
from .options import Optimiser, Schedule

UNCLIPPED = 2.0**30  # larger than any gradient's norm; to scale by a power of two and back changes nothing
NO_CHANGE = Augmentation(horizontal=0.0, crop=0.0, brightness=0.0, contrast=0.0, saturation=0.0, cast=0.0)


def optimiser(train: Section) -> tuple[Optimiser, Schedule]:
    """How weights are changed, and how fast. train: the section train_config."""
    clip = train.number("gradient_clipping_by_norm", 0.0, low=0) or UNCLIPPED
    section = train.choice("optimizer", ("rms_prop_optimizer", "momentum_optimizer", "adam_optimizer"))
    rate = section.choice("learning_rate", tuple(_SCHEDULES))
    schedule = _SCHEDULES[rate.kind](rate)
    if section.kind == "adam_optimizer":
        return Optimiser(kind="adam", epsilon=section.positive("epsilon", 1e-8), clip=clip), schedule
    momentum = section.number("momentum_optimizer_value", 0.9, low=0, high=1)
    if section.kind == "momentum_optimizer":
        return Optimiser(kind="momentum", momentum=momentum, clip=clip), schedule
    decay, epsilon = section.number("decay", 0.9, low=0, high=1), section.positive("epsilon", 1.0)
    return Optimiser(kind="rmsprop", decay=decay, momentum=momentum, epsilon=epsilon, clip=clip), schedule


def augmentation(train: Section, notes: list[str]) -> Augmentation:
    """What the options ask for and edgekit can do; the others stay unread, as does a second one of a kind."""
    changes: dict[str, float] = {}
    for option in train.sections("data_augmentation_options"):
        names, values = _CHANGES.get(option.present(), ((), None))
        if values is not None and not changes.keys() & set(names):
            changes |= dict(zip(names, values(option.section(option.present()), notes), strict=True))
    return replace(NO_CHANGE, **changes)


def _constant(section: Section) -> Schedule:
    return Schedule(kind="constant", base=section.positive("learning_rate", 0.002))


def _exponential(section: Section) -> Schedule:
    base = section.positive("initial_learning_rate", 0.002)
    begin = section.integer("burnin_steps", 0, low=0)
    return Schedule(
        kind="exponential",
        base=base,
        warmup=begin,
        warmup_base=section.number("burnin_learning_rate", 0.0, low=0) or base,  # 0: the usual one, but no decay yet
        flat=begin > 0,
        begin=begin,
        factor=section.number("decay_factor", 0.95, low=0, high=1),
        every=section.integer("decay_steps", 4_000_000, low=1),
        staircase=section.flag("staircase", True),
    )


def _manual(section: Section) -> Schedule:
    first = section.positive("initial_learning_rate", 0.002)
    changes: list[tuple[int, float]] = []
    for part in section.sections("schedule"):
        least = changes[-1][0] + 1 if changes else 1
        changes.append((part.integer("step", low=least), part.number("learning_rate", 0.002, low=0)))
    if not changes:
        raise section.refusal("schedule", "steps and their rates")
    if not section.flag("warmup", False):
        return Schedule(kind="manual", base=first, changes=tuple(changes))
    until, base = changes[0]
    return _rising(Schedule(kind="manual", base=base, changes=tuple(changes[1:])), first, until)


def _cosine(section: Section) -> Schedule:
    base = section.positive("learning_rate_base", 0.002)
    first = section.number("warmup_learning_rate", 0.0002, low=0)
    if first > base:
        raise section.refusal("warmup_learning_rate", f"at most learning_rate_base, which is {base:g}")
    warmup = section.integer("warmup_steps", 10_000, low=0)
    begin = warmup + section.integer("hold_base_rate_steps", 0, low=0)
    steps = section.integer("total_steps", 4_000_000)
    if steps <= begin:
        raise section.refusal("total_steps", f"more than the {begin} steps of warm-up and of the base rate")
    return _rising(Schedule(kind="cosine", base=base, steps=steps, begin=begin), first, warmup)


_SCHEDULES: dict[str, Callable[[Section], Schedule]] = {
    "constant_learning_rate": _constant,
    "exponential_decay_learning_rate": _exponential,
    "manual_step_learning_rate": _manual,
    "cosine_decay_learning_rate": _cosine,
}


def _rising(schedule: Schedule, first: float, steps: int) -> Schedule:
    """With a rise that begins at ``first`` in step 0 and ends after ``steps``.

    A Schedule's own rise ends in its last step and begins one part higher; so this one lasts a step longer, and begins
    one part lower.
    """
    if not steps:
        return schedule
    return replace(schedule, warmup=steps + 1, warmup_base=first - (schedule.base - first) / steps)


# The functions below give values for the fields of Augmentation that _CHANGES names


def _flip(section: Section, notes: list[str]) -> tuple[float, ...]:
    return (section.number("probability", 0.5, low=0, high=1),)


def _brightness(section: Section, notes: list[str]) -> tuple[float, ...]:
    return (255 * section.number("max_delta", 0.2, low=0, high=1),)


def _factor(section: Section, notes: list[str]) -> tuple[float, ...]:
    """Of contrast and saturation, whose factors lie around 1 here."""
    low, high = _between(section, "delta", 0.8, 1.25)
    half = min((high - low) / 2, 1.0)
    if not math.isclose(1 - half, low, rel_tol=1e-6) or not math.isclose(1 + half, high, rel_tol=1e-6):
        notes.append(f"{section.kind}: factors from {1 - half:g} to {1 + half:g} instead of {low:g} to {high:g}.")
    return (half,)


def _distortion(section: Section, notes: list[str]) -> tuple[float, ...]:
    section.integer("color_ordering", 0)  # all changes are made at once
    notes.append(f"{section.kind}: without its change of hue.")
    return 32.0, 0.5, 0.5


def _crop(section: Section, notes: list[str]) -> tuple[float, ...]:
    aspect, area = _between(section, "aspect_ratio", 0.75, 1.33), _between(section, "area", 0.1, 1.0, limit=1.0)
    return _window(section, [(*aspect, *area, section.number("random_coef", 0.0, low=0, high=1))], notes)


def _ssd_crop(section: Section, notes: list[str]) -> tuple[float, ...]:
    operations = [
        (
            *_between(one, "aspect_ratio"),
            *_between(one, "area", limit=1.0),
            one.number("random_coef", 0.0, low=0, high=1),
        )
        for one in section.sections("operations")
    ]
    # Without operations: object_detection/core/preprocessor.py, ssd_random_crop
    return _window(section, operations or [(0.5, 2.0, 0.1, 1.0, 0.15)], notes)


def _window(section: Section, crops: Sequence[tuple[float, ...]], notes: list[str]) -> tuple[float, ...]:
    """Of crops (aspect ratio from, to, area from, to, chance of the whole picture), of which each is as likely."""
    narrowest, widest, smallest, largest, whole = zip(*crops, strict=True)
    notes.append(
        f"{section.kind}: windows are not chosen by the boxes in them, and their aspect ratio is relative to the "
        f"picture's; of a box that they cut, {KEPT:.0%} must be left."
    )
    if len(set(crops)) > 1:
        notes.append(f"{section.kind}: its {len(crops)} operations became one, with the widest of their limits.")
    stretch = max(abs(math.log(ratio)) for ratio in (*narrowest, *widest))
    return 1 - sum(whole) / len(whole), math.sqrt(min(smallest)), math.sqrt(max(largest)), stretch


def _between(
    section: Section, name: str, low: float | None = None, high: float | None = None, *, limit: float = math.inf
) -> tuple[float, float]:
    """The fields min_… and max_… of a name: above 0, and at most ``limit``."""
    least, most = section.positive(f"min_{name}", low), section.number(f"max_{name}", high, high=limit)
    if most < least:
        raise section.refusal(f"max_{name}", f"at least min_{name}, which is {least:g}")
    return least, most


_WINDOW = ("crop", "smallest", "largest", "stretch")
_CHANGES: dict[str, tuple[tuple[str, ...], Callable[[Section, list[str]], tuple[float, ...]]]] = {
    "random_horizontal_flip": (("horizontal",), _flip),
    "random_vertical_flip": (("vertical",), _flip),
    "random_adjust_brightness": (("brightness",), _brightness),
    "random_adjust_contrast": (("contrast",), _factor),
    "random_adjust_saturation": (("saturation",), _factor),
    "random_distort_color": (("brightness", "contrast", "saturation"), _distortion),
    "random_crop_image": (_WINDOW, _crop),
    "ssd_random_crop": (_WINDOW, _ssd_crop),
}
