"""What a file must show before it is called converted: the types of its recipe, and an answer."""

from __future__ import annotations

import os
import pickle
import signal
import sys

import numpy as np
from numpy.typing import NDArray

from ..errors import ConversionError, EdgekitError
from ..formats.tflite import TfliteModel
from ..formats.tflite.audit import audit
from ..runtimes.litert import LitertSession
from ..system import run_module
from ..values.model import Model
from ..values.recipe import Recipe
from ..values.spec import ClassHead, FinalHead, ImageInput, ModelSpec, RawHead
from ..values.support import INTEGERS, name_some

SEED = 20
TIMEOUT = 300.0  # seconds; two pictures take one
NOT_OURS = "The source itself may be damaged, or made for another runtime."


def expect_kept(file: TfliteModel, model: Model, recipe: Recipe) -> None:
    """Raise ConversionError where the file's types, read operator by operator, are not those of the recipe.

    The converter never says when it leaves a part in floating point; only the file shows it.
    """
    found = audit(file)
    if recipe.activations in INTEGERS and (left := [op for op in found.floats if op.kind != "boundary"]):
        names = [f"{op.operator} {op.output!r}" for op in left]
        raise ConversionError(
            f"{model.spec.name} cannot become {recipe.name}: {name_some(names)} stayed in floating point.",
            cause="Its output has no range in the source, so there was nothing to quantise it with.",
            fix="Train with a fake-quant after it, or take tflite-f16 or tflite-f32.",
        )
    wanted = (recipe.weights, (recipe.activations,))
    other = [row for row in found.rows if row.weights and (row.weights, row.outputs) != wanted]
    if other:
        row = other[0]
        raise ConversionError(
            f"{model.spec.name} cannot become {recipe.name}: {row.count} × {row.operator} have {row.weights} weights "
            f"and {', '.join(row.outputs)} activations.",
            cause="The converter made another type than it was asked for.",
            fix="Take a recipe of those types.",
        )


def try_out(data: bytes, spec: ModelSpec, recipe: str) -> None:
    """Open and run a finished file with and without XNNPACK, on a picture of noise.

    Raises ConversionError where it does not load, answers in other shapes than its specification, or not finitely.
    """
    picture = noise(spec.input)
    for xnnpack in (True, False):
        how = "with XNNPACK" if xnnpack else "without XNNPACK"
        try:
            session = LitertSession(data, xnnpack=xnnpack)
            session.feed({spec.input.name: picture})
            session.invoke()
            _expect_answer(session.read(), spec)
        except ConversionError as error:
            raise ConversionError(
                f"{recipe}: the converted file does not run {how}. {error.what}", cause=error.cause, fix=error.fix
            ) from None


def try_out_apart(data: bytes, spec: ModelSpec, recipe: str) -> None:
    """As ``try_out``, in a process of its own: a file from anywhere may take LiteRT, and its process, down."""
    job = pickle.dumps((data, spec, recipe))
    try:
        code, answer, said = run_module(__name__, job, timeout=TIMEOUT)
    except TimeoutError:
        raise ConversionError(
            f"{recipe}: the converted file did not finish one picture within {TIMEOUT:g} s.", cause=NOT_OURS
        ) from None
    if code:
        last = said.strip().splitlines()[-1:]
        how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        raise ConversionError(
            f"{recipe}: LiteRT crashed on the converted file ({how}).", cause=" ".join([*last, NOT_OURS])
        )
    error: EdgekitError | None = pickle.loads(answer)
    if error is not None:
        raise error


def main() -> None:
    """The other process of ``try_out_apart``: a job on stdin, on stdout the error that it ended with, or None."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what LiteRT prints must not land in the answer
    error: EdgekitError | None = None
    try:
        try_out(*pickle.load(sys.stdin.buffer))
    except EdgekitError as raised:
        error = raised
    with answers:
        pickle.dump(error, answers)


def noise(image: ImageInput) -> NDArray[np.float32]:
    """A picture as a model takes it, the same each time."""
    shape = (1, image.height, image.width, image.channels)
    pixels = np.random.default_rng(SEED).integers(0, 256, shape)
    noise: NDArray[np.float32] = ((pixels - np.array(image.mean)) / np.array(image.std)).astype(np.float32)
    return noise


def _expect_answer(answer: dict[str, NDArray[np.float32]], spec: ModelSpec) -> None:
    match spec.head:
        case FinalHead(boxes=boxes, classes=classes, scores=scores, count=count):
            assert spec.selection is not None
            rows = spec.selection.rows
            shapes = {boxes: (1, rows, 4), classes: (1, rows), scores: (1, rows), count: (1,)}
        case RawHead(boxes=boxes, scores=scores, background=background):
            anchors = answer[boxes].shape[1] if boxes in answer else 0
            shapes = {boxes: (1, anchors, 4), scores: (1, anchors, spec.num_classes + background)}
        case ClassHead(scores=scores):
            shapes = {scores: (1, spec.num_classes)}
    got = {name: value.shape for name, value in answer.items()}
    if got != shapes:
        raise ConversionError(f"Expected outputs {shapes}, got {got}.")
    used = answer
    if isinstance(spec.head, FinalHead):  # the kernel leaves rows beyond the count as they were
        found = int(answer[spec.head.count][0])
        used = {name: value[:, :found] if value.ndim > 1 else value for name, value in answer.items()}
    broken = [name for name, value in used.items() if not np.isfinite(value).all()]
    if broken:
        raise ConversionError(f"{', '.join(broken)} are not finite numbers.")


if __name__ == "__main__":
    main()
