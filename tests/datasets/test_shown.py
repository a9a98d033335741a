"""The sheet to print and the film of a shelf."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgekit.datasets.shelf import write_clip, write_sheet
from edgekit.errors import UsageError
from edgekit.vision.frames import open_video

pytest.importorskip("cv2", reason="extra 'video' is not installed")


def test_a_sheet_fills_a_page_of_paper(tmp_path: Path) -> None:
    write_sheet(tmp_path / "sheet.png", sprites=3)
    with Image.open(tmp_path / "sheet.png") as page:
        assert page.size == (2480, 3508)
        assert [round(dots) for dots in page.info["dpi"]] == [300, 300]
        pixels = np.asarray(page.convert("RGB"))
    drawn = (pixels < 250).any(2)
    assert not drawn[:, :100].any()
    assert not drawn[:, -100:].any()
    assert 0.1 < drawn.mean() < 0.6
    assert (
        len(np.unique(pixels[::8, ::8].reshape(-1, 3) // 64, axis=0)) > 20
    )  # packs of many colours, not only captions


def test_a_film_goes_along_a_shelf(tmp_path: Path) -> None:
    path = tmp_path / "clip.webm"
    written = write_clip(path)
    if written != (path,):
        pytest.skip("this OpenCV cannot write WebM")
    assert path.stat().st_size < 400_000
    with open_video(path) as video:
        assert video.rate == pytest.approx(12, abs=0.1)
        frames = [frame.pixels for frame in video.frames]
    assert (len(frames), frames[0].shape) == (60, (192, 192, 3))
    steps = [np.abs(a.astype(int) - b).mean() for a, b in zip(frames[1:], frames, strict=False)]
    assert max(steps) < np.abs(frames[-1].astype(int) - frames[0]).mean()
    assert min(steps) > 0


@pytest.mark.parametrize(("writer", "name"), [(write_sheet, "sheet.gif"), (write_clip, "clip.mp4")])
def test_other_kinds_of_file_are_refused(tmp_path: Path, writer, name: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(UsageError, match="Give a name in"):
        writer(tmp_path / name)
    assert not list(tmp_path.iterdir())
