"""`Client`: every method is a walk whose steps it carries out. It only sends and sleeps.

`AsyncClient` has the same methods. Tables and exports are made by `tables` and `export`, which are loaded when they are
asked for.
"""

import os
from collections.abc import Generator, Mapping
from contextlib import closing
from datetime import timedelta
from typing import TYPE_CHECKING, Self, TypeVar, Unpack

from run_results.base_client import BaseClient
from run_results.errors import RunResultsError
from run_results.http.ahead import Lookahead
from run_results.include import Flags, Include
from run_results.names import NameMap
from run_results.options import Options, Settings, settle, with_settings, with_signature
from run_results.page import Page
from run_results.request import Outcome, Request, Sleep
from run_results.retry import RetryBudget
from run_results_api.models import File, RunSummary

if TYPE_CHECKING:
    import httpx
    import httpx2
    import pyarrow as pa

    from run_results.export.options import ExportChoices, ExportOptions
    from run_results.export.result import Exported
    from run_results.http.sender import Sender
    from run_results.run_list.filters import RunFilters
    from run_results.run_list.window import Moment
    from run_results.tables.options import Typed, Wide
    from run_results.tables.schema import What

T = TypeVar("T", Page, RunSummary)


@with_settings
class Client(BaseClient):
    """Fetches the results of runs. Several threads may share one client.

    `http_client` is an httpx or httpx2 client of your own, which is neither changed nor closed. Deadlines are less
    exact with it than on our own connections (docs/reliability.md says how).

    Settings that are not given come from RUN_RESULTS_TOKEN, RUN_RESULTS_CONTEXT and RUN_RESULTS_BASE_URL. A setting
    that cannot be used is a `ConfigurationError`, before anything is sent.

    >>> with Client() as client:  # doctest: +SKIP
    ...     for file in client.files("run-tax-2025", include=Include.CONFIDENCE):
    ...         print(file.original_file_name)
    """

    _sender: "Sender"

    @with_signature
    def __init__(
        self, *, http_client: "httpx.Client | httpx2.Client | None" = None, **settings: Unpack[Settings]
    ) -> None:
        options = settle(**settings)
        from run_results.http.sender import Sender  # here, so that importing the package does not import httpx

        super().__init__(options, RetryBudget(options.retry.budget), Sender(http_client, options.max_connections))

    def page(self, run_id: str, offset: int = 0, *, include: Flags = Include.NONE) -> Page:
        """Fetch the one page that begins at a file offset (counted from 0).

        Raises `ConfigurationError`, `TransportError`, `StatusError` or `ContractError`.
        """
        with closing(self._drive(self._page(run_id, offset, include))) as pages:
            return next(pages)

    def pages(
        self,
        run_id: str,
        *,
        start: int = 0,
        stop: int | None = None,
        expect: Mapping[str, object] | None = None,
        include: Flags = Include.NONE,
        deadline: float | None = None,
    ) -> Generator[Page, None, None]:
        """Fetch every page from the file offset `start` on. Each page is requested when you ask for it.

        `deadline` limits the whole walk, in seconds from the first request. Without it only each attempt at a page is
        limited, by `timeout`. Raises what `page` raises, and `PagingError` where pages contradict each other. Every
        error has `resume_offset`.

        `stop` ends the walk before that file; the last page is cut there. `expect` is the `state` of a page that was
        read before: if the run is in another state, there is a `RunChanged`. So several processes can each read a part
        of one run.

        >>> state = client.page("run-1").state  # doctest: +SKIP
        >>> pages = client.pages("run-1", start=5000, stop=10000, expect=state)  # doctest: +SKIP
        """
        return self._drive(self._walk(run_id, start, include, deadline, stop, expect))

    def files(
        self,
        run_id: str,
        *,
        start: int = 0,
        stop: int | None = None,
        expect: Mapping[str, object] | None = None,
        include: Flags = Include.NONE,
        deadline: float | None = None,
    ) -> Generator[File, None, None]:
        """Every file from the file offset `start` to `stop`, once and in order, in one lazy stream; see `pages`."""
        with closing(self._drive(self._walk(run_id, start, include, deadline, stop, expect))) as pages:
            for page in pages:
                yield from page.files

    def wait(self, run_id: str, *, timeout: float = 600.0, poll: float = 2.0, include: Flags = Include.NONE) -> Page:
        """Wait until the run cannot change by itself any more, and return its first page.

        A run cannot change by itself when it is finished, paused, or stopped for a review. The client asks every `poll`
        seconds at first, and less often later. Raises `RunNotSettledError` after `timeout` seconds,
        `RunStatusMissingError` where the answer has no status, and what `page` raises.
        """
        with closing(self._drive(self._wait(run_id, include, timeout, poll))) as pages:
            return next(pages)

    def runs(
        self,
        since: "Moment | None" = None,
        until: "Moment | None" = None,
        *,
        overlap: timedelta | None = None,
        deadline: float | None = None,
        **filters: "Unpack[RunFilters]",
    ) -> Generator[RunSummary, None, None]:
        """Every run that started within a window of time, once, the earliest first, in one lazy stream.

        A run that is in the window from the first request to the last comes exactly once, even if other runs start or
        are deleted meanwhile. A run that started before the window is not in it, even if it finished in it; `overlap`
        lists such runs, too.

        Args:
            since: The beginning of the window: a datetime with a time zone, or a timedelta that says how long ago.
                Default: 24 hours ago.
            until: Its end, given in the same way; a run that started exactly then is not in the window. Default: five
                minutes after the first request, because the server's clock may be ahead of ours.
            overlap: Also list runs that started at most so long before `since`, unless they had finished by `since`.
            deadline: Seconds for the whole list.
            filters: Only runs that fit them all: status, app_id, app_name, deployment_id, username, run_id,
                output_workspaces (docs/runs.md). Several statuses or workspaces may be given; one has to fit.

        Raises what `page` raises, and `PagingError` where the server does not list what was asked for.

        >>> for run in client.runs(timedelta(days=1), status=["FAILED", "CANCELLED"]):  # doctest: +SKIP
        ...     print(run.id, run.status, to_datetime(run.start_timestamp), run.msg)
        """
        return self._drive(self._runs(since, until, overlap, deadline, filters))

    def table(
        self,
        run_id: str,
        what: "What" = "fields",
        *,
        names: NameMap | None = None,
        wide: "Wide | str | None" = None,
        typed: "Typed | bool" = False,
        include: Flags = Include.ALL,
        deadline: float | None = None,
    ) -> "pa.Table":
        """The whole run as one Arrow table in memory: a row for each field, and everything that is known of it.

        Args:
            run_id: The run.
            what: Which table: `fields`, `documents`, `files` or `case_fields`; docs/tables.md has their columns.
            names: The project's field names, for the column `name`; without them it holds the best guess.
            wide: A document class, for the wide view: a row for each document, a column for each field. With `names`
                its columns are those of the names, in every run.
            typed: Whether numbers, dates and amounts are read into columns of their own. A `Typed` also says how the
                project writes them.
            include: What to ask the server for. The columns of everything else are null.
            deadline: Seconds for the whole walk.

        Raises what `pages` raises, `ConfigurationError` without pyarrow, and `FieldDoubled`.

        >>> table = client.table("run-1", names=NameMap.read("fields.txt"))  # doctest: +SKIP
        >>> table.filter(pyarrow.compute.field("model_confidence") < 0.8).to_pandas()  # doctest: +SKIP
        """
        collector = self._collector(what, names, wide, typed)
        with closing(self.pages(run_id, include=include, deadline=deadline)) as pages:
            for page in pages:
                collector.add(page)
        return collector.finish()

    def batches(
        self,
        run_id: str,
        what: "What" = "fields",
        *,
        names: NameMap | None = None,
        wide: "Wide | str | None" = None,
        typed: "Typed | bool" = False,
        include: Flags = Include.ALL,
        deadline: float | None = None,
    ) -> "pa.RecordBatchReader":
        """The rows of `table` as an Arrow stream: a page is requested when you ask for its batch.

        DuckDB, polars, pandas, Arrow Flight and everything else that reads Arrow streams can read it; memory does not
        grow with the run. A wide view needs `names`, because its columns must be known before the first page. Raises
        what `table` raises; some errors come only while the stream is read.

        >>> reader = client.batches("run-1")  # doctest: +SKIP
        >>> duckdb.sql("SELECT class_name, avg(model_confidence) FROM reader GROUP BY ALL")  # doctest: +SKIP
        """
        collector = self._collector(what, names, wide, typed)
        return collector.reader(self.pages(run_id, include=include, deadline=deadline))

    def export(
        self,
        run_id: str,
        path: str | os.PathLike[str],
        *,
        options: "ExportOptions | None" = None,
        deadline: float | None = None,
        **choices: "Unpack[ExportChoices]",
    ) -> "Exported":
        """Write a run of any size to disk. An export can be interrupted at any moment, and resumed.

        If `path` has the suffix .parquet, .csv, .jsonl or .arrow, it is one file with one table. If it has no suffix,
        or a slash at its end, it is a folder, which gets a folder of parts for each table. Another suffix is an error.
        Files that the export did not write are not changed.

        Args:
            run_id: The run.
            path: The file or folder.
            options: The options as one object, `run_results.export.ExportOptions`, which explains each of them.
            deadline: Seconds for the whole walk.
            choices: Options by name, in place of those in `options`: format, tables, names, wide, typed, include,
                resume, overwrite, single_file, guard, dialect, separator, rows_per_part, progress.

        Raises what `table` raises, `ExportError` where something cannot be written, and `ExportMismatch` where what is
        there belongs to another run, to another state of this run, or to other options.

        >>> client.export("run-1", "out", resume=True)  # doctest: +SKIP
        """
        with self._export(run_id, path, options, choices) as export:
            pages = self.pages(run_id, start=export.start, include=export.include, deadline=deadline)
            with closing(pages):
                for page in pages:
                    export.add(page)
            return export.finish()

    def close(self) -> None:
        """Close the connections."""
        self._sender.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _drive(self, steps: Generator[Request | Sleep | T, Outcome, None]) -> Generator[T, None, None]:
        outcome: Outcome = None
        with closing(Lookahead(self._sender, self._options.observe)) as sender, closing(steps):
            while True:
                try:
                    step = steps.send(outcome)
                except StopIteration:
                    return
                outcome = None
                if isinstance(step, Sleep):
                    self._sender.sleep(step.seconds)
                elif isinstance(step, Request):
                    try:
                        outcome = sender.send(step)
                    except RunResultsError as error:
                        steps.throw(error)  # the walk adds where it was
                else:
                    if isinstance(step, Page) and not step.has_more:
                        sender.close()
                    yield step


def client_of(options: Options) -> Client:
    """A client with options that were settled before: nothing is read from the environment but the token."""
    from run_results.http.sender import Sender  # here: see `Client`

    made = object.__new__(Client)
    BaseClient.__init__(made, options, RetryBudget(options.retry.budget), Sender(None, options.max_connections))
    return made
