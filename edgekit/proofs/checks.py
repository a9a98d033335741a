"""From measured figures to checks: each says its own sentence with value and limit."""

from collections.abc import Mapping, Sequence

from ..values.checks import Check
from ..values.proof import SAME, TRAINED, Agreement, TensorError
from ..values.recipe import Limits, Recipe

MAP = "ap"  # mean average precision over overlaps of .5 to .95, the first of the twelve COCO figures


def head_checks(errors: Sequence[TensorError], limits: Limits) -> list[Check]:
    """Whether the raw heads stay within the recipe's limits. errors: boxes and scores, or scores alone."""
    allowed = {"boxes": limits.boxes, "scores": limits.scores}
    return [
        at_most(
            f"raw {error.name}",
            error.relative,
            allowed[error.name],
            f"Raw {error.name} stray from the source under the {SAME} by {error.relative:.3%} of their range at most, "
            "one value of a thousand aside; "
            f"the limit is {allowed[error.name]:.3%}.",
            "of the range",
        )
        for error in errors
    ]


def agreement_checks(found: Agreement, limits: Limits) -> list[Check]:
    """Same treatment: is the conversion right? As trained: is the recipe good enough?"""
    if found.reference == TRAINED:
        return [*_answers(found, limits.trained_recall), *_score(found, limits.trained_score)]
    return [*_answers(found, limits.recall), *_score(found, limits.score), *_overlap(found, limits.iou)]


def _answers(found: Agreement, limit: float) -> list[Check]:
    """A side that gives no answers asks for none: then only the other side's are judged."""
    name = found.reference
    scoring = f" scoring {found.floor:g} or more" if found.floor else ""
    if not found.judged and not found.extra_judged:
        sentence = (
            f"Neither the artifact nor the source {_under(name)} gives answers{scoring} on these samples: "
            "nothing could be compared."
        )
        return [Check(name=f"recall, {name}", outcome="unsure", sentence=sentence, limit=limit)]
    result = []
    if found.judged:
        tied = f", {found.ties} of them through a box of equal rank" if found.ties else ""
        recall = (
            f"The artifact gives {found.found} of {found.judged} answers{scoring} of the source {_under(name)} "
            f"({found.recall:.2%}{tied}); the limit is {limit:.2%}."
        )
        result.append(at_least(f"recall, {name}", found.recall, limit, recall, "of the answers"))
    if found.extra_judged:
        extra = found.extra_judged - found.extra_found
        precision = (
            f"Of {found.extra_judged} answers{scoring} of the artifact, the source {_under(name)} lacks {extra} "
            f"({found.precision:.2%} agree); the limit is {limit:.2%}."
        )
        result.append(at_least(f"precision, {name}", found.precision, limit, precision, "of the answers"))
    return result


def _score(found: Agreement, limit: float) -> list[Check]:
    if not found.found:  # without a pair there is no difference that could be small
        return []
    sentence = (
        f"Scores differ from those of the source {_under(found.reference)} by {found.score:.4f} at most, "
        f"one answer of a hundred aside, and by {found.mean_score:.4f} on average; the limit is {limit:g}."
    )
    return [at_most(f"score, {found.reference}", found.score, limit, sentence, "score")]


def _overlap(found: Agreement, limit: float) -> list[Check]:
    if found.iou is None:
        return []
    sentence = (
        f"Boxes overlap those of the source {_under(found.reference)} by {found.iou:.4f} (IoU) or more, "
        f"one of a hundred aside; the limit is {limit:g}."
    )
    return [at_least(f"overlap, {found.reference}", found.iou, limit, sentence, "IoU")]


def map_check(figures: Mapping[str, Mapping[str, float]], recipe: Recipe, samples: int) -> Check:
    """How much accuracy the recipe costs on pictures whose truth is known."""
    before, after, limit = figures[TRAINED][MAP], figures[recipe.name][MAP], recipe.limits.trained_map_drop
    if before <= 0:
        why = "holds no object" if before < 0 else "has nothing in common with what the source finds"
        sentence = f"The truth of these {samples} pictures {why}: mAP says nothing. Are its labels those of the model?"
        return Check(name="mAP", outcome="unsure", sentence=sentence, limit=limit, unit="mAP drop")
    sentence = (
        f"mAP on {samples} pictures is {after:.4f}, that of the source {_under(TRAINED)} {before:.4f}: "
        f"a drop of {before - after:.4f}; the limit is {limit:g}."
    )
    return at_most("mAP", before - after, limit, sentence, "mAP drop")


def saturation_check(full: int, samples: int, max_detections: int) -> Check:
    """Whether the list of detections was long enough. A full list does not prove that something is missing."""
    if full:
        return Check(
            name="saturation",
            outcome="unsure",
            sentence=f"All {max_detections} places of the list are taken on {full} of {samples} pictures with scores "
            "from the display threshold up: there may be more to see. Convert with a larger --max-detections.",
            value=float(full),
            limit=0.0,
            unit="pictures",
        )
    return Check(
        name="saturation",
        outcome="pass",
        sentence=f"The list of {max_detections} detections was long enough on every picture: its last place never "
        "scored as high as what is displayed.",
        value=0.0,
        limit=0.0,
        unit="pictures",
    )


def at_most(name: str, value: float, limit: float, sentence: str, unit: str) -> Check:
    """Passes when value ≤ limit."""
    outcome = "pass" if value <= limit else "fail"
    return Check(name=name, outcome=outcome, sentence=sentence, value=value, limit=limit, unit=unit)


def at_least(name: str, value: float, limit: float, sentence: str, unit: str) -> Check:
    """Passes when value ≥ limit."""
    outcome = "pass" if value >= limit else "fail"
    return Check(name=name, outcome=outcome, sentence=sentence, value=value, limit=limit, unit=unit)


def _under(reference: str) -> str:
    return reference if reference == TRAINED else f"under the {reference}"
