"""``python -m benchmarks [SUITE…]``: measure, print, and fail when a bar is missed."""

import os
import platform
import sys
import tempfile
from pathlib import Path

from edgekit.system import sha256

from .bars import HEADER, Unmeasured, row
from .subjects import subject
from .suites import SUITES


def main() -> None:
    """Run the suites named on the command line, or all."""
    names = sys.argv[1:] or list(SUITES)
    held = []
    with tempfile.TemporaryDirectory() as folder:
        measured = subject(Path(folder))
        print(f"{measured.name}, .tflite sha256 {sha256(measured.tflite)[:16]}…")
        print(f"{_processor()}, {os.cpu_count()} cores, Python {platform.python_version()}\n\n{HEADER}", flush=True)
        for name in names:  # each is printed when it is there: a later failure loses nothing
            for bar in SUITES[name](Path(folder), measured):
                print(row(bar), flush=True)
                held.append(isinstance(bar, Unmeasured) or bar.held)
    sys.exit(0 if all(held) else 8)


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    return next((line.partition(": ")[2] for line in lines if line.startswith("model name")), platform.machine())


main()
