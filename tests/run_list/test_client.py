"""Both clients list the runs of a reference server over real sockets, while runs come, go and change between pages."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from run_results import AsyncClient, Client, RetryPolicy, RunSummary
from run_results.errors import (
    NotFoundError,
    PageRepeated,
    ResponseTooLargeError,
    RunOutOfWindow,
    RunsOutOfOrder,
    ServerError,
    UnauthorizedError,
)
from run_results_conformance.server.contract import load_contract
from run_results_conformance.server.reference import ReferenceServer, Refusal
from run_results_conformance.server.runs import MemoryRun, MemoryStore
from run_results_conformance.server.serving import serve

from .moving import SECOND, START

TOKEN = "t0k3n-of-the-tests"
SINCE = datetime.fromtimestamp(START, UTC)
HOUR = timedelta(hours=1)


def run(name: str, start: int = 0, status: str = "COMPLETE", **listing: Any) -> MemoryRun:
    """A run that started so many nanoseconds after `START`, and finished a second later."""
    began = START * SECOND + start
    header = {"id": name, "status": status, "start_timestamp": began, "finish_timestamp": began + SECOND}
    return MemoryRun(header, [], listing=listing)


class Moving(ReferenceServer):
    """A reference server whose list changes before each answer, by a function that gets the number of the answer."""

    def __init__(self, runs: list[MemoryRun], change: Callable[[MemoryStore, int], None], **options: Any) -> None:
        super().__init__(MemoryStore(runs), TOKEN, **options)
        self.change, self.asked = change, 0

    def find_runs(self, query: Any, context: str | None) -> Any:
        self.change(self.store, self.asked)  # type: ignore[arg-type]
        self.asked += 1
        return super().find_runs(query, context)


def list_runs(
    url: str, *, is_async: bool, until: datetime = SINCE + HOUR, given: dict[str, Any] | None = None, **more: Any
) -> list[RunSummary]:
    """The runs of an hour, from either client with these settings."""
    settings: dict[str, Any] = {"token": TOKEN, "base_url": url, "retry": RetryPolicy(attempts=1), **(given or {})}
    if not is_async:
        with Client(**settings) as client:
            return list(client.runs(SINCE, until, **more))

    async def collect() -> list[RunSummary]:
        async with AsyncClient(**settings) as client:
            return [run async for run in client.runs(SINCE, until, **more)]

    return asyncio.run(collect())


both = pytest.mark.parametrize("is_async", [False, True], ids=["threads", "asyncio"])


def still(store: MemoryStore, asked: int) -> None:
    """No change."""


@both
def test_a_list_of_several_pages(is_async: bool) -> None:
    """Each run comes once, in the order of its start, with what the list has of it, in few requests."""
    runs = [run(f"r-{number:03}", number * 7 * SECOND, app_id="app-1", batch_id=number) for number in range(250)]
    server = Moving(runs[::-1], still, page_size=1000)
    with serve(server) as served:
        found = list_runs(served.url, is_async=is_async)
    assert [each.id for each in found] == [f"r-{number:03}" for number in range(250)]
    assert [each.batch_id for each in found] == list(range(250))
    assert server.asked == 5


@both
@pytest.mark.parametrize("step", [0, SECOND // 5, 10 * SECOND], ids=["in a second", "five a second", "far apart"])
@pytest.mark.parametrize("page_size", [1, 2, 7])
def test_pages_that_shift_lose_no_run(is_async: bool, step: int, page_size: int) -> None:
    """The first runs leave while the list is read, and new ones start: every other run comes exactly once.

    A walk by plain offsets loses a run for each that leaves.
    """
    runs = [run(f"r-{number:02}", number * step) for number in range(40)]

    def change(store: MemoryStore, asked: int) -> None:
        if asked and asked % 3 == 0 and asked // 3 <= 10:
            store.remove(f"r-{asked // 3 - 1:02}")
            store.add(run(f"s-{asked:03}", 40 * step + asked))

    server = Moving(runs, change, page_size=page_size)
    with serve(server) as served:
        names = [each.id for each in list_runs(served.url, is_async=is_async)]
    assert len(names) == len(set(names))
    assert {f"r-{number:02}" for number in range(10, 40)} <= set(names)
    assert server.asked > 10, "pages were read while the list changed"


@both
def test_runs_that_no_longer_have_the_status(is_async: bool) -> None:
    """Runs finish while those at work are listed: every run that stays at work comes once."""
    runs = [run(f"r-{number:02}", 0, "RUNNING") for number in range(30)]

    def change(store: MemoryStore, asked: int) -> None:
        if asked < 10:
            store.replace(run(f"r-{asked:02}", 0, "COMPLETE"))

    with serve(Moving(runs, change, page_size=4)) as served:
        found = list_runs(served.url, is_async=is_async, status="RUNNING")
    names = [each.id for each in found]
    assert len(names) == len(set(names))
    assert {f"r-{number:02}" for number in range(10, 30)} <= set(names)
    assert {str(each.status) for each in found} == {"RUNNING"}


kinds = st.sampled_from(["remove", "remove", "add", "status"])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    starts=st.lists(st.sampled_from([0, 0, 0, 1, SECOND, 61 * SECOND]), min_size=1, max_size=20),
    script=st.lists(st.tuples(kinds, st.integers(0, 30)), max_size=20),
    page_size=st.integers(2, 6),
    is_async=st.booleans(),
)
def test_whatever_changes_each_run_that_stays_comes_once(
    starts: list[int], script: list[tuple[str, int]], page_size: int, is_async: bool
) -> None:
    """For any list, page size and changes between pages, over a real socket: once each, from both clients."""
    changed: set[str] = set()

    def change(store: MemoryStore, asked: int) -> None:
        if asked >= len(script):
            return
        kind, place = script[asked]
        names = [name for _, name in store]
        if kind == "add":
            store.add(run(f"new-{asked}", starts[place % len(starts)]))
        elif names:
            name = names[place % len(names)]
            changed.add(name)
            found = store.find(name, None)
            assert found is not None
            store.remove(name)
            if kind == "status":
                store.add(run(name, found.header["start_timestamp"] - START * SECOND, "FAILED"))

    runs = [run(f"r-{number}", start) for number, start in enumerate(starts)]
    with serve(Moving(runs, change, page_size=page_size)) as served:
        found = list_runs(served.url, is_async=is_async, status="COMPLETE")
    names = [each.id for each in found]
    assert len(names) == len(set(names))
    assert {each.header["id"] for each in runs} - changed <= set(names)


@both
def test_filters_reach_the_server(is_async: bool) -> None:
    """Each filter gives the runs that have it; several statuses and workspaces are alternatives."""
    runs = [
        run("a", 0, "FAILED", app_id="x", app_name="Tax & more", deployment_id="d", username="mira"),
        run("b", 1, "CANCELLED", output_workspace="lending"),
        run("c", 2, "COMPLETE", output_workspace="claims"),
    ]
    with serve(ReferenceServer(MemoryStore(runs), TOKEN)) as served:

        def names(**filters: Any) -> str:
            return "".join(each.id for each in list_runs(served.url, is_async=is_async, **filters))

        assert names() == "abc"
        assert names(status=["FAILED", "cancelled"]) == "ab"
        assert names(app_id="x") == names(app_name="Tax & more") == names(deployment_id="d") == "a"
        assert names(username="mira") == "a"
        assert names(run_id="b") == "b"
        assert names(output_workspaces=["lending", "claims"]) == "bc"
        assert names(status="FAILED", output_workspaces="lending") == ""


@both
def test_the_window_is_that_of_the_caller(is_async: bool) -> None:
    """The first moment is in the window and the last is not; `overlap` adds what was still at work."""
    runs = [run("before", -1), run("long", -5 * SECOND), run("first", 0), run("last", HOUR.seconds * SECOND)]
    runs[1].header["finish_timestamp"] = START * SECOND + 1
    runs[0].header["finish_timestamp"] = START * SECOND - 1
    with serve(ReferenceServer(MemoryStore(runs), TOKEN)) as served:
        assert [each.id for each in list_runs(served.url, is_async=is_async)] == ["first"]
        found = list_runs(served.url, is_async=is_async, overlap=timedelta(seconds=10))
        assert [each.id for each in found] == ["long", "first"]


class Broken(ReferenceServer):
    """A reference server that breaks the list in one way."""

    def __init__(self, way: str) -> None:
        runs = [run(f"r-{number:02}", number * SECOND) for number in range(40)]
        super().__init__(MemoryStore(runs), TOKEN, page_size=6)
        self.way = way

    def read_list_parameters(self, request: Any) -> dict[str, Any]:
        values = super().read_list_parameters(request)
        changes: dict[str, dict[str, Any]] = {
            "from": {"from_timestamp": 0},
            "offset": {"offset": 0},
            "order": {"order": "DESCENDING"},
        }
        return values | changes.get(self.way, {})


@both
@pytest.mark.parametrize(
    ("way", "error"), [("from", RunOutOfWindow), ("offset", PageRepeated), ("order", RunsOutOfOrder)]
)
def test_a_server_that_ignores_a_parameter(is_async: bool, way: str, error: type[Exception]) -> None:
    """It is an error that says so, after a limited number of requests."""
    with serve(Broken(way)) as served, pytest.raises(error):
        list_runs(served.url, is_async=is_async)


@both
def test_a_server_without_the_list(is_async: bool) -> None:
    """The error is that of the status, and says that the server may not have the list."""
    document = dict(load_contract().document)
    document["paths"] = {path: item for path, item in document["paths"].items() if path.endswith("/results")}
    contract = type(load_contract())(document)
    without = serve(ReferenceServer(MemoryStore([]), TOKEN, contract=contract))
    with without as served, pytest.raises(NotFoundError, match="may not offer the list of runs"):
        list_runs(served.url, is_async=is_async)
    with serve(ReferenceServer(MemoryStore([]), "another")) as served, pytest.raises(UnauthorizedError) as caught:
        list_runs(served.url, is_async=is_async)
    assert TOKEN not in str(caught.value)


class Refusing(ReferenceServer):
    """A reference server that refuses every second request for the list with a status."""

    def __init__(self, status: int) -> None:
        runs = [run(f"r-{number}", number * 60 * SECOND) for number in range(10)]
        super().__init__(MemoryStore(runs), TOKEN, page_size=4)
        self.status, self.asked = status, 0

    def answer_list(self, request: Any) -> Any:
        self.asked += 1
        if self.asked % 2:
            raise Refusal(self.status, f"not now, {request.headers['authorization']}")
        return super().answer_list(request)


@both
def test_the_settings_of_the_client_hold(is_async: bool) -> None:
    """Retries, new tokens and the limit of a body's size are as for results, and no error has the token."""
    given: dict[str, Any] = {"retry": RetryPolicy(attempts=2, draw=lambda low, high: 0.0), "token": lambda: TOKEN}
    with serve(Refusing(503)) as served:
        assert len(list_runs(served.url, is_async=is_async, given=given)) == 10
        with pytest.raises(ServerError, match="not now") as caught:
            list_runs(served.url, is_async=is_async)
        assert TOKEN not in str(caught.value)
    with serve(Refusing(401)) as served:
        assert len(list_runs(served.url, is_async=is_async, given=given)) == 10
        with pytest.raises(ResponseTooLargeError):
            list_runs(served.url, is_async=is_async, given=given | {"max_body_bytes": 100})


def test_a_list_is_read_page_by_page() -> None:
    """A page is asked for when its first run is due, and a list that is left asks no further."""
    server = Moving([run(f"r-{number}", number * 60 * SECOND) for number in range(30)], still, page_size=5)
    with serve(server) as served, Client(token=TOKEN, base_url=served.url) as client:
        runs = client.runs(SINCE, SINCE + HOUR)
        assert server.asked == 0
        assert [next(runs).id for _ in range(5)] == [f"r-{number}" for number in range(5)]
        assert server.asked == 1
        next(runs)
        assert server.asked == 2
        runs.close()
    assert server.asked == 2
