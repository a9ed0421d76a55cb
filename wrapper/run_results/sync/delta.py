"""A dataset of Delta tables, written by deltalake."""

from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
from pyarrow import fs

from run_results.errors import ExportError
from run_results.files import file_errors
from run_results.sync.delta_changes import APPLICATION, check_files, check_history
from run_results.sync.ledger import SCHEMA, Entry, to_entries, to_table
from run_results.sync.rows import Batch
from run_results.sync.store import LEDGER, WAIT, check_count, check_whole
from run_results.tables.schema import TABLES, What

if TYPE_CHECKING:
    from deltalake import CommitProperties, DeltaTable

_MOST_FILES: Final = 100
"""Of one table at the end of a sync, before small files are put together."""
_MOST_COMMITS: Final = 32
"""Of one table, before its small files are put together: each commit takes longer the more files there are."""


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
        self._commits = dict.fromkeys(self._schemas, 0)
        with self._errors("open"):
            is_there = {name: deltalake.DeltaTable.is_deltatable(str(path / name)) for name in self._schemas}
        has_ledger = is_there.pop(LEDGER)
        self._tables = {LEDGER: self._open(LEDGER)} if has_ledger or not any(is_there.values()) else {}
        self._entries = self._read() if has_ledger else {}
        check_whole(path, is_there, has_ledger=has_ledger, has_runs=bool(self._entries))
        self._tables |= {name: self._open(name) for name in self._schemas if name not in self._tables}
        self._check_counts(self._entries.values())

    def _open(self, name: str) -> "DeltaTable":
        with self._errors("open"):
            place = str(self._path / name)
            schema, ours = self._schemas[name], self._commit()
            table = self._lake.DeltaTable.create(place, schema, mode="ignore", name=name, commit_properties=ours)
            check_history(table, self._path / name)
            check_files(table, self._path / name)
            return table

    def _commit(self, **properties: Any) -> "CommitProperties":
        """What says in the log of a table that a commit is ours."""
        return self._lake.CommitProperties(custom_metadata={"application": APPLICATION}, **properties)

    def _check_counts(self, entries: Collection[Entry]) -> None:
        """Raises `ExportError` where a table has not the rows that the ledger says."""
        # A batch that was killed leaves rows of new runs, too, and the ledger does not know how many.
        is_killed = not all(entry.whole for entry in entries)
        for what in TABLES:
            check_count(self._path / what, self._count(what), what, entries, may_have_more=is_killed)

    def _count(self, what: What) -> int:
        with self._errors("read"):
            counts = self._tables[what].get_add_actions()["num_records"].to_pylist()
            # Another writer may have left them out.
            return int(self._rows(what).count_rows()) if None in counts else sum(counts)

    def _rows(self, name: str) -> Any:
        """A table as a dataset of Arrow.

        Arrow reads the files itself. With the file system of deltalake its threads would run Python code, and abort an
        interpreter that ends in the meantime.
        """
        place = fs.SubTreeFileSystem(str((self._path / name).absolute()), fs.LocalFileSystem())
        return self._tables[name].to_pyarrow_dataset(filesystem=place)

    @contextmanager
    def _errors(self, action: str) -> Iterator[None]:
        with file_errors(action, self._path, self._exceptions.DeltaError, pa.ArrowException):
            try:
                yield
            except self._exceptions.CommitFailedError as error:
                if "Concurrent" not in str(error):
                    raise
                text = f"another sync is writing to {str(self._path)!r}, or another program; this batch does not count"
                raise ExportError(text, path=str(self._path), advice=WAIT) from None

    def _read(self) -> dict[str, Entry]:
        with self._errors("read"):
            return to_entries(self._rows(LEDGER).to_table())

    def entries(self) -> dict[str, Entry]:
        """See `Store`."""
        return dict(self._entries)

    def write(self, batch: Batch) -> None:
        """See `Store`."""
        self._change(LEDGER, to_table(batch.begun).to_batches())
        self._note(batch.replaced, batch.replaced)
        for what in self._schemas:
            if what != LEDGER:
                remove = _is_one_of(batch.before)
                self._change(what, batch.batches(what, old=True), remove=remove)  # type: ignore[arg-type]
                self._change(what, batch.batches(what, old=False))  # type: ignore[arg-type]
        self._note(batch.entries, [*batch.begun, *batch.replaced])
        for name, commits in self._commits.items():
            if commits > _MOST_COMMITS:
                self._compact(name)

    def note(self, entries: Collection[Entry]) -> None:
        """See `Store`."""
        self._note(entries, entries)

    def _note(self, entries: Collection[Entry], there: Collection[Entry]) -> None:
        """Change the ledger. What is `there` of the runs says where: not all of its files are searched."""
        if entries:
            # New rows have to be within the predicate, too.
            numbers = [entry.batch for entry in (*there, *entries)]
            place = f"batch >= {min(numbers)} AND batch <= {max(numbers)}"
            remove = f"{place} AND {_is_one_of(entry.run_id for entry in there)}"
            self._change(LEDGER, to_table(entries).to_batches(), remove=remove)

    def _change(self, name: str, batches: Iterable[pa.RecordBatch], remove: str = "") -> None:
        """One commit: the rows go for which a predicate is true, and rows come."""
        coming = iter(batches)
        first = next(coming, None)
        if first is None and not remove:
            return
        self._commits[name] += 1
        table = self._tables[name]
        number = (table.transaction_version(APPLICATION) or 0) + 1
        commit = self._commit(app_transactions=[self._lake.Transaction(APPLICATION, number)])
        rows = coming if first is None else chain([first], coming)
        with self._errors("write into"):
            reader = _widened(self._schemas[name], rows, pa.schema(table.schema().to_arrow()))
            if remove:
                self._lake.write_deltalake(table, reader, mode="overwrite", predicate=remove, commit_properties=commit)
            else:
                self._lake.write_deltalake(table, reader, mode="append", commit_properties=commit)

    def close(self) -> None:
        """See `Store`. Small files are put together; older versions of the tables stay readable."""
        for name, table in self._tables.items():
            if len(table.file_uris()) > _MOST_FILES:
                self._compact(name)

    def _compact(self, name: str) -> None:
        with self._errors("compact"):
            self._tables[name].optimize.compact(commit_properties=self._commit())
        self._commits[name] = 0


def _is_one_of(run_ids: Iterable[str]) -> str:
    """A predicate for the rows of these runs; empty where there are none."""
    ids = ", ".join("'" + run_id.replace("'", "''") + "'" for run_id in run_ids)
    return f"run_id IN ({ids})" if ids else ""


def _widened(schema: pa.Schema, rows: Iterable[pa.RecordBatch], wanted: pa.Schema) -> pa.RecordBatchReader:
    """The rows, with nulls for columns that others have added to a table."""
    added = [field for field in wanted if field.name not in schema.names]
    whole = pa.schema([*schema, *added])

    def widen(batch: pa.RecordBatch) -> pa.RecordBatch:
        nulls = [pa.nulls(len(batch), field.type) for field in added]
        return pa.RecordBatch.from_arrays([*batch.columns, *nulls], schema=whole)

    return pa.RecordBatchReader.from_batches(whole, map(widen, rows) if added else rows)
