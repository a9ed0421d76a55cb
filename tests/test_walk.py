"""The walk over a real socket, against the reference server: every file once and in order, sync and async."""

import asyncio
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from run_results import AsyncClient, Client, Include, RunStatus
from run_results.errors import ConfigurationError, RunChanged, RunNotSettledError
from run_results_conformance.server.reference import ReferenceServer
from run_results_conformance.server.runs import MemoryRun, MemoryStore, UnfinishedRun, by_polls
from run_results_conformance.server.serving import serve
from run_results_conformance.server.synthetic import SyntheticRun

TOKEN = "t0k3n-of-the-walk"


class Table:
    """A reference server whose run and page sizes change from example to example."""

    def __init__(self) -> None:
        self.sizes = [1]
        self.store = MemoryStore()
        self.server = ReferenceServer(self.store, TOKEN, page_size=lambda offset: self.sizes[offset % len(self.sizes)])
        self.url = ""

    def lay(self, count: int, sizes: list[int]) -> str:
        """Put a run of so many files on the table; gives its id."""
        self.sizes = sizes
        run_id = f"run-{count}"
        if self.store.find(run_id, None) is None:
            files = [{"input_file_path": f"in/{index}.pdf", "documents": []} for index in range(count)]
            self.store.add(MemoryRun({"id": run_id, "status": "COMPLETE"}, files))
        return run_id


@pytest.fixture(scope="module")
def table() -> Iterator[Table]:
    """One server for all examples of this module."""
    table = Table()
    with serve(table.server) as served:
        table.url = served.url
        yield table


@pytest.fixture(scope="module")
def client(table: Table) -> Iterator[Client]:
    """One client for all examples of this module."""
    with Client(token=TOKEN, base_url=table.url) as client:
        yield client


async def walk_async(table: Table, run_id: str, start: int) -> tuple[list[Any], list[tuple[int, int | None]]]:
    """All file paths and all page boundaries that the asynchronous client sees."""
    async with AsyncClient(token=TOKEN, base_url=table.url) as client:
        files = [file.input_file_path async for file in client.files(run_id, start=start)]
        pages = [(page.offset, page.next_offset) async for page in client.pages(run_id, start=start)]
    return files, pages


@given(
    count=st.integers(0, 40),
    sizes=st.lists(st.integers(1, 12), min_size=1, max_size=5),
    start=st.integers(0, 45) | st.just(2**63 - 1),
)
def test_every_file_once_and_in_order(table: Table, client: Client, count: int, sizes: list[int], start: int) -> None:
    """Whatever the page sizes and the start, both clients hand out exactly the files from there on, in order."""
    run_id = table.lay(count, sizes)
    wanted = [f"in/{index}.pdf" for index in range(count)][start:]

    files = [file.input_file_path for file in client.files(run_id, start=start)]
    pages = [(page.offset, page.next_offset) for page in client.pages(run_id, start=start)]

    assert files == wanted
    assert pages[0][0] == start
    assert pages[-1][1] is None
    assert all(before[1] == after[0] for before, after in pairwise(pages)), "a page knows its successor"
    assert asyncio.run(walk_async(table, run_id, start)) == (files, pages)


@given(offset=st.integers(0, 30))
def test_a_page_alone_is_the_page_of_the_walk(table: Table, client: Client, offset: int) -> None:
    """`page(offset)` gives the same files as the walk that starts there gives first."""
    run_id = table.lay(23, [5])
    assert client.page(run_id, offset).run == next(iter(client.pages(run_id, start=offset))).run


def test_flags_change_nothing_but_what_they_ask_for(table: Table, client: Client) -> None:
    """With every flag the same files, documents and values come; what a flag asks for is there, and else is not."""
    run = SyntheticRun(seed=11, files=9)
    table.store.add(run)
    table.sizes = [4]
    lean = list(client.files(run.run_id))
    full = list(client.files(run.run_id, include=Include.ALL))

    def values(files: list[Any]) -> list[tuple[str, str]]:
        return [(f.field_name, f.value) for file in files for doc in file.documents for f in doc.fields]

    assert values(lean) == values(full)
    fields = [f for file in lean for document in file.documents for f in document.fields]
    assert fields
    assert not any(f.confidence or f.source_coordinates or f.validations or f.edit_history for f in fields)
    assert all(f.confidence for file in full for document in file.documents for f in document.fields)


