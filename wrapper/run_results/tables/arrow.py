"""The columns of `schema` as Arrow has them: types, fields and schemas."""

from typing import Any, Final

import pyarrow as pa
import pyarrow.compute

from run_results.tables.schema import VERSION, Column, ListOf, Struct, Type, What, columns

pc: Any = pyarrow.compute
"""The compute functions. They are made when the module is imported, so that no type checker knows them."""

_PLAIN: Final = {
    "bool": pa.bool_(),
    "date32": pa.date32(),
    "decimal128(38, 9)": pa.decimal128(38, 9),
    "double": pa.float64(),
    "int32": pa.int32(),
    "int64": pa.int64(),
    "string": pa.string(),
    "timestamp[us, UTC]": pa.timestamp("us", "UTC"),
}


def arrow_type(type: Type, *, metadata: bool = True) -> pa.DataType:
    """The Arrow type of a column's type."""
    if isinstance(type, ListOf):
        return list_of(arrow_type(type.element, metadata=metadata))
    if isinstance(type, Struct):
        return pa.struct([arrow_field(member, metadata=metadata) for member in type.members])
    return _PLAIN[type]


def list_of(type: pa.DataType) -> pa.DataType:
    """A list of a type; its child is called `element`, as Parquet and Spark have it."""
    return pa.list_(pa.field("element", type))


def arrow_field(column: Column, *, metadata: bool = True) -> pa.Field:
    """A column as an Arrow field, with its description and unit in the metadata, unless none is wanted."""
    about = {"description": column.description} | ({"unit": column.unit} if column.unit else {})
    kind = arrow_type(column.type, metadata=metadata)
    return pa.field(column.name, kind, nullable=column.nullable, metadata=about if metadata else None)


def arrow_schema(what: What, *, typed: bool = False, metadata: bool = True) -> pa.Schema:
    """The Arrow schema of a table. Its metadata has `run_results.table` and `run_results.schema_version`.

    >>> arrow_schema("files").field("run_started_at").type
    TimestampType(timestamp[us, tz=UTC])
    """
    about = {"run_results.table": what, "run_results.schema_version": str(VERSION)}
    found = [arrow_field(column, metadata=metadata) for column in columns(what, typed=typed)]
    return pa.schema(found, metadata=about if metadata else None)
