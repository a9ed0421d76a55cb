"""Pages that are asked for ahead: nothing is seen of it but that it is faster, sync and async."""

import asyncio
import contextlib
import gc
import json
import os
import re
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from itertools import islice
from typing import Any

import httpx
import pytest
from attrs import define, evolve, field
from hypothesis import given, settings
from hypothesis import strategies as st

from run_results import AsyncClient, Client, Include, Page, RetryPolicy, errors
from run_results.arguments import MAX_OFFSET
from run_results.events import RequestSent, ResponseReceived, RetryPlanned, unobserved
from run_results.http import ahead
from run_results.http.async_sender import AsyncSender as AsyncHttpSender
from run_results.http.deadline import StepEnded, ThreadDeadline
from run_results.options import settle
from run_results.request import Outcome, Reply, Request
from run_results.retry import RetryBudget
from run_results.walk import walk as steps_of_walk
from run_results_conformance.faults import FAULTS, STANDARD_PAGE_SIZE, STANDARD_TOKEN, faulty, standard_store
from run_results_conformance.faults.network import SITUATIONS
from run_results_conformance.server.reference import ReferenceServer
from run_results_conformance.server.runs import MemoryRun, MemoryStore
from run_results_conformance.server.serving import serve

from .survival import kit
from .survival.test_schedules import STRIKES, TIMEOUT, AsyncSender, Sender, Strike, World

TOKEN = "t0k3n-of-the-prefetch"
GENEROUS = 45.0  # seconds; far more than anything here takes
Seen = list[tuple[int, int | None, list[str]]]
both = pytest.mark.parametrize("asynchronous", [False, True], ids=["sync", "async"])


# --- A server that is watched -------------------------------------------------------------------------------


class Watched:
    """A reference server whose run and page sizes change, and whose answers can be held, refused and counted."""

    def __init__(self) -> None:
        self.store = MemoryStore()
        self.server = ReferenceServer(
            self.store, TOKEN, "another-" + TOKEN, page_size=lambda offset: self.sizes[offset % len(self.sizes)]
        )
        self.url = ""
        self.sizes = [3]
        self.offsets: list[int] = []
        self.under_way = self.most_under_way = 0
        self.before: Callable[[int], Awaitable[int | None]] | None = None
        """Called with the offset before it is answered; may hold the answer, or give another status."""

    def lay(self, count: int, sizes: list[int], status: str = "COMPLETE") -> str:
        """Put a run of so many files on the table; gives its id."""
        self.sizes = sizes
        run_id = f"run-{status}-{count}"
        if self.store.find(run_id, None) is None:
            files = [{"input_file_path": f"in/{index}.pdf", "documents": []} for index in range(count)]
            self.store.add(MemoryRun({"id": run_id, "status": status}, files))
        return run_id

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """The ASGI interface."""
        query = dict(part.split("=") for part in scope["query_string"].decode().split("&"))
        self.offsets.append(int(query["file_offset"]))
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)

        async def counted(message: Any) -> None:
            if message["type"] == "http.response.body":  # whoever has it may ask for the next one at once
                self.under_way -= 1
            await send(message)

        status = await self.before(self.offsets[-1]) if self.before is not None else None
        if status is None:
            await self.server(scope, receive, counted)
        else:
            await counted({"type": "http.response.start", "status": status, "headers": [(b"content-length", b"0")]})
            await counted({"type": "http.response.body"})


def watch() -> Iterator[Watched]:
    watched = Watched()
    with serve(watched) as served:
        watched.url = served.url
        yield watched


watched = pytest.fixture(watch, name="watched")
shared = pytest.fixture(watch, name="shared", scope="module")


@pytest.fixture(autouse=True)
def _nobody_is_left() -> Iterator[None]:
    """Every test here ends without a thread that asks ahead."""
    yield
    assert land() == 0


def told(watched: Watched, depth: int, **settings: Any) -> dict[str, Any]:
    """What a client of these tests is told."""
    return {"token": TOKEN, "base_url": watched.url, "prefetch": depth, "timeout": GENEROUS, **settings}


def walk(watched: Watched, asynchronous: bool, run_id: str, depth: int, start: int = 0, **settings: Any) -> Seen:
    """Every page that a client sees: where it begins, where the next one does, its files."""

    def see(page: Page) -> tuple[int, int | None, list[str]]:
        return page.offset, page.next_offset, [str(file.input_file_path) for file in page.files]

    async def with_tasks() -> Seen:
        async with AsyncClient(**told(watched, depth, **settings)) as client:
            return [see(page) async for page in client.pages(run_id, start=start)]

    if asynchronous:
        return asyncio.run(with_tasks())
    with Client(**told(watched, depth, **settings)) as client:
        return [see(page) for page in client.pages(run_id, start=start)]


def all_files(count: int, start: int = 0) -> list[str]:
    return [f"in/{index}.pdf" for index in range(start, count)]


def files_of(seen: Seen) -> list[str]:
    return [name for _, _, names in seen for name in names]


def land() -> int:
    """How many threads that ask ahead are left, after a while at the most."""
    end = time.monotonic() + GENEROUS
    while left := [thread for thread in threading.enumerate() if thread.name == "run-results-ahead"]:
        if time.monotonic() > end:
            break
        left[0].join(0.1)
    return len(left)


# --- The same, only sooner ----------------------------------------------------------------------------------


