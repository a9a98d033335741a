"""What this machine has, and what each missing extra would give."""

import platform
import shutil
import sys
from dataclasses import dataclass

from .._version import __version__
from ..browser import INSTALL_BROWSER, find_browser
from ..errors import MissingToolError
from ..runtimes import tfjs
from ..runtimes.packages import version

# extra → the packages it brings, and what works with them
EXTRAS = {
    "run": (("ai_edge_litert",), "run .tflite files: detect, and the check that every conversion ends with"),
    "convert": (("tensorflow",), "convert TensorFlow graphs, and verify against them"),
    "video": (("cv2",), "detect in video files and from a camera"),
    "yaml": (("yaml",), "read labels from the names of a YAML file"),
    "cloud": (("fsspec", "s3fs", "gcsfs"), "train on data in stores (gs://, s3://), and keep checkpoints there"),
    "browser": (
        ("playwright",),
        "run TensorFlow.js models: verify, and the check that conversions of graphs to them end with",
    ),
    "train": (("tensorboard", "google_crc32c"), "train detectors, which TensorBoard shows, on TFRecords too"),
}
CORE = ("click", "flatbuffers", "jinja2", "numpy", "PIL", "google.protobuf", "rich")


@dataclass(frozen=True, kw_only=True)
class Package:
    """A package, its version (empty when it is not installed), and the extra that brings it (empty: core)."""

    name: str
    version: str
    extra: str
    gives: str


@dataclass(frozen=True, kw_only=True)
class Tool:
    """What no package brings. found: where, empty when it is missing; fix: what to type then."""

    name: str
    found: str
    fix: str
    gives: str


@dataclass(frozen=True, kw_only=True)
class Examination:
    """What ``edgekit doctor`` found. free_disk in bytes, of the working folder."""

    edgekit: str
    python: str
    machine: str
    free_disk: int
    packages: tuple[Package, ...]
    tools: tuple[Tool, ...]

    @property
    def missing_core(self) -> tuple[str, ...]:
        return tuple(p.name for p in self.packages if not p.extra and not p.version)


def examine() -> Examination:
    """Look at this machine; imports none of the packages it looks for."""
    core = [Package(name=name, version=version(name) or "", extra="", gives="") for name in CORE]
    extras = [
        Package(name=name, version=version(name) or "", extra=extra, gives=gives)
        for extra, (names, gives) in EXTRAS.items()
        for name in names
    ]
    return Examination(
        edgekit=__version__,
        python=platform.python_version(),
        machine=f"{sys.platform} {platform.machine()}",
        free_disk=shutil.disk_usage(".").free,
        packages=tuple(core + extras),
        tools=(_browser(), _page()),
    )


def _browser() -> Tool:
    found, fix = None, INSTALL_BROWSER
    try:
        found = find_browser()
    except MissingToolError as error:
        fix = f"{error.what} {error.cause} {error.fix}"
    where = "" if found is None else found or "Playwright's own"
    return Tool(name="browser", found=where, fix=fix, gives="run TensorFlow.js models")


def _page() -> Tool:
    found = str(tfjs.APP) if tfjs.built() else ""
    return Tool(name="TensorFlow.js page", found=found, fix=tfjs.BUILD, gives="run TensorFlow.js models")
