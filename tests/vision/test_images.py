import io
import struct
import subprocess
import sys
import tracemalloc
import zlib

import numpy as np
import pytest
from PIL import Image

from edgekit.errors import StorageError, UsageError, UserDataError
from edgekit.vision.images import MAX_BYTES, SUFFIXES, decode, encode, encoded_size, load, pictures, size

RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)


def saved(image, kind, **options):
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def picture(size=(24, 16)):
    """Smooth, so that JPEG and WebP change little."""
    x, y = np.meshgrid(np.arange(size[0]), np.arange(size[1]))
    return np.stack([x * 8, y * 8, x * 4 + y * 4], axis=-1).astype(np.uint8)


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "JPEG", "WEBP"])
def test_kinds(kind):
    pixels = decode(saved(Image.fromarray(picture()), kind), "x")
    assert pixels.dtype == np.uint8
    assert pixels.flags.c_contiguous
    lossy = kind in ("JPEG", "WEBP")
    assert np.abs(pixels.astype(int) - picture()).max() <= (12 if lossy else 0)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_exif_turns(orientation, kind):
    # By the EXIF standard the stored rows and columns are these sides of the true picture.
    upright = np.zeros((32, 48, 3), np.uint8)
    upright[:16, :24] = RED
    upright[:16, 24:] = GREEN
    upright[16:, :24] = BLUE
    stored = {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.transpose(1, 0, 2),
        6: upright.transpose(1, 0, 2)[::-1],
        7: upright.transpose(1, 0, 2)[::-1, ::-1],
        8: upright.transpose(1, 0, 2)[:, ::-1],
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    pixels = decode(saved(Image.fromarray(np.ascontiguousarray(stored)), kind, exif=exif, quality=95), "x")
    assert pixels.shape == upright.shape
    for y, x in ((8, 12), (8, 36), (24, 12), (24, 36)):
        assert np.abs(pixels[y, x].astype(int) - upright[y, x]).max() < 40


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_the_size_is_that_of_the_pixels(orientation, kind, tmp_path):
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = saved(Image.fromarray(picture()), kind, exif=exif)
    height, width = decode(data, "x").shape[:2]
    (tmp_path / "x").write_bytes(data)
    assert size(tmp_path / "x") == encoded_size(data, "x") == (width, height)


def test_the_size_of_a_cut_picture_is_read_from_its_header(tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (200, 300, 3), dtype=np.uint8)
    (tmp_path / "cut.jpg").write_bytes(saved(Image.fromarray(noise), "JPEG")[:5000])
    assert size(tmp_path / "cut.jpg") == (300, 200)
    with pytest.raises(UserDataError, match="damaged"):
        load(tmp_path / "cut.jpg")


@pytest.mark.parametrize(
    ("data", "message"), [(b"", "is empty"), (b"text", "not a picture"), (b"<html></html>", "web page")]
)
def test_what_has_no_size(data, message, tmp_path):
    (tmp_path / "x.png").write_bytes(data)
    for read in (lambda: size(tmp_path / "x.png"), lambda: encoded_size(data, "x.png")):
        with pytest.raises(UserDataError, match=rf"x\.png.* {message}"):
            read()
    with pytest.raises(UsageError, match="There is no file"):
        size(tmp_path / "absent.png")


def test_grey_palette_bilevel_and_cmyk():
    grey = Image.fromarray(picture()[..., 0])
    assert (decode(saved(grey, "PNG"), "x") == picture()[..., :1]).all()
    palette = Image.fromarray(np.full((4, 4, 3), GREEN, np.uint8)).quantize(4)
    assert (decode(saved(palette, "GIF"), "x") == GREEN).all()
    assert (decode(saved(Image.new("1", (4, 4), 1), "PNG"), "x") == 255).all()
    cmyk = Image.fromarray(picture()).convert("CMYK")
    assert np.abs(decode(saved(cmyk, "JPEG", quality=95), "x").astype(int) - picture()).max() <= 12


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_what_is_transparent_lies_over_white(mode):
    alpha = np.linspace(0, 255, 16).astype(np.uint8)[None].repeat(4, axis=0)
    if mode == "P":
        image = Image.new("P", (2, 1))
        image.putpalette([0, 0, 0, 0, 0, 255])
        image.putdata([0, 1])
        assert decode(saved(image, "PNG", transparency=0), "x").tolist() == [[list(WHITE), list(BLUE)]]
        return
    black = np.zeros((4, 16, 4 if mode == "RGBA" else 2), np.uint8)
    black[..., -1] = alpha
    expected = np.floor((255 * (255 - alpha.astype(float))) / 255 + 0.5)
    assert (decode(saved(Image.fromarray(black, mode), "PNG"), "x") == expected[..., None]).all()


def test_sixteen_bits_keep_the_upper_eight():
    values = np.array([[0, 255, 256, 0x1234, 0xFF00, 0xFFFF]], np.uint16)
    for kind in ("PNG", "TIFF"):
        assert decode(saved(Image.fromarray(values), kind), "x")[0, :, 0].tolist() == [0, 0, 1, 0x12, 255, 255]
    # Pillow does not write 16-bit RGB, so this one is put together by hand.
    rows = b"\0" + np.array([0x1234, 0xFF00, 0x00FF], ">u2").tobytes()
    data = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 16, 2, 0, 0, 0))
    data += chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    assert decode(data, "x").tolist() == [[[0x12, 0xFF, 0]]]


