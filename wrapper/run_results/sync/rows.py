"""The rows of one run, until they are written; and a batch of runs, as streams of rows.

The rows of a large run are kept in a file without a name, which is gone when the process ends, however it ends.
"""

from collections.abc import Iterator
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Final

import pyarrow as pa
from attrs import define, evolve, field

from run_results.files import file_errors
from run_results.sync.digest import Digest
from run_results.sync.ledger import Entry
from run_results.tables.schema import TABLES, What

_IN_MEMORY: Final = 8 * 2**20
"""Bytes of a run that stay in memory."""


@define
class Rows:
    """The rows of one run, table by table, in the order in which they came."""

    folder: Path
    """Where the file is made that has what does not stay in memory."""
    size: int = 0
    """In bytes."""
    counts: dict[What, int] = field(factory=lambda: dict.fromkeys(TABLES, 0))
    """How many rows each table got."""
    digest: str = ""
    """Of all rows, after `finish`: runs with the same digest have the same rows."""
    _kept: dict[What, list[pa.RecordBatch]] = field(factory=dict)
    _in_memory: int = 0
    _files: "dict[What, tuple[IO[bytes], pa.RecordBatchStreamWriter]]" = field(factory=dict)
    _digests: dict[What, Digest] = field(factory=dict)

    def add(self, what: What, batch: pa.RecordBatch) -> None:
        """Take the next rows of a table."""
        if not len(batch):
            return
        self.counts[what] += len(batch)
        self._digests.setdefault(what, Digest()).add(batch)
        self.size += batch.nbytes
        self._kept.setdefault(what, []).append(batch)
        self._in_memory += batch.nbytes
        if self._in_memory > _IN_MEMORY:
            self._spill()

    def _spill(self) -> None:
        with file_errors("write into", self.folder, pa.ArrowException):
            for what, batches in self._kept.items():
                if what not in self._files:
                    file = TemporaryFile(dir=self.folder)  # noqa: SIM115 - `close` closes it
                    self._files[what] = file, pa.ipc.new_stream(file, batches[0].schema)
                for batch in batches:
                    self._files[what][1].write_batch(batch)
        self._kept, self._in_memory = {}, 0

    def finish(self) -> None:
        """Say that all rows have come."""
        with file_errors("write into", self.folder, pa.ArrowException):
            for _, writer in self._files.values():
                writer.close()
        whole = " ".join(f"{what} {self._digests[what].finish()}" for what in sorted(self._digests))
        self.digest = sha256(whole.encode()).hexdigest()[:32]
        self._digests = {}

    def batches(self, what: What) -> Iterator[pa.RecordBatch]:
        """The rows of a table, after `finish`; as often as they are wanted."""
        if what in self._files:
            file = self._files[what][0]
            with file_errors("read from", self.folder, pa.ArrowException):
                file.seek(0)
                yield from pa.ipc.open_stream(file)
        yield from self._kept.get(what, ())

    def close(self) -> None:
        """Give back memory and files."""
        for file, _ in self._files.values():
            with suppress(OSError):
                file.close()
        self._files, self._kept = {}, {}


@define
class Batch:
    """Runs that are written together."""

    number: int = 0
    runs: dict[str, tuple[Entry, Rows]] = field(factory=dict)
    """Each with what the ledger shall have of it, by run id."""
    before: dict[str, Entry] = field(factory=dict)
    """What the ledger had of them: only of these there can be rows already."""
    size: int = 0

    def add(self, entry: Entry, rows: Rows, before: Entry | None) -> None:
        """Take a run."""
        self.runs[entry.run_id] = entry, rows
        self.size += rows.size
        if before is not None:
            self.before[entry.run_id] = before

    def batches(self, what: What, *, old: bool) -> Iterator[pa.RecordBatch]:
        """The rows of a table: of runs that the ledger had before, or of the others."""
        for run_id, (_, rows) in self.runs.items():
            if (run_id in self.before) is old:
                yield from rows.batches(what)

    @property
    def replaced(self) -> list[Entry]:
        """What the ledger has of the runs that it had before, while they are written."""
        return [evolve(entry, whole=False) for entry in self.before.values()]

    @property
    def begun(self) -> list[Entry]:
        """What the ledger has of the other runs, while they are written."""
        new = (entry for run_id, (entry, _) in self.runs.items() if run_id not in self.before)
        return [evolve(entry.emptied, whole=False, batch=self.number) for entry in new]

    @property
    def entries(self) -> list[Entry]:
        """What the ledger shall have of the runs when they are written."""
        return [evolve(entry, batch=self.number) for entry, _ in self.runs.values()]

    def close(self) -> None:
        """Give back memory and files."""
        for _, rows in self.runs.values():
            rows.close()
