"""The course of a verification: sample by sample through source and artifacts, and the proofs at its end."""

from __future__ import annotations

import os
import platform
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._version import __version__
from ..browser import Page
from ..runtimes.packages import version
from ..values.artifact import Artifact
from ..values.checks import Check
from ..values.model import Model
from ..values.proof import SAME, TRAINED, Proof, Reference, Size, TensorError, detections
from ..values.recipe import Limits, Recipe, recipes
from ..values.spec import FinalHead, ImageInput, RawHead
from ..values.support import requantises
from ..values.truth import TruthSet
from ..vision import images, preprocess
from . import Candidate, candidate, checks, tensors
from .accuracy import Accuracy, measure
from .references import AS_TRAINED, Opened, Treatment
from .trial import Judge, Observation, agreements, head_errors

CHUNK = 4  # samples that a job of the worker takes: fewer cost time, more cost memory


@dataclass(frozen=True, kw_only=True, eq=False)
class Course:
    """One artifact on its way. treatments: what the source undergoes, by reference name."""

    artifact: Artifact
    recipe: Recipe
    candidate: Candidate
    judge: Judge
    treatments: Mapping[str, Treatment]


def start(artifact: Artifact, model: Model, page: Page | None) -> Course:
    """An artifact and what it will be judged by; the selection is that of the artifact, which the user asked for."""
    recipe = recipes()[artifact.recipe]
    emulated = artifact.emulated and recipe.emulated is not None
    treatment = AS_TRAINED if emulated else recipe.treatment
    selection = artifact.spec.selection or model.spec.selection
    head = model.spec.head
    assert not isinstance(head, FinalHead)  # a source is always cut at its raw heads
    judge = Judge(
        spec=replace(model.spec, selection=selection, head=replace(head, activation="none")),
        anchors=np.load(model.root / head.anchors) if isinstance(head, RawHead) else None,
        limits=_limits(artifact, recipe, model),
        display_score=artifact.display_score,
    )
    return Course(
        artifact=artifact,
        recipe=recipe,
        candidate=candidate(artifact, page),
        judge=judge,
        treatments={
            SAME: Treatment(fake_quants=treatment, symmetric=requantises(model.quantisation, recipe)),
            TRAINED: Treatment(),
        },
    )


def _limits(artifact: Artifact, recipe: Recipe, model: Model) -> Limits:
    """Those that the artifact's making deserves."""
    if artifact.emulated and recipe.emulated:
        return recipe.emulated
    if model.quantisation.kind != "fake-quant" and recipe.rounded:
        return recipe.rounded
    return recipe.limits


def layers(course: Course, source: Opened, picture: Path) -> tuple[TensorError, ...]:
    """Errors of the inner tensors that source and artifact have in common, on one sample, in execution order."""
    tensor = _tensor(images.load(picture), course.artifact.spec.input)
    inner = course.candidate.inner(tensor)
    there = source.inner(course.treatments[SAME], list(inner), tensor)
    return tuple(
        tensors.tensor_error(name.split(";")[0], [tensors.compare(name, there[name], value)])
        for name, value in inner.items()
        if name in there and there[name].shape == value.shape
    )


def observe(
    courses: Sequence[Course], source: Opened, pictures: Sequence[Path], progress: Callable[[int, int], None] | None
) -> list[list[Observation]]:
    """Take the samples through the source and every artifact: for each course what every picture showed.

    Artifacts whose inputs are alike are fed the same tensors and share what the source says of them.
    """
    seen: list[list[Observation]] = [[] for _ in courses]
    groups: dict[ImageInput, list[tuple[Course, list[Observation]]]] = defaultdict(list)
    for course, observations in zip(courses, seen, strict=True):
        groups[course.artifact.spec.input].append((course, observations))
    for first in range(0, len(pictures), CHUNK):
        chunk = pictures[first : first + CHUNK]
        pixels = [images.load(picture) for picture in chunk]
        for image, members in groups.items():
            batch = np.concatenate([_tensor(one, image) for one in pixels])
            asked = dict.fromkeys(treatment for course, _ in members for treatment in course.treatments.values())
            said = {treatment: source.heads(treatment, batch) for treatment in asked}
            for course, observations in members:
                for row, picture in enumerate(chunk):
                    observations.append(_observe(course, picture, batch[row : row + 1], said, row))
        if progress:
            progress(first + len(chunk), len(pictures))
    return seen


