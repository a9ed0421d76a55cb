"""A run as tables: in memory, as a stream, and as files. It needs the extra `run-results[arrow]`.

`schema` has the columns of the tables, and `options` what can be chosen. `batches` makes record batches of pages, with
the help of `arrays`, `labels` and `values` (numbers, dates, and amounts in `currencies`); `wide` makes the wide view of
those, whose columns and titles come from `layout` and `titles`; `collect` makes one table or stream, and `writers`
files, whose cells `formulas` keeps harmless. Nothing imports pyarrow before a table is asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from run_results.tables.formulas import unguard
    from run_results.tables.options import Typed, Wide
    from run_results.tables.schema import COLUMNS, TABLES, VERSION, Column, columns
    from run_results.tables.values import Unread

__all__ = ["COLUMNS", "TABLES", "VERSION", "Column", "Typed", "Unread", "Wide", "columns", "unguard"]

_HOMES = {"Typed": "options", "Unread": "values", "Wide": "options", "unguard": "formulas"}


def __getattr__(name: str) -> Any:
    # Each program that imports `run_results` loads this package, and few of them need a table.
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"run_results.tables.{_HOMES.get(name, 'schema')}"), name)
