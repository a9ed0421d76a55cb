"""Iceberg has our tables: every column of every table, in a catalog of this machine and without a JVM."""

from pathlib import Path
from typing import Any

import pytest
from tests.tables.engines import every_table

pytestmark = pytest.mark.filterwarnings("default")  # pyiceberg's own are not ours to mend


def without_empty_lists(value: Any) -> Any:
    """A value with null for each list that has nothing: pyiceberg writes both as an empty list."""
    if isinstance(value, dict):
        return {name: without_empty_lists(each) for name, each in value.items()}
    return [without_empty_lists(each) for each in value] or None if isinstance(value, list) else value


@pytest.mark.parametrize("what", ["fields", "documents", "files", "case_fields", "wide", "twins"])
def test_iceberg_has_every_value(what: str, tmp_path: Path) -> None:
    """Every value of every column of every table is the one that was written."""
    sql = pytest.importorskip("pyiceberg.catalog.sql", reason="pyiceberg is in the environment of make test-spark")
    catalog = sql.SqlCatalog("local", uri=f"sqlite:///{tmp_path}/catalog.db", warehouse=tmp_path.as_uri())
    catalog.create_namespace("results")
    written = every_table()[what]
    table = catalog.create_table(f"results.{what}", schema=written.schema)
    table.append(written)
    found = table.scan().to_arrow()
    assert found.schema.names == written.schema.names
    assert without_empty_lists(found.to_pylist()) == without_empty_lists(written.to_pylist())