@given(
    count=st.integers(0, 40),
    sizes=st.lists(st.integers(1, 12), min_size=1, max_size=5) | st.just([1]) | st.integers(1, 12).map(lambda n: [n]),
    start=st.integers(0, 45) | st.just(MAX_OFFSET),
    depth=st.integers(1, 16),
    asynchronous=st.booleans(),
)
def test_the_pages_are_the_same(
    shared: Watched, count: int, sizes: list[int], start: int, depth: int, asynchronous: bool
) -> None:
    """Whatever the depth, the page sizes and the start: the same pages, with the same files, in the same order."""
    run_id = shared.lay(count, sizes)
    seen = walk(shared, asynchronous, run_id, depth, start)
    assert files_of(seen) == all_files(count, start)
    assert seen == walk(shared, not asynchronous, run_id, 0, start)
    assert [begin for begin, _, _ in seen] == [start, *(following for _, following, _ in seen[:-1])]
    assert seen[-1][1] is None


@both
@pytest.mark.parametrize("depth", [1, 4, 16])
def test_requests_are_under_way_at_once(watched: Watched, asynchronous: bool, depth: int) -> None:
    """The server has the page that is due and as many behind it at once, and never more."""
    together = asyncio.Event()

    async def hold(offset: int) -> None:
        if watched.under_way == 1 + depth:
            together.set()
        if offset:  # the first page tells how large pages are
            await together.wait()

    run_id = watched.lay(60, [2])
    watched.before = hold
    assert files_of(walk(watched, asynchronous, run_id, depth)) == all_files(60)
    assert watched.most_under_way == 1 + depth
    assert watched.offsets[0] == 0
    # Each page once, and past the end no more than there may be ahead.
    assert sorted(watched.offsets)[:30] == [*range(0, 60, 2)]
    assert set(sorted(watched.offsets)[30:]) <= {*range(60, 60 + 2 * depth, 2)}
    assert len(watched.offsets) <= 30 + depth


@both
def test_nothing_is_asked_ahead_unless_it_is_asked_for(watched: Watched, asynchronous: bool) -> None:
    """By default one request follows the other, and each is for a page that is handed out."""
    run_id = watched.lay(20, [2])
    with Client(token=TOKEN, base_url=watched.url) as client:
        assert client._options.prefetch == 0
    walk(watched, asynchronous, run_id, 0)
    assert (watched.offsets, watched.most_under_way) == ([*range(0, 20, 2)], 1)


def test_the_first_page_asks_for_nothing_else(watched: Watched) -> None:
    """Who takes one page only has asked for one page only."""
    run_id = watched.lay(20, [2])
    with Client(**told(watched, 8)) as client:
        client.page(run_id)
        next(client.pages(run_id))
        client.wait(run_id)
    assert watched.offsets == [0, 0, 0]


@both
def test_a_run_that_can_change_is_not_asked_ahead(watched: Watched, asynchronous: bool) -> None:
    """While a run is RUNNING, an answer ahead could be older than the page before it: one at a time."""
    run_id = watched.lay(20, [2], "RUNNING")
    assert files_of(walk(watched, asynchronous, run_id, 4)) == all_files(20)
    assert (watched.offsets, watched.most_under_way) == ([*range(0, 20, 2)], 1)


@both
def test_pages_of_changing_size_are_not_guessed(watched: Watched, asynchronous: bool) -> None:
    """After a page of another size one at a time, until two are of the same size."""
    run_id = watched.lay(60, [2, 3, 2, 2, 4])
    assert files_of(walk(watched, asynchronous, run_id, 4)) == all_files(60)
    pages = len(walk(watched, asynchronous, run_id, 0))
    assert len(watched.offsets) - pages < 2 * pages


# --- What is asked ahead ------------------------------------------------------------------------------------


@define
class Started:
    """A request that a `Script` was asked to start."""

    request: Request
    outcome: Outcome
    turn: int
    """How many pages the walk had when it was started."""
    dropped: bool = False

    def wait(self) -> Outcome:
        """What it came to."""
        return self.outcome

    def drop(self) -> None:
        """Give it up."""
        self.dropped = True


@define
class Script:
    """A sender that answers at once, from pages: size, status, padding, and what befalls the request ahead."""

    pages: list[tuple[int, str, int, str]]
    start_offset: int = 0
    turn: int = 0
    started: list[Started] = field(factory=list)
    sent: list[Request] = field(factory=list)

    def body(self, offset: int) -> bytes:
        """The answer at an offset."""
        at, number = self.start_offset, 0
        while at < offset and number < len(self.pages):
            at, number = at + self.pages[number][0], number + 1
        size, status, padding, _ = self.pages[min(number, len(self.pages) - 1)]
        files = [{"input_file_path": f"in/{offset + index}.pdf"} for index in range(size)]
        more = number < len(self.pages) - 1
        page = {"id": "r", "status": status, "files": files, "has_more": more}
        return json.dumps(page).encode() + b" " * padding

    def start(self, request: Request) -> Started:
        """Take a request ahead."""
        sizes = [size for size, *_ in self.pages]
        starts = {self.start_offset + sum(sizes[:number]): number for number in range(len(sizes))}
        event = self.pages[starts[request.offset]][3] if request.offset in starts else "good"
        outcome: Outcome = Reply(200, {}, self.body(request.offset))
        if event == "lost":
            outcome = errors.ConnectionFailedError("cut")
        if event == "refused":
            outcome = Reply(429, {}, b"")
        self.started.append(Started(request, outcome, self.turn))
        return self.started[-1]

    def send(self, request: Request) -> Outcome:
        """Answer a request that is due."""
        self.sent.append(request)
        return Reply(200, {}, self.body(request.offset))


