"""The LiteRT session: names of the signature, quantisation there and back, both kinds of kernels, errors."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from edgekit.errors import ConversionError, MissingToolError, SourceError, UsageError
from edgekit.formats.flatbuffer import encode
from edgekit.formats.tflite.schema import IDENTIFIER, SCHEMA, TYPES
from edgekit.runtimes.litert import LitertSession

DEQUANTIZE = 6
REPOSITORY = Path(__file__).parents[2]


def dequantiser(dtype: str, scale: float, zero_point: int, *, signature: bool = True) -> bytes:
    """A model of one DEQUANTIZE: an integer [1, 256] input, a float output."""
    grid = {"scale": [scale], "zero_point": [zero_point]}
    tensors = [
        {"shape": [1, 256], "type": TYPES.index(dtype), "buffer": 0, "name": "stored", "quantization": grid},
        {"shape": [1, 256], "type": TYPES.index("float32"), "buffer": 0, "name": "real"},
    ]
    graph = {
        "tensors": tensors,
        "inputs": [0],
        "outputs": [1],
        "operators": [{"opcode_index": 0, "inputs": [0], "outputs": [1]}],
    }
    plain = {
        "signature_key": "serving_default",
        "inputs": [{"name": "image", "tensor_index": 0}],
        "outputs": [{"name": "scores", "tensor_index": 1}],
    }
    fields = {
        "version": 3,
        "operator_codes": [{"deprecated_builtin_code": DEQUANTIZE, "builtin_code": DEQUANTIZE, "version": 2}],
        "subgraphs": [graph],
        "buffers": [{}],
        "signature_defs": [plain] if signature else [],
    }
    return encode(SCHEMA, "Model", fields, IDENTIFIER)


@pytest.mark.parametrize("xnnpack", [True, False])
@pytest.mark.parametrize(("dtype", "scale", "zero_point"), [("uint8", 1 / 128, 128), ("int8", 0.0235294122, -7)])
def test_every_stored_value_survives_the_way_through_real_numbers(
    dtype: str, scale: float, zero_point: int, xnnpack: bool
) -> None:
    limits = np.iinfo(dtype)
    stored = np.arange(limits.min, limits.max + 1)
    real = ((stored - zero_point).astype(np.float32) * np.float32(scale))[None]
    session = LitertSession(dequantiser(dtype, scale, zero_point), xnnpack=xnnpack)
    session.feed({"image": real})
    session.invoke()
    answer = session.read()
    assert list(answer) == ["scores"]
    np.testing.assert_allclose(answer["scores"], real, rtol=2e-7)  # the kernels differ in the last place


def test_values_beyond_the_range_are_clipped() -> None:
    session = LitertSession(dequantiser("uint8", 0.5, 10))
    session.feed({"image": np.linspace(-1e6, 1e6, 256, dtype=np.float32)[None]})
    session.invoke()
    answer = session.read()["scores"]
    assert (answer.min(), answer.max()) == (-5.0, 122.5)


def test_without_a_signature_the_tensors_names_count() -> None:
    session = LitertSession(dequantiser("uint8", 1.0, 0, signature=False))
    assert session.shapes == {"stored": (1, 256), "real": (1, 256)}


def test_inner_tensors_are_kept_when_asked_for() -> None:
    session = LitertSession(dequantiser("uint8", 0.5, 0), inner=True)
    session.feed({"image": np.full((1, 256), 3.5, np.float32)})
    session.invoke()
    inner = session.read_inner()
    assert {name: float(value.max()) for name, value in inner.items()} == {"stored": 3.5, "real": 3.5}


def test_an_unknown_input_says_which_there_are() -> None:
    with pytest.raises(UsageError, match="It has: image"):
        LitertSession(dequantiser("uint8", 1.0, 0)).feed({"picture": np.zeros((1, 256))})


def test_another_shape_is_refused_with_both() -> None:
    with pytest.raises(SourceError, match=r"'image' takes the shape \[1, 256\], not \[1, 255\]"):
        LitertSession(dequantiser("uint8", 1.0, 0)).feed({"image": np.zeros((1, 255))})


def test_an_output_without_a_value_is_refused() -> None:
    session = LitertSession(dequantiser("uint8", 1.0, 0))
    session._outputs["scores"]["index"] = 99
    with pytest.raises(ConversionError, match="LiteRT cannot give the output"):
        session.read()


@pytest.mark.parametrize("data", [b"", b"<!DOCTYPE html>", dequantiser("uint8", 1.0, 0)[:200]])
def test_what_is_no_model_is_refused(data: bytes) -> None:
    with pytest.raises(ConversionError, match="LiteRT cannot load the model"):
        LitertSession(data)


def test_without_litert_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ai_edge_litert", None)
    with pytest.raises(MissingToolError, match=r"edgekit\[run\]"):
        LitertSession(b"")


def test_notices_of_litert_stay_off_stderr_and_other_lines_pass() -> None:
    script = (
        "import os, sys\n"
        "from edgekit.runtimes import litert\n"
        "from tests.runtimes.test_litert import dequantiser\n"
        "litert.LitertSession(dequantiser('uint8', 1.0, 0))\n"
        "with litert._without_notices():\n"
        "    os.write(2, b'INFO: hidden\\nWARNING: seen\\n')\n"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert done.stderr == "WARNING: seen\n"