def test_nothing_is_fetched_before_it_is_asked_for(client: Client) -> None:
    """A walk is lazy: making it sends nothing, so even one without a server can be made."""
    with Client(token=TOKEN, base_url="http://127.0.0.1:9") as unreachable:
        unreachable.pages("some-run")
        unreachable.files("some-run")


@pytest.mark.parametrize("poll", [0.01, 0.001])
def test_wait_returns_when_the_run_is_done(table: Table, poll: float) -> None:
    """`wait` sits out RUNNING and returns the first page of the finished run, with what was asked for."""
    run = SyntheticRun(seed=3, files=3)
    store = MemoryStore([UnfinishedRun(run, by_polls(5))])
    with (
        serve(ReferenceServer(store, TOKEN, page_size=2)) as served,
        Client(token=TOKEN, base_url=served.url) as client,
    ):
        assert client.page(run.run_id).status is RunStatus.RUNNING
        page = client.wait(run.run_id, poll=poll, include=Include.CONFIDENCE)
        assert page.is_finished
        assert page.status is RunStatus.COMPLETE
        assert page.finished_at is not None
        assert page.started_at is not None
        assert page.finished_at > page.started_at
        assert page.offset == 0

        async def wait() -> RunStatus:
            async with AsyncClient(token=TOKEN, base_url=served.url) as patient:
                return (await patient.wait(run.run_id, poll=poll)).status

        assert asyncio.run(wait()) is RunStatus.COMPLETE


@pytest.mark.parametrize("status", ["CANCELLED", "COMPLETE", "FAILED", "PAUSED", "STOPPED_AT_CHECKPOINT"])
def test_wait_does_not_wait_for_what_cannot_change_by_itself(table: Table, client: Client, status: str) -> None:
    """Finished, paused and stopped runs are returned at once."""
    run = SyntheticRun(seed=4, files=1, status=status, run_id=f"run-{status}")
    table.store.add(run)
    page = client.wait(run.run_id, timeout=0)
    assert page.status == status
    assert page.is_finished == (status in {"CANCELLED", "COMPLETE", "FAILED"})


def test_wait_gives_up_at_its_timeout(table: Table, client: Client) -> None:
    """A run that works on is an error after the timeout, and the error carries the last page seen."""
    run = SyntheticRun(seed=5, files=1, status="RUNNING", run_id="run-for-ever")
    table.store.add(run)
    with pytest.raises(RunNotSettledError, match=r"still RUNNING") as caught:
        client.wait(run.run_id, timeout=0.05, poll=0.01)
    assert isinstance(caught.value, TimeoutError)
    assert caught.value.page is not None
    assert caught.value.page.status is RunStatus.RUNNING


@pytest.mark.parametrize(("timeout", "poll"), [(-1, 1), (float("nan"), 1), (float("inf"), 1), (1, 0), (1, -1)])
def test_wait_refuses_times_without_end(client: Client, timeout: float, poll: float) -> None:
    """Every wait has a deadline."""
    with pytest.raises(ConfigurationError):
        client.wait("some-run", timeout=timeout, poll=poll)


def test_a_run_that_changes_between_pages_is_an_error_or_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    """A run that finishes during the walk stops it, with where to resume; `on_change='warn'` takes what comes."""
    run = SyntheticRun(seed=6, files=6)

    def half_then_whole() -> ReferenceServer:
        progress = iter([0.5])
        return ReferenceServer(MemoryStore([UnfinishedRun(run, lambda: next(progress, 1.0))]), TOKEN, page_size=2)

    with serve(half_then_whole()) as served, Client(token=TOKEN, base_url=served.url) as client:
        pages = client.pages(run.run_id)
        assert len(next(pages).files) == 2
        with pytest.raises(RunChanged, match="status from RUNNING to COMPLETE") as caught:
            next(pages)
        assert caught.value.resume_offset == 2
        assert len(list(client.files(run.run_id, start=2))) == 4
    with (
        serve(half_then_whole()) as served,
        Client(token=TOKEN, base_url=served.url, on_change="warn") as client,
        caplog.at_level("WARNING", logger="run_results"),
    ):
        assert len(list(client.files(run.run_id))) == 6
    assert "the run changed between two pages" in caplog.text
