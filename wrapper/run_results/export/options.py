"""What can be chosen for an export: each option once, with its meaning, default and check."""

from collections.abc import Callable, Sequence
from typing import TypedDict

import attrs
from attrs import field, frozen

from run_results.arguments import as_include, as_integer
from run_results.errors import ConfigurationError
from run_results.export.result import Exported
from run_results.include import Flags, Include
from run_results.names import NameMap
from run_results.tables.options import (
    Csv,
    Dialect,
    Format,
    Separator,
    Typed,
    Wide,
    as_names,
    as_typed,
    as_wide,
    check_csv,
    check_format,
)
from run_results.tables.schema import TABLES, What, check_what


def _as_format(format: Format | None) -> Format | None:
    return None if format is None else check_format(format)


def _as_tables(tables: Sequence[What] | None) -> tuple[What, ...] | None:
    if isinstance(tables, str):
        raise ConfigurationError(f"tables must be a list of names, not the text {tables[:80]!r}", option="tables")
    try:
        wanted = {check_what(what) for what in tables or ()}
    except ConfigurationError as error:
        error.option = "tables"
        raise
    return tuple(what for what in TABLES if what in wanted) or None


def _as_rows(rows_per_part: int) -> int:
    return as_integer(rows_per_part, "rows_per_part", 1, 2**63 - 1)


@frozen
class ExportOptions:
    """How a run is written to disk. Raises `ConfigurationError` for a value that an option cannot have.

    Args:
        format: `parquet`, `csv`, `jsonl` or `arrow`. Default: by the path's suffix, else `parquet`.
        tables: Which tables. Default: `fields` for one file, and all four for a folder.
        names: The project's field names, for the column `name` and for the wide view. Default: the best guess.
        wide: The wide view instead of tables: of the class named, or with True one file for each class. Default: False.
        typed: Whether numbers, dates and amounts are read into columns of their own; a `Typed` says how the project
            writes them. Default: False.
        include: What to ask the server for. Default: everything.
        resume: Whether to continue an export that is there; where there is none, a new one begins. Default: False, and
            an export that is there is an error.
        overwrite: Whether an export that is there is made again. The old one stays until the new one is whole, and
            `resume` continues a new one that was interrupted. Default: False.
        single_file: Whether to merge each table's parts into one file at the end. Default: False.
        guard: Whether to keep spreadsheets from taking a cell of CSV for a formula; see docs/tables.md. Default: True.
        dialect: `rfc4180`, or `excel`: CSV with a byte order mark, and cells that are too long for Excel are cut.
            Default: `rfc4180`.
        separator: What is between the cells of CSV: `,`, `;`, a tab or `|`. Excel splits at the list separator of its
            system, which is `;` in most of Europe. Default: `,`.
        rows_per_part: After how many rows a part is written, at the end of a page. Default: 60,000.
        progress: A function, called after each page with what was exported so far; `AsyncClient` calls it on another
            thread. Default: none.

    >>> ExportOptions(format="csv", tables=["fields"], wide=False).tables
    ('fields',)
    """

    format: Format | None = field(default=None, converter=_as_format)
    tables: tuple[What, ...] | None = field(default=None, converter=_as_tables)
    names: NameMap = field(default=None, converter=as_names)
    wide: Wide | None = field(default=None, converter=as_wide)
    typed: Typed | None = field(default=None, converter=as_typed)
    include: Include = field(default=Include.ALL, converter=as_include)
    resume: bool = False
    overwrite: bool = False
    single_file: bool = False
    guard: bool = True
    dialect: Dialect = "rfc4180"
    separator: Separator = ","
    rows_per_part: int = field(default=60_000, converter=_as_rows)
    progress: Callable[[Exported], None] | None = None

    def __attrs_post_init__(self) -> None:
        check_csv(self.guard, self.dialect, self.separator)
        if self.wide is not None and self.tables:
            raise ConfigurationError(
                "the wide view is of documents and their fields: choose it, or tables", option="wide"
            )
        if self.resume and self.overwrite:
            raise ConfigurationError(
                "an export is continued or made again, not both; the one continues the other when it was interrupted",
                option="overwrite",
            )

    @property
    def csv(self) -> Csv:
        """How CSV is written."""
        return Csv(self.guard, self.dialect, self.separator)


class ExportChoices(TypedDict, total=False):
    """The options as keywords of `client.export`, for type checkers; `ExportOptions` explains them."""

    format: Format | None
    tables: Sequence[What] | None
    names: NameMap | None
    wide: Wide | str | bool | None
    typed: Typed | bool | None
    include: Flags
    resume: bool
    overwrite: bool
    single_file: bool
    guard: bool
    dialect: Dialect
    separator: Separator
    rows_per_part: int
    progress: Callable[[Exported], None] | None


def choose(options: ExportOptions | None, choices: ExportChoices) -> ExportOptions:
    """The options, with these choices in place of theirs. An unknown name raises `ConfigurationError`."""
    known = [attribute.name for attribute in attrs.fields(ExportOptions)]
    unknown = choices.keys() - set(known)
    if unknown:
        raise ConfigurationError(f"an export has no option called {min(unknown)!r}; there are {', '.join(known)}")
    return attrs.evolve(options if options is not None else ExportOptions(), **choices)
