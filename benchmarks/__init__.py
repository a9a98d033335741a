"""The speed that edgekit promises, as ratios taken side by side in one run. ``python -m benchmarks``."""
