"""`AsyncClient`: the methods of `Client`, for asyncio."""

import os
from collections.abc import AsyncGenerator, Generator, Mapping
from contextlib import aclosing, closing
from datetime import timedelta
from typing import TYPE_CHECKING, Self, TypeVar, Unpack

from run_results.base_client import BaseClient
from run_results.errors import RunResultsError
from run_results.http.ahead import AsyncLookahead
from run_results.include import Flags, Include
from run_results.names import NameMap
from run_results.options import Settings, settle, with_settings, with_signature
from run_results.page import Page
from run_results.request import Outcome, Request, Sleep
from run_results.retry import RetryBudget
from run_results.threads import run_in_thread
from run_results_api.models import File, RunSummary

if TYPE_CHECKING:
    import httpx
    import httpx2
    import pyarrow as pa

    from run_results.export.options import ExportChoices, ExportOptions
    from run_results.export.result import Exported
    from run_results.http.async_sender import AsyncSender
    from run_results.run_list.filters import RunFilters
    from run_results.run_list.window import Moment
    from run_results.tables.options import Typed, Wide
    from run_results.tables.schema import What

T = TypeVar("T", Page, RunSummary)


@with_settings
class AsyncClient(BaseClient):
    """`Client` for asyncio: the same methods, to be awaited or iterated with `async for`.

    >>> async with AsyncClient() as client:  # doctest: +SKIP
    ...     async for file in client.files("run-tax-2025"):
    ...         print(file.original_file_name)
    """

    _sender: "AsyncSender"

    @with_signature
    def __init__(
        self, *, http_client: "httpx.AsyncClient | httpx2.AsyncClient | None" = None, **settings: Unpack[Settings]
    ) -> None:
        options = settle(**settings)
        from run_results.http.async_sender import AsyncSender

        super().__init__(options, RetryBudget(options.retry.budget), AsyncSender(http_client, options.max_connections))

    async def page(self, run_id: str, offset: int = 0, *, include: Flags = Include.NONE) -> Page:
        """See `Client.page`."""
        async with aclosing(self._drive(self._page(run_id, offset, include))) as pages:
            return await anext(pages)

    def pages(
        self,
        run_id: str,
        *,
        start: int = 0,
        stop: int | None = None,
        expect: Mapping[str, object] | None = None,
        include: Flags = Include.NONE,
        deadline: float | None = None,
    ) -> AsyncGenerator[Page, None]:
        """See `Client.pages`."""
        return self._drive(self._walk(run_id, start, include, deadline, stop, expect))

    async def files(
        self,
        run_id: str,
        *,
        start: int = 0,
        stop: int | None = None,
        expect: Mapping[str, object] | None = None,
        include: Flags = Include.NONE,
        deadline: float | None = None,
    ) -> AsyncGenerator[File, None]:
        """See `Client.files`."""
        async with aclosing(self._drive(self._walk(run_id, start, include, deadline, stop, expect))) as pages:
            async for page in pages:
                for file in page.files:
                    yield file

    async def wait(
        self, run_id: str, *, timeout: float = 600.0, poll: float = 2.0, include: Flags = Include.NONE
    ) -> Page:
        """See `Client.wait`."""
        async with aclosing(self._drive(self._wait(run_id, include, timeout, poll))) as pages:
            return await anext(pages)

    def runs(
        self,
        since: "Moment | None" = None,
        until: "Moment | None" = None,
        *,
        overlap: timedelta | None = None,
        deadline: float | None = None,
        **filters: "Unpack[RunFilters]",
    ) -> AsyncGenerator[RunSummary, None]:
        """See `Client.runs`."""
        return self._drive(self._runs(since, until, overlap, deadline, filters))

    async def table(
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
        """See `Client.table`."""
        collector = self._collector(what, names, wide, typed)
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
        wide: "Wide | str | None" = None,
        typed: "Typed | bool" = False,
        include: Flags = Include.ALL,
        deadline: float | None = None,
    ) -> "AsyncGenerator[pa.RecordBatch, None]":
        """The rows of `table`, a batch for each page that has any; see `Client.batches`."""
        collector = self._collector(what, names, wide, typed)
        collector.stream()
        async with aclosing(self.pages(run_id, include=include, deadline=deadline)) as pages:
            async for page in pages:
                batch = await run_in_thread(collector.batch, page)
                if len(batch):
                    yield batch
        collector.warn()

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
        with self._export(run_id, path, options, choices) as export:
            pages = self.pages(run_id, start=export.start, include=export.include, deadline=deadline)
            async with aclosing(pages):
                async for page in pages:
                    await run_in_thread(export.add, page)
            return await run_in_thread(export.finish)

    async def close(self) -> None:
        """Close the connections."""
        await self._sender.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.close()

    async def _drive(self, steps: Generator[Request | Sleep | T, Outcome, None]) -> AsyncGenerator[T, None]:
        outcome: Outcome = None
        async with AsyncLookahead(self._sender, self._options.observe) as sender:
            with closing(steps):
                while True:
                    try:
                        step = steps.send(outcome)
                    except StopIteration:
                        return
                    outcome = None
                    if isinstance(step, Sleep):
                        await self._sender.sleep(step.seconds)
                    elif isinstance(step, Request):
                        try:
                            outcome = await sender.send(step)
                        except RunResultsError as error:
                            steps.throw(error)
                    else:
                        if isinstance(step, Page) and not step.has_more:
                            sender.close()
                        yield step
