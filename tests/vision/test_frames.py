import sys

import numpy as np
import pytest

from edgekit.errors import MissingToolError, StorageError, UsageError, UserDataError
from edgekit.vision.frames import VideoWriter, open_video

pytest.importorskip("cv2", reason="extra 'video' is not installed")


def colours(count):
    return [np.full((48, 64, 3), (40 * index, 10, 200), np.uint8) for index in range(count)]


@pytest.mark.parametrize("suffix", [".mp4", ".avi"])
def test_what_is_written_is_read(tmp_path, suffix):
    path = tmp_path / "deeper" / f"video{suffix}"
    with VideoWriter(path, 10) as writer:
        for pixels in colours(5):
            writer.write(pixels)
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]
    with open_video(path) as video:
        assert video.rate == 10
        frames = list(video.frames)
    assert [frame.index for frame in frames] == [0, 1, 2, 3, 4]
    assert [frame.seconds for frame in frames] == pytest.approx([0, 0.1, 0.2, 0.3, 0.4])
    for frame, pixels in zip(frames, colours(5), strict=True):
        assert abs(frame.pixels.astype(int) - pixels).max() < 12  # red stays red: the order of channels is right


@pytest.mark.skipif(sys.platform == "win32", reason="needs a limit on the size of files")
@pytest.mark.parametrize("suffix", [".mp4", ".avi"])
def test_a_full_disk_leaves_the_older_file(tmp_path, suffix):
    path = tmp_path / f"video{suffix}"
    path.write_bytes(b"older")
    noise = np.random.default_rng(0).integers(0, 256, (10, 480, 640, 3), np.uint8)
    with pytest.raises(StorageError, match="of its 10 frames can be read back"):
        write_within(60_000, path, noise)
    assert [entry.read_bytes() for entry in tmp_path.iterdir()] == [b"older"]


def write_within(limit, path, frames):
    import resource

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, before[1]))
    try:
        with VideoWriter(path, 10) as writer:
            for pixels in frames:
                writer.write(pixels)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_place_that_is_taken_by_a_folder(tmp_path):
    path = tmp_path / "video.avi"
    path.mkdir()
    with pytest.raises(StorageError, match="directory"), VideoWriter(path, 10) as writer:
        writer.write(colours(1)[0])
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


def interrupted(path):
    with VideoWriter(path, 10) as writer:
        writer.write(colours(1)[0])
        raise KeyboardInterrupt


def test_an_interrupted_block_leaves_the_older_file(tmp_path):
    path = tmp_path / "video.avi"
    path.write_bytes(b"older")
    with pytest.raises(KeyboardInterrupt):
        interrupted(path)
    assert [entry.read_bytes() for entry in tmp_path.iterdir()] == [b"older"]


@pytest.mark.parametrize(
    ("name", "data", "error"),
    [
        ("empty.mp4", b"", UserDataError),
        ("text.mp4", b"not a video" * 100, UserDataError),
        ("absent.mp4", None, UsageError),
    ],
)
def test_what_is_no_video(tmp_path, name, data, error):
    path = tmp_path / name
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(error, match=name), open_video(path):
        pass


def test_a_webcam_that_is_not_there():
    with pytest.raises(MissingToolError, match="Webcam 97"), open_video(97):
        pass


def test_unwritable_targets(tmp_path):
    with pytest.raises(UsageError, match=r"\.webm"):
        VideoWriter(tmp_path / "video.webm", 10)
    (tmp_path / "file").touch()
    with pytest.raises(StorageError), VideoWriter(tmp_path / "file" / "video.mp4", 10) as writer:
        writer.write(colours(1)[0])


def test_without_opencv(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(MissingToolError) as caught, open_video(tmp_path / "video.mp4"):
        pass
    assert caught.value.exit_code == 6
    assert "pip install 'edgekit[video]'" in str(caught.value)
