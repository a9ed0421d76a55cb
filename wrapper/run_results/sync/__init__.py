"""A dataset on disk that follows the runs: each run's rows once, read again only where they can have changed.

`job` decides what to read, reads several runs at once into `rows`, and writes them in batches into a store (`delta`
or `parquet`). The `ledger` says what the dataset has. It needs the extra `run-results[delta]`, or
`run-results[arrow]` for Parquet.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from run_results.sync.job import sync
    from run_results.sync.options import SyncOptions
    from run_results.sync.result import SyncCounts, Synced

__all__ = ["SyncCounts", "SyncOptions", "Synced", "sync"]

_HOMES = {"sync": "job", "SyncOptions": "options", "SyncCounts": "result", "Synced": "result"}


def __getattr__(name: str) -> Any:
    # Loaded when it is asked for: the command line needs the options for its help.
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"run_results.sync.{_HOMES[name]}"), name)
