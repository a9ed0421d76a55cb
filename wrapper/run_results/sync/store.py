"""What the two kinds of dataset have in common: a folder for each table, and one for the ledger.

A batch is written in three steps: the ledger says which runs are being replaced, the rows of each table change, and the
ledger says that the runs are there.
"""

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Final, Protocol

from run_results.errors import ExportError
from run_results.sync.ledger import RESTORE, Entry
from run_results.sync.rows import Batch
from run_results.tables.schema import What

LEDGER: Final = "runs"
WAIT: Final = "Start again when the other one has ended"
AGAIN: Final = "Nothing is lost: when that is solved, the same sync continues from here"
"""What to do where something could not be written or read."""


class Store(Protocol):
    """What the two kinds of dataset have in common. Every method raises `ExportError`."""

    def entries(self) -> dict[str, Entry]:
        """The ledger as it was when the dataset was opened."""
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


def check_whole(path: Path, is_there: Mapping[str, bool], *, has_ledger: bool, has_runs: bool) -> None:
    """Raises `ExportError` where a part of a dataset is gone: rows would come twice, or never.

    The ledger is made first and gets its first run when all tables are there, so that no kill looks like this.
    """
    if any(is_there.values()) and not has_ledger:
        raise ExportError(f"the ledger {str(path / LEDGER)!r} is gone", path=str(path), advice=RESTORE)
    if has_runs and not all(is_there.values()):
        gone = next(name for name, is_table in is_there.items() if not is_table)
        raise ExportError(f"the table {str(path / gone)!r} is gone", path=str(path), advice=RESTORE)


def check_count(place: Path, found: int, table: What, entries: Iterable[Entry], *, may_have_more: bool = False) -> None:
    """Raises `ExportError` where a table, or a file of it, has not the rows of these runs.

    Runs that are not whole have all their rows there, or some; `may_have_more` where they can be new ones.
    """
    least = most = 0
    for entry in entries:
        count = entry.count(table)
        most += count
        if entry.whole:
            least += count
    if found < least or (found > most and not may_have_more):
        wanted = f"{least:,}" if least == most else f"{least:,} to {most:,}"
        text = f"{str(place)!r} has {found:,} rows, and not {wanted} as the ledger says: another program has changed it"
        raise ExportError(text, path=str(place), advice=RESTORE)
