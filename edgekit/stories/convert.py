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
from ..formats.tfjs import SHARD_SIZE, expect_shard_size
from ..formats.tfjs.rules import Rules
from ..runtimes.packages import version
from ..sources.options import LoadKeywords, LoadOptions
from ..targets import TargetOptions, expect_possible
from ..targets import convert as make_artifact
from ..values.artifact import Artifact
from ..values.codec import to_data
from ..values.model import Model
from ..values.recipe import Recipe, recipes
from ..values.show import Rows
from ..values.support import TFJS
from .cache import REPORT, digest, file_data, kept, loading_data

if TYPE_CHECKING:
    from ..browser import Page
    from ..runtimes.tensorflow import Worker

SYMMETRIC = "symmetric"
# Options that only one kind of recipe has a use for: field of TargetOptions, target, what the user calls it
OF_ONE_TARGET = (
    ("raw", "tflite", "--raw"),
    ("shard_size", "tfjs", "--shard-size"),
    ("hashed_shards", "tfjs", "--hash-shards"),
    ("rules", "tfjs", "--quantize"),
    ("emulate", "tfjs", "--emulate-activations"),
)

Progress = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Request:
    """Everything that decides what is made, checked. source: a file, or a Model that is loaded already."""

    source: Path | Model
    recipes: tuple[Recipe, ...]
    out: Path
    loading: LoadOptions
    options: TargetOptions

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
    shard_size: int = SHARD_SIZE,
    hashed_shards: bool = False,
    quantise: Sequence[str] = (),
    emulate_activations: bool = False,
    progress: Progress = lambda sentence: None,
    **options: Unpack[LoadKeywords],
) -> tuple[Artifact, ...]:
    """Artifacts of a source in OUT/<recipe>/, one a recipe, with the Model in OUT/model.

    source: a graph or .tflite file, or a Model. to: names of recipes. raw: leave post-processing out.
    requantise_weights: 'symmetric' is the only way, for int8 from asymmetric weight ranges. display_score: from which
    apps show an answer, in [0, 1]. Of TensorFlow.js alone: shard_size in bytes; hashed_shards: name shards by their
    content; quantise: 'PATTERN=float16|uint16|uint8|none' for single weights; emulate_activations: round activations as
    the fake-quants do. progress: called with a sentence for every step. options, as of ``load``: input,
    outputs, mean, std, anchors, activation, labels, groups, name, score, iou, max_detections,
    max_classes_per_detection, detections_per_class, regular.
    What OUT holds already, made from the same inputs by the same versions, is kept. All recipes share one TensorFlow
    process; a .tflite source needs none. Either all results are published or none.

    Raises UsageError, SourceError, UserDataError, ConversionError, MissingToolError, StorageError.
    """
    if requantise_weights not in ("", SYMMETRIC):
        raise UsageError(f"Weights cannot be requantised {requantise_weights!r}.", fix=f"The only way is {SYMMETRIC}.")
    chosen = TargetOptions(
        raw=raw,
        requantise=bool(requantise_weights),
        licence=licence,
        display_score=display_score,
        shard_size=shard_size,
        hashed_shards=hashed_shards,
        rules=tuple(quantise),
        emulate=emulate_activations,
    )
    request = _request(source, to, Path(out), chosen, options)
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
    source: Path | str | Model, to: str | Sequence[str], out: Path, options: TargetOptions, loading: Mapping[str, Any]
) -> Request:
    if isinstance(source, Model) and loading:
        raise UsageError("A loaded model has its options already.", fix=f"Leave out: {', '.join(loading)}.")
    chosen = _recipes([to] if isinstance(to, str) else to)
    if not 0 <= options.display_score <= 1:
        raise UsageError(f"The display score {options.display_score} is not between 0 and 1.")
    if options.requantise and not any(recipe.weights == "int8" for recipe in chosen):
        raise UsageError("Requantised weights are for int8.", fix="Add tflite-int8, or leave the option out.")
    _expect_used(options, {recipe.target for recipe in chosen})
    return Request(
        source=source if isinstance(source, Model) else Path(source),
        recipes=chosen,
        out=out,
        loading=LoadOptions.of(loading),
        options=options,
    )


