"""Runs in one SQLite file: for large runs that are loaded once and served often.

Each run is a row (its context and header), and each file of a run is a row. The files of a run have consecutive row
ids, so that a page is a range scan: an offset of a million costs as much as an offset of zero.
"""

import json
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Self

from attrs import field, frozen

from .runs import Run, Store
from .terms import JsonObject

# Written to the file's header, so that the database of another program is refused with a clear message.
_APPLICATION_ID = 0x52756E52
_VERSION = 2

_SCHEMA = f"""
PRAGMA application_id = {_APPLICATION_ID};
PRAGMA user_version = {_VERSION};
CREATE TABLE run (
  context TEXT,                 -- NULL: the nameless context
  id TEXT NOT NULL,
  header TEXT NOT NULL,         -- JSON object: everything but the files
  listing TEXT NOT NULL,        -- JSON object: what only the list of runs has of it
  first_file INTEGER NOT NULL,  -- file.id of the run's file 0
  file_count INTEGER NOT NULL
) STRICT;
CREATE TABLE file (
  id INTEGER PRIMARY KEY,
  body TEXT NOT NULL            -- JSON object
) STRICT;
CREATE UNIQUE INDEX run_by_name ON run (id, ifnull(context, ''));
"""
# A context is never empty, so '' can mean the nameless context in the index.

_BATCH = 1_000  # files that are made at a time while a run is written


class SqliteStoreError(Exception):
    """The file is not a database of runs that this version can read, or exists although a new one is to be written."""


def write_sqlite(store: Store, path: Path) -> int:
    """Writes every run of a store, as it is now, to a new SQLite file. Returns the number of runs.

    Memory does not grow with the runs. The file appears complete or not at all. Raises SqliteStoreError if `path`
    already exists.
    """
    if path.exists():
        raise SqliteStoreError(f"{path} exists already")
    partial = path.with_name(f".{path.name}.partial")
    partial.unlink(missing_ok=True)
    try:
        with closing(sqlite3.connect(partial)) as connection:
            connection.executescript(_SCHEMA)
            with connection:
                count = sum(_write_run(connection, context, store.find(run_id, context)) for context, run_id in store)
        partial.rename(path)
    finally:
        partial.unlink(missing_ok=True)
    return count


def _write_run(connection: sqlite3.Connection, context: str | None, run: Run | None) -> int:
    if run is None:  # removed since the store was listed
        return 0
    (first,) = connection.execute("SELECT ifnull(max(id) + 1, 0) FROM file").fetchone()
    count = run.file_count
    connection.execute(
        "INSERT INTO run VALUES (?, ?, ?, ?, ?, ?)",
        (context, run.header["id"], _dump(run.header), _dump(run.listing), first, count),
    )
    for start in range(0, count, _BATCH):
        files = run.files(start, min(start + _BATCH, count))
        connection.executemany(
            "INSERT INTO file VALUES (?, ?)",
            ((first + start + index, _dump(file)) for index, file in enumerate(files)),
        )
    return 1


def _dump(value: JsonObject) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


class SqliteStore:
    """The runs in a file that `write_sqlite` made. The file is opened for reading only.

        with SqliteStore(Path("runs.sqlite")) as store:
            ...

    It can be used from several threads. Close it, or use it in a `with`. Raises FileNotFoundError if there is no such
    file, and SqliteStoreError if it is not a database of runs.
    """

    def __init__(self, path: Path) -> None:
        if not path.is_file():
            raise FileNotFoundError(f"{path} is not a file")
        self._lock = threading.Lock()
        self._connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, check_same_thread=False)
        try:
            (application,) = self.rows("PRAGMA application_id")[0]
            (version,) = self.rows("PRAGMA user_version")[0]
        except sqlite3.DatabaseError:
            application = version = -1
        if (application, version) != (_APPLICATION_ID, _VERSION):
            self.close()
            raise SqliteStoreError(f"{path} is not a database of runs, version {_VERSION}")

    def find(self, run_id: str, context: str | None) -> Run | None:
        """The run with this id, or None if the context has none."""
        rows = self.rows(
            "SELECT header, listing, file_count, first_file FROM run WHERE id = ? AND ifnull(context, '') = ?",
            (run_id, context or ""),
        )
        for header, listing, count, first in rows:
            return _SqliteRun(json.loads(header), json.loads(listing), count, first, self)
        return None

    def __iter__(self) -> Iterator[tuple[str | None, str]]:
        """The context and the id of every run, in the order in which they were written."""
        return ((context, run_id) for context, run_id in self.rows("SELECT context, id FROM run ORDER BY rowid"))

    def rows(self, sql: str, values: Sequence[str | int] = ()) -> list[tuple[Any, ...]]:
        """All rows of a statement that only reads."""
        with self._lock:
            return self._connection.execute(sql, values).fetchall()

    def close(self) -> None:
        """Closes the file."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


@frozen
class _SqliteRun:
    header: JsonObject
    listing: JsonObject
    file_count: int
    _first: int
    _store: SqliteStore = field(repr=False)

    def files(self, start: int, stop: int) -> Sequence[JsonObject]:
        rows = self._store.rows(
            "SELECT body FROM file WHERE id >= ? AND id < ? ORDER BY id",
            (self._first + start, self._first + min(stop, self.file_count)),
        )
        return [json.loads(body) for (body,) in rows]
