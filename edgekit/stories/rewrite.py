"""A TensorFlow.js model becomes one again: other types of weights, other shards, other names. No TensorFlow is needed.

The graph stays as it is. What types cost in precision once is not regained, and every note says where that is so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

from .. import system
from .._version import __version__
from ..errors import EdgekitError, UsageError
from ..formats import manifest, tfjs
from ..formats import model as model_file
from ..formats.tfjs import SHARD_SIZE, expect_shard_size, reader
from ..formats.tfjs.layers import channels
from ..formats.tfjs.recast import Recast, recast
from ..formats.tfjs.rules import Rules
from ..formats.tfjs.writer import encode
from ..targets import parts
from ..values.artifact import Artifact, File
from ..values.model import Source
from ..values.recipe import Recipe, recipes
from ..values.show import Rows, Shown
from ..values.support import TFJS
from .cache import REPORT

MAKER = "edgekit"  # begins convertedBy of a model that was written here

Progress = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Rewritten(Shown):
    """root: folder of model.json, shards and, where the source had one, a manifest. notes: what was kept and lost."""

    brief: ClassVar[tuple[str, ...]] = ("recipe", "root", "notes")

    root: Path
    recipe: str
    files: tuple[File, ...]
    notes: tuple[str, ...] = ()

    @property
    def path(self) -> Path:
        return self.root / tfjs.NAME


@dataclass(frozen=True, kw_only=True)
class Request:
    """Everything that decides what is made, checked. artifact: where the source is one of edgekit's."""

    model: reader.GraphModel
    artifact: Artifact | None
    recipes: tuple[Recipe, ...]
    out: Path
    shard_size: int
    hashed: bool
    rules: Rules


def rewrite(
    source: Path | str,
    *,
    to: str | Sequence[str],
    out: Path | str,
    shard_size: int = SHARD_SIZE,
    hashed_shards: bool = False,
    quantise: str | Sequence[str] = (),
    progress: Progress = lambda sentence: None,
) -> tuple[Rewritten, ...]:
    """A TensorFlow.js graph model, whoever wrote it, under other recipes, in OUT/<recipe>/.

    source: its model.json, or the folder with it. to: names of recipes, tfjs-f32, tfjs-f16, tfjs-uint16, tfjs-uint8.
    shard_size: bytes. hashed_shards: names of shards carry the digest of their content. quantise: rules
    PATTERN=float16|uint16|uint8|none over the names of weights, of which the last that fits wins.
    A layer that uint8 would spoil stays float16, and integers that are there already are not rounded anew without need;
    the notes name both. An artifact stays one: labels, anchors and manifest come along. Either all results are
    published or none.

    Raises UsageError, SourceError, StorageError.
    """
    request = _request(Path(source), to, Path(out), shard_size, hashed_shards, quantise)
    names = [recipe.name for recipe in request.recipes]
    _expect_ours(request.out, names)
    _expect_no_strangers(request.out, names, request.artifact.source if request.artifact else None)
    made = []
    with system.staging(request.out) as staged:
        for recipe in request.recipes:
            progress(f"{recipe.name}: rewriting")
            made.append(_make(request, recipe, staged / recipe.name))
        stale = [REPORT] if any(_artifact(request.out / name) for name in names) else []
        system.publish_together(staged, request.out, names, stale=stale)
    return Rows(replace(one, root=request.out / one.recipe) for one in made)


def _request(
    source: Path, to: str | Sequence[str], out: Path, shard_size: int, hashed: bool, quantise: str | Sequence[str]
) -> Request:
    chosen = _recipes([to] if isinstance(to, str) else to)
    expect_shard_size(shard_size)
    rules = Rules.parse([quantise] if isinstance(quantise, str) else quantise)
    path = tfjs.find(source)
    if path is None:
        raise UsageError(
            f"{source} is no TensorFlow.js model.",
            fix="Give its model.json, or the folder with it; or edgekit.convert.",
        )
    if any((out / recipe.name).resolve() == path.parent.resolve() for recipe in chosen):
        raise UsageError(
            f"{path.parent} would be replaced by what is made of it.", fix="Choose another folder with -o."
        )
    model = reader.read(path)
    rules.expect_used(weight.name for weight in model.weights if weight.dtype == "float32")
    artifact = _artifact(path.parent)
    if artifact is not None and artifact.path != path:
        artifact = None
    if artifact is not None:
        manifest.check(artifact)
    return Request(
        model=model,
        artifact=artifact,
        recipes=chosen,
        out=out,
        shard_size=shard_size,
        hashed=hashed,
        rules=rules,
    )


