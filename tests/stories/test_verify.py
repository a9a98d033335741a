"""``verify`` as people call it from Python: values or paths go in, values that show themselves come out."""

from pathlib import Path

import pytest

import edgekit
from edgekit.errors import StorageError, UsageError
from edgekit.formats import manifest

from ..proofs import folders, small
from ..proofs.conftest import out, samples

__all__ = ["out", "samples"]  # fixtures
pytest.importorskip("ai_edge_litert")


def test_an_artifact_and_a_list_of_pictures(out: Path, samples: Path) -> None:
    artifact = manifest.read(out / "tflite-uint8")
    found = edgekit.verify(artifact, samples=[str(samples / "0.png"), samples / "1.png"])
    assert [len(proof.pairs) for proof in found] == [2]
    assert (artifact.root / "report.html").is_file()
    html = found._repr_html_()
    assert found[0].checks[0].sentence in html
    assert "0.png" not in html  # the verdict is shown, not the raw answers


def test_another_source_is_a_value_or_its_folder(out: Path, samples: Path) -> None:
    other = folders.write_model(
        out / "other" / "model", "m.tflite", small.raw(first_score=5), small.spec(), small.ANCHORS
    )
    for against in (other, other.root, str(other.root)):
        (proof,) = edgekit.verify(out, samples=samples, against=against)
        assert proof.outcome == "fail"
    (other.root / "anchors.npy").unlink()
    with pytest.raises(StorageError, match="other bytes"):
        edgekit.verify(out, samples=samples, against=other.root)


def test_a_source_that_needs_options_has_to_be_converted_first(out: Path, samples: Path, tmp_path: Path) -> None:
    (tmp_path / "raw.tflite").write_bytes(small.raw())
    with pytest.raises(UsageError, match="--against OUT/model"):
        edgekit.verify(out, samples=samples, against=tmp_path / "raw.tflite")
    with pytest.raises(UsageError, match="Check the path"):
        edgekit.verify(out, samples=samples, against=tmp_path / "none.tflite")


def test_artifacts_show_themselves_too(tmp_path: Path) -> None:
    source = tmp_path / "source.tflite"
    source.write_bytes(small.finished(small.raw("float32")))
    made = edgekit.convert(source, to="tflite-f32", out=tmp_path / "out", mean=(127.5,), std=(127.5,))
    assert made == (manifest.read(tmp_path / "out" / "tflite-f32"),)
    assert f"<td>{made[0].sha256}</td>" in made._repr_html_()
