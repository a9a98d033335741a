"""File formats: bytes in, values out, and back. No TensorFlow, no network, no clock."""
