"""Layers with their bias and activation as the one node that TensorFlow.js has a kernel for."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from ...formats.graphdef.edit import copied, rebuilt, replaced
from ...formats.graphdef.graph import Graph
from ...formats.graphdef.proto import NodeDef
from .folding import DEPTHWISE

BIAS = "BiasAdd"
ACTIVATIONS = ("Relu", "Relu6", "Elu", "Sigmoid")
# Names as tfjs-converter's operation list has them: only the depthwise one comes without an underscore.
FUSED = {"Conv2D": "_FusedConv2D", DEPTHWISE: "FusedDepthwiseConv2dNative", "MatMul": "_FusedMatMul"}


def fuse(graph: Graph, ports: Collection[str]) -> Graph:
    """Each layer and what follows it alone as one node, which has the name of the last of them; in running order.

    ports: nodes whose results are asked for. What a node must say, or TensorFlow.js computes something else without
    a word: fused_ops, the bias first or NoOp in its place, and num_args, the number of biases.
    """
    by: dict[str, list[NodeDef]] = {}
    for layer in graph.of_op(*FUSED):
        tail = list(_tail(graph, layer, ports))
        if not tail:
            continue
        node = copied(layer)
        node.name, node.op = tail[-1].name, FUSED[layer.op]
        ops = [step.op for step in tail]
        biased = ops[0] == BIAS
        if biased:
            node.input.append(tail[0].input[1])
        node.attr["fused_ops"].list.s.extend(op.encode() for op in (ops if biased else ["NoOp", *ops]))
        node.attr["num_args"].i = int(biased)
        by[node.name] = [node]
    fused = replaced(graph, by).cut(list(ports))
    return rebuilt(fused, fused.ordered())


def _tail(graph: Graph, layer: NodeDef, ports: Collection[str]) -> Iterator[NodeDef]:
    """A bias, an activation, or both behind a layer, where nothing else takes what comes before."""
    node = layer
    for ops in ((BIAS,), ACTIVATIONS):
        users = graph.consumers[node.name]
        alone = len(users) == 1 and node.name not in ports
        if alone and users[0].op in ops and users[0].input[0].removesuffix(":0") == node.name:
            node = users[0]
            yield node
