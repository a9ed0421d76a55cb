"""Measures the reading of many runs: see `measure`."""
