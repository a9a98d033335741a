"""The official TensorFlow.js converter and the Keras of its time, in an environment of their own."""

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
PROGRAMS = HERE.parents[1] / "build" / "official" / "bin"
KERAS_OUTPUT = "Identity"  # the node that freezing leaves


def obstacle() -> str:
    """Why there is no such environment, which is made where it is missing; nothing where it is there."""
    made = subprocess.run([HERE / "setup.sh"], capture_output=True, text=True)
    return f"no official converter: {made.stderr}" if made.returncode else ""


def conversion(graph: Path, outputs: str, out: Path) -> list[str]:
    """The command that converts a frozen graph into the folder ``out``. outputs: nodes, with commas between."""
    formats = ["--input_format", "tf_frozen_model", "--output_format", "tfjs_graph_model"]
    program = str(PROGRAMS / "tensorflowjs_converter")
    return [program, *formats, "--output_node_names", outputs, str(graph), str(out)]


def freezing(model: Path, graph: Path, *, keras: int) -> list[str]:
    """The command that freezes a Keras model into a graph, with Keras 2, which is theirs, or with Keras 3, ours."""
    program = str(PROGRAMS / "python") if keras == 2 else sys.executable
    return [program, str(HERE / "freeze.py"), str(model), str(graph)]
