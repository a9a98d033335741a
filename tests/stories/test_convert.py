"""From a source to published artifacts without TensorFlow: .tflite sources, the cache, refusals, what is left."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgekit.errors import ConversionError, EdgekitError, MissingToolError, SourceError, StorageError, UsageError
from edgekit.formats import manifest
from edgekit.formats.tflite import find, read
from edgekit.formats.tflite.calibration import Calibration
from edgekit.formats.tflite.metadata import Details, revise, unpack
from edgekit.runtimes.litert import LitertSession
from edgekit.sources import load
from edgekit.stories.cache import REPORT
from edgekit.stories.convert import convert
from edgekit.values.artifact import Artifact
from edgekit.values.spec import FinalHead, RawHead
from tests.formats.tflite_models import SIZE, Builder, anchors, raw_detector
from tests.handmade import contrib_graph
from tests.stories.quarters import classifier

REPOSITORY = Path(__file__).parents[2]
LABELS = "cat\ndog\nbird\n"


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A folder with raw-head detectors of three types, their anchors and labels."""
    folder = tmp_path / "small"
    folder.mkdir()
    for dtype in ("float32", "uint8", "int8"):
        (folder / f"{dtype}.tflite").write_bytes(raw_detector(dtype))
    np.save(folder / "anchors.npy", anchors())
    (folder / "labels.txt").write_text(LABELS)
    return folder


@pytest.fixture(autouse=True)
def without_tensorflow(monkeypatch: pytest.MonkeyPatch) -> None:
    """TensorFlow cannot be started: nothing here may need it."""
    monkeypatch.setitem(sys.modules, "tensorflow", None)


def make(files: Path, out: Path, *, to: Any = "tflite-f32", source: str = "float32", **options: Any) -> Artifact:
    given = {"anchors": files / "anchors.npy", "labels": files / "labels.txt", "mean": (127.5,), "std": (127.5,)}
    given |= {"activation": "sigmoid"} | options
    (artifact, *_) = convert(files / f"{source}.tflite", to=to, out=out, **given)
    return artifact


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != ".edgekit.lock"
    }


@pytest.mark.parametrize(
    ("source", "recipe", "dtype"),
    [("float32", "tflite-f32", "float32"), ("uint8", "tflite-uint8", "uint8"), ("int8", "tflite-int8", "uint8")],
)
def test_a_raw_head_becomes_a_finished_detector(
    files: Path, tmp_path: Path, source: str, recipe: str, dtype: str
) -> None:
    artifact = make(files, tmp_path / "out", to=recipe, source=source, max_detections=7, licence="CC0-1.0")
    assert artifact == manifest.read(tmp_path / "out" / recipe)
    manifest.check(artifact)
    assert artifact.spec.head == FinalHead()
    assert artifact.spec.labels == ("cat", "dog", "bird")
    assert artifact.spec.input.encoding.dtype == dtype
    assert "tensorflow" not in artifact.tools
    data = artifact.path.read_bytes()
    found = find(read(data))
    assert found is not None
    assert found.options.selection.max_detections == 7
    metadata, packed = unpack(data)
    assert metadata is not None
    assert metadata["license"] == "CC0-1.0"
    assert packed == {"labels.txt": LABELS.encode()}
    session = LitertSession(artifact.path)
    session.feed({"image": np.zeros((1, SIZE, SIZE, 3), np.float32)})
    session.invoke()
    assert {name: value.shape for name, value in session.read().items()} == {
        "boxes": (1, 7, 4),
        "classes": (1, 7),
        "scores": (1, 7),
        "count": (1,),
    }


def test_raw_leaves_post_processing_out_and_the_anchors_beside(files: Path, tmp_path: Path) -> None:
    artifact = make(files, tmp_path / "out", raw=True)
    head = artifact.spec.head
    assert isinstance(head, RawHead)
    assert (head.boxes, head.scores, head.activation) == ("boxes", "scores", "sigmoid")
    stored = np.frombuffer((artifact.root / head.anchors).read_bytes(), "<f4").reshape(-1, 4)
    np.testing.assert_array_equal(stored, anchors())
    assert find(read(artifact.path.read_bytes())) is None


def test_a_classifier_keeps_its_scores(tmp_path: Path) -> None:
    (tmp_path / "c.tflite").write_bytes(classifier())
    options = {"mean": (0.0,), "std": (255.0,), "activation": "none"}
    (artifact,) = convert(tmp_path / "c.tflite", to="tflite-f32", out=tmp_path / "out", **options)
    assert artifact.spec.task == "classification"
    assert [file.role for file in artifact.files] == ["model"]


