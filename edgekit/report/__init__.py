"""The only place that formats for people: in the terminal, and as one self-contained page."""

WORDS = {"pass": "passed", "fail": "failed", "unsure": "unsure"}
ENOUGH = 12  # samples; fewer show little


def samples(count: int) -> str:
    """How many, and where they are too few, what to do about it."""
    said = f"{count} sample{'' if count == 1 else 's'}"
    return said if count >= ENOUGH else f"{said} (few samples: take a few dozen)"


def printable(text: str) -> str:
    """A text from a file without what would command the terminal: control characters, but for line breaks."""
    return "".join(c if c.isprintable() or c == "\n" else "\N{REPLACEMENT CHARACTER}" for c in text)


def size(count: int) -> str:
    """A number of bytes, as people say it."""
    if count < 1000:
        return f"{count} bytes"
    return f"{count / 1e6:.2f} MB" if count >= 1e5 else f"{count / 1e3:.1f} kB"
