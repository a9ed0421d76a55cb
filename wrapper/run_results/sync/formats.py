"""Which kind of dataset a folder has, and what it needs."""

from pathlib import Path

import pyarrow as pa

from run_results.errors import ConfigurationError
from run_results.sync.delta import DeltaStore
from run_results.sync.options import SyncFormat
from run_results.sync.parquet import ParquetStore
from run_results.sync.store import Store
from run_results.tables.schema import What


def need_store(format: SyncFormat) -> None:
    """Raises `ConfigurationError` where what a format needs is not installed."""
    if format == "delta":
        try:
            import deltalake
        except ImportError as error:
            raise ConfigurationError(
                f"Delta tables need deltalake ({error}): pip install 'run-results[delta]', or choose --format parquet"
            ) from None
        assert deltalake is not None  # noqa: S101 - imported to see whether it can be


def open_store(format: SyncFormat, path: Path, schemas: dict[What, pa.Schema]) -> Store:
    """The dataset in a folder. Raises `ExportError` where a part of it is gone."""
    return DeltaStore(path, schemas) if format == "delta" else ParquetStore(path, schemas)
