"""Where a dataset is kept: Delta tables, or plain Parquet files. Both have a folder for each table, and the ledger.

A batch is written in three steps: `begin` says in the ledger which runs are being replaced, `replace` changes the rows
of each table, and `end` says in the ledger that the runs are there.
"""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

import pyarrow as pa
import pyarrow.parquet as pq
from attrs import evolve

from run_results.errors import ConfigurationError, ExportError
from run_results.files import discard, file_errors, make_folder, new_file, publish, temporary
from run_results.sync.ledger import SCHEMA, Entry, last_batch, to_entries, to_table
from run_results.sync.options import SyncFormat
from run_results.sync.rows import Batch
from run_results.tables.arrow import pc
from run_results.tables.schema import What
from run_results.tables.writers import ParquetWriter

if TYPE_CHECKING:
    from deltalake import DeltaTable

LEDGER: Final = "runs"


class Store(Protocol):
    """What the two kinds of dataset have in common. Every method raises `ExportError`."""

    def entries(self) -> dict[str, Entry]:
        """The ledger."""
        ...

    def write(self, batch: Batch) -> None:
        """Write a batch of runs: when it returns, each of its runs has its new rows, and the ledger says so."""
        ...

    def note(self, entries: Collection[Entry]) -> None:
        """Change the ledger where no rows change."""
        ...

    def close(self) -> None:
        """End: put small files together where there are many."""
        ...


def _marked(batch: Batch) -> list[Entry]:
    """What the ledger says of a batch while it is written."""
    return [
        evolve(batch.before.get(run_id, evolve(entry, digest="", files=0)), whole=False)
        for run_id, (entry, _) in batch.runs.items()
    ]


# --- Delta ------------------------------------------------------------------------------------------------------

_APPLICATION: Final = "run-results-sync"
_MOST_FILES: Final = 100
"""Of one table, before small files are put together."""


class DeltaStore:
    """Delta tables, written by deltalake.

    Every commit carries a number of this application and comes from the handle that was read at the beginning, so that
    deltalake refuses it where another writer of this kind has committed since.
    """

    def __init__(self, path: Path, schemas: dict[What, pa.Schema]) -> None:
        import deltalake
        from deltalake import exceptions

        self._lake, self._exceptions = deltalake, exceptions
        self._path = path
        self._schemas: dict[str, pa.Schema] = {LEDGER: SCHEMA} | dict(schemas)
        with self._errors("open"):
            is_there = {name: deltalake.DeltaTable.is_deltatable(str(path / name)) for name in self._schemas}
        has_ledger = is_there.pop(LEDGER)
        self._tables = {LEDGER: self._open(LEDGER)} if has_ledger or not any(is_there.values()) else {}
        _check_whole(path, is_there, has_ledger=has_ledger, has_runs=has_ledger and bool(self.entries()))
        self._tables |= {name: self._open(name) for name in self._schemas if name not in self._tables}

    def _open(self, name: str) -> "DeltaTable":
        with self._errors("open"):
            place = str(self._path / name)
            return self._lake.DeltaTable.create(place, self._schemas[name], mode="ignore", name=name)

    @contextmanager
    def _errors(self, action: str) -> Iterator[None]:
        try:
            yield
        except self._exceptions.CommitFailedError as error:
            if "Concurrent" in str(error):
                text = f"another sync is writing to {str(self._path)!r}; nothing of this batch counts"
                raise ExportError(f"{text}: start again when the other one has ended", path=str(self._path)) from None
            raise ExportError(f"cannot {action} {str(self._path)!r}: {_line(error)}", path=str(self._path)) from None
        except (self._exceptions.DeltaError, OSError, pa.ArrowException) as error:
            raise ExportError(f"cannot {action} {str(self._path)!r}: {_line(error)}", path=str(self._path)) from None

    def entries(self) -> dict[str, Entry]:
        """See `Store`."""
        with self._errors("read"):
            return to_entries(pa.table(self._tables[LEDGER].to_pyarrow_table()))

    def write(self, batch: Batch) -> None:
        """See `Store`."""
        self._note(_marked(batch), new=set(batch.runs) - set(batch.before))
        for what in self._schemas:
            if what != LEDGER:
                self._change(what, batch.batches(what, old=True), remove=batch.before)  # type: ignore[arg-type]
                self._change(what, batch.batches(what, old=False))  # type: ignore[arg-type]
        self._note(batch.entries)

    def note(self, entries: Collection[Entry]) -> None:
        """See `Store`."""
        self._note(entries)

    def _note(self, entries: Collection[Entry], new: Collection[str] = ()) -> None:
        old = [entry for entry in entries if entry.run_id not in new]
        self._change(LEDGER, to_table(old).to_batches(), remove=[entry.run_id for entry in old])
        self._change(LEDGER, to_table([entry for entry in entries if entry.run_id in new]).to_batches())

    def _change(self, name: str, batches: Iterable[pa.RecordBatch], remove: Collection[str] = ()) -> None:
        """One commit: the rows of some runs go, and rows come."""
        coming = iter(batches)
        first = next(coming, None)
        if first is None and not remove:
            return
        table = self._tables[name]
        number = (table.transaction_version(_APPLICATION) or 0) + 1
        commit = self._lake.CommitProperties(app_transactions=[self._lake.Transaction(_APPLICATION, number)])
        rows = coming if first is None else chain([first], coming)
        reader = pa.RecordBatchReader.from_batches(self._schemas[name], rows)
        with self._errors("write into"):
            if remove:
                ids = ", ".join("'" + run_id.replace("'", "''") + "'" for run_id in remove)
                self._lake.write_deltalake(
                    table, reader, mode="overwrite", predicate=f"run_id IN ({ids})", commit_properties=commit
                )
            else:
                self._lake.write_deltalake(table, reader, mode="append", commit_properties=commit)

    def close(self) -> None:
        """See `Store`. Small files are put together; older versions of the tables stay readable."""
        for table in self._tables.values():
            with self._errors("compact"):
                if len(table.file_uris()) > _MOST_FILES:
                    table.optimize.compact()


