"""A dataset of plain Parquet files."""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from run_results.files import discard, file_errors, make_folder, new_file, publish, temporary
from run_results.sync.ledger import RESTORE, SCHEMA, Entry, changed, last_batch, to_entries
from run_results.sync.rows import Batch
from run_results.sync.store import LEDGER, check_count, check_whole
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
        self._runs = self._read()
        self._entries = to_entries(self._runs)
        last = last_batch(self._entries)
        self._check(self._entries, last)
        self._clean(last)

    def _read(self) -> pa.Table:
        if not self._ledger.exists():
            return SCHEMA.empty_table()
        with file_errors("read", self._ledger, pa.ArrowException), self._ledger.open("rb") as file:
            return pq.read_table(file)

    def _file(self, what: What, number: int) -> Path:
        return self._path / what / f"batch-{number:010}.parquet"

    def _clean(self, last: int) -> None:
        """Remove what a killed process left: temporary files, and files of a batch that did not end."""
        for name in (*self._schemas, LEDGER):
            for path in (self._path / name).iterdir():
                number = re.fullmatch(r"batch-(\d{10})\.parquet", path.name)
                if path.name.endswith(".tmp") or (number and int(number[1]) > last):
                    with file_errors("remove", path):
                        path.unlink(missing_ok=True)

    def _check(self, entries: dict[str, Entry], last: int) -> None:
        """Raises `ExportError` where a file is gone, was cut off, or has other rows than the ledger says.

        Files of a later batch than the last one are of a batch that was killed.
        """
        batches: dict[int, list[Entry]] = defaultdict(list)
        for entry in entries.values():
            batches[entry.batch].append(entry)
        for what in self._schemas:
            unfinished = self._file(what, last + 1)
            there = {path for path in (self._path / what).glob("batch-*.parquet") if path < unfinished}
            for number, of_batch in batches.items():
                path = self._file(what, number)
                check_count(path, _count(path) if path in there else 0, what, of_batch)
                there.discard(path)
            for path in there:
                check_count(path, _count(path), what, ())

    def entries(self) -> dict[str, Entry]:
        """See `Store`."""
        return dict(self._entries)

    def write(self, batch: Batch) -> None:
        """See `Store`."""
        # Of runs that are not in the ledger yet, the next start removes the files.
        if batch.before:
            self.note(batch.replaced)
        for what, schema in self._schemas.items():
            self._remove(what, batch.before)
            rows = (each for old in (True, False) for each in batch.batches(what, old=old))
            self._write(self._file(what, batch.number), schema, rows)
        self.note(batch.entries)

    def note(self, entries: Collection[Entry]) -> None:
        """See `Store`."""
        runs = changed(self._runs, entries)
        self._write(self._ledger, SCHEMA, runs.to_batches(), keep=True)
        self._runs = runs

    def _remove(self, what: What, before: dict[str, Entry]) -> None:
        """Write the files of earlier batches anew, without the rows of these runs."""
        gone = pa.array(list(before), pa.string())
        for number in sorted({entry.batch for entry in before.values()}):
            path = self._file(what, number)
            if path.exists():
                kept = (rows.filter(pc.invert(pc.is_in(rows["run_id"], gone))) for rows in _rows(path))
                self._write(path, self._schemas[what], kept)

    def _write(self, path: Path, schema: pa.Schema, batches: Iterable[pa.RecordBatch], *, keep: bool = False) -> None:
        """A file with these rows, whole; none where there are no rows, except for one to `keep`."""
        count = 0
        try:
            with file_errors("write", path, pa.ArrowException), new_file(temporary(path), path) as file:
                writer = ParquetWriter(file, schema)
                try:
                    for batch in batches:
                        count += len(batch)
                        writer.write(batch)
                    writer.close()
                except BaseException:
                    writer.abandon()
                    raise
            if count or keep:
                publish([path])
        finally:
            discard([path])
        if not count and not keep:
            with file_errors("remove", path):
                path.unlink(missing_ok=True)

    def close(self) -> None:
        """See `Store`."""


def _rows(path: Path) -> Iterator[pa.RecordBatch]:
    """The rows of a file, which is closed after the last ones: Windows renames no other file over one that is open."""
    with file_errors("read", path, pa.ArrowException), path.open("rb") as file:
        yield from pq.ParquetFile(file).iter_batches()


def _count(path: Path) -> int:
    """The rows of a file, as its end says. Raises `ExportError` where it has been cut off."""
    with file_errors("read", path, pa.ArrowException, advice=RESTORE), path.open("rb") as file:
        return int(pq.read_metadata(file).num_rows)
