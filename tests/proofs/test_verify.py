"""Artifacts against their source, from folder to verdict."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgekit.errors import EdgekitError, StorageError, UsageError, UserDataError, VerificationError
from edgekit.formats import manifest
from edgekit.formats import model as model_file
from edgekit.proofs import SAMPLES, verify
from edgekit.report import html
from edgekit.values.codec import from_data
from edgekit.values.proof import SAME, TRAINED, Found, Proof
from edgekit.values.spec import RawHead

from . import folders, small


def outcomes(proof: Proof) -> dict[str, str]:
    return {check.name: check.outcome for check in proof.checks}


def test_the_same_file_with_post_processing_answers_exactly_alike(out: Path, samples: Path) -> None:
    (proof,) = verify(out, samples=samples)
    assert proof.outcome == "unsure"  # the list of five is full of confident answers
    assert outcomes(proof).pop("saturation") == "unsure"
    assert {outcome for name, outcome in outcomes(proof).items() if name != "saturation"} == {"pass"}
    for agreement in proof.agreements:
        assert agreement.judged == agreement.found > 0
        assert (agreement.ties, agreement.score, agreement.precision) == (0, 0.0, 1.0)
    assert all(error.snr is None for errors in proof.heads.values() for error in errors)
    assert [error.name for error in proof.layers] == ["rows", "boxes", "scores"]
    assert [(reference.name, reference.treatment) for reference in proof.references] == [
        (SAME, "as it is"),
        (TRAINED, "as it is"),
    ]


def test_the_proof_is_stored_and_can_be_read_back(out: Path, samples: Path) -> None:
    (proof,) = verify(out, samples=samples)
    data = json.loads((out / "tflite-uint8" / "verify.json").read_text())
    assert from_data(Proof, data) == proof
    assert json.loads((out / "tflite-uint8" / "manifest.json").read_text())["files"][0]["sha256"] == proof.sha256


def test_an_artifact_with_a_fault_fails_and_says_so_on_disk(out: Path, samples: Path) -> None:
    wrong = small.finished(small.raw(first_score=5))
    folders.write_artifact(out / "tflite-int8", wrong, small.spec())
    faulty, right = verify(out, samples=samples)
    assert (faulty.recipe, faulty.outcome, right.recipe) == ("tflite-int8", "fail", "tflite-uint8")
    assert outcomes(faulty)["raw scores"] == "fail"
    assert outcomes(faulty)["raw boxes"] == "pass"
    assert outcomes(faulty)[f"recall, {SAME}"] == outcomes(faulty)[f"precision, {SAME}"] == "fail"
    stored = from_data(Proof, json.loads((out / "tflite-int8" / "verify.json").read_text()))
    assert stored.outcome == "fail"


def test_one_artifact_can_be_named(out: Path, samples: Path) -> None:
    folders.write_artifact(out / "tflite-f32", small.finished(small.raw("float32")), small.spec("float32"))
    (proof,) = verify(out / "tflite-f32", samples=samples)
    assert proof.recipe == "tflite-f32"
    # The real numbers of a float input, up to 1, reach the uint8 source in steps of 1/128, the last of them 127/128
    assert all(0 < error.largest <= 1 / 128 for error in proof.heads[SAME])


def test_an_artifact_is_taken_as_the_value_that_it_is(out: Path, samples: Path) -> None:
    folders.write_artifact(out / "tflite-f32", small.finished(small.raw("float32")), small.spec("float32"))
    artifact = replace(manifest.read(out / "tflite-uint8"), display_score=0.9)
    (proof,) = verify(artifact, samples=[str(samples / "3.png"), samples / "1.png"])
    assert (proof.recipe, proof.display_score) == ("tflite-uint8", 0.9)
    assert [pair.picture.name for pair in proof.pairs] == ["3.png", "1.png"]
    assert not (out / "tflite-f32" / "verify.json").exists()


def test_a_raw_head_is_decoded_by_the_reader(out: Path, samples: Path) -> None:
    head = RawHead(boxes="boxes", scores="scores", anchors="anchors.f32")
    root = out / "tflite-uint8"
    (root / "model.tflite").write_bytes(small.raw())
    (root / "anchors.f32").write_bytes(small.ANCHORS.astype("<f4").tobytes())
    folders.write_manifest(root, replace(small.spec(), head=head))
    (proof,) = verify(out, samples=samples)
    assert {outcome for name, outcome in outcomes(proof).items() if name != "saturation"} == {"pass"}


def test_another_source_can_be_named(out: Path, samples: Path) -> None:
    other = folders.write_model(out / "other", "m.tflite", small.raw(first_score=5), small.spec(), small.ANCHORS)
    (proof,) = verify(out, samples=samples, against=other)
    assert proof.outcome == "fail"


def test_promised_types_are_read_off_the_file(out: Path, samples: Path) -> None:
    folders.write_artifact(out / "tflite-int8", small.finished(small.raw("float32")), small.spec("float32"))
    proof, _ = verify(out, samples=samples)
    (check,) = (check for check in proof.checks if check.name == "types")
    assert check.outcome == "fail"
    assert "1 RESHAPE (float32 → float32)" in check.sentence
    assert "2 SLICE (float32 → float32)" in check.sentence


def test_truth_gives_the_coco_figures_of_all_three(out: Path, samples: Path) -> None:
    """The truth is what the source finds first in each picture, so its mAP cannot be 0, and is not 1 either."""
    (proof,) = verify(out, samples=samples)
    best = [pair.references[TRAINED][0] for pair in proof.pairs]
    images = [{"id": i, "file_name": f"{i}.png", "width": 100, "height": 100} for i in range(5)]
    boxes = [_coco_box(i, found) for i, found in enumerate(best)]
    categories = [{"id": 10 + index, "name": label} for index, label in enumerate(small.LABELS)]
    truth = out / "truth.json"
    truth.write_text(json.dumps({"images": images, "annotations": boxes, "categories": categories}))
    (proof,) = verify(out, samples=samples, truth=truth)
    assert set(proof.figures) == {TRAINED, SAME, "tflite-uint8"}
    assert {len(figures) for figures in proof.figures.values()} == {12}
    assert proof.figures[TRAINED] == proof.figures["tflite-uint8"]
    assert 0.3 < proof.figures[TRAINED]["ap"] < 1
    assert outcomes(proof)["mAP"] == "pass"


def _coco_box(index: int, found: Found) -> dict[str, object]:
    assert found.box is not None
    left, top, right, bottom = (100 * edge for edge in found.box)
    box = [left, top, right - left, bottom - top]
    return {"id": index, "image_id": index, "category_id": 10 + found.index, "bbox": box, "area": box[2] * box[3]}


def test_truth_of_another_world_says_nothing(out: Path, samples: Path) -> None:
    images = [{"id": i, "file_name": f"{i}.png", "width": 100, "height": 100} for i in range(5)]
    boxes = [{"id": i, "image_id": i, "category_id": 7, "bbox": [0, 0, 2, 2], "area": 4} for i in range(5)]
    truth = out / "truth.json"
    categories = [{"id": 7, "name": "red"}]
    truth.write_text(json.dumps({"images": images, "annotations": boxes, "categories": categories}))
    (proof,) = verify(out, samples=samples, truth=truth)
    assert outcomes(proof)["mAP"] == "unsure"


def test_a_classifier_must_rank_the_same_class_first(tmp_path: Path, samples: Path) -> None:
    spec = small.classifier_spec()
    folders.write_model(tmp_path / "model", "model.tflite", small.classifier(), spec, np.empty((0, 4)))
    folders.write_artifact(tmp_path / "tflite-int8", small.classifier(reversed_rows=True), spec)
    folders.write_artifact(tmp_path / "tflite-uint8", small.classifier(), spec)
    faulty, right = verify(tmp_path, samples=samples)
    assert right.outcome == "pass"
    assert [(one.judged, one.found) for one in right.agreements] == [(5, 5), (5, 5)]
    assert outcomes(faulty)["raw scores"] == outcomes(faulty)[f"recall, {TRAINED}"] == "fail"
    page = html.render([faulty, right])
    assert "<img" not in page
    assert "Raw scores stray" in page


def test_samples_are_spread_evenly_and_limited(out: Path, samples: Path) -> None:
    seen: list[tuple[int, int]] = []
    (proof,) = verify(out, samples=samples, limit=2, progress=lambda done, total: seen.append((done, total)))
    assert [pair.picture.name for pair in proof.pairs] == ["0.png", "2.png"]
    assert seen == [(2, 2)]
    for index in range(40):
        Image.fromarray(np.full((4, 4, 3), index, np.uint8)).save(samples / f"more{index}.png")
    (proof,) = verify(out, samples=samples)
    assert len(proof.pairs) == SAMPLES


def test_a_silent_model_proves_nothing(out: Path, tmp_path: Path) -> None:
    Image.fromarray(np.zeros((4, 4, 3), np.uint8)).save(tmp_path / "black.png")
    (proof,) = verify(out, samples=tmp_path / "black.png")
    assert proof.outcome == "unsure"
    assert outcomes(proof)[f"recall, {TRAINED}"] == "unsure"


@pytest.mark.parametrize(
    ("damage", "kind", "said"),
    [
        ("empty", UsageError, "no artifact"),
        ("moved", UsageError, "--against"),
        ("unreadable source", StorageError, "other bytes"),
        ("deep source", StorageError, "other bytes"),
        ("no model.json", StorageError, "other bytes"),
        ("no anchors", StorageError, "other bytes"),
        ("no source bytes", StorageError, "other bytes"),
        ("damaged other model", StorageError, "other bytes"),
        ("cut anchors.f32", StorageError, "no whole number of anchors"),
        ("another source", UsageError, "another source"),
        ("changed file", StorageError, "model.tflite"),
        ("no pictures", UserDataError, "no pictures"),
        ("no picture", UserDataError, "not a picture"),
        ("limit", UsageError, "prove nothing"),
        ("other model", VerificationError, "shape"),
    ],
)
def test_what_cannot_be_verified_is_said(
    out: Path, samples: Path, damage: str, kind: type[EdgekitError], said: str
) -> None:
    arguments: dict[str, object] = {}
    if damage == "empty":
        (out / "tflite-uint8" / "manifest.json").unlink()
    elif damage == "moved":
        (out / "model").rename(out / "elsewhere")
    elif damage == "unreadable source":
        (out / "model" / "model.json").write_text('{"file": 3}')
    elif damage == "deep source":
        (out / "model" / "model.json").write_text("[" * 100_000)
    elif damage == "no model.json":
        (out / "model" / "model.json").unlink()
    elif damage == "no anchors":
        (out / "model" / "anchors.npy").unlink()
    elif damage == "no source bytes":
        (out / "model" / "model.tflite").write_bytes(b"")
    elif damage == "damaged other model":
        arguments["against"] = folders.write_model(out / "o", "m.tflite", small.raw(), small.spec(), small.ANCHORS)
        (out / "o" / "anchors.npy").unlink()
    elif damage == "cut anchors.f32":
        (out / "tflite-uint8" / "anchors.f32").write_bytes(bytes(15))
        head = RawHead(boxes="boxes", scores="scores", anchors="anchors.f32")
        folders.write_manifest(out / "tflite-uint8", replace(small.spec(), head=head))
    elif damage == "another source":
        model = model_file.read(out / "model")
        model_file.write(replace(model, source=replace(model.source, sha256="1" * 64)))
    elif damage == "changed file":
        with (out / "tflite-uint8" / "model.tflite").open("ab") as stream:
            stream.write(b"x")
    elif damage == "no pictures":
        for picture in samples.iterdir():
            picture.unlink()
    elif damage == "no picture":
        (samples / "0.png").write_text("no picture")
    elif damage == "limit":
        arguments["limit"] = 0
    elif damage == "other model":
        other = folders.write_model(out / "o", "m.tflite", small.raw(rows=5), small.spec(), small.ANCHORS[:5])
        arguments["against"] = other
    with pytest.raises(kind, match=said):
        verify(out, samples=samples, **arguments)  # type: ignore[arg-type]
    assert not (out / "tflite-uint8" / "verify.json").exists()


@pytest.mark.slow
@pytest.mark.real
def test_the_published_file_answers_as_the_published_graph(published: Path, real: Path) -> None:
    (proof,) = verify(published, samples=real / "photos")
    assert proof.outcome == "pass", [check.sentence for check in proof.checks if check.outcome != "pass"]
    assert proof.references[0].engine.startswith("TensorFlow")
    assert proof.agreements[0].judged > 30
    assert proof.agreements[1].judged > 10
    assert all(error.snr is not None and error.snr > 20 for error in proof.heads[SAME])
