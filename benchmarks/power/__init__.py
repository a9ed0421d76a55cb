"""Measures the verifier: which faults it and other tools find, and which correct servers they accuse. See README.md."""
