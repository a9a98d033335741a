"""Engines that run a model: real numbers in, real numbers out, keyed by the model's own names.

A Session has three steps, so that ``invoke`` alone can be timed. Sessions are not thread-safe.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Session(Protocol):
    """A loaded model."""

    def feed(self, inputs: Mapping[str, NDArray[Any]]) -> None:
        """Set the inputs, by name, as real numbers; integer tensors are quantised with their own encoding."""

    def invoke(self) -> None:
        """Run once."""

    def read(self) -> dict[str, NDArray[Any]]:
        """The outputs of the last run, by name, as real numbers."""