def test_a_finished_file_can_be_finished_anew(files: Path, tmp_path: Path) -> None:
    first = make(files, tmp_path / "first")
    (second,) = convert(first.path, to="tflite-f32", out=tmp_path / "second", max_detections=3, name="again")
    assert second.spec.labels == first.spec.labels
    assert second.spec.name == "again"
    assert second.spec.selection is not None
    assert second.spec.selection.max_detections == 3
    picture = np.random.default_rng(0).uniform(-1, 1, (1, SIZE, SIZE, 3)).astype(np.float32)
    answers = []
    for artifact in (first, second):
        session = LitertSession(artifact.path)
        session.feed({"image": picture})
        session.invoke()
        answers.append(session.read()["scores"][0, :3])
    np.testing.assert_array_equal(*answers)


def test_finishing_anew_keeps_what_the_metadata_said(files: Path, tmp_path: Path) -> None:
    first = make(files, tmp_path / "first")
    details = Details(
        name="Pets",
        author="me",
        version="7",
        description="Finds pets.",
        licence="CC0-1.0",
        score_threshold=0.4,
        locale_labels={"de": ("Katze", "Hund", "Vogel")},
        calibration=Calibration(sigmoids=((1.0, 2.0, 3.0), None, (1.0, 1.0, 1.0))),
    )
    (tmp_path / "pets.tflite").write_bytes(revise(first.path.read_bytes(), details)[0])
    (again,) = convert(tmp_path / "pets.tflite", to="tflite-f32", out=tmp_path / "again", score=0.2)
    before, packed = unpack((tmp_path / "pets.tflite").read_bytes())
    assert unpack(again.path.read_bytes()) == (before, packed)
    assert again.licence == "CC0-1.0"
    (raw,) = convert(tmp_path / "pets.tflite", to="tflite-f32", out=tmp_path / "raw", raw=True, licence="MIT")
    found, files_inside = unpack(raw.path.read_bytes())
    assert found is not None
    assert (found["name"], found["author"], found["license"], raw.licence) == ("Pets", "me", "MIT", "MIT")
    assert files_inside["labels_de.txt"].decode().split() == ["background", "Katze", "Hund", "Vogel"]
    scores = found["subgraph_metadata"][0]["output_tensor_metadata"][1]
    units = {unit["options_type"] for unit in scores["process_units"]}
    assert units == {"ScoreThresholdingOptions", "ScoreCalibrationOptions"}


def test_a_file_that_takes_the_runtime_down_is_an_error(tmp_path: Path) -> None:
    """IF without options has the graph that it stands in as its own branches, for ever."""
    builder = Builder()
    image = builder.tensor("pixels", [1, 1, 1, 3])
    scores = builder.tensor("scores", [1, 3])
    shape = builder.tensor("shape", [2], "int32", value=np.array([1, 3], "<i4"))
    builder.operator("RESHAPE", [image, shape], [scores])
    builder.operator("IF", [builder.tensor("yes", [1], "bool", value=np.array([True])), image], [scores])
    (tmp_path / "c.tflite").write_bytes(builder.build([image], [scores]))
    with pytest.raises(ConversionError, match="LiteRT crashed on the converted file"):
        convert(tmp_path / "c.tflite", to="tflite-f32", out=tmp_path / "out", mean=0, std=255, activation="none")
    assert not (tmp_path / "out").exists()


def test_a_report_on_what_was_replaced_goes(files: Path, tmp_path: Path) -> None:
    make(files, tmp_path / "out")
    report = tmp_path / "out" / REPORT
    report.write_text("passed")
    make(files, tmp_path / "out")
    assert report.exists()
    make(files, tmp_path / "out", max_detections=3)
    assert not report.exists()


