"""`Client` and `AsyncClient` as people import them: those of the core, with tables.

pyarrow is imported when a table is asked for, and no earlier.
"""

import os
from collections.abc import AsyncGenerator
from contextlib import aclosing, closing
from typing import TYPE_CHECKING, Any, Unpack

from run_results import client as core
from run_results.include import Include
from run_results.names import NameMap
from run_results.tables.installed import need_arrow
from run_results.threads import run_in_thread

if TYPE_CHECKING:
    import pyarrow as pa

    from run_results.export.job import Export
    from run_results.export.options import ExportChoices, ExportOptions
    from run_results.export.result import Exported
    from run_results.tables.collect import Collector
    from run_results.tables.options import Typed, Wide
    from run_results.tables.schema import What


class Client(core.Client):
    __doc__ = core.Client.__doc__

    def table(
        self,
        run_id: str,
        what: "What" = "fields",
        *,
        names: NameMap | None = None,
        wide: "Wide | str | None" = None,
        typed: "Typed | bool" = False,
        include: Include = Include.ALL,
        deadline: float | None = None,
    ) -> "pa.Table":
        """The whole run as one Arrow table in memory: a row for each field, and everything that is known of it.

        Args:
            run_id: The run.
            what: Which table: `fields`, `documents`, `files` or `case_fields`; docs/tables.md has their columns.
            names: The project's field names, for the column `name`; without them it holds the best guess.
            wide: A document class, for the wide view: a row for each document, a column for each field.
            typed: Whether numbers, dates and amounts are read into columns of their own, and how they are written.
            include: What to ask for; columns of what is not asked for are null.
            deadline: Seconds for the whole walk.

        Raises what `pages` raises, `ConfigurationError` without pyarrow, and `FieldDoubled`.

        >>> table = client.table("run-1", names=NameMap.read("fields.txt"))  # doctest: +SKIP
        >>> table.filter(pyarrow.compute.field("model_confidence") < 0.8).to_pandas()  # doctest: +SKIP
        """
        collector = _collector(what, names, wide, typed)
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
        typed: "Typed | bool" = False,
        include: Include = Include.ALL,
        deadline: float | None = None,
    ) -> "pa.RecordBatchReader":
        """The rows of `table` as an Arrow stream: a page is fetched when its batch is asked for.

        DuckDB, polars, pandas, Arrow Flight and whatever else takes an Arrow stream read it; memory does not grow with
        the run. Raises what `table` raises, partly while it is read.

        >>> reader = client.batches("run-1")  # doctest: +SKIP
        >>> duckdb.sql("SELECT class_name, avg(model_confidence) FROM reader GROUP BY ALL")  # doctest: +SKIP
        """
        collector = _collector(what, names, None, typed)
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

        `path` is one file, by its suffix (.parquet, .csv, .jsonl, .arrow), which holds one table; or a folder, which
        gets a folder of parts for each table. Files that the export did not write stay as they are.

        Args:
            run_id: The run.
            path: The file or folder.
            options: The options as one object, `run_results.export.ExportOptions`, which explains each of them.
            deadline: Seconds for the whole walk.
            choices: Options by name, in place of those in `options`: format, tables, names, wide, typed, include,
                resume, single_file, guard, rows_per_part, progress.

        Raises what `table` raises, `ExportError` where something cannot be written, and `ExportMismatch` where what is
        there belongs to another run, to another state of this run, or to other options.

        >>> client.export("run-1", "out", resume=True)  # doctest: +SKIP
        """
        with _export(self, run_id, path, options, choices) as export:
            pages = self.pages(run_id, start=export.start, include=export.include, deadline=deadline)
            with closing(pages):
                for page in pages:
                    export.add(page)
            return export.finish()


class AsyncClient(core.AsyncClient):
    __doc__ = core.AsyncClient.__doc__

    async def table(
        self,
        run_id: str,
        what: "What" = "fields",
        *,
        names: NameMap | None = None,
        wide: "Wide | str | None" = None,
        typed: "Typed | bool" = False,
        include: Include = Include.ALL,
        deadline: float | None = None,
    ) -> "pa.Table":
        """See `Client.table`."""
        collector = _collector(what, names, wide, typed)
        async with aclosing(self.pages(run_id, include=include, deadline=deadline)) as pages:
            async for page in pages:
                await run_in_thread(collector.add, page)
        return await run_in_thread(collector.finish)

    async def batches(
        self,
        run_id: str,
        what: "What" = "fields",
        *,
        names: NameMap | None = None,
        typed: "Typed | bool" = False,
        include: Include = Include.ALL,
        deadline: float | None = None,
    ) -> "AsyncGenerator[pa.RecordBatch, None]":
        """The rows of `table`, a batch for each page that has any; see `Client.batches`."""
        collector = _collector(what, names, None, typed)
        async with aclosing(self.pages(run_id, include=include, deadline=deadline)) as pages:
            async for page in pages:
                (batch,) = await run_in_thread(collector.batches, page)
                if len(batch):
                    yield batch

    async def export(
        self,
        run_id: str,
        path: str | os.PathLike[str],
        *,
        options: "ExportOptions | None" = None,
        deadline: float | None = None,
        **choices: "Unpack[ExportChoices]",
    ) -> "Exported":
        """See `Client.export`."""
        with _export(self, run_id, path, options, choices) as export:
            pages = self.pages(run_id, start=export.start, include=export.include, deadline=deadline)
            async with aclosing(pages):
                async for page in pages:
                    await run_in_thread(export.add, page)
            return await run_in_thread(export.finish)


def _collector(what: "What", names: NameMap | None, wide: "Wide | str | None", typed: "Typed | bool") -> "Collector":
    need_arrow()
    from run_results.tables.collect import Collector

    return Collector(what, names, wide, typed)


def _export(
    client: core.Client | core.AsyncClient,
    run_id: str,
    path: str | os.PathLike[str],
    options: "ExportOptions | None",
    choices: Any,
) -> "Export":
    need_arrow()
    from run_results.export.job import open_export

    settings = client._options  # noqa: SLF001 - a client of ours
    must_not_change = settings.on_change == "raise"
    return open_export(run_id, path, options, choices, must_not_change=must_not_change, clock=settings.clock)
