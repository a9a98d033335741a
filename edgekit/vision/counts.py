"""What stands on the shelf: how often each class was found, and which share of it each group has."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ..values.answers import Detections
from ..values.show import Shown
from ..values.spec import ModelSpec

OTHER = "other"  # detections whose label is in no group


@dataclass(frozen=True, kw_only=True)
class Share(Shown):
    """A group's part in all detections: how many, and as a fraction by count and by area of their boxes."""

    group: str
    count: int
    by_count: float
    by_area: float


@dataclass(frozen=True, kw_only=True)
class Counts(Shown):
    """classes: label → number found, most frequent first. shares: the groups in their order, then 'other'."""

    total: int
    classes: Mapping[str, int]
    shares: tuple[Share, ...]


def count(found: Detections, spec: ModelSpec) -> Counts:
    """Counts and shares of the detections. The area of a box is that of its part inside the picture.

    Shares are empty where the model has no groups, and 0 where nothing was found; else each kind adds up to 1.
    """
    labels = [spec.label(int(index)) for index in found.classes]
    frequent = sorted(Counter(labels).items(), key=lambda item: (-item[1], item[0]))
    return Counts(total=len(found), classes=dict(frequent), shares=_shares(found, labels, spec.groups))


def _shares(found: Detections, labels: list[str], groups: Mapping[str, tuple[str, ...]]) -> tuple[Share, ...]:
    if not groups:
        return ()
    inside = np.clip(found.boxes.astype(np.float64), 0, 1)
    areas = (inside[:, 2:] - inside[:, :2]).prod(axis=1)
    group_of = {label: group for group, members in groups.items() for label in members}
    owners = np.asarray([group_of.get(label, OTHER) for label in labels], dtype=object)
    total, surface = max(len(found), 1), float(areas.sum()) or 1.0
    names = [*groups, *([] if OTHER in groups else [OTHER])]
    return tuple(
        Share(
            group=name,
            count=int((owners == name).sum()),
            by_count=float((owners == name).sum() / total),
            by_area=float(areas[owners == name].sum() / surface),
        )
        for name in names
    )
