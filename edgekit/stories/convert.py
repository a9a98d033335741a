"""Load a source, convert it to recipes, publish the results together: the verb ``convert``.

A run that has nothing to do imports no numpy; one that has starts TensorFlow first and reads the source meanwhile.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Unpack

from .. import system
from .._version import __version__
from ..errors import MissingToolError, UsageError
from ..formats import manifest
from ..formats import model as model_file
from ..formats.foreign import TFLITE
from ..formats.model import MODEL, SUMS
from ..runtimes.packages import version
from ..sources.options import LoadKeywords, LoadOptions
from ..values.artifact import Artifact
from ..values.codec import to_data
from ..values.model import Model
from ..values.recipe import Recipe, recipes
from ..values.show import Rows
from .cache import REPORT, digest, file_data, kept, loading_data

if TYPE_CHECKING:
    from ..runtimes.tensorflow import Worker

SYMMETRIC = "symmetric"

Progress = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Request:
    """Everything that decides what is made, checked. source: a file, or a Model that is loaded already."""

    source: Path | Model
    recipes: tuple[Recipe, ...]
    out: Path
    loading: LoadOptions
    raw: bool
    requantise: bool
    licence: str
    display_score: float

    @property
    def path(self) -> Path:
        return self.source.path if isinstance(self.source, Model) else self.source

    @property
    def needs_tensorflow(self) -> bool:
        with contextlib.suppress(OSError), self.path.open("rb") as stream:
            return stream.read(8)[4:] != TFLITE
        return False


def convert(
    source: Path | str | Model,
    *,
    to: str | Sequence[str],
    out: Path | str,
    raw: bool = False,
    requantise_weights: Literal["", "symmetric"] = "",
    licence: str = "",
    display_score: float = Artifact.display_score,
    progress: Progress = lambda sentence: None,
    **options: Unpack[LoadKeywords],
) -> tuple[Artifact, ...]:
    """Artifacts of a source in OUT/<recipe>/, one a recipe, with the Model in OUT/model.

    source: a graph or .tflite file, or a Model. to: names of recipes. raw: leave post-processing out.
    requantise_weights: 'symmetric' is the only way, for int8 from asymmetric weight ranges. display_score: from which
    apps show an answer, in [0, 1]. progress: called with a sentence for every step. options, as of ``load``: input,
    outputs, mean, std, anchors, activation, labels, groups, name, score, iou, max_detections,
    max_classes_per_detection, detections_per_class, regular.
    What OUT holds already, made from the same inputs by the same versions, is kept. All recipes share one TensorFlow
    process; a .tflite source needs none. Either all results are published or none.

    Raises UsageError, SourceError, UserDataError, ConversionError, MissingToolError, StorageError.
    """
    request = _request(source, to, Path(out), raw, requantise_weights, licence, display_score, options)
    keys = _keys(request)
    done = kept(request.out, keys)
    for name in done:
        progress(f"{name}: unchanged")
    if len(done) < len(keys):
        done |= _make(request, {name: key for name, key in keys.items() if name not in done}, progress)
    else:
        system.clear(request.out)
    return Rows(done[recipe.name] for recipe in request.recipes)


def _request(
    source: Path | str | Model,
    to: str | Sequence[str],
    out: Path,
    raw: bool,
    requantise: str,
    licence: str,
    display_score: float,
    loading: Mapping[str, Any],
) -> Request:
    if isinstance(source, Model) and loading:
        raise UsageError("A loaded model has its options already.", fix=f"Leave out: {', '.join(loading)}.")
    chosen = _recipes([to] if isinstance(to, str) else to)
    if not 0 <= display_score <= 1:
        raise UsageError(f"The display score {display_score} is not between 0 and 1.")
    if requantise not in ("", SYMMETRIC):
        raise UsageError(f"Weights cannot be requantised {requantise!r}.", fix=f"The only way is {SYMMETRIC}.")
    if requantise and not any(recipe.weights == "int8" for recipe in chosen):
        raise UsageError("Requantised weights are for int8.", fix="Add tflite-int8, or leave the option out.")
    return Request(
        source=source if isinstance(source, Model) else Path(source),
        recipes=chosen,
        out=out,
        loading=LoadOptions.of(loading),
        raw=raw,
        requantise=bool(requantise),
        licence=licence,
        display_score=display_score,
    )


def _recipes(names: Sequence[str]) -> tuple[Recipe, ...]:
    known = recipes()
    for name in names:
        if name not in known:
            raise UsageError(f"There is no recipe {name}.", fix=f"Recipes: {', '.join(known)}.")
    if not names:
        raise UsageError("No recipe was named.", fix=f"Recipes: {', '.join(known)}.")
    return tuple(known[name] for name in dict.fromkeys(names))


def _keys(request: Request) -> dict[str, str]:
    """Recipe → digest of everything that decides its artifact's bytes."""
    if isinstance(request.source, Model):
        model = request.source
        source: Any = [to_data(replace(model, root=Path("."))), model_file.sums(model.root, model.files)]
    else:
        if os.path.isdir(request.source):  # Path.is_dir raises where a name is too long
            _refuse_folder(request.source)
        # Unless the user names it, a model is called after its file, or after the folder of that
        folder = "" if request.loading.name else request.source.resolve().parent.name
        source = [file_data(request.source), folder]
    tools = [__version__, version("tensorflow") if request.needs_tensorflow else None]
    shared = [source, loading_data(request.loading), tools, request.raw, request.licence, request.display_score]
    return {
        recipe.name: digest([shared, to_data(recipe), request.requantise and recipe.weights == "int8"])
        for recipe in request.recipes
    }


