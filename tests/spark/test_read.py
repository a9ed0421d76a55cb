"""Spark reads our files: every column of every table, with the settings that it has from the start."""

from pathlib import Path
from typing import Any

import pytest
from tests.tables.engines import every_table, written

pytestmark = pytest.mark.filterwarnings("default")  # pyspark's own are not ours to mend


@pytest.mark.parametrize("what", ["fields", "documents", "files", "case_fields", "wide", "twins"])
def test_spark_reads_every_value(what: str, spark: Any, tmp_path: Path) -> None:
    """Every value of every column of every table is the one that was written."""
    table = every_table()[what]
    found = spark.read.parquet(written(table, tmp_path / "table.parquet"))
    assert found.columns == table.schema.names
    assert found.toArrow().to_pylist() == table.to_pylist()
