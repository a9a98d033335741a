"""TFLite files: read, audited, and edited without TensorFlow, bytes in and bytes out."""

from .reader import Operator, Quantisation, Signature, Subgraph, Tensor, TfliteModel, read

__all__ = ["Operator", "Quantisation", "Signature", "Subgraph", "Tensor", "TfliteModel", "read"]
