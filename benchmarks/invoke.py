"""Invokes two .tflite files in turn and writes the seconds of each pair: FILE FILE RESULT."""

import sys
import time
from pathlib import Path

from ai_edge_litert.interpreter import Interpreter

RUNS, WARM_UP = 40, 5


def main() -> None:
    """Load both, warm up, then invoke them in turn, swapping the order each time."""
    interpreters = [Interpreter(path, num_threads=1) for path in sys.argv[1:3]]
    for interpreter in interpreters:
        interpreter.allocate_tensors()
    pairs = []
    for run in range(RUNS + WARM_UP):
        seconds = [0.0, 0.0]
        for index in (0, 1) if run % 2 == 0 else (1, 0):
            begin = time.perf_counter()
            interpreters[index].invoke()
            seconds[index] = time.perf_counter() - begin
        pairs.append(seconds)
    Path(sys.argv[3]).write_text("".join(f"{a} {b}\n" for a, b in pairs[WARM_UP:]))


main()
