"""One sync: which runs to read, reading several at once, and writing them in batches.

A run is read whole before anything of it is written, so that a run that cannot be read leaves the dataset as it was.
"""

import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Final, Unpack

import pyarrow as pa
from attrs import define, evolve, field

from run_results.arguments import check_run_id
from run_results.client import Client
from run_results.errors import (
    ClientClosedError,
    ConfigurationError,
    ExportError,
    ForbiddenError,
    NotFoundError,
    RunResultsError,
    TransportError,
    UnauthorizedError,
    without_traceback,
)
from run_results.files import lock_folder
from run_results.paths import local_path
from run_results.scale.plan import is_missing
from run_results.sync.formats import need_store, open_store
from run_results.sync.ledger import Entry, last_batch, utc_now
from run_results.sync.options import SyncChoices, SyncOptions, check_marker, choose
from run_results.sync.result import SyncCounts, Synced
from run_results.sync.rows import Batch, Rows
from run_results.sync.store import AGAIN, Store
from run_results.tables.arrow import arrow_schema
from run_results.tables.batches import Tabulator
from run_results.tables.schema import TABLES, What

_BYTES: Final = 128 * 2**20
"""Of rows, after which a batch is written."""
_SECONDS: Final = 60.0
"""After which a batch is written: what a crash costs."""
_POLL: Final = 0.2
"""Seconds between two looks whether to stop."""
_FAILURES: Final = 10
"""Runs in a row that could not be reached, after which no further one is tried."""


def sync(
    client: Client,
    run_ids: Iterable[str],
    to: str | os.PathLike[str],
    *,
    options: SyncOptions | None = None,
    progress: Callable[[SyncCounts], None] | None = None,
    stop: Callable[[], bool] = lambda: False,
    **choices: Unpack[SyncChoices],
) -> Synced:
    """Bring a dataset in step with runs: four tables, and the ledger `runs`.

    A run is read where the dataset does not have it, or where it can have changed: it is not finished, is under review,
    was missing, or finished within `recheck`. Runs of the dataset that are not among `run_ids` stay as they are. The
    sync can be killed at any moment and started again: every run's rows are there once. After ten runs in a row that
    could not be reached, no further one is tried.

    Args:
        client: Asks the server.
        run_ids: The runs.
        to: The folder of the dataset; one that is not there yet is made.
        options: How, as one object; `SyncOptions` explains each option.
        progress: Called after each run with what was done so far, in numbers.
        stop: Asked often; once it says True, what is not read whole is left, and what was
            read is written.
        choices: Options by name, in place of those in `options`.

    Raises `ConfigurationError`, `UnauthorizedError` or `ForbiddenError`, and `ExportError` where something cannot be
    written. Errors of single runs are in the result.

    >>> sync(client, ["run-1", "run-2"], "lake").describe()  # doctest: +SKIP
    '2 new, 0 changed, 0 unchanged, 0 missing, 0 failed'
    """
    chosen = choose(options, choices)
    if isinstance(run_ids, str):  # Python would take it for a list of letters
        raise ConfigurationError("run_ids must be a list of run ids, not one text", option="run_ids")
    wanted = list(dict.fromkeys(map(check_run_id, run_ids)))
    if not wanted:
        raise ConfigurationError("no run ids are given", option="run_ids")
    folder = local_path(to)
    need_store(chosen.format)
    with _advising(), closing(lock_folder(folder, "sync")):
        check_marker(folder, chosen.marks)
        schemas: dict[What, pa.Schema] = {what: arrow_schema(what, typed=chosen.typed is not None) for what in TABLES}
        store = open_store(chosen.format, folder, schemas)
        job = _Job(client, chosen, folder, store, progress, stop)
        result = job.run(wanted)
        store.close()
        return result


@contextmanager
def _advising() -> Iterator[None]:
    """Errors of files say what to do next: a full disk is no reason to begin again."""
    try:
        yield
    except ExportError as error:
        error.advice = error.advice or AGAIN
        raise


class _Left(Exception):
    """A run that was left before it was read whole."""


def _drop(future: "Future[tuple[Entry, Rows]]") -> None:
    """Give back the rows of a run that nobody waits for any more."""
    if not future.cancelled() and future.exception() is None:
        future.result()[1].close()


