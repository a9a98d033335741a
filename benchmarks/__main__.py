"""``python -m benchmarks [SUITE…]``: measure, print, and fail when a bar is missed."""

import os
import platform
import sys
import tempfile
from pathlib import Path

from .bars import table
from .suites import SUITES


def main() -> None:
    """Run the suites named on the command line, or all."""
    real = Path(os.environ.get("EDGEKIT_REAL", Path(__file__).parents[2] / "shared" / "real"))
    if not real.is_dir():
        sys.exit(f"EDGEKIT_REAL: no folder {real} with published models; nothing was measured")
    names = sys.argv[1:] or list(SUITES)
    with tempfile.TemporaryDirectory() as folder:
        bars = [bar for name in names for bar in SUITES[name](Path(folder), real)]
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}\n")
    print(table(bars))
    sys.exit(0 if all(bar.held for bar in bars) else 8)


main()
