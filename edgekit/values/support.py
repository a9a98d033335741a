"""Which source can go to which recipe, and why not: one answer for inspect, convert and the documentation."""

from collections.abc import Sequence
from dataclasses import dataclass

from .model import Quantisation
from .recipe import Recipe

TFJS = "tfjs"  # a recipe's target
INTEGERS = ("uint8", "int8")
NAMED = 4  # layers that a sentence names before it counts the rest
REQUANTISE = "--requantise-weights symmetric"


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """why: what stands against the recipe. fix: the way out. requantise: whether REQUANTISE is that way."""

    why: str
    fix: str
    requantise: bool = False


def refusal(quantisation: Quantisation, recipe: Recipe) -> Refusal | None:
    """Why a source of this quantisation cannot become this recipe; None where it can."""
    if quantisation.weights:
        return _stored(quantisation, recipe)
    if recipe.target == TFJS:
        return None
    if recipe.activations not in INTEGERS:
        return None
    if quantisation.kind != "fake-quant":
        return Refusal(
            why="The graph has no fake-quants, so nothing says in which range its tensors lie.",
            fix="Train it quantisation-aware (graph_rewriter in the pipeline), or take tflite-f16 or tflite-f32.",
        )
    if quantisation.missing:
        return Refusal(
            why=f"No complete ranges: {name_some(quantisation.missing)} would stay float.",
            fix="Train on with fake-quants on every layer, or take tflite-f16 or tflite-f32.",
        )
    if recipe.weights == "int8" and not quantisation.symmetric:
        return Refusal(
            why="Weight ranges are asymmetric; int8 kernels need a zero point of 0.",
            fix=f"Add {REQUANTISE} (verify shows what it costs), or take tflite-uint8.",
            requantise=True,
        )
    return None


def requantises(quantisation: Quantisation, recipe: Recipe) -> bool:
    """Whether the recipe can only be had by rounding the source's weights anew."""
    against = refusal(quantisation, recipe)
    return against is not None and against.requantise


def _stored(quantisation: Quantisation, recipe: Recipe) -> Refusal | None:
    if recipe.target == TFJS:
        return Refusal(
            why="A finished .tflite does not become a TensorFlow.js model.",
            fix="Give the graph that it was converted from.",
        )
    have = (quantisation.weights, quantisation.activations)
    if have == (recipe.weights, recipe.activations):
        return None
    return Refusal(
        why=f"The file stores {have[0]} weights and {have[1]} activations; a finished .tflite keeps the types it has.",
        fix="Give the graph that it was converted from.",
    )


def display_name(name: str) -> str:
    """A file's name as text that can be stored and shown: bytes that are no UTF-8 become question marks."""
    return name.encode("utf-8", "replace").decode()


def name_some(names: Sequence[str]) -> str:
    """'a, b and 3 more'."""
    shown = ", ".join(names[:NAMED])
    return shown if len(names) <= NAMED else f"{shown} and {len(names) - NAMED} more"
