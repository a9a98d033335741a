"""Invokes two .tflite files in turn and writes the seconds of each pair: FILE FILE PICTURES RESULT.

PICTURES: a folder; each of its pictures goes, at either file's own size, first through one and then through the other.
"""

import sys
import time
from pathlib import Path

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from benchmarks.launches import in_turn
from edgekit.vision import images
from edgekit.vision.resize import resize


def main() -> None:
    """Load both, then invoke them in turn."""
    pictures = [images.load(path) for path in images.pictures(Path(sys.argv[3]))]
    interpreters = [Interpreter(path, num_threads=1) for path in sys.argv[1:3]]
    fed = []
    for interpreter in interpreters:
        interpreter.allocate_tensors()
        _, height, width, _ = interpreter.get_input_details()[0]["shape"].tolist()
        fed.append([resize(picture, height, width)[None] for picture in pictures])

    def invoked(side: int, pair: int) -> float:
        interpreter = interpreters[side]
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], fed[side][pair // 2 % len(pictures)])
        begin = time.perf_counter()
        interpreter.invoke()
        return time.perf_counter() - begin

    np.savetxt(sys.argv[4], in_turn(invoked))


main()