def test_a_loaded_model_is_a_source_too(files: Path, tmp_path: Path) -> None:
    anchors = str(files / "anchors.npy")
    model = load(
        files / "float32.tflite",
        out=tmp_path / "elsewhere",
        anchors=anchors,
        mean=127.5,
        std=127.5,
        activation="sigmoid",
    )
    said: list[str] = []
    (first,) = convert(model, to="tflite-f32", out=tmp_path / "out", progress=said.append)
    (second,) = convert(model, to="tflite-f32", out=tmp_path / "out", progress=said.append)
    assert first == second
    assert said == ["tflite-f32: converting", "tflite-f32: unchanged"]
    renamed = replace(model, spec=replace(model.spec, name="renamed"))
    (third,) = convert(renamed, to="tflite-f32", out=tmp_path / "out")
    assert (third.spec.name, third.key == second.key) == ("renamed", False)
    with pytest.raises(UsageError, match="has its options already"):
        convert(model, to="tflite-f32", out=tmp_path / "out", name="other")


class TestCache:
    def test_the_same_again_is_not_made_again(self, files: Path, tmp_path: Path) -> None:
        said: list[str] = []
        first = make(files, tmp_path / "out", progress=said.append)
        before = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*") if path.is_file()}
        second = make(files, tmp_path / "out", progress=said.append)
        after = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*") if path.is_file()}
        assert (first, before) == (second, after)
        assert said == ["tflite-f32: converting", "tflite-f32: unchanged"]

    def test_the_same_inputs_give_the_same_bytes(self, files: Path, tmp_path: Path) -> None:
        for out in ("a", "b"):
            make(files, tmp_path / out)
        assert contents(tmp_path / "a") == contents(tmp_path / "b")

    @pytest.mark.parametrize(
        "change",
        [
            {"max_detections": 3},
            {"raw": True},
            {"licence": "MIT"},
            {"name": "other"},
            {"activation": "none"},
            {"mean": (128.0,)},
        ],
        ids=lambda change: next(iter(change)),
    )
    def test_another_option_is_another_artifact(self, files: Path, tmp_path: Path, change: dict[str, Any]) -> None:
        first = make(files, tmp_path / "out")
        second = make(files, tmp_path / "out", **change)
        assert first.key != second.key
        assert manifest.read(tmp_path / "out" / "tflite-f32") == second

    @pytest.mark.parametrize("name", ["labels.txt", "anchors.npy", "float32.tflite"])
    def test_other_bytes_are_another_artifact(self, files: Path, tmp_path: Path, name: str) -> None:
        first = make(files, tmp_path / "out")
        if name == "labels.txt":
            (files / name).write_text("cat\ndog\nfish\n")
        elif name == "anchors.npy":
            np.save(files / name, anchors() * 0.9)
        else:
            (files / name).write_bytes(raw_detector("float32", description="another"))
        second = make(files, tmp_path / "out")
        assert first.key != second.key
        manifest.check(second)

    @pytest.mark.parametrize(
        "damaged",
        ["tflite-f32/model.tflite", "tflite-f32/labels.txt", "tflite-f32/manifest.json", "model/model.tflite"],
    )
    @pytest.mark.parametrize("how", [lambda p: p.unlink(), lambda p: p.write_bytes(p.read_bytes() + b"\0")])
    def test_damage_is_repaired(self, files: Path, tmp_path: Path, damaged: str, how: Callable[[Path], object]) -> None:
        make(files, tmp_path / "out")
        before = contents(tmp_path / "out")
        if damaged.endswith("manifest.json"):
            (tmp_path / "out" / damaged).write_text("{")
        else:
            how(tmp_path / "out" / damaged)
        make(files, tmp_path / "out")
        assert contents(tmp_path / "out") == before

    def test_a_run_with_nothing_to_do_imports_nothing_heavy(self, files: Path, tmp_path: Path) -> None:
        make(files, tmp_path / "out")
        script = (
            "import sys\n"
            "from pathlib import Path\n"
            "from edgekit.stories.convert import convert\n"
            "files, out = map(Path, sys.argv[1:])\n"
            "convert(files / 'float32.tflite', to='tflite-f32', out=out, anchors=files / 'anchors.npy',\n"
            "        labels=files / 'labels.txt', mean=(127.5,), std=(127.5,), activation='sigmoid', progress=print)\n"
            "heavy = {'numpy', 'rich', 'google.protobuf', 'flatbuffers', 'tensorflow', 'ai_edge_litert'}\n"
            "heavy |= {'importlib.resources'}\n"
            "assert not heavy & sys.modules.keys(), heavy & sys.modules.keys()\n"
        )
        done = subprocess.run(
            [sys.executable, "-c", script, str(files), str(tmp_path / "out")],
            cwd=REPOSITORY,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.stdout, done.stderr) == ("tflite-f32: unchanged\n", "")


