"""Invokes two .tflite files in turn and writes the seconds of each pair: FILE FILE PICTURES RESULT.

PICTURES: a folder; each of its pictures goes, at either file's own size, first through one and then through the other.
"""

import sys
import time
from pathlib import Path

from ai_edge_litert.interpreter import Interpreter

from edgekit.vision import images
from edgekit.vision.resize import resize

RUNS, WARM_UP = 40, 5


def main() -> None:
    """Load both, warm up, then invoke them in turn, swapping the order each time."""
    pictures = [images.load(path) for path in images.pictures(Path(sys.argv[3]))]
    interpreters = [Interpreter(path, num_threads=1) for path in sys.argv[1:3]]
    fed = []
    for interpreter in interpreters:
        interpreter.allocate_tensors()
        _, height, width, _ = interpreter.get_input_details()[0]["shape"].tolist()
        fed.append([resize(picture, height, width)[None] for picture in pictures])
    pairs = []
    for run in range(RUNS + WARM_UP):
        seconds = [0.0, 0.0]
        for index in (0, 1) if run % 2 == 0 else (1, 0):
            interpreter = interpreters[index]
            interpreter.set_tensor(interpreter.get_input_details()[0]["index"], fed[index][run // 2 % len(pictures)])
            begin = time.perf_counter()
            interpreter.invoke()
            seconds[index] = time.perf_counter() - begin
        pairs.append(seconds)
    Path(sys.argv[4]).write_text("".join(f"{a} {b}\n" for a, b in pairs[WARM_UP:]))


main()