def play(script: Script, depth: int, tokens: Iterator[str] | None = None, **settings: Any) -> list[tuple[Page, int]]:
    """Walk over the script's pages; each page, and how many were on their way when it came."""
    token = TOKEN if tokens is None else lambda: next(tokens)
    options = settle(token=token, base_url="http://127.0.0.1", prefetch=depth, on_change="warn", **settings)
    seen: list[tuple[Page, int]] = []
    steps = steps_of_walk(options, RetryBudget(10), "r", script.start_offset, Include.NONE)
    with contextlib.closing(ahead.Lookahead(script, unobserved)) as sender:
        outcome: Outcome = None
        for _ in range(10 * len(script.pages)):
            try:
                step = steps.send(outcome)
            except StopIteration:
                break
            outcome = None
            if isinstance(step, Page):
                waiting = [each for each in script.started if not each.dropped and each.request.offset > step.offset]
                assert len(waiting) <= depth
                assert sum(each.request.max_body_bytes for each in waiting) <= ahead.MOST_BYTES
                seen.append((step, len(waiting)))
            elif isinstance(step, Request):
                script.turn = len(seen)
                outcome = sender.send(step)
    return seen


@given(
    depth=st.integers(1, 16),
    most=st.sampled_from([2**20, 2**28]),
    pages=st.lists(
        st.tuples(
            st.sampled_from([1, 2, 2, 2, 2]),
            st.sampled_from(["COMPLETE", "COMPLETE", "COMPLETE", "RUNNING"]),
            st.sampled_from([0, 0, 0, 3 * 2**18, 20 * 2**20]),
            st.sampled_from(["good", "good", "good", "lost", "refused"]),
        ),
        min_size=1,
        max_size=12,
    ),
    start=st.sampled_from([0, MAX_OFFSET - 9]),
)
@settings(max_examples=30, deadline=None)
def test_what_is_asked_ahead_is_bounded(
    depth: int, most: int, pages: list[tuple[int, str, int, str]], start: int
) -> None:
    """Never more than the depth, nor more bytes than the bound, nor past what an offset can be, nor after a refusal."""
    pages = [(size, status, min(padding, most - 2**12), event) for size, status, padding, event in pages]
    script = Script(pages, start)
    seen = play(script, depth, max_body_bytes=most)
    assert [page.offset for page, _ in seen] == sorted(page.offset for page, _ in seen)
    assert all(each.request.max_body_bytes <= most and each.request.offset <= MAX_OFFSET for each in script.started)
    for each in script.started:
        assert seen[each.turn - 1][0].is_settled
        if isinstance(each.outcome, Reply) and each.outcome.status == 429:
            assert [later for later in script.started if later.turn > each.turn] == []


def test_answers_that_cannot_be_used_make_it_careful() -> None:
    """Each lost answer takes one off the depth, and ten pages give it back."""
    script = Script([(1, "COMPLETE", 0, "lost" if number in (2, 3) else "good") for number in range(40)])
    depths = [waiting for _, waiting in play(script, 3)][:30]
    assert depths == [0, 3, 3, 2, *[1] * 8, *[2] * 10, *[3] * 8]


def test_a_token_that_changes_for_each_request_asks_nothing_ahead() -> None:
    """What was asked for with another token is not used, and nothing is asked ahead with one that has just changed."""
    script = Script([(1, "COMPLETE", 0, "good")] * 9)
    seen = play(script, 4, tokens=(f"{TOKEN}-{number}" for number in range(100)))
    assert [waiting for _, waiting in seen] == [0] * 9
    assert script.started == []