@define
class _Job:
    client: Client
    options: SyncOptions
    folder: Path
    store: Store
    progress: Callable[[SyncCounts], None] | None
    stop: Callable[[], bool]
    counts: SyncCounts = field(factory=SyncCounts)
    _missing: list[str] = field(factory=list)
    _failures: dict[str, RunResultsError] = field(factory=dict)
    _entries: dict[str, Entry] = field(factory=dict)
    _batch: Batch = field(factory=Batch)
    _noted: list[Entry] = field(factory=list)
    """Entries to change where no rows change."""
    _began: float = 0.0
    """When the batch was begun."""
    _is_over: threading.Event = field(factory=threading.Event)
    """Set when runs that are being read are to be left."""
    _unreached: int = 0
    """Runs in a row that could not be reached."""

    def run(self, wanted: list[str]) -> Synced:
        """Read what has to be read, and write it."""
        self._entries = self.store.entries()
        known = set(wanted)
        left = [run_id for run_id, entry in self._entries.items() if not entry.whole and run_id not in known]
        now = utc_now()
        to_read = [run_id for run_id in wanted if self._is_due(run_id, now)]
        # Runs whose rows are in the same file are replaced together, so that each file is written anew once.
        to_read.sort(key=lambda run_id: self._entries[run_id].batch if run_id in self._entries else 0)
        self.counts = SyncCounts(settled=len(wanted) - len(to_read))
        self._begin(last_batch(self._entries) + 1)
        try:
            # What was being written when an earlier sync was killed comes first.
            self._read_all([*left, *to_read])
        finally:
            self._batch.close()
        return Synced(self.counts, tuple(self._missing), self._failures)

    def _is_due(self, run_id: str, now: datetime) -> bool:
        entry = self._entries.get(run_id)
        return entry is None or entry.can_have_changed(self.options.recheck, now)

    def _read_all(self, run_ids: list[str]) -> None:
        coming = iter(run_ids)
        at_work: dict[Future[tuple[Entry, Rows]], str] = {}
        left = len(run_ids)
        with ThreadPoolExecutor(self.options.jobs) as threads, self._leaving(at_work):
            while True:
                if self.stop():
                    self._is_over.set()
                while len(at_work) < self.options.jobs and not self._ends:
                    run_id = next(coming, None)
                    if run_id is None:
                        break
                    at_work[threads.submit(self._read, run_id)] = run_id
                if not at_work:
                    break
                for future in wait(at_work, _POLL, FIRST_COMPLETED).done:
                    left -= self._take(at_work.pop(future), future)
                    if self.progress is not None:
                        self.progress(self.counts)
                if self._is_due_to_write:
                    self._write()
        self._write()
        self.counts = evolve(self.counts, waiting=left)

    @contextmanager
    def _leaving(self, at_work: Mapping["Future[tuple[Entry, Rows]]", str]) -> Iterator[None]:
        """Where the block raises, the runs that are being read are left after a page, and their rows given back."""
        try:
            yield
        except BaseException:
            self._is_over.set()
            for future in at_work:
                future.add_done_callback(_drop)
            raise

    @property
    def _ends(self) -> bool:
        """Whether no further run is to be read."""
        return self._is_over.is_set() or self._unreached >= _FAILURES

    def _read(self, run_id: str) -> tuple[Entry, Rows]:
        """Read a run whole; on a thread."""
        tabulators = [Tabulator(what, self.options.names, self.options.typed) for what in TABLES]
        rows, breaches, last = Rows(self.folder), 0, None
        try:
            with closing(self.client.pages(run_id, include=self.options.include)) as pages:
                for page in pages:
                    if self._is_over.is_set():
                        raise _Left
                    for tabulator in tabulators:
                        rows.add(tabulator.what, tabulator.batch(page))
                    breaches += len(page.breaches)
                    last = page
            rows.finish()
            assert last is not None  # noqa: S101 - a walk has a page, or raises
            return Entry.of(last, rows.counts, digest=rows.digest, breaches=breaches, now=utc_now()), rows
        except BaseException as error:
            rows.close()
            if isinstance(error, ClientClosedError) and self.stop():
                raise _Left from None
            raise

    def _take(self, run_id: str, future: Future[tuple[Entry, Rows]]) -> bool:
        """Take what came of a run; returns whether it counts, which it does not where the client was closed."""
        before, counts = self._entries.get(run_id), self.counts
        try:
            entry, rows = future.result()
        except _Left:
            return False
        except (UnauthorizedError, ForbiddenError, ClientClosedError):
            self._write()
            raise
        except ExportError:  # a full disk is full for every run
            raise
        except RunResultsError as error:
            if isinstance(error, NotFoundError) and is_missing(error):
                self._missing.append(run_id)
                self.counts = evolve(counts, missing=counts.missing + 1)
                self._note_missing(before)
            else:
                # An address without the API says nothing of the run.
                is_away = isinstance(error, TransportError | NotFoundError)
                self._unreached = self._unreached + 1 if is_away else 0
                self._failures[run_id] = without_traceback(error)
                self.counts = evolve(counts, failed=counts.failed + 1)
            return True
        self._unreached = 0
        counts = evolve(counts, files=counts.files + entry.files, breaches=counts.breaches + entry.breaches)
        if before is None or before.is_begun:
            self.counts = evolve(counts, new=counts.new + 1)
        elif before.whole and entry.is_like(before):
            self.counts = evolve(counts, unchanged=counts.unchanged + 1)
            self._noted.append(evolve(entry, batch=before.batch))
            rows.close()
            return True
        else:
            self.counts = evolve(counts, changed=counts.changed + 1)
        self._batch.add(entry, rows, before)
        return True

    def _note_missing(self, before: Entry | None) -> None:
        if before is None:
            return
        entry = evolve(before, missing_since=before.missing_since or utc_now(), read_at=utc_now())
        if before.whole:
            self._noted.append(entry)
        else:  # some of its rows may be there, and the others cannot be had any more
            self._batch.add(evolve(entry.emptied, whole=True), Rows(self.folder), before)

    # Batches ------------------------------------------------------------------------------------------------------

    def _begin(self, number: int) -> None:
        self._batch, self._noted, self._began = Batch(number), [], time.monotonic()

    @property
    def _is_due_to_write(self) -> bool:
        count = len(self._batch.runs) + len(self._noted)
        is_late = count > 0 and time.monotonic() - self._began > _SECONDS
        return count >= self.options.runs_per_batch or self._batch.size >= _BYTES or is_late

    def _write(self) -> None:
        """Write the batch, and begin the next one."""
        if self._noted:
            self.store.note(self._noted)
            self._entries |= {entry.run_id: entry for entry in self._noted}
        number = self._batch.number
        if self._batch.runs:
            self.store.write(self._batch)
            self._entries |= {entry.run_id: entry for entry in self._batch.entries}
            number += 1
        self._batch.close()
        self._begin(number)
