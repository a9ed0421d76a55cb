"""Whether other programs have changed the rows of a Delta table since our last commit.

Compacting, vacuuming and new columns are welcome. Rows that others wrote, removed or restored would make the ledger
untrue: rows could be missing, or come twice.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Final

from run_results.errors import ExportError
from run_results.sync.ledger import RESTORE

if TYPE_CHECKING:
    from deltalake import DeltaTable

APPLICATION: Final = "run-results-sync"
"""What our commits have in the log of a table."""
_HARMLESS: Final = {
    "OPTIMIZE",
    "VACUUM START",
    "VACUUM END",
    "ADD COLUMN",
    "ADD COLUMNS",
    "ADD CONSTRAINT",
    "DROP CONSTRAINT",
    "ADD FEATURE",
    "SET TBLPROPERTIES",
    "UNSET TBLPROPERTIES",
    "UPDATE FIELD METADATA",
    "UPDATE TABLE METADATA",
}
"""Operations that change no rows."""


def check_history(table: "DeltaTable", place: Path) -> None:
    """Raises `ExportError` where a commit after our last one can have changed rows.

    A table that was restored to what it was after our last commit is as it should be. Where the log does not go back to
    our last commit, nothing is known.
    """
    limit = 1
    while True:
        commits = table.history(limit)
        ours = [number for number, commit in enumerate(commits) if commit.get("application") == APPLICATION]
        if ours or len(commits) < limit:
            break
        limit *= 8
    foreign = commits[: ours[0]] if ours else []
    changing = [commit for commit in foreign if commit.get("operation") not in _HARMLESS]
    if changing and not _has_files_of(table, commits[ours[0]]["version"]):
        operation, version = changing[0].get("operation"), changing[0]["version"]
        text = f"another program has changed rows of {str(place)!r}: {str(operation)[:40]}, version {version}"
        raise ExportError(text, path=str(place), advice=f"{RESTORE}; version {commits[ours[0]]['version']} was ours")


def _has_files_of(table: "DeltaTable", version: int) -> bool:
    from deltalake import DeltaTable, exceptions

    try:
        before = DeltaTable(table.table_uri, version=version)
    except exceptions.DeltaError:  # its log was removed
        return False
    return set(before.file_uris()) == set(table.file_uris())


def check_files(table: "DeltaTable", place: Path) -> None:
    """Raises `ExportError` where a file of the table is gone, or was cut off."""
    actions = table.get_add_actions()
    for name, size in zip(actions["path"].to_pylist(), actions["size_bytes"].to_pylist(), strict=True):
        path = place / name
        try:
            found = path.stat().st_size
        except FileNotFoundError:
            found = 0
        if found != size:
            text = f"{str(path)!r} has {found:,} bytes, and not {size:,} as the log of its table says"
            raise ExportError(text, path=str(path), advice=RESTORE)
