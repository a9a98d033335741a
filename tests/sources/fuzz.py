"""Feeds ``edgekit inspect`` with damaged files: python -m tests.sources.fuzz FILE FIRST_SEED COUNT FOLDER [graph].

Runs under a capped address space; each file has SECONDS. Prints one line for each file that ended in anything but a
documented exit code, and nothing else.
"""

import contextlib
import io
import resource
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from edgekit.cli import main
from edgekit.formats.graphdef import proto
from tests.mutations import mutate

ADDRESS_SPACE = 2 * 2**30
SECONDS = 30
EXPECTED = {0, 2, 3, 10}  # read, usage, not understood, bad labels


class TooSlowError(Exception):
    """A file took longer than SECONDS."""


def mutate_graph(data: bytes, seed: int) -> bytes:
    """A graph that still parses, with a few seeded faults in what it says: sizes, names, ops, inputs, values."""
    random = np.random.default_rng(seed)
    graph = proto.read(data)
    for _ in range(int(random.geometric(0.4))):
        node = graph.node[int(random.integers(len(graph.node)))]
        other = graph.node[int(random.integers(len(graph.node)))]
        number = int(random.choice([-(2**63), -(2**31), -1, 0, 1, 3, 255, 2**31 - 1, 2**40, 2**63 - 1]))
        kind = int(random.integers(8)) if random.random() < 0.96 else 8
        keys = sorted(node.attr)
        key = keys[int(random.integers(len(keys)))] if keys else "value"
        if kind == 0:
            node.op = other.op
        elif kind == 1 and node.input:
            node.input[int(random.integers(len(node.input)))] = other.name
        elif kind == 2 and node.input:
            del node.input[int(random.integers(len(node.input)))]
        elif kind == 3:
            node.attr[key].CopyFrom(
                other.attr[key] if key in other.attr else proto.make_node("", "", x=number).attr["x"]
            )
        elif kind == 4 and keys:
            del node.attr[key]
        elif kind == 5 and node.op == "Const":
            node.attr["value"].tensor.tensor_shape.dim.add(size=number)
        elif kind == 6 and node.op == "Const":
            node.attr["value"].tensor.dtype = int(random.integers(130))
        elif kind == 7:
            items = node.attr[key].list.i
            items[:] = [number] * max(len(items), 1)
        else:
            node.name = other.name if random.random() < 0.2 else node.name + "x"
    return bytes(graph.SerializeToString())


def examine(path: Path) -> str:
    """'' where ``inspect`` ended as documented, else what happened."""
    before = signal.signal(signal.SIGALRM, _expire)
    signal.alarm(SECONDS)
    out, err = io.StringIO(), io.StringIO()
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            main(["inspect", "--json", str(path)] if path.stat().st_size % 2 else ["inspect", str(path)])
    except SystemExit as ended:
        code = ended.code
        if code not in EXPECTED or "Traceback" in err.getvalue():
            return f"exit code {code}: {err.getvalue()[:300]}"
        return "" if code == 0 or err.getvalue().startswith("Error: ") else f"exit code {code} without a message"
    except BaseException:
        return traceback.format_exc()
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
    return "did not exit"


def _expire(*_: Any) -> None:
    raise TooSlowError(f"more than {SECONDS} s")


def run(file: Path, first: int, count: int, folder: Path, change: Callable[[bytes, int], bytes]) -> int:
    """Number of files that ended badly; those files stay in ``folder``."""
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
    data, bad = file.read_bytes(), 0
    for seed in range(first, first + count):
        path = folder / f"{seed}{file.suffix}"
        path.write_bytes(change(data, seed))
        if problem := examine(path):
            bad += 1
            sys.stdout.write(f"{path}: {problem}\n")
        else:
            path.unlink()
    return bad


if __name__ == "__main__":
    file, first, count, folder, *kind = sys.argv[1:]
    change = mutate_graph if kind else mutate
    sys.exit(1 if run(Path(file), int(first), int(count), Path(folder), change) else 0)
