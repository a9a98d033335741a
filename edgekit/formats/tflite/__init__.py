"""TFLite files: read, audited, and edited without TensorFlow, bytes in and bytes out."""

from .edit import attach, canonical, quantise_input, strip
from .postprocess import CUSTOM_NAME, PORTS, Postprocess, PostprocessOptions, anchors, find
from .reader import Operator, Quantisation, Signature, Subgraph, Tensor, TfliteModel, read

__all__ = [
    "CUSTOM_NAME",
    "PORTS",
    "Operator",
    "Postprocess",
    "PostprocessOptions",
    "Quantisation",
    "Signature",
    "Subgraph",
    "Tensor",
    "TfliteModel",
    "anchors",
    "attach",
    "canonical",
    "find",
    "quantise_input",
    "read",
    "strip",
]
