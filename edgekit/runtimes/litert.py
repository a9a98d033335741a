"""LiteRT: runs a .tflite file on the CPU of this machine."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import ConversionError, MissingToolError, SourceError, UsageError

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
        self._inputs: dict[str, dict[str, Any]]
        self._outputs: dict[str, dict[str, Any]]
        if signatures := self._interpreter.get_signature_list():
            runner = self._interpreter.get_signature_runner(next(iter(signatures)))
            self._inputs, self._outputs = runner.get_input_details(), runner.get_output_details()
        else:
            self._inputs = {detail["name"]: detail for detail in self._interpreter.get_input_details()}
            self._outputs = {detail["name"]: detail for detail in self._interpreter.get_output_details()}

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Shape of every input and output, by name."""
        return {name: tuple(map(int, detail["shape"])) for name, detail in (self._inputs | self._outputs).items()}

    def feed(self, inputs: Mapping[str, NDArray[Any]]) -> None:
        """Raises UsageError for an unknown name, SourceError for another shape than the model's."""
        import numpy as np

        for name, value in inputs.items():
            if name not in self._inputs:
                raise UsageError(f"The model has no input {name!r}.", fix=f"It has: {', '.join(self._inputs)}.")
            detail = self._inputs[name]
            shape = tuple(map(int, detail["shape"]))
            if np.shape(value) != shape:
                raise SourceError(
                    f"The model's input {name!r} takes the shape {list(shape)}, not {list(np.shape(value))}.",
                    cause="What describes the model does not belong to this file.",
                    fix="Convert the model again.",
                )
            _attempt("take the input", self._interpreter.set_tensor, detail["index"], _stored(value, detail))

    def invoke(self) -> None:
        _attempt("run the model", self._interpreter.invoke)

    def read(self) -> dict[str, NDArray[Any]]:
        return {
            name: _real(_attempt("give the output", self._interpreter.get_tensor, detail["index"]), detail)
            for name, detail in self._outputs.items()
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
    from ..vision.preprocess import dequantise

    scale, zero_point = detail["quantization"]
    return stored if stored.dtype.kind == "f" or not scale else dequantise(stored, scale, zero_point)


def _interpreter_module() -> Any:
    try:
        from ai_edge_litert import interpreter
    except ImportError as error:
        raise MissingToolError("LiteRT is needed to run a .tflite file.", cause=f"{error}.", fix=INSTALL) from None
    return interpreter


def _attempt(what: str, call: Any, /, *arguments: Any, **options: Any) -> Any:
    try:
        return call(*arguments, **options)
    except (ValueError, RuntimeError) as error:
        raise ConversionError(f"LiteRT cannot {what}.", cause=str(error).strip()) from None


@contextlib.contextmanager
def _without_notices() -> Iterator[None]:
    """LiteRT writes 'INFO: Created …' to file descriptor 2 and has no switch for it; everything else is passed on.

    The descriptor is the whole process's: what other threads write meanwhile is passed on too, a little later. Where
    LiteRT aborts the process, its last words are lost.
    """
    stderr = os.dup(2)
    try:
        with tempfile.TemporaryFile() as said:
            os.dup2(said.fileno(), 2)
            try:
                yield
            finally:
                os.dup2(stderr, 2)
                said.seek(0)
                for line in said:
                    if not line.startswith(b"INFO:"):
                        os.write(2, line)
    finally:
        os.close(stderr)
