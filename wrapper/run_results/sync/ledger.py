"""The ledger: what a dataset knows of each run, and which runs have to be read again.

The ledger says first which runs are being replaced (`whole` is false), and last that they are there. Whatever is killed
between leaves runs that are not whole, and those are read again at the next start.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pyarrow as pa
from attrs import evolve, frozen

from run_results.errors import ExportError
from run_results.page import Page, to_datetime
from run_results.tables.arrow import pc
from run_results.tables.schema import What
from run_results_api.types import UNSET

SCHEMA: Final = pa.schema(
    {
        "run_id": pa.string(),
        "whole": pa.bool_(),
        "batch": pa.int64(),
        "run_status": pa.string(),
        "finished": pa.bool_(),
        "run_started_at_ns": pa.int64(),
        "run_finished_at_ns": pa.int64(),
        "run_review_completed": pa.bool_(),
        "files": pa.int64(),
        "documents": pa.int64(),
        "fields": pa.int64(),
        "case_fields": pa.int64(),
        "breaches": pa.int64(),
        "digest": pa.string(),
        "read_at": pa.timestamp("us", "UTC"),
        "missing_since": pa.timestamp("us", "UTC"),
    }
)
"""The columns of the table `runs`."""


_AT_ONCE: Final = 1_000
"""Rows of the ledger that are read at a time."""
RESTORE: Final = "Bring back what was there, or begin in a new folder"
"""What to do where a part of a dataset is gone, or was changed by others."""


@frozen
class Entry:
    """What the ledger has of one run."""

    run_id: str
    whole: bool = True
    """Whether all rows of the run are there. Only while a batch is written, or after it was killed, they are not."""
    batch: int = 0
    """The number of the batch that its rows came with."""
    run_status: str | None = None
    finished: bool | None = None
    """Whether the run has come to its end; None where the server gave no status."""
    run_started_at_ns: int | None = None
    run_finished_at_ns: int | None = None
    run_review_completed: bool | None = None
    files: int = 0
    """How many rows the run has in the table of this name; the same for the next three."""
    documents: int = 0
    fields: int = 0
    case_fields: int = 0
    breaches: int = 0
    """Places where the answers broke the contract; what did not fit there is null."""
    digest: str = ""
    """Of the run's rows, as they were read."""
    read_at: datetime | None = None
    missing_since: datetime | None = None
    """Since when the server does not know the run any more. The rows stay."""

    @classmethod
    def of(cls, page: Page, counts: Mapping[What, int], *, digest: str, breaches: int, now: datetime) -> "Entry":
        """The entry of a run whose last page this is."""
        run = page.run
        return cls(
            page.run_id,
            run_status=None if run.status is UNSET else str(run.status),
            finished=page.is_finished,
            run_started_at_ns=_or_none(run.start_timestamp),
            run_finished_at_ns=_or_none(run.finish_timestamp),
            run_review_completed=_or_none(run.review_completed),
            files=counts["files"],
            documents=counts["documents"],
            fields=counts["fields"],
            case_fields=counts["case_fields"],
            breaches=breaches,
            digest=digest,
            read_at=now,
        )

    def can_have_changed(self, recheck: timedelta | None, now: datetime) -> bool:
        """Whether the run has to be read again: it is not whole, not finished, under review, or finished lately.

        The state of a run says neither how many files it has nor what is in them, so whatever can still change is read
        whole. A run that was missing is asked for again.
        """
        if not self.whole or not self.finished or self.missing_since is not None:
            return True
        if self.run_review_completed is False:
            return True
        if recheck is None:
            return False
        ended = to_datetime(self.run_finished_at_ns) if self.run_finished_at_ns is not None else self.read_at
        return ended is None or now - ended <= recheck

    def is_like(self, other: "Entry") -> bool:
        """Whether the run is in the same state, with the same rows."""
        return evolve(self, batch=other.batch, read_at=other.read_at, missing_since=other.missing_since) == other

    def count(self, table: What) -> int:
        """How many rows the run has in a table."""
        return int(getattr(self, table))

    @property
    def emptied(self) -> "Entry":
        """The entry of a run of which the dataset has no rows."""
        return evolve(self, digest="", files=0, documents=0, fields=0, case_fields=0)

    @property
    def is_begun(self) -> bool:
        """Whether a batch with this run was killed before the dataset ever had the run."""
        return not self.whole and not self.digest


def _or_none(value: Any) -> Any:
    return None if value is UNSET else value


def to_table(entries: Iterable[Entry]) -> pa.Table:
    """Entries as rows of the table `runs`."""
    rows = list(entries)
    return pa.table({name: [getattr(row, name) for row in rows] for name in SCHEMA.names}, schema=SCHEMA)


def changed(table: pa.Table, entries: Collection[Entry]) -> pa.Table:
    """The table `runs` with these entries, in place of those of the same runs."""
    ids = pa.array([entry.run_id for entry in entries], pa.string())
    kept = table.filter(pc.invert(pc.is_in(table["run_id"], ids)))
    return pa.concat_tables([kept, to_table(entries)]).combine_chunks()


def to_entries(table: pa.Table) -> dict[str, Entry]:
    """The entries of the table `runs`, by run id. Raises `ExportError` for another table."""
    if lacking := [name for name in SCHEMA.names if name not in table.schema.names]:
        text = f"the table `runs` is no ledger of sync: it has no column {lacking[0]!r}"
        raise ExportError(text, advice=RESTORE)
    # In parts: the dictionaries of all rows would take more memory than the entries.
    parts = table.select(SCHEMA.names).to_batches(max_chunksize=_AT_ONCE)
    entries = {row["run_id"]: Entry(**row) for part in parts for row in part.to_pylist()}
    if len(entries) < len(table):
        raise ExportError("the table `runs` has a run twice, so another program has changed it", advice=RESTORE)
    return entries


def last_batch(entries: dict[str, Entry]) -> int:
    """The number of the last batch that ended; 0 before the first."""
    return max((entry.batch for entry in entries.values()), default=0)


def utc_now() -> datetime:
    """The time, aware, in UTC."""
    return datetime.now(UTC)
