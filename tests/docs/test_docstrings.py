"""Every example in a docstring gives what it says."""

import doctest
import importlib
from pathlib import Path

import pytest

ROOTS = [Path(__file__).parents[2] / name for name in ("wrapper", "conformance")]
WITH_EXAMPLES = [
    ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__")
    for root in ROOTS
    for path in sorted(root.rglob("*.py"))
    if ">>> " in path.read_text("utf-8")
]


@pytest.mark.parametrize("name", WITH_EXAMPLES)
def test_the_examples_of_the_docstrings_hold(name: str) -> None:
    """Every example that can be run gives what it says."""
    if name.startswith("run_results.spark."):
        pytest.importorskip("pyspark", reason="pyspark has its own environment: make test-spark")
    assert doctest.testmod(importlib.import_module(name)).failed == 0
