"""Standard output as a place for tables."""

import os

from rich.console import Console

WIDE = 200  # columns of a file or a pipe, which nobody's window limits


def console() -> Console:
    """As wide as the terminal; wide where the output goes elsewhere and COLUMNS says nothing."""
    made = Console(highlight=False)
    return made if made.is_terminal or "COLUMNS" in os.environ else Console(highlight=False, width=WIDE)