def _expect_used(options: TargetOptions, targets: set[str]) -> None:
    """Raise UsageError for options that make no sense, or are of another target than those asked for."""
    expect_shard_size(options.shard_size)
    Rules.parse(options.rules)
    for name, target, what in OF_ONE_TARGET:
        if getattr(options, name) != getattr(TargetOptions, name) and target not in targets:
            raise UsageError(f"{what} is for {target} recipes.", fix=f"Add one of them with --to, or leave {what} out.")


def _mine(options: TargetOptions, recipe: Recipe) -> TargetOptions:
    """The options that say something to a recipe."""
    others = {name for name, target, _ in OF_ONE_TARGET if target != recipe.target}
    if recipe.weights != "int8":
        others.add("requantise")
    return replace(options, **{name: getattr(TargetOptions, name) for name in others})


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
    shared = [source, loading_data(request.loading), tools]
    return {
        recipe.name: digest([shared, to_data(recipe), to_data(_mine(request.options, recipe))])
        for recipe in request.recipes
    }


def _refuse_folder(path: Path) -> None:
    from ..sources import inspect

    inspect(path)  # knows what kinds of folders there are, and raises
    raise UsageError(f"{path} is a folder.", fix="Give the file inside it.")


@dataclass(frozen=True, kw_only=True)
class _Engines:
    """What the recipes need, starting in the background. missing: the first that is not installed."""

    worker: Worker | None = None
    browser: Page | None = None
    missing: MissingToolError | None = None


def _start(request: Request, keys: Mapping[str, str], stack: contextlib.ExitStack, progress: Progress) -> _Engines:
    """What is missing is no error yet: what is wrong with the source is said first."""
    started = _Engines()
    try:
        if request.needs_tensorflow:
            from ..runtimes.tensorflow import tensorflow_worker

            started = replace(started, worker=stack.enter_context(tensorflow_worker()))
            progress("TensorFlow is starting; the source is read meanwhile")
        if any(recipe.target == TFJS for recipe in request.recipes if recipe.name in keys):
            from ..runtimes.tfjs import tfjs_page

            started = replace(started, browser=stack.enter_context(tfjs_page()))
    except MissingToolError as error:
        return replace(started, missing=error)
    return started


def _make(request: Request, keys: Mapping[str, str], progress: Progress) -> dict[str, Artifact]:
    """Artifacts for these keys (recipe → key), published."""
    out = request.out
    _expect_ours(out, keys)
    with contextlib.ExitStack() as stack:
        staged = stack.enter_context(system.staging(out))
        engines = _start(request, keys, stack, progress)
        model = _load(request, staged / MODEL)
        unchanged = _same_model(out, staged)
        if not unchanged:
            _expect_no_strangers(out, request)
        made = _convert(request, keys, model, staged, engines, progress)
        system.publish_together(staged, out, [*([] if unchanged else [MODEL]), *made], stale=[REPORT])
    return {name: replace(artifact, root=out / name) for name, artifact in made.items()}


def _convert(
    request: Request,
    keys: Mapping[str, str],
    model: Model,
    staged: Path,
    engines: _Engines,
    progress: Progress,
) -> dict[str, Artifact]:
    wanted = [recipe for recipe in request.recipes if recipe.name in keys]
    for recipe in wanted:  # every refusal comes before the first conversion
        expect_possible(model, recipe, _mine(request.options, recipe))
    if engines.missing is not None:
        raise engines.missing
    made = {}
    for recipe in wanted:
        progress(f"{recipe.name}: converting")
        made[recipe.name] = make_artifact(
            model,
            recipe,
            out=staged / recipe.name,
            options=replace(_mine(request.options, recipe), key=keys[recipe.name]),
            worker=engines.worker,
            browser=engines.browser,
        )
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
