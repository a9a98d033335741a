"""Measure which operator versions a runtime knows: python tests/judges/operator_versions.py, in the runtime's own venv.

A model that lists one operator code and uses it nowhere is opened once for every version: building the interpreter
fails where the runtime has no kernel for it. Writes {operator: [oldest, newest]} as JSON, as edgekit's readers.json
has it.
"""

import importlib.util
import json
import sys
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from edgekit.formats import flatbuffer
from edgekit.formats.tflite import schema

NEWEST = 24
NOT_OPERATORS = ("CUSTOM", "DELEGATE", "PLACEHOLDER_FOR_GREATER_OP_CODES")
MISSING = ("Didn't find op", "builtin_code out of range", "interpreter_builder(&interpreter)", "Registration failed")


def model(code: int, version: int) -> bytes:
    """An image classifier that has no operators but lists one."""
    tensors = [{"shape": shape, "type": 3, "name": name} for name, shape in (("in", [1, 8, 8, 3]), ("out", [1, 4]))]
    operator = {"deprecated_builtin_code": min(code, 127), "builtin_code": code, "version": version}
    subgraph = {"tensors": tensors, "inputs": [0], "outputs": [1], "operators": []}
    fields = {"version": 3, "operator_codes": [operator], "subgraphs": [subgraph], "buffers": [{}]}
    return flatbuffer.encode(schema.SCHEMA, "Model", fields, schema.IDENTIFIER)


def opener() -> tuple[str, Callable[[bytes], object]]:
    """The runtime of this environment: its name and version, and what opens a model with it."""
    if importlib.util.find_spec("mediapipe"):
        import mediapipe
        from mediapipe.tasks.python import vision
        from mediapipe.tasks.python.core.base_options import BaseOptions

        def classifier(data: bytes) -> None:
            options = vision.ImageClassifierOptions(base_options=BaseOptions(model_asset_buffer=data))
            vision.ImageClassifier.create_from_options(options).close()

        return f"mediapipe {mediapipe.__version__}", classifier
    if importlib.util.find_spec("tflite_support"):
        from importlib.metadata import version

        from tflite_support.task import core, vision

        def task(data: bytes) -> object:
            options = vision.ImageClassifierOptions(core.BaseOptions(file_content=data))
            return vision.ImageClassifier.create_from_options(options)

        return f"tflite-support {version('tflite-support')}", task
    import tensorflow as tf

    return f"tensorflow {tf.__version__}", lambda data: tf.lite.Interpreter(model_content=data)


def knows(open_model: Callable[[bytes], object], code: int, version: int) -> bool:
    try:
        open_model(model(code, version))
    except (ValueError, RuntimeError) as error:
        if not any(sign in str(error) for sign in MISSING):
            raise
        return False
    return True


def main() -> None:
    runtime, open_model = opener()
    table = {}
    for code, name in enumerate(schema.OPERATORS):
        known = [v for v in range(1, NEWEST + 1) if name not in NOT_OPERATORS and knows(open_model, code, v)]
        if known:
            assert known == list(range(known[0], known[-1] + 1)), (name, known)
            table[name] = [known[0], known[-1]]
    sys.stdout.write(json.dumps({"runtime": runtime, "operators": table}))


if __name__ == "__main__":
    main()
