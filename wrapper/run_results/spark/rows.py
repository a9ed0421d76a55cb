"""The batches that Spark is given, and their Arrow schema.

Spark takes a batch only if its types are exactly those of the DataFrame. There every column may be null, as in each
table that Spark reads from files.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, Literal, cast

import pyarrow as pa

from run_results.errors import ConfigurationError
from run_results.scale import Slice, Source, read, read_all
from run_results.tables.schema import TABLES, What, check_what

ALL: Final = "all"
Table = What | Literal["all"]
"""One table, or all four: then each row has the name of its table, and a struct of that name with its columns."""


def check_table(table: str) -> Table:
    """The name of a table, or `all`. Raises `ConfigurationError`."""
    return cast("Table", table if table == ALL else check_what(table))


def schema_of(source: Source, table: Table, columns: Sequence[str] = ()) -> pa.Schema:
    """The Arrow schema of the batches. `columns` are those that are wanted, in order; none for all of them.

    Raises `ConfigurationError` for a column that the table has not.
    """
    if table == ALL:
        if columns:
            raise ConfigurationError("columns are those of one table: say which, instead of 'all'")
        structs = [pa.field(name, pa.struct(list(schema_of(source, name)))) for name in TABLES]
        return pa.schema([pa.field("table", pa.string()), *structs])
    schema = pa.schema([each.with_nullable(True) for each in source.schema(table)])
    for name in columns:
        if name not in schema.names:
            raise ConfigurationError(f"the table {table} has no column {name[:80]!r}; it has {', '.join(schema.names)}")
    return pa.schema([schema.field(name) for name in columns]) if columns else schema


def batches(
    source: Source, slices: Iterable[Slice], table: Table, columns: Sequence[str] = ()
) -> Iterator[pa.RecordBatch]:
    """The rows of slices, in batches of this schema. Raises what `run_results.scale.read` raises."""
    schema = schema_of(source, table, columns)
    if table == ALL:
        for name, batch in read_all(source, slices):
            yield _in_struct(name, batch, schema)
    else:
        for batch in read(source, slices, table):
            yield pa.RecordBatch.from_arrays([batch.column(name) for name in schema.names], schema=schema)


def _in_struct(table: What, batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """The rows of one table as rows of all of them."""
    columns = [pa.repeat(table, len(batch))]
    for each in list(schema)[1:]:
        if each.name == table:
            columns.append(pa.StructArray.from_arrays(batch.columns, fields=list(each.type)))
        else:
            columns.append(pa.nulls(len(batch), each.type))
    return pa.RecordBatch.from_arrays(columns, schema=schema)
