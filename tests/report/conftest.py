"""A proof that is made from small real arrays: two pictures, a source, and an artifact that strays a little."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgekit.proofs import agreement, checks, tensors
from edgekit.proofs.trial import found
from edgekit.values.answers import Detections
from edgekit.values.checks import Check
from edgekit.values.model import Source
from edgekit.values.proof import SAME, TRAINED, OperatorRow, Pair, Proof, Reference, Size, TensorError
from edgekit.values.recipe import recipes
from edgekit.values.spec import Selection

LABELS = ("cat", "dog <script>alert(1)</script>", "bird & 'b\"ee'")


@pytest.fixture
def proof(tmp_path: Path) -> Proof:
    """Recipe tflite-uint8; the second picture holds a detection that the artifact lost, so a check fails."""
    rng = np.random.default_rng(7)
    recipe, selection = recipes()["tflite-uint8"], Selection(score=0.01)
    pairs, there, back, sums = [], [], [], []
    for index in range(2):
        picture = tmp_path / f"picture {index}.png"
        Image.fromarray(rng.integers(0, 255, (240, 320, 3), np.uint8)).save(picture)
        source = _detections(rng)
        given = _strayed(source, rng, lost=index)
        pool = agreement.Pool(boxes=source.boxes, scores=np.eye(3, dtype=np.float32)[source.classes])
        tolerance = agreement.Tolerance(score=0.05, iou=0.5)
        there.append(agreement.judge(source, given, pool, selection, tolerance))
        back.append(agreement.judge(given, source, pool, selection, tolerance))
        stored = {SAME: found(source), TRAINED: found(source)}
        pairs.append(Pair(picture=picture, candidate=found(given), references=stored))
        head = rng.normal(size=(20, 4))
        sums.append(tensors.compare("boxes", head, head + rng.normal(scale=0.01, size=head.shape)))
    agreements = tuple(agreement.agreement(name, 0.0, there, back) for name in (SAME, TRAINED))
    boxes = tensors.tensor_error("boxes", sums)
    return Proof(
        artifact=tmp_path / "tflite-uint8",
        model="shelf",
        recipe=recipe.name,
        sha256="ab" * 32,
        labels=LABELS,
        references=tuple(_reference(name) for name in (SAME, TRAINED)),
        checks=(
            Check(name="loads", outcome="pass", sentence="LiteRT loads and runs the file, with and without XNNPACK."),
            *checks.head_checks([boxes], recipe.limits),
            *(check for one in agreements for check in checks.agreement_checks(one, recipe.limits)),
            checks.saturation_check(1, 2, 10),
        ),
        agreements=agreements,
        heads={SAME: (boxes,), TRAINED: (boxes,)},
        layers=tuple(_layer(rng, place) for place in range(31)),
        pairs=tuple(pairs),
        operators=(
            OperatorRow(name="CONV_2D", version=3, types="uint8 × uint8 → uint8", kind="integer", count=34, macs=10**9),
            OperatorRow(name="EXP", version=1, types="float32 → float32", kind="float", count=1, macs=0),
        ),
        sizes=(Size(name="model.tflite", bytes=4_199_536), Size(name="source, graph.pb", bytes=16_486_863)),
        display_score=0.5,
        figures={TRAINED: {"ap": 0.213, "ap_small": -1.0}, recipe.name: {"ap": 0.209, "ap_small": -1.0}},
        assumptions=("Pixels are normalised with mean 127.5 and std 127.5.",),
        host={"machine": "Linux-x86_64"},
        tools={"edgekit": "0"},
    )


def _detections(rng: np.random.Generator) -> Detections:
    corner, side = rng.uniform(0, 0.6, (4, 2)), rng.uniform(0.2, 0.4, (4, 2))
    return Detections(
        boxes=np.hstack([corner, corner + side]).astype(np.float32),
        scores=np.array([0.92, 0.81, 0.66, 0.3], np.float32),
        classes=np.array([0, 1, 2, 0], np.int64),
    )


def _strayed(source: Detections, rng: np.random.Generator, *, lost: int) -> Detections:
    kept = slice(lost, None)
    return Detections(
        boxes=(source.boxes + rng.normal(scale=0.001, size=source.boxes.shape).astype(np.float32))[kept],
        scores=(source.scores - 0.004)[kept],
        classes=source.classes[kept],
    )


def _reference(name: str) -> Reference:
    source = Source(kind="tf1-frozen", name="tflite_graph.pb", sha256="cd" * 32)
    return Reference(name=name, treatment="simulate", engine="TensorFlow 2.21.0, CPU", source=source)


def _layer(rng: np.random.Generator, place: int) -> TensorError:
    values = np.maximum(rng.normal(size=(8, 8, 4)), 0)
    noise = rng.normal(scale=0.002 * (1 + place / 4), size=values.shape) if place != 3 else 0.0
    name = f"FeatureExtractor/MobilenetV1/Conv2d_{place}/act_quant"
    return tensors.tensor_error(name, [tensors.compare(name, values, values + noise)])
