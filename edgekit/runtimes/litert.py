"""LiteRT: runs a .tflite file on the CPU of this machine."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import ConversionError, MissingToolError, UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

INSTALL = "Type: pip install 'edgekit[run]'"


class LitertSession:
    """A .tflite file in memory.

    Inputs and outputs carry the names of the file's first signature, or those of its tensors where it has none. Each
    integer tensor is quantised with its own encoding: (stored − zero point) × scale comes back as stored.
    """

    def __init__(self, model: Path | bytes, *, threads: int = 1, xnnpack: bool = True, inner: bool = False) -> None:
        """Load a file, or its bytes. inner: keep what stands between the operators for ``read_inner``; XNNPACK,
        which fuses operators, is left out then.

        Raises MissingToolError without LiteRT, ConversionError where LiteRT refuses the model.
        """
        interpreter = _interpreter_module()
        resolver = interpreter.OpResolverType
        where = {"model_path": str(model)} if isinstance(model, Path) else {"model_content": bytes(model)}
        with _without_notices():
            self._interpreter = _attempt(
                "load the model",
                interpreter.Interpreter,
                **where,
                num_threads=threads,
                experimental_preserve_all_tensors=inner,
                experimental_op_resolver_type=resolver.AUTO
                if xnnpack and not inner
                else resolver.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
            )
            _attempt("prepare the model", self._interpreter.allocate_tensors)
        self._inputs = self._named("inputs", self._interpreter.get_input_details())
        self._outputs = self._named("outputs", self._interpreter.get_output_details())

    def _named(self, side: str, details: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
        signatures = self._interpreter.get_signature_list()
        if not signatures:
            return {detail["name"]: detail for detail in details}
        key = next(iter(signatures))
        runner = self._interpreter.get_signature_runner(key)
        named: dict[str, dict[str, Any]] = getattr(runner, f"get_{side[:-1]}_details")()
        return named

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Shape of every input and output, by name."""
        return {name: tuple(map(int, detail["shape"])) for name, detail in (self._inputs | self._outputs).items()}

    def feed(self, inputs: Mapping[str, NDArray[Any]]) -> None:
        for name, value in inputs.items():
            if name not in self._inputs:
                raise UsageError(f"The model has no input {name!r}.", fix=f"It has: {', '.join(self._inputs)}.")
            detail = self._inputs[name]
            self._interpreter.set_tensor(detail["index"], _stored(value, detail))

    def invoke(self) -> None:
        _attempt("run the model", self._interpreter.invoke)

    def read(self) -> dict[str, NDArray[Any]]:
        return {
            name: _real(self._interpreter.get_tensor(detail["index"]), detail) for name, detail in self._outputs.items()
        }

    def read_inner(self) -> dict[str, NDArray[Any]]:
        """Every tensor that holds a value after a run, by its own name, as real numbers; needs ``inner``."""
        held = {}
        for detail in self._interpreter.get_tensor_details():
            with contextlib.suppress(ValueError):  # LiteRT's word for a tensor without a value
                held[detail["name"]] = _real(self._interpreter.get_tensor(detail["index"]), detail)
        return held


def _stored(value: NDArray[Any], detail: Mapping[str, Any]) -> NDArray[Any]:
    import numpy as np

    dtype = np.dtype(detail["dtype"])
    scale, zero_point = detail["quantization"]
    if dtype.kind == "f" or not scale:
        return np.asarray(value, dtype)
    limits = np.iinfo(dtype)
    steps = np.rint(np.asarray(value, np.float64) / scale) + zero_point
    stored: NDArray[Any] = np.clip(steps, limits.min, limits.max).astype(dtype)
    return stored


def _real(stored: NDArray[Any], detail: Mapping[str, Any]) -> NDArray[Any]:
    import numpy as np

    scale, zero_point = detail["quantization"]
    if stored.dtype.kind == "f" or not scale:
        return stored
    real: NDArray[np.float32] = (stored.astype(np.float32) - np.float32(zero_point)) * np.float32(scale)
    return real


def _interpreter_module() -> Any:
    try:
        from ai_edge_litert import interpreter
    except ImportError as error:
        raise MissingToolError("LiteRT is needed to run a .tflite file.", cause=f"{error}.", fix=INSTALL) from None
    return interpreter


def _attempt(what: str, call: Any, /, **arguments: Any) -> Any:
    try:
        return call(**arguments)
    except (ValueError, RuntimeError) as error:
        raise ConversionError(f"LiteRT cannot {what}.", cause=str(error).strip()) from None


@contextlib.contextmanager
def _without_notices() -> Iterator[None]:
    """LiteRT writes 'INFO: Created …' to file descriptor 2 and has no switch for it; everything else is passed on."""
    with tempfile.TemporaryFile() as kept:
        stderr = os.dup(2)
        os.dup2(kept.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(stderr, 2)
            kept.seek(0)
            os.write(2, b"".join(line for line in kept if not line.startswith(b"INFO:")))
            os.close(stderr)
