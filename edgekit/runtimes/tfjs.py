"""TensorFlow.js: runs a graph model in a page of a browser, as a web page would."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..browser import Page, open_page
from ..errors import MissingToolError, SourceError, UsageError
from ..formats.tfjs import NAME

if TYPE_CHECKING:
    from numpy.typing import NDArray

APP = Path(__file__).parents[1] / "_apps" / "tfjs"  # what web_demo/runner is built into
BUILD = "Type: make web"
BACKENDS = ("wasm", "webgl", "cpu")
DTYPES = {"float32": "<f4", "int32": "<i4", "bool": "?"}  # TensorFlow.js's names → numpy's


def built() -> bool:
    """Whether the page is there."""
    return (APP / "index.html").is_file()


@contextlib.contextmanager
def tfjs_page(*, threads: int = 1) -> Iterator[Page]:
    """A page with TensorFlow.js, opening in the background, for any number of sessions one after the other.

    threads: of the backend wasm. Raises MissingToolError where the page was not built, or without a browser.
    """
    if not built():
        raise MissingToolError(
            "The page that runs TensorFlow.js models is missing.",
            cause="It is built from web_demo/runner, and edgekit was installed without it.",
            fix=BUILD,
        )
    with open_page(APP, f"?threads={threads}") as page:
        yield page


class TfjsSession:
    """A graph model in a page of ``tfjs_page``.

    Inputs and outputs carry the names of the model's signature, or those of its nodes where it has none. load_seconds,
    run_seconds: what loading and the last run took inside the page.
    """

    def __init__(self, folder: Path, page: Page, *, backend: str = "wasm") -> None:
        """Load the model.json of a folder. Raises ConversionError where TensorFlow.js refuses it."""
        if backend not in BACKENDS:
            raise UsageError(f"There is no backend {backend!r}.", fix=f"There are: {', '.join(BACKENDS)}.")
        self._name = folder / NAME
        self._page = page
        wanted = {"url": f"{page.serve(folder)}/{NAME}", "backend": backend}
        loaded, _ = page.call("load", wanted, purpose=f"load {self._name}")
        self._model = {"id": loaded["id"]}
        self._inputs = {described["name"]: described for described in loaded["inputs"]}
        self.outputs: tuple[str, ...] = tuple(loaded["outputs"])
        self.load_seconds: float = loaded["milliseconds"] / 1000
        self.run_seconds = math.nan

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Shape of every input, by name; -1 is a size that may be any."""
        return {name: tuple(described["shape"] or ()) for name, described in self._inputs.items()}

    def feed(self, inputs: Mapping[str, NDArray[Any]]) -> None:
        """Raises UsageError for an unknown name, SourceError for another shape than the model's."""
        import numpy as np

        tensors, data = [], b""
        for name, value in inputs.items():
            if name not in self._inputs:
                raise UsageError(f"{self._name} has no input {name!r}.", fix=f"It has: {', '.join(self._inputs)}.")
            described = self._inputs[name]
            if described["dtype"] not in DTYPES:
                raise SourceError(
                    f"{self._name} takes {described['dtype']} as its input {name!r}, not numbers.",
                    fix="Cut the graph behind what makes numbers of it.",
                )
            _expect_shape(name, np.shape(value), described["shape"])
            tensors.append(described | {"shape": np.shape(value)})
            data += _stored(value, described["dtype"]).tobytes()
        self._page.call("feed", self._model | {"tensors": tensors}, data, purpose=f"take the input of {self._name}")

    def invoke(self) -> None:
        answer, _ = self._page.call("run", self._model, purpose=f"run {self._name}")
        self.run_seconds = answer["milliseconds"] / 1000

    def read(self) -> dict[str, NDArray[Any]]:
        return _tensors(*self._page.call("read", self._model, purpose=f"give the output of {self._name}"))

    def read_inner(self, names: Sequence[str]) -> dict[str, NDArray[Any]]:
        """Tensors that stand inside the graph, by the names of their nodes, for what was fed; runs for them."""
        wanted = self._model | {"names": [*names]}
        return _tensors(*self._page.call("inner", wanted, purpose=f"give inner tensors of {self._name}"))

    def memory(self) -> dict[str, int]:
        """What TensorFlow.js holds in the whole page: the number of ``tensors``, and their ``bytes``."""
        held, _ = self._page.call("memory", purpose="tell its memory")
        return {"tensors": held["tensors"], "bytes": held["bytes"]}

    def close(self) -> None:
        """Let the page forget the model."""
        self._page.call("unload", self._model, purpose=f"unload {self._name}")


def _expect_shape(name: str, shape: tuple[int, ...], wanted: Sequence[int] | None) -> None:
    """wanted: None where the model says nothing, -1 for a size that may be any."""
    if wanted is None or (len(shape) == len(wanted) and all(w in (s, -1) for s, w in zip(shape, wanted, strict=True))):
        return
    raise SourceError(
        f"The model's input {name!r} takes the shape {list(wanted)}, not {list(shape)}.",
        cause="What describes the model does not belong to this file.",
        fix="Convert the model again.",
    )


def _stored(value: NDArray[Any], dtype: str) -> NDArray[Any]:
    import numpy as np

    array = np.asarray(value)
    return (np.rint(array) if dtype == "int32" else array).astype(DTYPES[dtype])


def _tensors(described: Sequence[Mapping[str, Any]], data: bytes) -> dict[str, NDArray[Any]]:
    import numpy as np

    found, start = {}, 0
    for one in described:
        dtype, size = np.dtype(DTYPES[one["dtype"]]), math.prod(one["shape"])
        found[one["name"]] = np.frombuffer(data, dtype, size, start).reshape(one["shape"])
        start += size * dtype.itemsize
    return found