def _refuse_folder(path: Path) -> None:
    from ..sources import inspect

    inspect(path)  # knows what kinds of folders there are, and raises
    raise UsageError(f"{path} is a folder.", fix="Give the file inside it.")


def _make(request: Request, keys: Mapping[str, str], progress: Progress) -> dict[str, Artifact]:
    """Artifacts for these keys (recipe → key), published."""
    out = request.out
    _expect_ours(out, keys)
    with contextlib.ExitStack() as stack:
        staged = stack.enter_context(system.staging(out))
        worker: Worker | None = None
        missing: MissingToolError | None = None
        if request.needs_tensorflow:
            from ..runtimes.tensorflow import tensorflow_worker

            try:
                worker = stack.enter_context(tensorflow_worker())
                progress("TensorFlow is starting; the source is read meanwhile")
            except MissingToolError as error:
                missing = error  # what is wrong with the source is said first
        model = _load(request, staged / MODEL)
        unchanged = _same_model(out, staged)
        if not unchanged:
            _expect_no_strangers(out, request)
        made = _convert(request, keys, model, staged, worker, missing, progress)
        system.publish_together(staged, out, [*([] if unchanged else [MODEL]), *made], stale=[REPORT])
    return {name: replace(artifact, root=out / name) for name, artifact in made.items()}


def _convert(
    request: Request,
    keys: Mapping[str, str],
    model: Model,
    staged: Path,
    worker: Worker | None,
    missing: MissingToolError | None,
    progress: Progress,
) -> dict[str, Artifact]:
    from ..targets import TargetOptions, convert, expect_possible

    options = TargetOptions(
        raw=request.raw,
        requantise=request.requantise,
        licence=request.licence,
        display_score=request.display_score,
    )
    wanted = [recipe for recipe in request.recipes if recipe.name in keys]
    for recipe in wanted:  # every refusal comes before the first conversion
        expect_possible(model, recipe, options)
    if missing is not None:
        raise missing
    made = {}
    for recipe in wanted:
        progress(f"{recipe.name}: converting")
        keyed = replace(options, key=keys[recipe.name])
        made[recipe.name] = convert(model, recipe, out=staged / recipe.name, options=keyed, worker=worker)
    return made


def _load(request: Request, folder: Path) -> Model:
    """The Model, stored in a new folder with the digests of its files."""
    if isinstance(request.source, Model):
        model = replace(request.source, root=folder)
        for name in model.files:
            system.write_file(folder / name, system.read_file(request.source.root / name))
        model_file.write(model)
        return model
    from ..sources import load

    return load(request.source, out=folder, **vars(request.loading))


def _same_model(out: Path, staged: Path) -> bool:
    return model_file.whole(out / MODEL) and system.read_file(out / MODEL / SUMS) == system.read_file(
        staged / MODEL / SUMS
    )


def _expect_ours(out: Path, names: Mapping[str, str]) -> None:
    """Raise UsageError where something that edgekit did not make would be replaced."""
    marks = {MODEL: model_file.NAME} | dict.fromkeys(names, manifest.NAME)
    for name, mark in marks.items():
        if os.path.exists(out / name) and not os.path.exists(out / name / mark):
            raise UsageError(
                f"{out / name} exists and was not made by edgekit.", fix="Choose another folder with -o, or move it."
            )


def _expect_no_strangers(out: Path, request: Request) -> None:
    """Raise UsageError where other artifacts would stay beside a Model that they were not made from."""
    names = {recipe.name for recipe in request.recipes}
    others = [root.name for root in manifest.find(out) if root != out and root.name not in names]
    if others:
        raise UsageError(
            f"{out} holds {', '.join(others)}, made from another source or with other options.",
            cause="All artifacts of a folder belong to one model.",
            fix=f"Add {' '.join(f'--to {name}' for name in others)}, or choose another folder with -o.",
        )
