"""``detect``: what is found is where it is and named as it should be, whatever is looked at."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import edgekit
from edgekit.errors import EdgekitError, SourceError, StorageError, UsageError, UserDataError
from edgekit.formats import manifest
from edgekit.stories.detect import counts, detect
from edgekit.stories.footage import Shot, destinations
from edgekit.stories.metadata import set_metadata
from edgekit.stories.subject import DISPLAY_SCORE
from edgekit.values.answers import Classification, Detections
from edgekit.values.sighting import Seen, Sighting
from edgekit.vision import images
from edgekit.vision.draw import colour

from . import quarters

pytest.importorskip("ai_edge_litert")


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return quarters.artifact(tmp_path / "out" / "tflite-uint8").root


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    return save(tmp_path / "photo.png", "black", "red", "blue", "black")


def save(path: Path, *colours: str, scale: int = 1) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = quarters.picture(*colours, width=40 * scale, height=20 * scale)
    path.write_bytes(images.encode(pixels, path.suffix))
    return path


def found(seen: Seen | Sighting) -> list[tuple[str, float, list[float]]]:
    sighting = seen.sightings[0] if isinstance(seen, Seen) else seen
    answer = sighting.answer
    assert isinstance(answer, Detections)
    names = [quarters.LABELS[index] for index in answer.classes]
    return list(zip(names, [round(score, 4) for score in answer.scores.tolist()], answer.boxes.tolist(), strict=True))


RED = ("red", 1.0, [0.5, 0.0, 1.0, 0.5])
BLUE = ("blue", 0.8, [0.0, 0.5, 0.5, 1.0])


def test_an_artifact_answers_with_its_own_labels_and_score(model: Path, photo: Path) -> None:
    seen = detect(model, photo)
    assert found(seen) == [RED]
    assert (seen.sightings[0].width, seen.sightings[0].height, seen.score) == (40, 20, 0.85)
    assert found(detect(model, photo, score=0.5)) == [RED, BLUE]


def test_the_folder_above_a_single_artifact_will_do_but_not_above_two(model: Path, photo: Path) -> None:
    assert found(detect(model.parent, photo)) == [RED]
    quarters.artifact(model.parent / "second")
    with pytest.raises(UsageError, match="2 converted models"):
        detect(model.parent, photo)
    with pytest.raises(UsageError, match="no converted model"):
        detect(model.parent.parent, photo)


def test_an_artifact_is_taken_as_the_value_that_it_is(model: Path, photo: Path) -> None:
    artifact = manifest.read(model)
    assert found(edgekit.detect(replace(artifact, display_score=0.5), photo)) == [RED, BLUE]
    (model / "model.tflite").write_bytes(b"")
    with pytest.raises(StorageError, match="0 bytes"):
        edgekit.detect(artifact, photo)


def test_a_raw_head_is_decoded_with_the_anchors_beside_it(tmp_path: Path, photo: Path) -> None:
    made = quarters.artifact(tmp_path / "raw", raw=True)
    assert found(detect(made.root, photo, score=0.5)) == [RED, BLUE]


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (3, 1, 0, 2), (2, 0, 3, 1)])
def test_a_foreign_file_is_understood_by_its_ports(tmp_path: Path, photo: Path, order: tuple[int, ...]) -> None:
    path = tmp_path / "foreign.tflite"
    path.write_bytes(quarters.detector(order=order))
    assert found(detect(path, photo, mean=(0,), std=(255,))) == [RED, BLUE]
    assert found(detect(path, photo, mean=0, std=255.0)) == [RED, BLUE]


def test_a_uint8_file_takes_pixels_and_says_so_and_a_float_one_asks(tmp_path: Path, photo: Path) -> None:
    path = tmp_path / "foreign.tflite"
    path.write_bytes(quarters.detector("uint8"))
    seen = detect(path, photo)
    assert found(seen) == [RED, BLUE]
    assert "pixels are fed unchanged" in seen.notes[0]
    path.write_bytes(quarters.detector())
    with pytest.raises(UsageError, match=r"--mean 127\.5 --std 127\.5"):
        detect(path, photo)
    with pytest.raises(UsageError, match="--std"):
        detect(path, photo, mean=(0,))


def test_a_file_is_asked_with_the_threshold_of_its_metadata(tmp_path: Path, photo: Path) -> None:
    path = tmp_path / "foreign.tflite"
    path.write_bytes(quarters.detector("uint8"))
    assert detect(path, photo).score == DISPLAY_SCORE
    set_metadata(path, score_threshold=0.9)
    seen = detect(path, photo)
    assert (round(seen.score, 6), found(seen)) == (0.9, [RED])
    assert found(detect(path, photo, score=0.5)) == [RED, BLUE]


def test_labels_of_a_file_must_fit(tmp_path: Path, photo: Path) -> None:
    path, labels = tmp_path / "foreign.tflite", tmp_path / "labels.txt"
    path.write_bytes(quarters.detector("uint8"))
    labels.write_text("background\nred\ngreen\nblue\n")
    seen = detect(path, photo, labels=labels)
    assert seen.spec.labels == quarters.LABELS
    assert "background" in seen.notes[-1]
    labels.write_text("red\n")
    with pytest.raises(UserDataError, match="has 1 labels, the model has 3 classes"):
        detect(path, photo, labels=labels)


def test_a_classifier_gives_its_best_classes(tmp_path: Path) -> None:
    path = tmp_path / "classes.tflite"
    path.write_bytes(quarters.classifier())
    photo = save(tmp_path / "a.png", "green", "green", "green", "green")
    seen = detect(path, photo, mean=(0,), std=(255,))
    answer = seen.sightings[0].answer
    assert isinstance(answer, Classification)
    assert (answer.classes[0], round(float(answer.scores[0]), 4)) == (1, round(230 / 255, 4))
    for call in (lambda: detect(path, photo, mean=(0,), std=(255,), out=tmp_path / "x"), lambda: counts(seen)):
        with pytest.raises(UsageError, match="classifier"):
            call()


@pytest.mark.parametrize(
    ("name", "data", "error"),
    [
        ("raw.tflite", quarters.detector(postprocess=False), SourceError),
        ("graph.pb", b"\n", UsageError),
        ("empty.tflite", b"", SourceError),
        ("cut.tflite", quarters.detector()[:300], SourceError),
    ],
)
def test_what_cannot_be_run_is_refused(tmp_path: Path, photo: Path, name: str, data: bytes, error: type) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(error):
        detect(tmp_path / name, photo)


def test_a_web_model_is_refused(model: Path, photo: Path) -> None:
    (model / "model.tflite").rename(model / "model.json")
    path = model / manifest.NAME
    path.write_text(path.read_text().replace("model.tflite", "model.json"))
    with pytest.raises(UsageError, match="is a web model, which runs in a browser"):
        detect(model, photo)


def test_a_damaged_artifact_is_refused(model: Path, photo: Path) -> None:
    with (model / "model.tflite").open("r+b") as stream:
        stream.write(b"x")
    with pytest.raises(StorageError, match="other bytes"):
        detect(model, photo)


def test_folders_patterns_and_order(model: Path, tmp_path: Path) -> None:
    for name in ("b.png", "a.jpg", "below/c.bmp"):
        save(tmp_path / "shelf" / name, "red", "black", "black", "black")
    (tmp_path / "shelf" / "notes.txt").write_text("not a picture")
    folder = tmp_path / "shelf"
    whole = ["a.jpg", "b.png", "below/c.bmp"]
    assert sources(detect(model, folder), folder) == whole
    assert sources(detect(model, [f"{folder}/*.png", f"{folder}/**/*.bmp"]), folder) == ["b.png", "below/c.bmp"]
    for inputs in ([], [tmp_path / "none.png"], [f"{folder}/*.gif"]):
        with pytest.raises(UsageError):
            detect(model, inputs)
    (tmp_path / "bare").mkdir()
    with pytest.raises(UserDataError, match="no pictures"):
        detect(model, tmp_path / "bare")


def sources(seen: Seen, folder: Path) -> list[str]:
    return [Path(sighting.source).relative_to(folder).as_posix() for sighting in seen.sightings]


def test_annotated_pictures_show_the_box_and_go_where_they_should(model: Path, tmp_path: Path) -> None:
    colours = ("black", "black", "black", "red")
    shelf = [save(tmp_path / name, *colours, scale=10) for name in ("one/a.png", "two/a.png")]
    seen = detect(model, shelf, out=tmp_path / "boxes")
    places = [sighting.annotated for sighting in seen.sightings]
    assert places == [tmp_path / "boxes" / "a.png", tmp_path / "boxes" / "a-2.png"]
    for source, place in zip(shelf, places, strict=True):
        assert place is not None
        before, after = images.load(source), images.load(place)
        assert after[150, 200].tolist() == after[199, 300].tolist() == list(colour(0))  # left and lower edge of the box
        changed = (before != after).any(axis=2)
        assert not changed[:, :199].any()  # the left half, where nothing was found, is as it was
        assert not changed[110:190, 210:390].any()  # and so is what stands in the box
    single = detect(model, shelf[0], out=tmp_path / "single.jpg")
    assert single.sightings[0].annotated == tmp_path / "single.jpg"
    assert images.load(tmp_path / "single.jpg").shape == (200, 400, 3)


def test_no_input_is_overwritten_and_no_output_is_ambiguous(model: Path, tmp_path: Path) -> None:
    first, second = (save(tmp_path / name, "red", "black", "black", "black") for name in ("a.png", "b.png"))
    before = first.read_bytes()
    for inputs, out in [
        (first, first),
        (first, tmp_path),
        ([first, second], tmp_path / "one.png"),
        (first, tmp_path / "film.mp4"),
        (first, model / "labels.txt"),
        (first, tmp_path / "boxes.pdf"),
        (first, tmp_path / "boxes.txt"),
    ]:
        with pytest.raises(UsageError):
            detect(model, inputs, out=out)
    assert first.read_bytes() == before
    assert not [path for path in tmp_path.iterdir() if path.stem == "boxes"]
    assert detect(model, first, out=tmp_path / "v1.2").sightings[0].annotated == tmp_path / "v1.2" / "a.png"


def test_a_bad_picture_stops_nothing_but_is_told(model: Path, tmp_path: Path) -> None:
    save(tmp_path / "shelf" / "a.png", "red", "black", "black", "black")
    bad = tmp_path / "shelf" / "b.png"
    bad.write_bytes(b"no picture")
    save(tmp_path / "shelf" / "c.png", "red", "black", "black", "black")
    seen = detect(model, tmp_path / "shelf", out=tmp_path / "boxes")
    assert sources(seen, tmp_path / "shelf") == ["a.png", "c.png"]
    assert [failure.source for failure in seen.failures] == [str(bad)]
    assert sorted(path.name for path in (tmp_path / "boxes").iterdir()) == ["a.png", "c.png"]
    with pytest.raises(UserDataError, match=r"b\.png"):
        detect(model, bad)


def test_counts_and_shares_over_all_pictures(model: Path, tmp_path: Path) -> None:
    save(tmp_path / "shelf" / "a.png", "red", "red", "blue", "black")
    save(tmp_path / "shelf" / "b.png", "green", "black", "black", "black")
    counted = counts(detect(model, tmp_path / "shelf", score=0.5))
    assert (counted.total, dict(counted.classes)) == (4, {"red": 2, "blue": 1, "green": 1})
    assert [(s.group, s.count, s.by_count, s.by_area) for s in counted.shares] == [
        ("Warm", 2, 0.5, 0.5),
        ("Cold", 1, 0.25, 0.25),
        ("other", 1, 0.25, 0.25),
    ]


def test_groups_of_a_file_count_any_model(tmp_path: Path, photo: Path) -> None:
    path, names, groups = tmp_path / "foreign.tflite", tmp_path / "labels.txt", tmp_path / "groups.toml"
    path.write_bytes(quarters.detector("uint8"))
    names.write_text("red\ngreen\nblue\n")
    groups.write_text('Acme = ["red", "green"]')
    counted = edgekit.counts(detect(path, photo, labels=names, groups=groups))
    assert [(share.group, share.by_count) for share in counted.shares] == [("Acme", 0.5), ("other", 0.5)]
    with pytest.raises(UsageError, match="no labels that could be grouped"):
        detect(path, photo, groups=groups)
    groups.write_text('Acme = ["pink"]')
    with pytest.raises(UserDataError, match="pink"):
        detect(path, photo, labels=names, groups=groups)


def test_other_labels_leave_groups_out_that_they_do_not_know(model: Path, photo: Path, tmp_path: Path) -> None:
    names, groups = tmp_path / "labels.txt", tmp_path / "groups.toml"
    names.write_text("red\ngreen\nblue\n")
    assert counts(detect(model, photo, labels=names)).shares  # the same names: the model's groups stay
    names.write_text("apple\nleek\nplum\n")
    seen = detect(model, photo, labels=names)
    assert counts(seen).shares == ()
    assert "groups are left out: these labels lack blue, red" in seen.notes[-1]
    groups.write_text('Fruit = ["apple", "plum"]')
    seen = detect(model, photo, labels=names, groups=groups)
    assert [(share.group, share.count) for share in counts(seen).shares] == [("Fruit", 1), ("other", 0)]
    assert not any("left out" in note for note in seen.notes)


def test_settings_that_make_no_sense(model: Path, photo: Path) -> None:
    for wrong in ({"score": 1.5}, {"threads": 0}, {"mean": (1,), "std": (1,)}):
        with pytest.raises(UsageError):
            detect(model, photo, **wrong)


@pytest.fixture
def film(tmp_path: Path) -> Path:
    pytest.importorskip("cv2")
    from edgekit.vision.frames import VideoWriter

    path = tmp_path / "film.avi"
    with VideoWriter(path, 10) as writer:
        for corner in range(4):
            colours = ["black"] * 4
            colours[corner] = "red"
            writer.write(quarters.picture(*colours, width=64, height=48))
    return path


def test_a_video_gives_its_frames_an_annotated_video_and_a_line_each(model: Path, film: Path, tmp_path: Path) -> None:
    told: list[int | None] = []
    seen = detect(model, film, out=tmp_path / "boxes", score=0.5, progress=lambda s, spec: told.append(s.frame))
    assert told == [0, 1, 2, 3]
    corners = [tuple(np.round(found(sighting)[0][2][:2], 1)) for sighting in seen.sightings]
    assert corners == [(0, 0), (0.5, 0), (0, 0.5), (0.5, 0.5)]
    lines = [json.loads(line) for line in (tmp_path / "boxes" / "film.jsonl").read_text().splitlines()]
    assert [(line["frame"], line["detections"][0]["label"]) for line in lines] == [(n, "red") for n in range(4)]
    assert lines[2]["seconds"] == pytest.approx(0.2, abs=0.11)
    annotated = detect(model, tmp_path / "boxes" / "film.avi", score=0.1)
    assert len(annotated.sightings) == 4


def test_films_that_differ_in_their_suffix_have_lines_of_their_own(model: Path, film: Path, tmp_path: Path) -> None:
    other = film.with_suffix(".mp4")
    other.write_bytes(film.read_bytes())
    seen = detect(model, [film, other], out=tmp_path / "boxes", score=0.5)
    assert len({sighting.annotated for sighting in seen.sightings}) == 2
    for name, source in (("film", film), ("film-2", other)):
        lines = (tmp_path / "boxes" / f"{name}.jsonl").read_text().splitlines()
        assert {json.loads(line)["file"] for line in lines} == {str(source)}


def test_many_pictures_of_one_name_get_places_in_no_time(tmp_path: Path) -> None:
    shots = [Shot(source=Path(f"{index}/a.png"), place=Path("a.png")) for index in range(6000)]
    started = time.process_time()
    assert len(set(destinations(shots, tmp_path / "boxes"))) == 6000
    assert time.process_time() - started < 3  # comparing each with all took a minute


def test_an_interrupted_video_leaves_nothing(model: Path, film: Path, tmp_path: Path) -> None:
    def interrupt(sighting: Sighting, spec: object) -> None:
        if sighting.frame == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        detect(model, film, out=tmp_path / "boxes", progress=interrupt)
    assert list((tmp_path / "boxes").iterdir()) == []


def test_ctrl_c_ends_a_camera_and_keeps_what_it_saw(
    model: Path, film: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import cv2

    opened = cv2.VideoCapture
    monkeypatch.setattr(cv2, "VideoCapture", lambda source: opened(str(film) if source == 0 else source))

    def interrupt(sighting: Sighting, spec: object) -> None:
        if sighting.frame == 2:
            raise KeyboardInterrupt

    seen = detect(model, "camera:0", out=tmp_path / "boxes", progress=interrupt)
    assert [sighting.source for sighting in seen.sightings] == ["camera:0"] * 3
    assert sorted(path.name for path in (tmp_path / "boxes").iterdir()) == ["camera-0.jsonl", "camera-0.mp4"]


def test_a_film_that_is_none_and_a_camera_that_is_missing(model: Path, tmp_path: Path) -> None:
    pytest.importorskip("cv2")
    (tmp_path / "a.mp4").write_bytes(b"no film")
    with pytest.raises(UserDataError):
        detect(model, tmp_path / "a.mp4")
    with pytest.raises(EdgekitError) as caught:
        detect(model, "camera:97")
    assert caught.value.exit_code == 6


@pytest.mark.real
def test_the_published_detector_finds_the_published_cats(real: Path, tmp_path: Path) -> None:
    folder = real / "coco_ssd_mobilenet_v1"
    seen = detect(
        folder / "ssd_mobilenet_v1.tflite",
        real / "photos" / "cats_and_dogs.jpg",
        labels=folder / "labelmap.txt",
        score=0.45,
        out=tmp_path / "cats.png",
    )
    [sighting] = seen.sightings
    assert isinstance(sighting.answer, Detections)
    assert [seen.spec.label(index) for index in sighting.answer.classes] == ["cat", "cat", "cat", "dog"]
    # as published; decoders and resizes of pictures differ
    np.testing.assert_allclose(sighting.answer.scores, [0.64, 0.61, 0.56, 0.50], atol=0.03)
    left, top, right, bottom = sighting.answer.boxes[0] * [1200, 600, 1200, 600]
    np.testing.assert_allclose([left, top, right - left, bottom - top], [54, 396, 393, 196], atol=12)
    assert images.load(tmp_path / "cats.png").shape == (600, 1200, 3)
