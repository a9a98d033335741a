"""TensorFlow, which only ever lives in one child process a command. Importing this package does not import it."""

from .worker import Worker, tensorflow_worker

__all__ = ["Worker", "tensorflow_worker"]
