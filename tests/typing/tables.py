"""The types of tables, as a promise: this file is never run, only checked. pyarrow has none: its own are `Any`."""

from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any, assert_type

from run_results import AsyncClient, Client, Include, NameMap
from run_results.export import Exported, ExportOptions
from run_results.tables import COLUMNS, Column, Typed, Wide, columns
from run_results.tables.schema import What


def asking(client: Client) -> None:
    """Tables come from the client that people have anyway, and whatever it becomes with other options."""
    client.table("run-1", "documents", names=NameMap(["a"]), include=Include.SOURCE, deadline=60)
    client.table("run-1", wide=Wide("W-2", doubled="list"), typed=Typed(decimal=",", dates="dmy"))
    client.batches("run-1", wide=Wide("W-2", titles="api"), names=NameMap(["a"], types={"a": "DATE"}))
    client.with_options(timeout=5).batches("run-1", "files", typed=True)
    done = client.export("run-1", Path("out"), format="csv", tables=["fields"], wide=False, resume=True, guard=False)
    assert_type(done, Exported)
    assert_type((done.files, done.start, done.failed, done.guarded), tuple[int, int, int, int])
    assert_type((done.further, done.guessed, done.guessed_names), tuple[int, int, tuple[str, ...]])
    assert_type(done.paths, tuple[Path, ...])
    assert_type(COLUMNS, dict[What, tuple[Column, ...]])
    assert_type(columns("fields", typed=True)[0].unit, str | None)


async def awaiting(client: AsyncClient) -> None:
    """The asynchronous client has the same, to be awaited or iterated."""
    await client.table("run-1", wide="W-2")
    assert_type(client.batches("run-1"), AsyncGenerator[Any, None])
    assert_type(await client.export("run-1", "out.parquet", single_file=True), Exported)


def choosing(client: Client) -> None:
    """The options of an export are one object, or keywords, or both."""
    options = ExportOptions(tables=["fields"], wide=False, typed=True, names=None)
    assert_type((options.tables, options.names), tuple[tuple[What, ...] | None, NameMap])
    assert_type(client.export("run-1", "out", options=options, resume=True), Exported)
    client.export("run-1", "out", colour="red")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
