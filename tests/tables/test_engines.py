"""Engines read every column of every table as it was written; `tests/spark` has the one that needs Java."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import deltalake
import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from .engines import every_table, written

TABLES = every_table()


def with_duckdb(table: pa.Table, path: Path) -> list[dict[str, Any]]:
    """The rows as DuckDB has them."""
    # Through Arrow: for times with a zone, DuckDB's own rows need pytz.
    return duckdb.sql(f"SELECT * FROM '{written(table, path)}'").to_arrow_table().to_pylist()


def with_polars(table: pa.Table, path: Path) -> list[dict[str, Any]]:
    """The rows as polars has them."""
    return pl.read_parquet(written(table, path)).to_dicts()


def with_pandas(table: pa.Table, path: Path) -> list[dict[str, Any]]:
    """The rows as pandas has them."""
    # With its own types, whole numbers beside a null are floats, and lose the digits behind the fifteenth.
    return pd.read_parquet(written(table, path), dtype_backend="pyarrow").to_dict("records")


def with_delta(table: pa.Table, path: Path) -> list[dict[str, Any]]:
    """The rows of a Delta table that was made of the file, as the library of Delta has them."""
    folder = str(path.with_suffix(""))
    deltalake.write_deltalake(folder, pa.parquet.read_table(written(table, path)))
    return pa.table(deltalake.DeltaTable(folder).to_pyarrow_table()).to_pylist()


def plain(value: Any) -> Any:
    """A value without an engine's own types: pandas has arrays for lists, and NaN or NaT for null."""
    if isinstance(value, dict):
        return {name: plain(each) for name, each in value.items()}
    if isinstance(value, list | np.ndarray):
        return [plain(each) for each in value]
    if value is pd.NA or value is pd.NaT or (isinstance(value, float) and math.isnan(value)):
        return None
    return value.to_pydatetime() if isinstance(value, pd.Timestamp) else value


@pytest.mark.parametrize("engine", [with_duckdb, with_polars, with_pandas, with_delta])
@pytest.mark.parametrize("what", TABLES)
def test_an_engine_reads_every_value(
    what: str, engine: Callable[[pa.Table, Path], list[dict[str, Any]]], tmp_path: Path
) -> None:
    """Every value of every column of every table is the one that was written, in each engine."""
    rows = engine(TABLES[what], tmp_path / "table.parquet")
    expected = TABLES[what].to_pylist()
    assert len(rows) == len(expected) > 0
    for row, wanted in zip(rows, expected, strict=True):
        assert {name: plain(value) for name, value in row.items()} == wanted


def test_every_column_has_a_value() -> None:
    """What the engines read has a value in every column; the wide view also has some that no field can fill."""
    for what, table in TABLES.items():
        empty = [
            name
            for name, column in zip(table.schema.names, table.columns, strict=True)
            if column.null_count == len(column)
        ]
        assert all(what == "wide" and name.endswith(("_number", "_currency", "_date")) for name in empty), empty