# --- Parquet ----------------------------------------------------------------------------------------------------


class ParquetStore:
    """Plain Parquet: a file for each table and batch, and the ledger as one file that is replaced.

    Whoever reads while a batch is written can see a run of it without its rows, or with some of them. Only the ledger
    says which runs are whole.
    """

    def __init__(self, path: Path, schemas: dict[What, pa.Schema]) -> None:
        self._path = path
        self._schemas = schemas
        self._ledger = path / LEDGER / "runs.parquet"
        # A table without rows has no file, but a folder.
        has_rows = any(any((path / name).glob("batch-*.parquet")) for name in schemas)
        has_ledger = self._ledger.exists()
        is_there: dict[str, bool] = {name: (path / name).is_dir() and (has_rows or has_ledger) for name in schemas}
        _check_whole(path, is_there, has_ledger=has_ledger, has_runs=has_ledger)
        for name in (LEDGER, *schemas):
            make_folder(path / name)
        self._entries = self._read()
        self._clean()

    def _read(self) -> dict[str, Entry]:
        if not self._ledger.exists():
            return {}
        with file_errors("read", self._ledger, pa.ArrowException), self._ledger.open("rb") as file:
            return to_entries(pq.read_table(file))

    def _file(self, what: What, number: int) -> Path:
        return self._path / what / f"batch-{number:010}.parquet"

    def _clean(self) -> None:
        """Remove what a killed process left: temporary files, and files of a batch that did not end."""
        last = last_batch(self._entries)
        for name in (*self._schemas, LEDGER):
            for path in (self._path / name).iterdir():
                number = re.fullmatch(r"batch-(\d{10})\.parquet", path.name)
                if path.name.endswith(".tmp") or (number and int(number[1]) > last):
                    with file_errors("remove", path):
                        path.unlink(missing_ok=True)

    def entries(self) -> dict[str, Entry]:
        """See `Store`."""
        return dict(self._entries)

    def write(self, batch: Batch) -> None:
        """See `Store`."""
        self.note(_marked(batch))
        for what, schema in self._schemas.items():
            self._remove(what, batch.before)
            rows = (each for old in (True, False) for each in batch.batches(what, old=old))
            self._write(self._file(what, batch.number), schema, rows)
        self.note(batch.entries)

    def note(self, entries: Collection[Entry]) -> None:
        """See `Store`."""
        self._entries |= {entry.run_id: entry for entry in entries}
        self._write(self._ledger, SCHEMA, to_table(self._entries.values()).to_batches(), keep=True)

    def _remove(self, what: What, before: dict[str, Entry]) -> None:
        """Write the files of earlier batches anew, without the rows of these runs."""
        gone = pa.array(list(before), pa.string())
        for number in sorted({entry.batch for entry in before.values()}):
            path = self._file(what, number)
            if path.exists():
                self._rewrite(path, lambda rows: rows.filter(pc.invert(pc.is_in(rows["run_id"], gone))))

    def _rewrite(self, path: Path, keep: Callable[[pa.RecordBatch], pa.RecordBatch]) -> None:
        with file_errors("read", path, pa.ArrowException), path.open("rb") as file:
            old = pq.ParquetFile(file)
            self._write(path, old.schema_arrow, map(keep, old.iter_batches()))

    def _write(self, path: Path, schema: pa.Schema, batches: Iterable[pa.RecordBatch], *, keep: bool = False) -> None:
        """A file with these rows, whole; none where there are no rows, except for one to `keep`."""
        count = 0
        try:
            with file_errors("write", path, pa.ArrowException), new_file(temporary(path), path) as file:
                writer = ParquetWriter(file, schema)
                for batch in batches:
                    count += len(batch)
                    writer.write(batch)
                writer.close()
            if count or keep:
                publish([path])
        finally:
            discard([path])
        if not count and not keep:
            with file_errors("remove", path), suppress(FileNotFoundError):
                path.unlink()

    def close(self) -> None:
        """See `Store`."""


def _line(error: BaseException) -> str:
    return str(error).partition("\n")[0][:300]


def _check_whole(path: Path, is_there: Mapping[str, bool], *, has_ledger: bool, has_runs: bool) -> None:
    """Raises `ExportError` where a part of a dataset is gone: rows would come twice, or never.

    The ledger is made first and gets its first run when all tables are there, so that no kill looks like this.
    """
    if any(is_there.values()) and not has_ledger:
        text = f"the ledger {str(path / LEDGER)!r} is gone; bring it back, or begin in a new folder"
        raise ExportError(text, path=str(path))
    if has_runs and not all(is_there.values()):
        gone = next(name for name, is_table in is_there.items() if not is_table)
        text = f"the table {str(path / gone)!r} is gone; bring it back, or begin in a new folder"
        raise ExportError(text, path=str(path))


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
