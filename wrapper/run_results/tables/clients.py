"""`Client` and `AsyncClient` as people import them: those of the core, with tables.

pyarrow is imported when a table is asked for, and no earlier.
"""

import os
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing, closing
from typing import TYPE_CHECKING, Any, TypedDict, TypeVar, Unpack

from run_results import client as core
from run_results.errors import ConfigurationError
from run_results.include import Include
from run_results.names import NameMap
from run_results.options import check_include, check_run_id

if TYPE_CHECKING:
    import pyarrow as pa

    from run_results.tables.collect import Collector
    from run_results.tables.export import Export, Exported
    from run_results.tables.formats import Format
    from run_results.tables.schema import What
    from run_results.tables.typed import Typed
    from run_results.tables.wide import Wide

T = TypeVar("T")


class Choices(TypedDict, total=False):
    """What an export can be told."""

    format: "Format"
    """`parquet`, `csv`, `jsonl` or `arrow`; else by the path's suffix, else `parquet`."""
    tables: "Sequence[What]"
    """Which tables; else `fields` for a file, and all four for a folder."""
    names: NameMap | None
    """The project's field names, for the column `name`; else the best guess."""
    wide: "Wide | str | bool"
    """The wide view instead of tables: of one class, or with True one file for each class."""
    typed: "Typed | bool"
    """Whether numbers, dates and amounts are read into columns of their own, and how they are written; False."""
    include: Include
    """What to ask for; everything."""
    resume: bool
    """Go on with what is there; where nothing is, begin. False: what is there is an error."""
    single_file: bool
    """Make one file of each table's parts at the end; False."""
    guard: bool
    """Keep spreadsheets from taking a cell of CSV for a formula; True. See docs/tables.md."""
    rows_per_part: int
    """After how many rows a part is written, at the end of a page; 60,000."""
    progress: "Callable[[Exported], None]"
    """Called with what was done so far after each page; by `AsyncClient`, on another thread."""


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
        deadline: float | None = None,
        **choices: Unpack[Choices],
    ) -> "Exported":
        """Write a run to disk, of any size, in a way that can be killed at any moment and gone on with.

        `path` is one file, by its suffix (.parquet, .csv, .jsonl, .arrow), which holds one table; or a folder, which
        gets a folder of parts for each table. What there is to choose stands at `Choices`. Files that are not ours
        stay. `deadline` is for the whole walk, in seconds.

        Raises what `table` raises, `ExportError` where something cannot be written, and `ExportMismatch` where what is
        there belongs to another run, to another state of this run, or to other options.

        >>> client.export("run-1", "out", resume=True)  # doctest: +SKIP
        """
        with _export(self, run_id, path, **choices) as export:
            pages = self.pages(run_id, start=export.start, include=export.order.include, deadline=deadline)
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
                await _in_thread(collector.add, page)
        return await _in_thread(collector.finish)

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
                (batch,) = await _in_thread(collector.batches, page)
                if len(batch):
                    yield batch

    async def export(
        self,
        run_id: str,
        path: str | os.PathLike[str],
        *,
        deadline: float | None = None,
        **choices: Unpack[Choices],
    ) -> "Exported":
        """See `Client.export`."""
        with _export(self, run_id, path, **choices) as export:
            pages = self.pages(run_id, start=export.start, include=export.order.include, deadline=deadline)
            async with aclosing(pages):
                async for page in pages:
                    await _in_thread(export.add, page)
            return await _in_thread(export.finish)


def need_arrow() -> None:
    """Raises `ConfigurationError` where pyarrow is not installed."""
    try:
        import pyarrow as pa
    except ImportError as error:
        from importlib.util import find_spec  # here: it is needed where pyarrow is missing, and nowhere else

        why = "" if find_spec("pyarrow") is None else f" ({error})"
        raise ConfigurationError(f"tables need pyarrow{why}: pip install 'run-results[arrow]'") from None
    assert pa is not None  # noqa: S101 - imported to see whether it can be


def _collector(what: "What", names: NameMap | None, wide: "Wide | str | None", typed: "Typed | bool") -> "Collector":
    need_arrow()
    from run_results.tables.collect import Collector
    from run_results.tables.schema import check_what

    return Collector(check_what(what), _check_names(names), _wide(wide), _typed(typed))


def _export(
    client: core.Client | core.AsyncClient, run_id: str, path: str | os.PathLike[str], **choices: Unpack[Choices]
) -> "Export":
    unknown = choices.keys() - Choices.__annotations__.keys()
    if unknown:
        raise ConfigurationError(f"an export has no option called {min(unknown)!r}")
    need_arrow()
    from pathlib import Path

    from run_results.tables.export import Export, place_order

    options = client._options  # noqa: SLF001 - a client of ours
    order = place_order(
        check_run_id(run_id),
        Path(path),
        format=choices.get("format"),
        tables=choices.get("tables"),
        names=_check_names(choices.get("names")),
        wide=_wide(choices.get("wide")),
        typed=_typed(choices.get("typed", False)),
        include=check_include(choices.get("include", Include.ALL)),
        resume=choices.get("resume", False),
        single_file=choices.get("single_file", False),
        guard=choices.get("guard", True),
        rows_per_part=choices.get("rows_per_part", 60_000),
        must_not_change=options.on_change == "raise",
    )
    return Export(order, choices.get("progress", lambda _: None), options.clock)


def _check_names(names: object) -> NameMap | None:
    if names is None or isinstance(names, NameMap):
        return names
    raise ConfigurationError(f"names must be a NameMap, not {type(names).__name__}; NameMap.read reads a file")


def _wide(wide: "Wide | str | bool | None") -> "Wide | None":
    from run_results.tables.wide import Wide

    if wide is None or wide is False:
        return None
    if not isinstance(wide, Wide):
        wide = Wide(wide if isinstance(wide, str) else None)
    try:
        (wide.class_name or "").encode()
    except UnicodeEncodeError:
        raise ConfigurationError(f"no document can have the class {wide.class_name!r}: it is no Unicode text") from None
    return wide


def _typed(typed: "Typed | bool") -> "Typed | None":
    from run_results.tables.typed import Typed

    if isinstance(typed, Typed):
        return typed
    return Typed() if typed else None


async def _in_thread(function: Callable[..., T], *arguments: Any) -> T:
    """Run a function on another thread. When the task is cancelled it still runs to its end, and is waited for."""
    import asyncio

    running = asyncio.get_running_loop().run_in_executor(None, function, *arguments)
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        await asyncio.wait([running])
        raise
