"""What is left after a task: no thread, no connection, whichever way it ended."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.scale.kit import REFERENCE, Asked, ids_of, runs_of, serving

from run_results import errors
from run_results.scale import Slice, Source, plan, read, read_all
from run_results_conformance.server.serving import serve

RUNS = runs_of(12)
IDS = ids_of(RUNS)


@pytest.fixture(scope="module")
def served() -> Iterator[Asked]:
    """A server that has the runs."""
    with serving(RUNS) as asked:
        yield asked


class Busy:
    """A server that asks everybody to come back in ten minutes; and forbids one run, when four others have to wait."""

    def __init__(self) -> None:
        self._refused = 0
        self._have_to_wait = asyncio.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer."""
        is_forbidden = "forbidden" in scope["path"]
        if is_forbidden:
            await self._have_to_wait.wait()
        headers = [(b"content-type", b"application/json"), (b"retry-after", b"600")]
        await send({"type": "http.response.start", "status": 403 if is_forbidden else 429, "headers": headers})
        await send({"type": "http.response.body", "body": b'{"message": "no"}'})
        self._refused += not is_forbidden
        if self._refused >= 4:
            self._have_to_wait.set()


def descriptors() -> int:
    """How many files and connections this process has open."""
    return len(list(Path("/proc/self/fd").iterdir()))


def assert_no_threads() -> None:
    """Every thread of a task ends."""
    for each in threading.enumerate():
        if each.name == "run-results-scale":
            each.join(60)
            assert not each.is_alive()


def assert_nothing_is_left(before: int) -> None:
    """Every thread of a task ends, and every connection is closed; nothing waits for minutes."""
    assert_no_threads()
    # The server's own half of a connection, which is closed a moment later, is in this process, too.
    for _ in range(600):
        if descriptors() <= before:
            break
        threading.Event().wait(0.1)
    assert descriptors() <= before


def to_the_end(source: Source) -> None:
    """Read all runs."""
    list(read_all(source, [Slice(run_id) for run_id in IDS]))


def with_an_error(source: Source) -> None:
    """One run is missing."""
    with pytest.raises(errors.NotFoundError):
        list(read(source, [Slice(run_id) for run_id in [*IDS[:5], "lost", *IDS[5:]]], "files"))


def closed_early(source: Source) -> None:
    """The reader closes the rows after the first batch."""
    rows: Any = read(source, (Slice(IDS[number % len(IDS)]) for number in range(100_000)))
    next(rows)
    rows.close()


def forgotten(source: Source) -> None:
    """The reader forgets the rows."""
    next(read(source, (Slice(IDS[number % len(IDS)]) for number in range(100_000))))


def never_begun(source: Source) -> None:
    """The rows are asked for, and no batch of them."""
    read(source, [Slice(run_id) for run_id in IDS])


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="nothing lists open files here")
@pytest.mark.parametrize("concurrency", [1, 8])
@pytest.mark.parametrize("way", [to_the_end, with_an_error, closed_early, forgotten, never_begun])
def test_nothing_is_left(
    served: Asked, way: Callable[[Source], None], concurrency: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However a task ends, its threads end and its connections are closed."""
    monkeypatch.setattr("run_results.scale.rows._LEAST_ROWS", 1)
    before = descriptors()
    way(Source(token=REFERENCE, base_url=served.url, concurrency=concurrency))
    assert_nothing_is_left(before)


def test_whoever_waits_for_a_turn_does_not_wait_any_longer(served: Asked) -> None:
    """At a rate at which the next request is due in an hour, the threads end with the task all the same."""
    source = Source(token=REFERENCE, base_url=served.url, requests_per_second=1 / 3600)

    def slices() -> Iterator[Slice]:
        for run_id in IDS[:4]:
            yield Slice(run_id)
        raise LookupError("no more ids")

    with pytest.raises(LookupError):
        list(read(source, slices()))
    assert_no_threads()


@pytest.mark.parametrize("planning", [False, True])
def test_whoever_waits_for_a_busy_server_does_not_wait_any_longer(planning: bool) -> None:
    """An error of one run is raised at once, and ends the waits of the others for a server that asks for patience."""
    with serve(Busy()) as server:
        source = Source(token=REFERENCE, base_url=server.url, patience=6000)
        ids = [*IDS[:4], "forbidden", *IDS[4:]]
        with pytest.raises(errors.ForbiddenError):
            if planning:
                plan(source, ids, window=4)
            else:
                list(read(source, [Slice(run_id) for run_id in ids]))
        assert_no_threads()
