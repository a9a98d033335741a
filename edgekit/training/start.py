"""What a training begins with when it does not begin with nothing: edgekit's own checkpoints."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .. import shelf
from ..errors import SourceError, UsageError
from ..formats import checkpoint
from ..values.codec import from_data
from ..vision.anchors import Size
from .architecture import BACKBONE, Architecture

Array = NDArray[np.float32]

FILE = "checkpoint.npz"
BUNDLED = {"shelf": shelf.CHECKPOINT}  # names that --from takes besides paths


@dataclass(frozen=True, kw_only=True)
class About:
    """What the variables of a checkpoint belong to: a network, in the words of SsdOptions, and its classes."""

    kind: str
    multiplier: float
    height: int
    width: int
    strides: tuple[int, ...]
    sizes: tuple[tuple[Size, ...], ...]
    labels: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, eq=False)
class Checkpoint:
    """A float network that was trained before."""

    name: str
    variables: Mapping[str, Array]
    about: About


@dataclass(frozen=True, kw_only=True, eq=False)
class Start:
    """Variables to begin with. taken, fresh: layers that came from the checkpoint, and those that did not."""

    variables: Mapping[str, Array] = field(default_factory=dict)
    taken: tuple[str, ...] = ()
    fresh: tuple[str, ...] = ()

    @property
    def sentences(self) -> tuple[str, ...]:
        if not self.taken:
            return ()
        said = [f"Taken from the checkpoint: {len(self.taken)} layers, {self.taken[0]} to {self.taken[-1]}."]
        if self.fresh:
            said.append(f"Begun anew: {', '.join(self.fresh)}.")
        return tuple(said)


def read(place: str, bring: Callable[[str], Path] = Path) -> Checkpoint:
    """A checkpoint.npz, a folder with one, or the name of a bundled one. Raises UsageError, SourceError.

    bring: makes a path of any other place.
    """
    if place in BUNDLED:
        shelf.check()
    path = BUNDLED.get(place) or bring(place)
    if not path.exists():
        raise UsageError(
            f"There is no checkpoint {place}.", fix=f"Check the path, or name the bundled one: {', '.join(BUNDLED)}."
        )
    if path.is_dir():
        path = path / FILE
        if not path.is_file():
            raise UsageError(f"{place} holds no {FILE}.", fix="Give a folder that edgekit train wrote, or its file.")
    variables, found = checkpoint.read(path)
    if "key" in found:
        raise SourceError(
            f"{path} is no checkpoint to begin with.",
            cause="It is the state of a training that was not finished.",
            fix="Let the same command finish it first.",
        )
    try:
        about = from_data(About, found)
    except ValueError as error:
        raise SourceError(f"{path} is no checkpoint to begin with.", cause=f"{error}.") from None
    return Checkpoint(name=place, variables=variables, about=about)


def begin(checkpoint: Checkpoint, architecture: Architecture, labels: Sequence[str]) -> Start:
    """What of a checkpoint fits a network. Heads begin anew where the classes or the anchors are others, and what is
    between them and the backbone where the maps are others.

    Raises SourceError where the backbone has another shape: then nothing that was learnt can be kept.
    """
    sizes = tuple(grid.sizes for grid in architecture.grids)
    same = (checkpoint.about.labels, checkpoint.about.sizes) == (tuple(labels), sizes)
    variables: dict[str, Array] = {}
    taken: list[str] = []
    fresh: list[str] = []
    for layer in architecture.layers:
        own = {path: value for path, value in checkpoint.variables.items() if path.rpartition("/")[0] == layer.name}
        weights = own.get(f"{layer.name}/weights")
        if layer.head:
            fits = same and weights is not None and weights.shape == layer.kernel
        else:
            fits = weights is not None and weights.shape == layer.kernel
            if weights is not None and not fits and layer.name.startswith(BACKBONE):
                raise _other_shape(checkpoint, layer.name, weights.shape, layer.kernel)
        (taken if fits else fresh).append(layer.name)
        if fits:
            variables |= own
    if not any(name == architecture.layers[0].name for name in taken):
        raise _other_shape(checkpoint, architecture.layers[0].name, None, architecture.layers[0].kernel)
    return Start(variables=variables, taken=tuple(taken), fresh=tuple(fresh))


def _other_shape(
    checkpoint: Checkpoint, name: str, found: tuple[int, ...] | None, wanted: tuple[int, ...]
) -> SourceError:
    trained_as = f"--architecture {checkpoint.about.kind} --width {checkpoint.about.multiplier:g}"
    got = "no such layer" if found is None else " × ".join(map(str, found))
    return SourceError(
        f"{checkpoint.name} is a checkpoint of another network: {name} has {got}, {' × '.join(map(str, wanted))} is "
        "needed.",
        cause=f"It was trained with {trained_as}.",
        fix=f"Type: {trained_as}, or leave --from out.",
    )
