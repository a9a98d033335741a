"""Frozen values that check themselves. This floor imports the standard library and numpy, nothing else."""
