"""What a Model can become. The verb: ``convert`` makes one Artifact of one Model."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

from ..errors import ConversionError, UsageError
from ..formats.tfjs import SHARD_SIZE
from ..values.artifact import Artifact
from ..values.model import Model
from ..values.recipe import Recipe
from ..values.spec import ClassHead
from ..values.support import REQUANTISE, TFJS, refusal

if TYPE_CHECKING:
    from ..browser import Page
    from ..runtimes.tensorflow import Worker

__all__ = ["KINDS", "Target", "TargetOptions", "convert", "expect_possible"]


@dataclass(frozen=True, kw_only=True)
class TargetOptions:
    """raw: leave post-processing out. requantise: put weights on a symmetric grid where the recipe needs one.

    Of TensorFlow.js alone: shard_size in bytes; hashed_shards: name them by their content; rules: how single weights
    are stored; emulate: round activations as the fake-quants do. key: what the artifact is to be recognised by later.
    """

    raw: bool = False
    requantise: bool = False
    shard_size: int = SHARD_SIZE
    hashed_shards: bool = False
    rules: tuple[str, ...] = ()
    emulate: bool = False
    licence: str = ""
    display_score: float = Artifact.display_score
    key: str = ""


class Target(Protocol):
    """A module of this folder."""

    def build(
        self,
        model: Model,
        recipe: Recipe,
        *,
        out: Path,
        options: TargetOptions,
        worker: Worker | None,
        browser: Page | None,
    ) -> Artifact:
        """Write the artifact's files, manifest last, into the folder ``out``, which does not exist yet."""


KINDS = {"tflite": ".tflite", "tfjs": ".tfjs"}  # Recipe.target → module


def expect_possible(model: Model, recipe: Recipe, options: TargetOptions) -> None:
    """Raise ConversionError, with the way out, where this model cannot become this recipe.

    Raise UsageError for options that it has no use for.
    """
    if options.emulate and recipe.target == TFJS and model.quantisation.kind != "fake-quant":
        raise UsageError(
            f"{model.source.name} has no fake-quants whose rounding could be kept.",
            fix="Leave --emulate-activations out.",
        )
    if options.raw and isinstance(model.spec.head, ClassHead):
        raise UsageError(
            f"{model.spec.name} is a classifier: there is no post-processing to leave out.", fix="Leave --raw out."
        )
    if options.requantise and recipe.weights == "int8" and model.quantisation.weights:
        raise UsageError(
            f"{model.spec.name} is a finished .tflite, whose weights stay as they are.", fix=f"Leave {REQUANTISE} out."
        )
    against = refusal(model.quantisation, recipe)
    if against is not None and not (against.requantise and options.requantise):
        raise ConversionError(f"{model.source.name} cannot become {recipe.name}.", cause=against.why, fix=against.fix)


def convert(
    model: Model,
    recipe: Recipe,
    *,
    out: Path,
    options: TargetOptions | None = None,
    worker: Worker | None = None,
    browser: Page | None = None,
) -> Artifact:
    """The model under a recipe, written to the folder ``out``, opened and run.

    worker: needed for a graph; a .tflite model is converted without. browser: needed for TensorFlow.js. Raises
    ConversionError where the recipe cannot be kept.
    """
    chosen = options or TargetOptions()
    expect_possible(model, recipe, chosen)
    target = cast(Target, import_module(KINDS[recipe.target], __name__))
    return target.build(model, recipe, out=out, options=chosen, worker=worker, browser=browser)