def test_a_page_too_large_to_be_asked_ahead_still_comes(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is larger than an answer ahead may be is asked for in the ordinary way."""
    run_id = watched.lay(40, [4])
    monkeypatch.setattr(ahead, "_LEAST_BYTES", 300)
    monkeypatch.setattr(ahead, "MOST_BYTES", 900)
    seen = walk(watched, False, run_id, 4)
    assert files_of(seen) == all_files(40)


# --- What goes wrong ahead ----------------------------------------------------------------------------------


@both
@pytest.mark.parametrize("status", [429, 503, 500, 404, 401, 204])
def test_what_befalls_a_guess_is_not_seen(watched: Watched, asynchronous: bool, status: int) -> None:
    """Where every guess is refused the walk needs no further attempt and no retry; 429 ends the asking ahead."""
    refused, due = asyncio.Event(), iter(range(0, 40, 2))
    next_due = next(due)

    async def refuse(offset: int) -> int | None:
        nonlocal next_due
        if offset > next_due:
            refused.set()
            return status
        if offset == 2:
            await refused.wait()
        next_due = next(due, 40)
        return None

    run_id = watched.lay(40, [2])
    watched.before = refuse
    tokens = []

    def token() -> str:
        tokens.append(TOKEN)
        return TOKEN

    seen = walk(watched, asynchronous, run_id, 4, retry=RetryPolicy(attempts=1, budget=0), token=token)
    assert files_of(seen) == all_files(40)
    lost = len(watched.offsets) - 20
    assert 1 <= lost <= (4 + 1 if status == 429 else 30)
    assert 20 <= len(tokens) <= 20 + lost


@both
def test_what_a_server_cannot_answer_at_all_is_the_same_error(watched: Watched, asynchronous: bool) -> None:
    """A page that is refused whenever it is asked for is one error after the policy's attempts."""
    run_id = watched.lay(40, [2])

    async def refuse(offset: int) -> int | None:
        return 503 if offset == 20 else None

    watched.before = refuse
    waits: list[float] = []
    policy = RetryPolicy(attempts=3, base=0.001, draw=lambda low, high: waits.append(high) or high)  # type: ignore[func-returns-value]
    with pytest.raises(errors.ServerError) as caught:
        walk(watched, asynchronous, run_id, 4, retry=policy)
    assert (caught.value.resume_offset, caught.value.attempts, len(waits)) == (20, 3, 2)
    assert files_of(walk(watched, asynchronous, watched.lay(18, [2]), 4)) == all_files(18)


@both
def test_a_token_that_is_new_each_time_is_asked_for_as_often_as_ever(watched: Watched, asynchronous: bool) -> None:
    """Tokens that serve one request only: none is asked for, and none spent, on a page ahead."""
    tokens: list[str] = []

    def mint() -> str:
        tokens.append(("", "another-")[len(tokens) % 2] + TOKEN)
        return tokens[-1]

    run_id = watched.lay(20, [2])
    assert files_of(walk(watched, asynchronous, run_id, 4, token=mint)) == all_files(20)
    assert (len(tokens), watched.offsets) == (10, [*range(0, 20, 2)])


def renewed_after_four(events: list[Any]) -> Callable[[], str]:
    """A token that is another one after four answers; `events` is where an observer puts them."""

    def token() -> str:
        answers = sum(isinstance(event, ResponseReceived) for event in events)
        return TOKEN if answers < 4 else "another-" + TOKEN

    return token


@both
def test_an_answer_to_an_old_token_is_not_taken(watched: Watched, asynchronous: bool) -> None:
    """After the token has changed, what was asked ahead with the old one is asked again."""
    events: list[Any] = []
    run_id, token = watched.lay(20, [2]), renewed_after_four(events)
    assert files_of(walk(watched, asynchronous, run_id, 2, token=token, observe=events.append)) == all_files(20)
    due = [event.offset for event in events if isinstance(event, RequestSent) and event.attempt]
    assert due == [0, 2, 8, 10]  # the others came ahead


def test_a_connection_that_was_shut_down_goes_to_no_other_request(watched: Watched) -> None:
    """Whoever is cut while the last of an answer comes ends with an error, so that the pool lets the connection go."""
    ours, other = socket.socketpair()
    with ours, other:
        deadline = ThreadDeadline(GENEROUS)
        with pytest.raises(StepEnded), deadline.step(ours):
            deadline.give_up()
    run_id = watched.lay(20, [2])
    for _ in range(40):
        events: list[Any] = []
        walk(watched, False, run_id, 2, token=renewed_after_four(events), observe=events.append)
        assert [event for event in events if isinstance(event, RetryPlanned)] == []


@both
def test_an_observer_can_tell_what_was_asked_ahead(watched: Watched, asynchronous: bool) -> None:
    """Each request is reported, those ahead as attempt 0; their answers when they are due, or never."""
    events: list[Any] = []
    run_id = watched.lay(12, [3])
    walk(watched, asynchronous, run_id, 2, observe=events.append)
    heard = [
        (type(event).__name__[:4], event.offset, event.attempt)
        for event in events
        if isinstance(event, RequestSent | ResponseReceived)
    ]
    assert heard == [
        *[("Requ", 0, 1), ("Resp", 0, 1)],
        *[("Requ", 6, 0), ("Requ", 9, 0), ("Requ", 3, 1), ("Resp", 3, 1)],
        *[("Requ", 12, 0), ("Resp", 6, 1)],
        *[("Requ", 15, 0), ("Resp", 9, 1)],
    ]
    assert all(event.url.endswith(f"/{run_id}/results") for event in events if isinstance(event, RequestSent))


# --- Every fault that paging can have -----------------------------------------------------------------------

MOST_PAGES = 40  # some servers make up files without end
# Its answers depend on when it is asked, and not on what for.
FICKLE = {"files-shuffled"}
THOROUGH = os.environ.get("HYPOTHESIS_PROFILE") == "thorough"
PAGING_FAULTS = [fault.name for fault in FAULTS if fault.family == "paging" and fault.name not in FICKLE]


def outcome_of(url: str, run_id: str, depth: int, asynchronous: bool) -> tuple[Any, ...]:
    """What a walk through a standard run comes to."""
    told = {"token": STANDARD_TOKEN.value, "base_url": url, "prefetch": depth, "timeout": GENEROUS}
    policy = RetryPolicy(attempts=2, base=0.0)
    seen: list[Any] = []

    async def with_tasks() -> None:
        async with (
            AsyncClient(**told, retry=policy) as client,
            contextlib.aclosing(client.pages(run_id, include=Include.ALL)) as pages,
        ):
            async for page in pages:
                seen.append((page.offset, page.raw))
                if len(seen) == MOST_PAGES:
                    break

    try:
        if asynchronous:
            asyncio.run(with_tasks())
        else:
            with Client(**told, retry=policy) as client:
                seen.extend(
                    (page.offset, page.raw) for page in islice(client.pages(run_id, include=Include.ALL), MOST_PAGES)
                )
    except errors.RunResultsError as error:
        return seen, type(error), error.resume_offset, error.offset, str(error)
    return seen, None


@pytest.mark.parametrize("name", PAGING_FAULTS if THOROUGH else PAGING_FAULTS[::4])
def test_a_faulty_server_leads_to_the_same(name: str) -> None:
    """With each fault of paging the same pages and the same error with the same `resume_offset` come, ahead or not."""
    with serve(faulty(name, standard_store(), STANDARD_TOKEN, page_size=STANDARD_PAGE_SIZE)) as served:
        for run_id, asynchronous in (("run-standard", False), ("run-exact", True)):
            assert outcome_of(served.url, run_id, 4, asynchronous) == outcome_of(served.url, run_id, 0, False)


# Those that last until a deadline, or are large. Where each second request on a connection fails, every connection that
# was used once costs an attempt, and with pages ahead there are more of them.
ELSEWHERE = {
    name
    for name, situation in SITUATIONS.items()
    if situation.row in ("time", "token")
    or re.search("huge|bomb|endless|refused|kept-alive-closed|closed-at-once", name)
}


@pytest.mark.parametrize("name", sorted(SITUATIONS.keys() - ELSEWHERE)[:: 1 if THOROUGH else 3])
def test_a_faulty_network_leads_to_the_same(name: str) -> None:
    """In each lasting situation, from the second page on, the outcome is told in the same words, ahead or not."""
    outcomes = []
    for depth, asynchronous in ((0, False), (4, False), (4, True)):
        with kit.serving(name, first=1) as server:
            outcome = kit.walk(server.url, asynchronous, prefetch=depth, max_body_bytes=1_000_000)
            kit.check_left_clean(server)
        if outcome.error is None:  # one connection more or less may be struck
            outcome.waits.clear()
        outcomes.append((outcome.told(), outcome.names, outcome.offsets))
    assert outcomes == outcomes[:1] * 3


@both
@pytest.mark.parametrize("name", ["reset-in-body", "truncated-json", "status-503-json", "retry-after-seconds"])
def test_a_passing_trouble_passes(name: str, asynchronous: bool) -> None:
    """Two requests that are struck, ahead or not, keep no file back, and cost no more waiting than one by one."""
    with kit.serving(name, first=1, times=2) as server:
        outcome = kit.walk(server.url, asynchronous, prefetch=4)
        kit.check_left_clean(server)
    assert (outcome.error, outcome.names) == (None, kit.NAMES)
    assert len(outcome.waits) <= 2


@both
def test_connections_that_fail_when_they_are_used_again_cost_an_attempt_each(asynchronous: bool) -> None:
    """Where a server closes a connection at its second request, the walk needs as many attempts as it has of them."""
    with kit.serving("kept-alive-closed", first=1) as server:
        policy = RetryPolicy(attempts=6, budget=30.0, draw=lambda low, high: high)
        outcome = kit.walk(server.url, asynchronous, prefetch=4, retry=policy)
        kit.check_left_clean(server)
    assert (outcome.error, outcome.names) == (None, kit.NAMES)


@both
def test_where_no_new_connection_lives_nothing_is_lost(asynchronous: bool) -> None:
    """One connection works, and which request gets it is luck: the walk has every file, or says where to resume."""
    with kit.serving("closed-at-once", first=1) as server:
        outcome = kit.walk(server.url, asynchronous, prefetch=4)
        kit.check_left_clean(server)
    if outcome.error is not None:
        assert isinstance(outcome.error, errors.ConnectionFailedError)
        assert outcome.error.resume_offset == len(outcome.names)
    assert outcome.names == kit.NAMES[: len(outcome.names) if outcome.error is not None else None]


@both
def test_a_deadline_of_the_walk_bounds_what_is_ahead(watched: Watched, asynchronous: bool) -> None:
    """Where the server keeps everything behind the second page to itself, the walk ends at its deadline."""

    async def hold(offset: int) -> None:
        await asyncio.sleep(0 if offset < 4 else GENEROUS)

    watched.before = hold
    run_id = watched.lay(40, [2])
    seen: list[int] = []

    async def with_tasks() -> None:
        async with AsyncClient(**told(watched, 4)) as client:
            async for page in client.pages(run_id, deadline=0.5):
                seen.append(page.offset)  # noqa: PERF401 - what came before the error counts

    def with_threads() -> None:
        with Client(**told(watched, 4)) as client:
            seen.extend(page.offset for page in client.pages(run_id, deadline=0.5))

    with pytest.raises(errors.DeadlineExceededError) as caught:
        asyncio.run(with_tasks()) if asynchronous else with_threads()
    assert caught.value.is_of_walk
    assert caught.value.resume_offset == 2 * len(seen)
    assert land() == 0


class LateToFail:
    """A sender whose guesses all fail after a moment; it keeps what is sent in the ordinary way."""

    def __init__(self) -> None:
        self.sent: list[Request] = []

    def start(self, request: Request) -> Any:
        """A guess that comes to nothing."""
        return self.Pending(request)

    def send(self, request: Request) -> Outcome:
        """Answer at once."""
        self.sent.append(request)
        return Reply(200, {}, b"{}")

    @define
    class Pending:
        """What `start` gives."""

        request: Request
        outcome: Outcome = None

        def wait(self) -> Outcome:
            """Fail."""
            time.sleep(0.05)
            return None

        def drop(self) -> None:
            """Nothing is under way."""


class LateToFailAsync:
    """`LateToFail` for asyncio."""

    def __init__(self) -> None:
        self._sender = LateToFail()
        self.sent = self._sender.sent

    def start(self, request: Request) -> Any:
        """See `LateToFail`."""
        return self.Pending(request)

    async def send(self, request: Request) -> Outcome:
        """See `LateToFail`."""
        return self._sender.send(request)

    class Pending(LateToFail.Pending):
        """See `LateToFail`."""

        async def wait(self) -> Outcome:  # type: ignore[override]
            """See `LateToFail`."""
            return super().wait()


@both
@pytest.mark.parametrize("left", [20.0, 0.01])
def test_the_wait_for_a_guess_counts_against_the_deadline_of_the_walk(asynchronous: bool, left: float) -> None:
    """When a guess fails late, the page is asked for again in the time that is left to the walk, or not at all."""
    sender: Any = LateToFailAsync() if asynchronous else LateToFail()
    first, second = (
        Request("http://x", {}, {}, offset=offset, timeout=left, walk_left=left, max_body_bytes=9) for offset in (0, 3)
    )
    first = evolve(first, ahead=(second,))

    async def with_tasks() -> Outcome:
        walk = ahead.AsyncLookahead(sender, unobserved)
        await walk.send(first)
        return await walk.send(second)

    def with_threads() -> Outcome:
        walk = ahead.Lookahead(sender, unobserved)
        walk.send(first)
        return walk.send(second)

    outcome = asyncio.run(with_tasks()) if asynchronous else with_threads()
    if left < 1:
        assert isinstance(outcome, errors.DeadlineExceededError)
        assert sender.sent == [first]
    else:
        assert [request.offset for request in sender.sent] == [0, 3]
        assert sender.sent[1].walk_left <= left - 0.05
        assert sender.sent[1].timeout == sender.sent[1].walk_left


# --- Leaving ------------------------------------------------------------------------------------------------


@both
def test_an_observer_that_raises_ends_what_was_asked_ahead(watched: Watched, asynchronous: bool) -> None:
    """When the observer raises because of a guess, no request stays under way."""
    run_id = hold_what_is_ahead(watched)

    def observe(event: object) -> None:
        if isinstance(event, RequestSent) and event.offset == 4:
            raise KeyError("observer")

    async def with_tasks() -> None:
        async with AsyncClient(**told(watched, 4, observe=observe, timeout=3 * GENEROUS)) as client:
            with pytest.raises(KeyError, match="observer"):
                _ = [page async for page in client.pages(run_id)]
            assert asyncio.all_tasks() == {asyncio.current_task()}

    if asynchronous:
        asyncio.run(with_tasks())
        return
    with Client(**told(watched, 4, observe=observe, timeout=3 * GENEROUS)) as client:
        with pytest.raises(KeyError, match="observer"):
            list(client.pages(run_id))
        assert land() == 0


def test_many_guesses_that_do_not_end_are_not_waited_for_one_by_one() -> None:
    """When a walk is left, what it asked ahead is given a second to end all together, and not a second each."""
    waited: list[float] = []

    async def use() -> None:
        ends = asyncio.Event()

        async def never(*_: object) -> None:
            await ends.wait()

        client = httpx.AsyncClient(transport=httpx.MockTransport(lambda request: httpx.Response(404)))
        sender = AsyncHttpSender(client, 100)
        sender._exchange = never  # type: ignore[assignment, method-assign]
        connections = await sender._ready()
        requests = [Request("http://x", {}, {}, offset=offset, max_body_bytes=9) for offset in range(1, 9)]
        walk = ahead.AsyncLookahead(sender, unobserved)
        walk._begin(Request("http://x", {}, {}, ahead=tuple(requests)))
        assert len(connections.pending) == len(requests)
        original = asyncio.wait

        async def wait(tasks: Any, **options: Any) -> Any:
            waited.append(options["timeout"])
            return await original(tasks, **options)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(asyncio, "wait", wait)
            await walk.aclose()
        ends.set()
        await sender.close()

    asyncio.run(use())
    assert sum(waited) <= 1.5


def hold_what_is_ahead(watched: Watched) -> str:
    """A run whose third page and all behind it are never answered; gives its id."""

    async def hold(offset: int) -> None:
        await asyncio.sleep(0 if offset < 4 else 2 * GENEROUS)

    watched.before = hold
    return watched.lay(400, [2])


def leave(way: str, client: Client, pages: Any) -> None:
    """Leave a walk that has threads under way."""
    if way == "break":
        for _ in pages:
            break
        pages.close()
    elif way == "error":
        with pytest.raises(ZeroDivisionError):
            pages.throw(ZeroDivisionError())
    elif way == "garbage":
        del pages
        gc.collect()
    else:
        client.close()
        with pytest.raises(errors.ClientClosedError) as caught:
            next(pages)
        assert caught.value.resume_offset == 4


@pytest.mark.parametrize("way", ["error", "garbage", "client closed"])
def test_a_walk_that_is_left_leaves_no_thread_behind(watched: Watched, way: str) -> None:
    """However a walk is left, what it has asked ahead is given up at once, though the server would never answer."""
    run_id = hold_what_is_ahead(watched)
    events: list[object] = []
    with Client(**told(watched, 4, timeout=20 * GENEROUS, observe=events.append)) as client:
        pages: Any = client.pages(run_id)
        assert [next(pages).offset, next(pages).offset] == [0, 2]
        assert {thread.name for thread in threading.enumerate() if not thread.daemon} == {"MainThread"}
        held, pages = pages, None
        holder = [held]
        del held
        leave(way, client, holder.pop())
        assert land() == 0
        asked = len(events)
        if way != "client closed":
            assert client.page(run_id).offset == 0
        sent = [event.offset for event in events[asked:] if isinstance(event, RequestSent)]
        assert sent == ([] if way == "client closed" else [0]), "nothing is asked after that"
    # The server may read late what was sent before.
    assert Counter(watched.offsets) <= Counter([0, 2, 4, 6, 8, 10, *sent])


@pytest.mark.parametrize("way", ["closed", "client closed", "cancelled", "garbage"])
def test_a_walk_that_is_left_leaves_no_task_behind(watched: Watched, way: str) -> None:
    """The same with tasks: none is left when the walk has been closed."""
    run_id = hold_what_is_ahead(watched)

    async def use() -> None:
        async with AsyncClient(**told(watched, 4, timeout=20 * GENEROUS)) as client:
            before = asyncio.all_tasks()
            pages: Any = client.pages(run_id)
            assert [(await anext(pages)).offset, (await anext(pages)).offset] == [0, 2]
            if way == "closed":
                await pages.aclose()
            elif way == "client closed":
                await client.close()
                with pytest.raises(errors.ClientClosedError):
                    await anext(pages)
            elif way == "cancelled":
                task = asyncio.create_task(anext(pages))
                await asyncio.sleep(0.01)
                task.cancel()
                await asyncio.wait([task])
                assert task.cancelled()
            else:
                del pages
                gc.collect()
                end = time.monotonic() + GENEROUS
                while asyncio.all_tasks() != before and time.monotonic() < end:  # noqa: ASYNC110 - tasks end by themselves
                    await asyncio.sleep(0.001)
            assert asyncio.all_tasks() == before

    asyncio.run(use())
    assert set(watched.offsets) <= {0, 2, 4, 6, 8, 10, *([12] if way == "cancelled" else [])}


def run_program(watched: Watched, run_id: str, program: str, warnings: str = "error") -> Any:
    """What a process of its own prints as JSON; it is not waited for longer than it may take."""
    program = f"TOKEN, URL, RUN_ID = {TOKEN!r}, {watched.url!r}, {run_id!r}\n{program}"
    done = subprocess.run(
        [sys.executable, "-W", warnings, "-c", program],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return json.loads(done.stdout)


EXIT = """
import asyncio, json
from run_results import AsyncClient, Client
client = Client(token=TOKEN, base_url=URL, prefetch=4, timeout=100_000)
pages = client.pages(RUN_ID)
print(json.dumps([next(pages).offset, next(pages).offset]))
"""
EXIT_ASYNC = """
import asyncio, json
from run_results import AsyncClient, Client
async def main():
    client = AsyncClient(token=TOKEN, base_url=URL, prefetch=4, timeout=100_000)
    pages = client.pages(RUN_ID)
    print(json.dumps([(await anext(pages)).offset, (await anext(pages)).offset]))
    await client.close()
asyncio.run(main())
"""


@pytest.mark.parametrize("program", [EXIT, EXIT_ASYNC], ids=["sync", "async"])
def test_a_process_ends_with_requests_under_way(watched: Watched, program: str) -> None:
    """A process that ends in the middle of a walk ends at once and without a word."""
    assert run_program(watched, hold_what_is_ahead(watched), program) == [0, 2]


KEPT = """
import asyncio, json
from run_results import AsyncClient
client = AsyncClient(token=TOKEN, base_url=URL, prefetch=4, timeout=100_000)
kept = []
async def main():
    files, pages = client.files(RUN_ID), client.pages(RUN_ID)
    kept.extend([files, pages])
    return [(await anext(files)).input_file_path for _ in range(3)] + [(await anext(pages)).offset for _ in range(2)]
print(json.dumps([asyncio.run(main()) for _ in range(3)]))
"""


def test_walks_that_are_kept_end_with_their_event_loop(watched: Watched) -> None:
    """Walks that somebody still holds, with pages ahead, are closed with the event loop, and without a word."""
    assert run_program(watched, hold_what_is_ahead(watched), KEPT) == [[*all_files(3), 0, 2]] * 3


FORK = """
import json, os
from run_results import Client
client = Client(token=TOKEN, base_url=URL, prefetch=4, timeout=100)
pages = client.pages(RUN_ID)
first = [next(pages).offset, next(pages).offset]
reader, writer = os.pipe()
child = os.fork()
rest = first + [page.offset for page in pages]
if not child:
    os.write(writer, json.dumps(rest).encode())
    os._exit(0)  # the child does not close what is the parent's
os.close(writer)
theirs = json.loads(b"".join(iter(lambda: os.read(reader, 65536), b"")))
os.waitpid(child, 0)
print(json.dumps([rest, theirs]))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork on this platform")
def test_a_walk_goes_on_in_a_forked_process(watched: Watched) -> None:
    """In a child process, which the threads do not come along to, the walk goes on as it does in the parent."""
    run_id = watched.lay(40, [2])
    assert run_program(watched, run_id, FORK, "ignore") == [[*range(0, 40, 2)]] * 2


@both
def test_a_callers_own_httpx_client_is_enough(watched: Watched, asynchronous: bool) -> None:
    """Through a client that allows one connection only, the pages come as ever, and the client stays open."""
    run_id = watched.lay(30, [2])
    limits = httpx.Limits(max_connections=1)

    async def with_tasks() -> list[str]:
        async with httpx.AsyncClient(limits=limits) as own, AsyncClient(http_client=own, **told(watched, 4)) as client:
            files = [str(file.input_file_path) async for file in client.files(run_id)]
            await client.close()
            assert not own.is_closed
            return files

    def with_threads() -> list[str]:
        with httpx.Client(limits=limits) as own, Client(http_client=own, **told(watched, 4)) as client:
            files = [str(file.input_file_path) for file in client.files(run_id)]
            client.close()
            assert not own.is_closed
            return files

    assert (asyncio.run(with_tasks()) if asynchronous else with_threads()) == all_files(30)


def test_without_threads_there_is_nothing_ahead(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the machine has no more threads to give, the pages come one at a time."""

    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    run_id = watched.lay(20, [2])
    with Client(**told(watched, 4)) as client, monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", refuse)
        assert [str(file.input_file_path) for file in client.files(run_id)] == all_files(20)
    assert watched.offsets == [*range(0, 20, 2)]


# --- Schedules of faults, in virtual time -------------------------------------------------------------------


@define
class Flight:
    """A request ahead whose answer comes at once, or when it is due."""

    world: World
    request: Request
    outcome: Outcome = None

    def wait(self) -> Outcome:
        """The answer."""
        if self.outcome is None:
            self.outcome = self.world.answer(self.request)
        return self.outcome

    def drop(self) -> None:
        """Nothing is lost with it."""


class AsyncFlight(Flight):
    """The same, awaited."""

    async def wait(self) -> Outcome:  # type: ignore[override]
        """The answer."""
        await asyncio.sleep(0)
        return super().wait()


@define
class Ahead:
    """Flights for a sender."""

    world: World
    kind: type[Flight]
    at_once: list[bool] = field(factory=lambda: [True])
    started: int = 0

    def start(self, request: Request) -> Flight:
        """Ask ahead."""
        flight = self.kind(self.world, request)
        self.started += 1
        if self.at_once[self.started % len(self.at_once)]:
            flight.outcome = self.world.answer(request)
        return flight


@given(
    strikes=st.lists(st.one_of(st.just(None), STRIKES.filter(bool).map(lambda strikes: strikes[0])), max_size=30),
    count=st.integers(0, 40),
    sizes=st.lists(st.integers(1, 5), min_size=1, max_size=3) | st.just([2]),
    depth=st.integers(1, 6),
    asynchronous=st.booleans(),
    at_once=st.lists(st.booleans(), min_size=1, max_size=3),
    attempts=st.integers(1, 4),
    budget=st.sampled_from([0.0, 2.0, 100.0]),
    strict=st.booleans(),
    on_change=st.sampled_from(["raise", "warn"]),
    deadline=st.sampled_from([None, None, 0.5, 100.0]),
)
@settings(max_examples=3 * settings().max_examples)
def test_every_schedule_ends_with_every_file(
    strikes: list[Strike | None],
    count: int,
    sizes: list[int],
    depth: int,
    asynchronous: bool,
    at_once: list[bool],
    attempts: int,
    budget: float,
    deadline: float | None,
    **told: Any,
) -> None:
    """Whatever strikes when, ahead or not: what is handed out is the run's beginning, and each error leads on."""
    world = World(all_files(count), sizes)
    world.strikes.extend(strike or Strike("drift", 5) for strike in strikes)
    policy = RetryPolicy(attempts=attempts, budget=budget, max_retry_after=45.0, draw=lambda low, high: high)
    got: list[str] = []
    while True:
        left = len(world.strikes)
        error = asyncio.run(schedule(world, got, asynchronous, at_once, deadline, prefetch=depth, retry=policy, **told))
        assert got == all_files(count)[: len(got)]
        if error is None:
            break
        assert (error.resume_offset, error.run_id) == (len(got), kit.RUN_ID)
        assert len(world.strikes) < left or deadline is not None, "no error without a fault"
        deadline = None
    assert got == all_files(count)


async def schedule(
    world: World,
    got: list[str],
    asynchronous: bool,
    at_once: list[bool],
    deadline: float | None,
    **told: Any,
) -> errors.RunResultsError | None:
    """Walk on from where it stands, with either client; gives the error that ended it."""
    world.pages_of_walk = 0
    kind: Any = AsyncClient if asynchronous else Client
    client = kind(token=kit.TOKEN, base_url="http://127.0.0.1", timeout=TIMEOUT, **told)
    real, client._sender = client._sender, AsyncSender(world) if asynchronous else Sender(world)
    sender: Any = client._sender
    sender.start = Ahead(world, AsyncFlight if asynchronous else Flight, at_once).start
    client._options = evolve(client._options, clock=lambda: world.now)
    pages = client.pages(kit.RUN_ID, start=len(got), deadline=deadline)
    try:
        async for page in pages if asynchronous else awaited(pages):
            assert page.offset == len(got)
            got += [str(file.input_file_path) for file in page.files]
    except errors.RunResultsError as error:
        return error
    finally:
        await real.close() if asynchronous else real.close()
    return None


async def awaited(pages: Iterator[Page]) -> AsyncIterator[Page]:
    """Pages of a walk without a loop."""
    for page in pages:
        yield page
