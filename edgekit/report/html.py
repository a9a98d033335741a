"""One self-contained page: nothing is loaded from anywhere, so it can be mailed, kept, and read offline."""

import base64
import io
from collections.abc import Sequence
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray
from PIL import Image

from ..errors import EdgekitError
from ..system import write_file
from ..values.checks import overall
from ..values.proof import SAME, TRAINED, Found, Pair, Proof, detections
from ..vision.draw import draw
from ..vision.images import load
from ..vision.matching import match
from . import WORDS, plots, samples, size

PICTURES = 8  # pairs a recipe; the most different ones come first
SIDE = 560  # pixels of a picture's longer side in the page
QUALITY = 82  # of its JPEG
LISTED = 5  # answers named below a picture
MAP = "ap"
FIGURES = {
    "ap": "mAP, IoU .50 to .95",
    "ap50": "mAP, IoU .50",
    "ap75": "mAP, IoU .75",
    "ap_small": "mAP, small objects",
    "ap_medium": "mAP, medium objects",
    "ap_large": "mAP, large objects",
    "ar1": "recall, 1 detection a class",
    "ar10": "recall, 10 detections",
    "ar100": "recall, 100 detections",
    "ar_small": "recall, small objects",
    "ar_medium": "recall, medium objects",
    "ar_large": "recall, large objects",
}


def write(path: Path, proofs: Sequence[Proof]) -> None:
    """Write the page whole, or leave the old one. Raises StorageError where that is impossible."""
    write_file(path, render(proofs))


def render(proofs: Sequence[Proof]) -> str:
    """The page. Pictures that can no longer be read are left out, and the page says so."""
    outcomes = [proof.outcome for proof in proofs]
    return _template().render(
        title=proofs[0].model,
        outcome=overall(outcomes),
        words=WORDS,
        figure_words=FIGURES,
        summary=_summary(proofs, outcomes),
        has_figures=any(proof.figures for proof in proofs),
        pages=[_page(proof) for proof in proofs],
    )


@cache
def _template() -> jinja2.Template:
    text = resources.files(__package__).joinpath("report.html.j2").read_text("utf-8")
    return jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True).from_string(text)


def _summary(proofs: Sequence[Proof], outcomes: Sequence[str]) -> str:
    parts = [f"{outcomes.count(word)} {WORDS[word]}" for word in WORDS if word in outcomes]
    pictures = max(len(proof.pairs) for proof in proofs)
    recipes = "1 recipe" if len(proofs) == 1 else f"{len(proofs)} recipes"
    return f"{recipes}, {', '.join(parts)}. Checked on {samples(pictures)}."


def _page(proof: Proof) -> dict[str, Any]:
    trained = next((a for a in proof.agreements if a.reference == TRAINED), None)
    pictures, note = _pictures(proof)
    references = {reference.name: reference for reference in proof.references}
    scores = _score_pairs(proof)
    limit = next((check.limit for check in proof.checks if check.name == f"score, {TRAINED}"), None)
    return {
        "proof": proof,
        "size": size(proof.sizes[0].bytes),
        "found": f"{trained.found} of {trained.judged}" if trained else "—",
        "difference": f"{trained.score:.4f}" if trained and trained.found else "—",
        "map": _map(proof),
        "pictures": pictures,
        "pictures_note": note,
        "layers": Markup(plots.layer_errors(proof.layers)) if proof.layers else "",
        "layers_reference": f"under the {SAME}" if SAME in references else "as it is",
        "scores": Markup(plots.score_pairs(scores, limit)) if scores else "",
        "classes": list(dict.fromkeys(label for found in proof.classes.values() for label in found)),
        "figure_names": list(dict.fromkeys(name for figures in proof.figures.values() for name in figures)),
        "operator_count": sum(row.count for row in proof.operators),
        "sizes": [{"name": entry.name, "text": size(entry.bytes)} for entry in proof.sizes],
    }


def _map(proof: Proof) -> str:
    value = next((figures[MAP] for who, figures in proof.figures.items() if who == proof.recipe), None)
    return "—" if value is None else f"{value:.3f}"


def _pictures(proof: Proof) -> tuple[list[dict[str, Any]], str]:
    """The pairs that differ most, drawn, and a sentence about the choice."""
    if not proof.pairs or any(found.box is None for found in proof.pairs[0].candidate):
        return [], ""
    ranked = sorted(proof.pairs, key=lambda pair: -_difference(pair, proof.display_score))[:PICTURES]
    shown, gone = [], 0
    for pair in ranked:
        try:
            pixels = _shrink(load(pair.picture))
        except EdgekitError:
            gone += 1
            continue
        sides = [
            _side("source, as trained", pixels, pair.references[TRAINED], proof),
            _side(proof.recipe, pixels, pair.candidate, proof),
        ]
        shown.append({"name": pair.picture.name, "sides": sides})
    note = f"Detections from a score of {proof.display_score:g}."
    if len(proof.pairs) > len(ranked):
        note += f" The {len(ranked)} of {len(proof.pairs)} pictures whose answers differ most."
    if gone:
        note += f" {gone} more can no longer be read."
    return shown, note


def _difference(pair: Pair, floor: float) -> float:
    """Sum of score differences of what is drawn; an answer that one side lacks counts with its whole score."""
    left, right = (detections(found).above(floor) for found in (pair.references[TRAINED], pair.candidate))
    partners = dict(match(left, right, iou=0.5))
    lost = float(np.delete(left.scores, list(partners)).sum() + np.delete(right.scores, list(partners.values())).sum())
    return lost + sum(abs(float(left.scores[i] - right.scores[j])) for i, j in partners.items())


def _shrink(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    picture = Image.fromarray(pixels)
    picture.thumbnail((SIDE, SIDE))
    return np.asarray(picture)


def _side(caption: str, pixels: NDArray[np.uint8], found: Sequence[Found], proof: Proof) -> dict[str, Any]:
    shown = detections(found).above(proof.display_score)
    drawn = Image.fromarray(draw(pixels, shown, lambda index: _label(proof, index)))
    stream = io.BytesIO()
    drawn.save(stream, "JPEG", quality=QUALITY)
    names = [f"{_label(proof, one.index)} {one.score:.2f}" for one in found if one.score >= proof.display_score]
    rest = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    return {
        "caption": caption,
        "text": ", ".join(names[:LISTED]) + rest if names else "nothing",
        "uri": "data:image/jpeg;base64," + base64.b64encode(stream.getvalue()).decode(),
        "width": drawn.width,
        "height": drawn.height,
    }


def _label(proof: Proof, index: int) -> str:
    return proof.labels[index] if 0 <= index < len(proof.labels) else str(index)


def _score_pairs(proof: Proof) -> list[tuple[float, float, str]]:
    pairs = []
    for pair in proof.pairs:
        if any(one.box is None for one in (*pair.candidate, *pair.references[TRAINED])):
            continue
        left, right = detections(pair.references[TRAINED]), detections(pair.candidate)
        for i, j in match(left, right, iou=0.5):
            name = f"{_label(proof, int(left.classes[i]))} in {pair.picture.name}"
            pairs.append((float(left.scores[i]), float(right.scores[j]), name))
    return pairs
