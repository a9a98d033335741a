"""TensorFlow's own graph optimiser. Runs inside the worker."""

from __future__ import annotations

from collections.abc import Sequence

from ...formats.graphdef import proto
from ...formats.graphdef.graph import Graph

PASSES = ("pruning", "constfold", "arithmetic", "dependency")


def optimise(graph: Graph, outputs: Sequence[str]) -> Graph:
    """The graph with constants worked out and ops without effect left out; these nodes keep their names."""
    import tensorflow as tf
    from tensorflow.core.protobuf import config_pb2, device_properties_pb2
    from tensorflow.python.grappler import cluster, tf_optimizer

    # On a GPU it leaves out rewrites that only the CPU's kernels know, such as chains of unary ops as one op.
    device = device_properties_pb2.NamedDevice(name="/GPU:0")
    device.properties.type = "GPU"
    device.properties.environment["architecture"] = "4"
    definition = tf.compat.v1.GraphDef.FromString(proto.write(graph.message))
    with tf.Graph().as_default() as imported:
        tf.import_graph_def(definition, name="")
        meta = tf.compat.v1.train.export_meta_graph(graph=imported, graph_def=imported.as_graph_def())
    meta.collection_def["train_op"].node_list.value.extend(outputs)
    config = config_pb2.ConfigProto()
    rewrites = config.graph_options.rewrite_options
    rewrites.optimizers.extend(PASSES * 2)  # what one pass uncovers, another can take
    rewrites.min_graph_nodes = -1
    result = tf_optimizer.OptimizeGraph(config, meta, cluster=cluster.Cluster(devices=[device]))
    return Graph.of(proto.read(result.SerializeToString())).cut(outputs)