def _observe(
    course: Course,
    picture: Path,
    tensor: NDArray[Any],
    said: Mapping[Treatment, Mapping[str, NDArray[Any]]],
    row: int,
) -> Observation:
    return course.judge.observe(
        picture,
        course.candidate.answer(tensor),
        course.candidate.heads(tensor),
        {
            name: {role: heads[row : row + 1] for role, heads in said[treatment].items()}
            for name, treatment in course.treatments.items()
        },
    )


def _tensor(pixels: images.Pixels, image: ImageInput) -> NDArray[np.float32]:
    """The very numbers that the artifact's stored input means, for the source to be fed with."""
    return preprocess.real(preprocess.tensor(pixels, image), image.encoding)


def conclude(
    course: Course,
    observations: Sequence[Observation],
    model: Model,
    source: Opened,
    inner: tuple[TensorError, ...],
    truths: TruthSet | None,
) -> Proof:
    """What follows from all samples."""
    artifact = course.artifact
    heads = {name: head_errors(observations, name) for name in course.treatments}
    found = agreements(observations, course.judge.tolerances)
    accuracy = _accuracy(course, observations, truths) if truths else Accuracy()
    return Proof(
        artifact=artifact.root,
        model=artifact.spec.name,
        recipe=artifact.recipe,
        sha256=artifact.sha256,
        labels=artifact.spec.labels,
        references=tuple(
            Reference(name=name, treatment=source.describe(treatment), engine=source.engine, source=model.source)
            for name, treatment in course.treatments.items()
        ),
        checks=(
            *course.candidate.checks(),
            *checks.head_checks(heads[SAME], course.judge.limits),
            *(check for one in found for check in checks.agreement_checks(one, course.judge.limits)),
            *_further_checks(course, observations, accuracy.figures, truths),
        ),
        agreements=found,
        heads=heads,
        layers=inner,
        pairs=tuple(observation.pair for observation in observations),
        operators=course.candidate.operators(),
        sizes=(*_sizes(artifact), Size(name=f"source, {model.file}", bytes=model.path.stat().st_size)),
        display_score=artifact.display_score,
        figures=accuracy.figures,
        classes=accuracy.classes,
        shares=accuracy.shares,
        assumptions=tuple(dict.fromkeys((*model.assumptions, *artifact.assumptions))),
        host={"machine": platform.platform(), "processor": platform.machine(), "cores": str(os.cpu_count())},
        tools={
            "edgekit": __version__,
            "Python": platform.python_version(),
            "numpy": np.__version__,
            "LiteRT": version("ai_edge_litert") or "absent",
            "TensorFlow": version("tensorflow") or "absent",
        },
    )


def _sizes(artifact: Artifact) -> Iterator[Size]:
    """The model with all of its shards first, then what lies beside it."""
    parts = [file for file in artifact.files if file.role in ("model", "shard")]
    shards = f" and {len(parts) - 1} shards" if len(parts) > 1 else ""
    yield Size(name=f"{artifact.path.name}{shards}", bytes=sum(file.bytes for file in parts))
    yield from (Size(name=file.path, bytes=file.bytes) for file in artifact.files if file not in parts)


def _further_checks(
    course: Course,
    observations: Sequence[Observation],
    figures: Mapping[str, Mapping[str, float]],
    truths: TruthSet | None,
) -> Iterator[Check]:
    if truths:
        yield checks.map_check(figures, course.recipe, len(truths.pictures))
    if course.judge.spec.selection:
        full = sum(observation.full for observation in observations)
        yield checks.saturation_check(full, len(observations), course.judge.spec.selection.max_detections)


def _accuracy(course: Course, observations: Sequence[Observation], truths: TruthSet) -> Accuracy:
    """Of the source under each treatment and of the artifact."""
    pairs = {observation.pair.picture: observation.pair for observation in observations}
    judged = [(pairs[truth.path], truth) for truth in truths.pictures]
    answers = {
        TRAINED: [(detections(pair.references[TRAINED]), truth) for pair, truth in judged],
        SAME: [(detections(pair.references[SAME]), truth) for pair, truth in judged],
        course.recipe.name: [(detections(pair.candidate), truth) for pair, truth in judged],
    }
    return measure(answers, course.artifact.spec, score=course.artifact.display_score)
