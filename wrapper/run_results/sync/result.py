"""What a sync did."""

from typing import Any

from attrs import asdict, field, frozen

from run_results.errors import RunResultsError
from run_results.text import count


@frozen
class SyncCounts:
    """What a sync has done, in numbers. At its end every run is counted in one of `new` to `waiting`."""

    new: int = 0
    """Runs that the dataset did not have."""
    changed: int = 0
    """Runs that were read again and had other rows, or another state."""
    unchanged: int = 0
    """Runs that were read again and had the same rows."""
    settled: int = 0
    """Runs that were not asked for, because they cannot have changed."""
    missing: int = 0
    """Runs that the server does not know; rows that the dataset has of them stay."""
    failed: int = 0
    """Runs that could not be read. The dataset has of them what it had before."""
    waiting: int = 0
    """Runs that were not read any more, because the sync was stopped."""
    files: int = 0
    """Files of the runs that were read."""
    breaches: int = 0
    """Places in them where an answer broke the contract; what did not fit there is null."""

    def describe(self) -> str:
        """In one line.

        >>> SyncCounts(new=2, settled=40, missing=1).describe()
        '2 new, 0 changed, 40 unchanged (40 of them not read again), 1 missing, 0 failed'
        """
        same = self.unchanged + self.settled
        read = f" ({self.settled:,} of them not read again)" if self.settled else ""
        text = f"{self.new:,} new, {self.changed:,} changed, {same:,} unchanged{read}"
        text += f", {self.missing:,} missing, {self.failed:,} failed"
        return text + (f"; {count(self.waiting, 'run')} not read" if self.waiting else "")


@frozen
class Synced:
    """What a sync did."""

    counts: SyncCounts
    """In numbers."""
    missing: tuple[str, ...] = ()
    """Runs that the server does not know."""
    failures: dict[str, RunResultsError] = field(factory=dict)
    """Runs that could not be read, each with the error."""

    def describe(self) -> str:
        """In one line; see `SyncCounts.describe`."""
        return self.counts.describe()

    def as_dict(self) -> dict[str, Any]:
        """For JSON: the numbers; the ids of missing runs; and the text of the error of each run that failed."""
        failed = {run_id: str(error) for run_id, error in self.failures.items()}
        return {**asdict(self.counts), "missing": list(self.missing), "failed": failed}
