"""A run as tables: in memory, as a stream, and on disk. It needs the extra `run-results[arrow]`.

`schema` says what the tables hold. `arrow` makes batches of pages, `pivot` the wide view of those, `typed` numbers and
dates of texts. `collect` makes one table or stream, `export` files that survive being killed (`folder` has the files
and their names, `formats` the writers). `clients` has the two clients that people import from `run_results`; it imports
pyarrow, and the modules that need it, only when a table is asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from run_results.tables.options import Typed, Wide
    from run_results.tables.schema import COLUMNS, TABLES, VERSION, Column, columns

__all__ = ["COLUMNS", "TABLES", "VERSION", "Column", "Typed", "Wide", "columns"]

_ROOMS = {"Typed": "options", "Wide": "options"}


def __getattr__(name: str) -> Any:
    # Everybody who imports `run_results` comes through here, and few of them for a table.
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"run_results.tables.{_ROOMS.get(name, 'schema')}"), name)
