"""What can be chosen for a dataset: each option once, with its meaning, default and check."""

import json
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, Literal, TypedDict, get_args

from attrs import evolve, field, frozen

from run_results.arguments import as_include, as_integer
from run_results.errors import ConfigurationError, ExportMismatch
from run_results.files import file_errors, write_file
from run_results.include import Flags, Include
from run_results.names import NameMap
from run_results.tables.options import Typed, as_names, as_typed
from run_results.tables.schema import TABLES, VERSION, columns

SyncFormat = Literal["delta", "parquet"]
SYNC_FORMATS: Final[tuple[SyncFormat, ...]] = get_args(SyncFormat)
MARKER: Final = "_sync.json"
"""The file that says with which options a dataset was begun."""
_OF_THE_VERSION: Final = frozenset({"schema_version", "columns"})
"""Marks of a dataset that no option changes alone."""


def _as_format(format: str) -> SyncFormat:
    for known in SYNC_FORMATS:
        if format == known:
            return known
    raise ConfigurationError(f"format must be delta or parquet, not {str(format)[:80]!r}", option="format")


def _as_recheck(recheck: timedelta | None) -> timedelta | None:
    if recheck is not None and (not isinstance(recheck, timedelta) or recheck < timedelta()):
        raise ConfigurationError("recheck must be a timedelta that is not negative", option="recheck")
    return recheck


def _as_jobs(jobs: int) -> int:
    return as_integer(jobs, "jobs", 1, 64)


def _as_runs(runs: int) -> int:
    return as_integer(runs, "runs_per_batch", 1, 10_000)


@frozen
class SyncOptions:
    """How a dataset follows its runs. Raises `ConfigurationError` for a value that an option cannot have.

    Args:
        format: `delta` (needs deltalake), or `parquet` for plain files. Default: `delta`.
        names: The project's field names, for the column `name`. Default: the best guess.
        typed: Whether numbers, dates and amounts are read into columns of their own. Default: False.
        include: What to ask the server for. Default: everything.
        recheck: Runs that finished within this time are read again. Default: none are.
        jobs: How many runs are read at once. Default: 8.
        runs_per_batch: After how many runs a batch is written, at the latest. Default: 500.

    >>> SyncOptions(recheck=timedelta(days=7)).format
    'delta'
    """

    format: SyncFormat = field(default="delta", converter=_as_format)
    names: NameMap = field(default=None, converter=as_names)
    typed: Typed | None = field(default=None, converter=as_typed)
    include: Include = field(default=Include.ALL, converter=as_include)
    recheck: timedelta | None = field(default=None, converter=_as_recheck)
    jobs: int = field(default=8, converter=_as_jobs)
    runs_per_batch: int = field(default=500, converter=_as_runs)

    @property
    def marks(self) -> dict[str, Any]:
        """What decides on the rows: no dataset is continued with others, or two kinds of row would be mixed."""
        titles = [column.name for what in TABLES for column in columns(what, typed=self.typed is not None)]
        return {
            "schema_version": VERSION,
            "format": self.format,
            "include": self.include.value,
            "names": self.names.digest[:16],
            "typed": [self.typed.decimal, self.typed.dates] if self.typed else None,
            "columns": sha256(",".join(titles).encode()).hexdigest()[:16],
        }


class SyncChoices(TypedDict, total=False):
    """Options of `SyncOptions` by name."""

    format: SyncFormat
    names: NameMap | None
    typed: Typed | bool
    include: Flags
    recheck: timedelta | None
    jobs: int
    runs_per_batch: int


def choose(options: SyncOptions | None, choices: SyncChoices) -> SyncOptions:
    """The options with these choices in place of theirs. Raises `ConfigurationError`."""
    try:
        return evolve(options, **choices) if options is not None else SyncOptions(**choices)
    except TypeError as error:
        raise ConfigurationError(f"sync: {error}") from None


def check_marker(folder: Path, marks: dict[str, Any]) -> None:
    """Write what a new dataset is begun with; raise `ExportMismatch` where the folder is of anything else."""
    marker = folder / MARKER
    if not marker.exists():
        with file_errors("read", folder):
            there = [path.name for path in folder.iterdir() if not path.name.endswith(".tmp")]
        if there:
            text = f"{str(folder)!r} holds no dataset of sync, but {there[0]!r}"
            raise ExportMismatch(text[:500], path=str(folder), advice="Choose an empty folder")
        write_file(marker, json.dumps(marks, indent=1).encode())
        return
    with file_errors("read", marker, ValueError):
        found = json.loads(marker.read_bytes())
    before: dict[str, Any] = found if isinstance(found, dict) else {}
    different = [name for name, value in marks.items() if before.get(name) != value]
    if options := [name for name in different if name not in _OF_THE_VERSION]:
        text = f"{str(folder)!r} was begun with another value of: {', '.join(options)}"
        raise ExportMismatch(text, path=str(folder), advice="Give the same options, or begin in a new folder")
    if different:
        text = f"{str(folder)!r} was begun by another version of run-results, whose tables have other columns"
        raise ExportMismatch(text, path=str(folder), advice="Begin in a new folder, with all runs")