class TestOut:
    """All or nothing, and nothing of others."""

    def test_a_failure_leaves_what_there_was(self, files: Path, tmp_path: Path) -> None:
        make(files, tmp_path / "out")
        before = contents(tmp_path / "out")
        (files / "labels.txt").write_text("one\ntwo\n")
        with pytest.raises(EdgekitError, match="2 labels"):
            make(files, tmp_path / "out")
        assert contents(tmp_path / "out") == before
        with pytest.raises(EdgekitError, match="2 labels"):
            make(files, tmp_path / "new")
        assert not (tmp_path / "new").exists()

    def test_one_impossible_recipe_stops_all(self, files: Path, tmp_path: Path) -> None:
        with pytest.raises(ConversionError, match=r"float32\.tflite cannot become tflite-uint8"):
            make(files, tmp_path / "out", to=["tflite-f32", "tflite-uint8"])
        assert not (tmp_path / "out").exists()

    def test_artifacts_of_another_model_are_not_left_beside(self, files: Path, tmp_path: Path) -> None:
        make(files, tmp_path / "out")
        before = contents(tmp_path / "out")
        with pytest.raises(UsageError, match=r"holds tflite-f32.*(?s:.)*--to tflite-f32"):
            make(files, tmp_path / "out", source="uint8", to="tflite-uint8")
        assert contents(tmp_path / "out") == before

    @pytest.mark.parametrize("name", ["model", "tflite-f32"])
    def test_folders_of_others_are_not_replaced(self, files: Path, tmp_path: Path, name: str) -> None:
        mine = tmp_path / "out" / name / "thesis.txt"
        mine.parent.mkdir(parents=True)
        mine.write_text("years of work")
        with pytest.raises(UsageError, match="was not made by edgekit"):
            make(files, tmp_path / "out")
        assert contents(tmp_path / "out") == {f"{name}/thesis.txt": b"years of work"}

    def test_what_a_killed_run_left_is_cleared(self, files: Path, tmp_path: Path) -> None:
        left = tmp_path / "out" / ".edgekit-abc" / "half.tflite"
        left.parent.mkdir(parents=True)
        left.write_bytes(b"half")
        make(files, tmp_path / "out")
        assert not left.exists()

    def test_out_below_a_file_is_a_storage_error(self, files: Path, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")
        with pytest.raises(StorageError, match="cannot be written"):
            make(files, tmp_path / "file" / "out")

    @pytest.fixture
    def small_disk(self, tmp_path: Path) -> Iterator[Path]:
        """A file system of 64 KiB."""
        disk = tmp_path / "disk"
        disk.mkdir()
        mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)]
        if sys.platform != "linux" or subprocess.run(mount, capture_output=True, check=False).returncode:
            pytest.skip("mounting a small tmpfs needs root on Linux")
        yield disk
        subprocess.run(["umount", str(disk)], check=True)

    def test_a_full_disk_is_a_storage_error_and_leaves_nothing(self, files: Path, small_disk: Path) -> None:
        (small_disk / "filler").write_bytes(bytes(48 * 1024))
        with pytest.raises(StorageError, match="No space left"):
            make(files, small_disk / "out")
        assert [path.name for path in small_disk.iterdir()] == ["filler"]


