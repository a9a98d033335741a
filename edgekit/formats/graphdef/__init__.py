"""TensorFlow's GraphDef without TensorFlow: messages, constants, walks, static shapes, fake-quant ranges."""
