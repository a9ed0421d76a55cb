"""The Arrow schema of a table, for engines that want to know it before there is a row."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

    from run_results.tables.options import Typed
    from run_results.tables.schema import What


def schema(what: "What" = "fields", *, typed: "Typed | bool" = False, metadata: bool = False) -> "pa.Schema":
    """The Arrow schema of a table, as `client.table` makes it.

    Args:
        what: Which table: `fields`, `documents`, `files` or `case_fields`; docs/tables.md has their columns.
        typed: Whether the columns for typed values are in it.
        metadata: Whether it has the version of the schema, and each column its description and unit. Without, nothing
            stands in it but names and types, as engines compare them.

    Raises `ConfigurationError` for a table that there is not, and without pyarrow.

    >>> schema("files").names[:3]
    ['run_id', 'file_index', 'file_name']
    """
    from run_results.tables.installed import need_arrow  # here: few programs make tables, and pyarrow is an extra

    need_arrow()
    from run_results.tables.arrow import arrow_schema

    return arrow_schema(what, typed=bool(typed), metadata=metadata)