class TestRefusals:
    @pytest.mark.parametrize(
        ("options", "said"),
        [
            ({"to": "tflite-int4"}, "no recipe tflite-int4"),
            ({"to": []}, "No recipe was named"),
            ({"requantise_weights": "asymmetric"}, "cannot be requantised"),
            ({"requantise_weights": "symmetric"}, "for int8"),
            ({"labells": "x"}, "no option labells"),
            ({"labels": "absent.txt"}, "no file absent.txt"),
            ({"source": "absent"}, r"no file .*absent\.tflite"),
            ({"iou": 7.0}, "iou"),
            ({"score": float("nan")}, "score"),
            ({"max_detections": 3_000_000_000}, "max_detections"),
            ({"max_detections": 1_000_000_000}, "max_detections"),
            ({"mean": 127.5, "std": (1, 2, 3)}, "as many numbers"),
            ({"source": "int8", "to": "tflite-int8", "requantise_weights": "symmetric"}, "stay as they are"),
        ],
        ids=lambda value: value if isinstance(value, str) else None,
    )
    def test_requests_that_make_no_sense(self, files: Path, tmp_path: Path, options: dict[str, Any], said: str) -> None:
        with pytest.raises(UsageError, match=said):
            make(files, tmp_path / "out", **options)
        assert not (tmp_path / "out").exists()

    def test_a_source_whose_name_is_too_long(self, files: Path, tmp_path: Path) -> None:
        with pytest.raises(StorageError, match="cannot be read: File name too long"):
            make(files, tmp_path / "out", source=300 * "x")

    def test_a_classifier_has_no_post_processing_to_leave_out(self, tmp_path: Path) -> None:
        (tmp_path / "c.tflite").write_bytes(classifier())
        options: dict[str, Any] = {"mean": 0, "std": 255, "activation": "none", "raw": True}
        with pytest.raises(UsageError, match="no post-processing to leave out"):
            convert(tmp_path / "c.tflite", to="tflite-f32", out=tmp_path / "out", **options)

    @pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs Linux's /proc")
    @pytest.mark.parametrize("out", ["/proc", "/sys", "/proc/out", "/tmp/" + 300 * "x"])
    def test_an_out_that_cannot_be_written(self, files: Path, out: str) -> None:
        with pytest.raises(StorageError, match="cannot be written"):
            make(files, Path(out))

    def test_a_folder_says_what_to_give(self, files: Path, tmp_path: Path) -> None:
        with pytest.raises(SourceError, match="folder"):
            convert(files, to="tflite-f32", out=tmp_path / "out")

    def test_a_graph_without_tensorflow_is_a_missing_tool(self, tmp_path: Path) -> None:
        (tmp_path / "tflite_graph.pb").write_bytes(contrib_graph())
        with pytest.raises(MissingToolError, match=r"edgekit\[convert\]"):
            convert(tmp_path / "tflite_graph.pb", to="tflite-uint8", out=tmp_path / "out")
        assert not (tmp_path / "out").exists()

    def test_what_is_wrong_with_the_source_is_said_before_what_is_missing(self, tmp_path: Path) -> None:
        (tmp_path / "page.pb").write_text("<!DOCTYPE html>")
        with pytest.raises(SourceError, match="web page"):
            convert(tmp_path / "page.pb", to="tflite-uint8", out=tmp_path / "out")
        assert not (tmp_path / "out").exists()


class TestSignals:
    """The child hangs in its import, as long as it takes to send a signal."""

    @pytest.fixture
    def running(self, tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
        stub = tmp_path / "stub" / "tensorflow" / "__init__.py"
        stub.parent.mkdir(parents=True)
        stub.write_text(
            f"import os, time\nopen({str(tmp_path / 'child')!r}, 'w').write(str(os.getpid()))\ntime.sleep(60)\n"
        )
        (tmp_path / "tflite_graph.pb").write_bytes(contrib_graph())
        command = ["convert", str(tmp_path / "tflite_graph.pb"), "--to", "tflite-f32", "-o", str(tmp_path / "out")]
        process = subprocess.Popen(
            [sys.executable, "-m", "edgekit", *command],
            env=os.environ | {"PYTHONPATH": os.pathsep.join([str(stub.parents[1]), str(REPOSITORY)])},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        )
        try:
            yield process
        finally:
            process.kill()
            process.wait()

    @pytest.mark.parametrize("after", [0.0, 0.4, 1.2])
    @pytest.mark.parametrize("name", ["SIGINT", "SIGKILL"])
    def test_a_signal_leaves_nothing(
        self, running: subprocess.Popen[str], tmp_path: Path, name: str, after: float
    ) -> None:
        child = self.pid(tmp_path / "child")
        time.sleep(after)
        running.send_signal(getattr(signal, name))
        code = running.wait(20)
        assert code in ((130, -signal.SIGINT) if name == "SIGINT" else (-signal.SIGKILL,))  # a shell sees 130 for both
        assert self.gone(child)
        if name == "SIGINT":
            assert not (tmp_path / "out").exists()
        else:
            assert all(path.name.startswith(".edgekit") for path in (tmp_path / "out").iterdir())

    @staticmethod
    def pid(path: Path) -> int:
        for _ in range(400):
            if path.exists() and (text := path.read_text()):
                return int(text)
            time.sleep(0.05)
        raise AssertionError("the child did not start")

    @staticmethod
    def gone(pid: int) -> bool:
        for _ in range(100):
            try:
                if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                    return True
            except OSError:
                return True
            time.sleep(0.05)
        return False
