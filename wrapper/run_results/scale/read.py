"""The rows of the slices of one task: several slices at once, each with its own walk."""

from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING

from run_results.client import Client
from run_results.errors import NotFoundError, RunChanged
from run_results.page import Page
from run_results.scale.pace import Pace
from run_results.scale.plan import Slice, give_up, is_missing
from run_results.scale.source import Source
from run_results.scale.threads import in_threads
from run_results.tables.installed import need_arrow
from run_results.tables.schema import TABLES, What, check_what
from run_results.text import count

if TYPE_CHECKING:
    import pyarrow as pa

    from run_results.scale.rows import Rows, Tables


def read(source: Source, slices: Iterable[Slice], table: What = "fields") -> "Iterator[pa.RecordBatch]":
    """The rows of one table, as `client.table` makes them; `source.schema(table)` is their schema.

    Slices are taken from `slices` as they are needed, in the thread that reads. As many as `source.concurrency` says
    are read at once, so that rows of several runs come in any order; those of one slice keep theirs.

    Raises `ConfigurationError` for a table that there is not and without pyarrow, both at once; and, while it is read,
    what `client.pages` raises. An error ends all: a task is done again as a whole.

    >>> for batch in read(source, [Slice("run-1"), Slice("run-2")], "documents"):  # doctest: +SKIP
    ...     writer.write_batch(batch)
    """
    rows = _read(source, slices, (check_what(table),))

    def batches() -> "Iterator[pa.RecordBatch]":
        with closing(rows):
            for _, batch in rows:
                yield batch

    return batches()


def read_all(source: Source, slices: Iterable[Slice]) -> "Iterator[tuple[What, pa.RecordBatch]]":
    """The rows of all four tables, each batch with the name of its table, with the requests of one walk; see `read`."""
    return _read(source, slices, TABLES)


def _read(source: Source, slices: Iterable[Slice], tables: tuple[What, ...]) -> "Generator[Rows, None, None]":
    need_arrow()
    from run_results.scale.rows import Tables, joined

    def rows() -> "Generator[Rows, None, None]":
        pace = source.pace()
        with source.client() as client:

            def reader() -> "Callable[[Slice], Iterator[Rows]]":
                made = Tables(source, tables)
                return lambda each: _rows_of(client, source, each, made, pace)

            ending = partial(give_up, client, pace)
            with closing(in_threads(reader, slices, source.concurrency, ending)) as found:
                yield from joined(found)

    return rows()


def _rows_of(client: Client, source: Source, each: Slice, tables: "Tables", pace: Pace) -> "Iterator[Rows]":
    """The rows of one slice."""
    is_begun = False
    try:
        for page in _pages_of(client, source, each, pace):
            is_begun = True
            yield from tables.of_page(page)
    except NotFoundError as error:
        if source.on_missing == "error" or is_begun or not each.is_whole or not is_missing(error):
            raise
        if source.on_missing == "report":
            yield from tables.of_missing(each.run_id, error.message)


def _pages_of(client: Client, source: Source, each: Slice, pace: Pace) -> Iterator[Page]:
    """The pages of one slice, no request before its turn."""
    pages = client.pages(each.run_id, start=each.start, stop=each.stop, expect=each.state, include=source.include)
    with closing(pages):
        while True:
            pace.wait()
            page = next(pages, None)
            if page is None:
                return
            yield page
            if page.next_offset in (None, each.stop):
                break
    if each.files is not None:
        _check_length(each, page)


def _check_length(each: Slice, last: Page) -> None:
    """Raise `RunChanged` where a measured run has another number of files by now: its windows do not join any more."""
    end = last.offset + len(last.files)
    is_as_it_was = end == each.files if each.stop is None else last.has_more
    if not is_as_it_was:
        difference = "more" if each.stop is None and end > (each.files or 0) else "fewer"
        raise RunChanged(
            f"the run had {count(each.files or 0, 'file')} when its windows were planned, and has {difference} now",
            advice="Plan it again, and read all of it anew",
            run_id=each.run_id,
            offset=last.offset,
            resume_offset=0,
        )
