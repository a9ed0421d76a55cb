"""The Arrow schemas of the rows of many runs: those of the tables, without metadata."""

from typing import Final

import pyarrow as pa

from run_results.tables.arrow import arrow_schema
from run_results.tables.schema import What

MISSING: Final = "missing"
"""The last column of each table where missing runs are reported: why the run could not be read."""


def schema_of(table: What, *, typed: bool, report: bool) -> pa.Schema:
    """The schema of a table. Where missing runs are reported, it has a column more, and only `run_id` is never null."""
    schema = arrow_schema(table, typed=typed, metadata=False)
    if not report:
        return schema
    nullable = [schema.field("run_id"), *(each.with_nullable(True) for each in schema if each.name != "run_id")]
    return pa.schema([*nullable, pa.field(MISSING, pa.string())])
