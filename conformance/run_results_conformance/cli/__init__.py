"""The command line: `run-results-conformance`."""

from .app import main as main
