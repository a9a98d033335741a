"""A converted model: a folder OUT/<recipe>/ with its files and manifest.json."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from .model import Source
from .show import Shown
from .spec import ModelSpec, expect, expect_inside


@dataclass(frozen=True, kw_only=True)
class File:
    """A file of an artifact. role: model, labels, anchors, shard; path relative to the artifact."""

    path: str
    role: str
    bytes: int
    sha256: str

    def __post_init__(self) -> None:
        expect_inside(self.path)


@dataclass(frozen=True, kw_only=True)
class Artifact(Shown):
    """What ``convert`` made. spec is that of this very file, not of the source.

    key: digest of everything that decided the bytes. display_score: the threshold an app starts with. emulated: whether
    it rounds activations as the source's fake-quants do, where its recipe alone would not.
    """

    brief: ClassVar[tuple[str, ...]] = ("recipe", "path", "sha256", "assumptions")

    root: Path
    spec: ModelSpec
    recipe: str
    files: tuple[File, ...]
    source: Source
    tools: Mapping[str, str]
    key: str = ""
    assumptions: tuple[str, ...] = ()
    display_score: float = 0.5
    licence: str = ""
    emulated: bool = False

    def __post_init__(self) -> None:
        models = [file.path for file in self.files if file.role == "model"]
        expect(len(models) == 1, "model files", "exactly one", models)

    @property
    def path(self) -> Path:
        """The file with role model."""
        return self.root / next(file.path for file in self.files if file.role == "model")

    @property
    def sha256(self) -> str:
        return next(file.sha256 for file in self.files if file.role == "model")
