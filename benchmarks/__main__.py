"""``python -m benchmarks [SUITE…]``: measure, print, and fail when a bar is missed."""

import os
import platform
import sys
import tempfile
from pathlib import Path

from edgekit.system import sha256

from .bars import table
from .subjects import subject
from .suites import SUITES


def main() -> None:
    """Run the suites named on the command line, or all."""
    names = sys.argv[1:] or list(SUITES)
    with tempfile.TemporaryDirectory() as folder:
        measured = subject(Path(folder))
        digest = sha256(measured.tflite)
        bars = [bar for name in names for bar in SUITES[name](Path(folder), measured)]
    print(f"{measured.name}, .tflite sha256 {digest[:16]}…")
    print(f"{_processor()}, {os.cpu_count()} cores, Python {platform.python_version()}\n")
    print(table(bars))
    sys.exit(0 if all(bar.held for bar in bars) else 8)


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    return next((line.partition(": ")[2] for line in lines if line.startswith("model name")), platform.machine())


main()
