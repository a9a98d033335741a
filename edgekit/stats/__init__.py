"""Statistics of measurements: numbers in, numbers out."""
