"""A dataset of plain Parquet files."""

import re
from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from run_results.files import discard, file_errors, make_folder, new_file, publish, temporary
from run_results.sync.ledger import SCHEMA, Entry, last_batch, to_entries, to_table
from run_results.sync.rows import Batch
from run_results.sync.store import LEDGER, check_whole
from run_results.tables.arrow import pc
from run_results.tables.schema import What
from run_results.tables.writers import ParquetWriter


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
        check_whole(path, is_there, has_ledger=has_ledger, has_runs=has_ledger)
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
        self.note(batch.marked)
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