def test_sixteen_bits_take_little_memory():
    data = saved(Image.fromarray(np.zeros((1000, 1000), np.uint16)), "PNG")
    tracemalloc.start()
    decode(data, "x")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10 * 1000 * 1000  # bytes a pixel: 2 as stored, 2 shifted, 1 as a level, 3 as RGB


def chunk(name, body):
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def test_first_frame_of_an_animation():
    frames = [Image.new("RGB", (4, 4), colour) for colour in (RED, BLUE)]
    data = saved(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert (decode(data, "x") == RED).all()


def bomb():
    """A PNG of a few bytes that says it is 60 000 pixels wide and high."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")


BAD = {
    "empty.jpg": (b"", "empty"),
    "page.jpg": (b"<!DOCTYPE html><html>", "web page"),
    "pointer.jpg": (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "git lfs pull"),
    "text.png": (b"hello, this is no picture", "It is a text file"),
    "drawing.png": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "It is an SVG drawing"),
    "start.png": (b"\x89PNG\r\n\x1a\n" + bytes(60), "first bytes are damaged"),
    "cut.jpg": (saved(Image.fromarray(picture((200, 200))), "JPEG")[:900], "damaged"),
    "cut.png": (saved(Image.fromarray(picture((200, 200))), "PNG")[:200], "damaged"),
    "bomb.png": (bomb(), "pixels"),
    "float.tiff": (saved(Image.fromarray(np.ones((4, 4), np.float32)), "TIFF"), "real numbers"),
    "long.tiff": (saved(Image.fromarray(np.full((4, 4), 70_000, np.int32)), "TIFF"), "32-bit"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_picture(tmp_path, name):
    data, message = BAD[name]
    (tmp_path / name).write_bytes(data)
    with pytest.raises(UserDataError, match=f"(?s){message}") as caught:
        load(tmp_path / name)
    assert name in str(caught.value)
    assert caught.value.exit_code == 10


def test_what_is_far_too_large_is_not_read(tmp_path):
    with (tmp_path / "film.jpg").open("wb") as stream:
        stream.truncate(MAX_BYTES + 1)
    with pytest.raises(StorageError, match=rf"More than the {MAX_BYTES}"):
        load(tmp_path / "film.jpg")


@pytest.mark.skipif(sys.platform != "linux", reason="needs a limit on the address space")
def test_too_little_memory_is_no_damage():
    done = subprocess.run(
        [sys.executable, "-c", STARVED],
        input=saved(Image.new("L", (6000, 6000)), "PNG"),
        capture_output=True,
        check=True,
    )
    assert done.stdout == b"x does not fit into memory.\nScale it down first.\n"


# Loads the picture with 40 MB more than the program has; its RGB pixels alone take 108 MB.
STARVED = """
import resource, sys
from edgekit.errors import UserDataError
from edgekit.vision.images import decode
data = sys.stdin.buffer.read()
pages = int(open("/proc/self/statm").read().split()[0])
limit = pages * resource.getpagesize() + 40 * 2**20
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
try:
    decode(data, "x")
except UserDataError as error:
    print(error)
"""


def test_damaged_bytes_never_give_a_foreign_exception():
    rng = np.random.default_rng(0)
    kinds = ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP")
    originals = [saved(Image.fromarray(picture()), kind) for kind in kinds]
    refused = 0
    for _ in range(600):
        data = bytearray(originals[rng.integers(len(originals))])
        for position in rng.integers(0, len(data), 4):
            data[position] = rng.integers(256)
        try:
            assert decode(bytes(data), "x").shape[2] == 3
        except UserDataError:
            refused += 1
    assert refused > 100


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(UsageError, match=r"absent\.jpg"):
        load(tmp_path / "absent.jpg")


def test_broken_exif_does_not_cost_the_picture():
    data = saved(Image.fromarray(picture()), "PNG")
    damaged = data[:33] + chunk(b"eXIf", b"II*\0\xff\xff\xff\xff garbage") + data[33:]
    assert (decode(damaged, "x") == picture()).all()


def test_pictures_of_a_folder(tmp_path):
    for name in ("b.JPG", "a.png", "sub/c.webp", ".hidden.png", ".git/d.png", "notes.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert [path.relative_to(tmp_path).as_posix() for path in pictures(tmp_path)] == ["a.png", "b.JPG", "sub/c.webp"]
    assert all(suffix == suffix.lower() for suffix in SUFFIXES)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".JPEG", ".webp", ".bmp"])
def test_encode(suffix):
    lossless = suffix in (".png", ".bmp")
    assert np.abs(decode(encode(picture(), suffix), "x").astype(int) - picture()).max() <= (0 if lossless else 12)


def test_encode_refuses_other_kinds():
    with pytest.raises(UserDataError, match=r"\.svg"):
        encode(picture(), ".svg")


@pytest.mark.real
def test_published_photos(real):
    shapes = {path.name: load(path).shape for path in pictures(real / "photos")}
    assert shapes["cats_and_dogs.jpg"] == (600, 1200, 3)
    assert len(shapes) == 7
