"""What a conversion is asked for. Recipes are data (recipes.json); their names state the result."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from .codec import from_data
from .show import Shown
from .spec import expect


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How far a converted model may stray. docs/verify.md says how each figure was measured.

    boxes, scores: largest error of the raw heads against the source under the same treatment, as a
    fraction of that tensor's range. recall, score, iou: of matched detections against the same reference;
    trained_*: against the source as trained, for answers from the display score up.
    """

    boxes: float
    scores: float
    recall: float
    score: float
    iou: float
    trained_recall: float
    trained_score: float
    trained_map_drop: float


@dataclass(frozen=True, kw_only=True)
class Recipe(Shown):
    """name; target: a kind of targets/; weights, activations: dtypes that the file must really have;
    io: dtype of the input; treatment: what becomes of the source's fake-quants (simulate, clip);
    emulated: limits where their rounding is kept all the same; rounded: where the source has no grids for its weights,
    so that they are rounded anew. None: nothing else than limits."""

    name: str
    target: str
    weights: str
    activations: str
    io: str
    treatment: str
    limits: Limits
    emulated: Limits | None = None
    rounded: Limits | None = None

    def __post_init__(self) -> None:
        expect(self.treatment in ("simulate", "clip"), "treatment", "simulate or clip", self.treatment)


@cache
def recipes() -> Mapping[str, Recipe]:
    """All recipes by name."""
    text = Path(__file__).with_name("recipes.json").read_text("utf-8")
    return {entry["name"]: from_data(Recipe, entry) for entry in json.loads(text)}
