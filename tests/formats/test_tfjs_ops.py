"""The table of ops that TensorFlow.js can run. Whether it is true, tests/runtimes/test_tfjs.py asks TensorFlow.js."""

import subprocess
from pathlib import Path

import pytest

from edgekit.formats.tfjs.ops import PATH, backends, missing, release

REPOSITORY = Path(__file__).parents[2]
ALL = ("cpu", "wasm", "webgl", "webgpu")


@pytest.mark.parametrize(
    ("ops", "expected"),
    [
        ([], {}),
        (["_FusedConv2D", "FusedDepthwiseConv2dNative", "_FusedMatMul", "Relu6", "Const", "Placeholder"], {}),
        (["ResizeBilinear", "ResizeNearestNeighbor", "NonMaxSuppressionV5", "While", "ClipByValue", "Round"], {}),
        (["Einsum", "Add", "Einsum"], {"Einsum": ("wasm",)}),
        (["StaticRegexReplace"], {"StaticRegexReplace": ("wasm", "webgpu")}),
        (
            ["TFLite_Detection_PostProcess", "CombinedNonMaxSuppression", "_FusedDepthwiseConv2dNative"],
            {"CombinedNonMaxSuppression": ALL, "TFLite_Detection_PostProcess": ALL, "_FusedDepthwiseConv2dNative": ALL},
        ),
        # The packages have code for it, which their converter does not reach.
        (["RaggedRange"], {"RaggedRange": ALL}),
    ],
)
def test_ops_that_a_backend_lacks_are_found(ops: list[str], expected: dict[str, tuple[str, ...]]) -> None:
    assert missing(ops) == expected
    assert list(missing(ops)) == sorted(expected)


def test_the_table_says_whose_it_is() -> None:
    assert (release(), backends()) == ("4.22.0", ALL)


@pytest.mark.slow
def test_the_table_is_what_the_packages_say() -> None:
    written = subprocess.run(["scripts/web.sh", "run", "ops"], cwd=REPOSITORY, capture_output=True, check=True).stdout
    assert written == PATH.read_bytes(), "run: scripts/web.sh run ops > edgekit/formats/tfjs/ops.json"