def _recipes(names: Sequence[str]) -> tuple[Recipe, ...]:
    known = {name: recipe for name, recipe in recipes().items() if recipe.target == TFJS}
    fix = f"Recipes: {', '.join(known)}."
    if not names:
        raise UsageError("No recipe was named.", fix=fix)
    for name in names:
        if name not in known:
            raise UsageError(f"A TensorFlow.js model cannot become {name}: it can only become one again.", fix=fix)
    return tuple(known[name] for name in dict.fromkeys(names))


def _artifact(folder: Path) -> Artifact | None:
    """The artifact in a folder; None where there is none, or the manifest of a web app, which has the same name."""
    path = folder / manifest.NAME
    if not path.is_file() or b'"edgekit"' not in system.read_file(path, limit=manifest.MAX_BYTES):
        return None
    return manifest.read(folder)


def _make(request: Request, recipe: Recipe, folder: Path) -> Rewritten:
    model = request.model
    found = recast(reader.stored(model), recipe.weights, request.rules, channels(model.topology))
    files = parts.write(folder, parts.web(_encode(request, found)) | _companions(request.artifact))
    if request.artifact is not None:
        artifact = replace(
            request.artifact,
            root=folder,
            recipe=recipe.name,
            files=files,
            tools={**request.artifact.tools, "edgekit": __version__},
            key="",  # nothing that convert would know again
            assumptions=tuple(dict.fromkeys((*request.artifact.assumptions, *found.notes))),
        )
        manifest.write(artifact)
    return Rewritten(root=folder, recipe=recipe.name, files=files, notes=found.notes)


def _encode(request: Request, found: Recast) -> Mapping[str, bytes]:
    model = request.model
    return encode(
        model.topology,
        found.stored,
        signature=model.signature,
        shard_size=request.shard_size,
        hashed=request.hashed,
        metadata=model.metadata,
        generated_by=model.generated_by,
        converted_by=f"{MAKER} {__version__}",
        others=model.others,
    )


def _companions(artifact: Artifact | None) -> dict[str, tuple[str, bytes]]:
    """Labels, anchors and what else lies in an artifact besides the model: name → role and content."""
    if artifact is None:
        return {}
    others = [file for file in artifact.files if file.role not in ("model", "shard")]
    return {file.path: (file.role, system.read_file(artifact.root / file.path)) for file in others}


def _expect_ours(out: Path, names: Sequence[str]) -> None:
    """Raise UsageError where something that edgekit did not make would be replaced."""
    for folder in (out / name for name in names):
        if folder.exists() and not _is_ours(folder):
            raise UsageError(
                f"{folder} exists and was not made by edgekit alone.", fix="Choose another folder with -o, or move it."
            )


def _is_ours(folder: Path) -> bool:
    """An artifact; or a model whose converter was edgekit, with its shards and nothing besides."""
    try:
        if _artifact(folder) is not None:
            return True
        model = reader.describe(folder / tfjs.NAME)
    except EdgekitError:
        return False
    known = {tfjs.NAME, *(shard.path for shard in model.shards)}
    return model.converted_by.startswith(MAKER) and {entry.name for entry in folder.iterdir()} <= known


def _expect_no_strangers(out: Path, names: Sequence[str], source: Source | None) -> None:
    """Raise UsageError where artifacts of another model would stay beside the new ones. source: of the new ones."""
    there = [artifact for root in manifest.find(out) if root != out and (artifact := _artifact(root))]
    others = [one.recipe for one in there if one.root.name not in names and one.source != source]
    cut = out / model_file.MODEL
    if (cut / model_file.NAME).is_file() and model_file.read(cut).source != source:
        others.append(model_file.MODEL)
    if others:
        raise UsageError(
            f"{out} holds {', '.join(others)}, made from another source.",
            cause="All artifacts of a folder belong to one model.",
            fix="Choose another folder with -o.",
        )
