"""What a written folder must show before it is called converted: the answer that TensorFlow gives, in a real browser.

A page raises nothing where a fused node lacks a word or a shard is read askew: it computes something else. So the
folder, as it lies there, is held against the graph before it was fused, with the very weights that the shards hold.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...browser import Page
from ...errors import ConversionError
from ...formats.graphdef import proto
from ...formats.graphdef.edit import replaced
from ...formats.graphdef.graph import Graph
from ...formats.graphdef.proto import make_constant
from ...formats.tfjs.quantise import Stored, restore
from ...runtimes.tensorflow import Worker
from ...runtimes.tensorflow.frozen import FrozenGraph
from ...runtimes.tensorflow.session import TensorflowSession
from ...runtimes.tfjs import TfjsSession
from ...system import write_file
from ...values.spec import ModelSpec
from ..acceptance import noise

BACKEND = "wasm"  # webgl takes seconds where there is no graphics card: ``verify`` asks it
LIMIT = 1e-4  # of a head's range: float32 sums in another order; a node that says too little is off by tenths of it
# RMS error over RMS: where activations are rounded, such sums now and then fall on the next step; .026 was measured
ROUNDED_LIMIT = 0.04
TINY = 1e-12  # keeps a head that is the same everywhere from a division by zero


def try_out(
    folder: Path,
    graph: Graph,
    stored: Sequence[Stored],
    spec: ModelSpec,
    recipe: str,
    worker: Worker,
    browser: Page,
    *,
    rounded: bool,
) -> None:
    """Run a written folder on a picture of noise, and compare.

    graph: what TensorFlow runs. Raises ConversionError where a page cannot run it, or answers otherwise.
    """
    picture = noise(spec.input)
    with ThreadPoolExecutor(1) as pool:  # both engines have processes of their own
        asked = pool.submit(_expected, graph, stored, spec, worker, picture)
        session = TfjsSession(folder, browser, backend=BACKEND)
        session.feed({spec.input.name: picture})
        session.invoke()
        found, expected = session.read(), asked.result()
    for name, got in found.items():
        _compare(name, expected[name], got, f"{recipe}, {BACKEND}", rounded)


def _expected(
    graph: Graph, stored: Sequence[Stored], spec: ModelSpec, worker: Worker, picture: NDArray[np.float32]
) -> dict[str, NDArray[Any]]:
    by = {one.name: [make_constant(one.name, restore(one))] for one in stored if one.weight.quantization}
    with tempfile.TemporaryDirectory() as place:
        path = Path(place, "graph.pb")
        write_file(path, proto.write(replaced(graph, by).message))
        session = TensorflowSession(
            worker, FrozenGraph(path=path, input=spec.input.name, shape=picture.shape, outputs=spec.head.outputs)
        )
        session.feed({spec.input.name: picture})
        session.invoke()
        return session.read()


def _compare(name: str, expected: NDArray[Any], got: NDArray[Any], where: str, rounded: bool) -> None:
    if got.shape != expected.shape:
        raise ConversionError(
            f"{where}: {name} is {list(got.shape)} in the page, {list(expected.shape)} in TensorFlow."
        )
    off, limit = (_noise(expected, got), ROUNDED_LIMIT) if rounded else (_largest(expected, got), LIMIT)
    if not off <= limit:  # what is not finite is not within it either
        raise ConversionError(
            f"{where}: {name} is off by {off:.2g} of its range on a picture of noise; the limit is {limit:g}.",
            cause="TensorFlow.js computes an op of this graph otherwise than TensorFlow.",
            fix="Take a TFLite recipe, and report the graph.",
        )


def _largest(expected: NDArray[Any], got: NDArray[Any]) -> float:
    return float(np.abs(got.astype(np.float64) - expected).max() / max(float(np.ptp(expected)), TINY))


def _noise(expected: NDArray[Any], got: NDArray[Any]) -> float:
    wanted = expected.astype(np.float64)
    return float(np.sqrt(((got - wanted) ** 2).mean() / max(float((wanted**2).mean()), TINY)))
