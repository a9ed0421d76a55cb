"""Random runs, page sizes and schedules of faults, in virtual time: every file once and in order, or a way to resume.

No socket and no sleep: the client's sender is replaced by a server that answers from memory, and by a clock that only
moves when the client waits. A schedule is a sequence of faults, each of which strikes one request, and of what the
caller does: takes a page, resumes after an error, or leaves a walk and begins another where it stood.
"""

import asyncio
import json
from collections import Counter, deque
from collections.abc import Callable
from typing import Any

import pytest
from attrs import define, evolve, field
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from run_results import AsyncClient, Client, Page, RetryPolicy, errors
from run_results.request import Outcome, Reply, Request

from .kit import RUN_ID, THOROUGH, TOKEN

SCHEDULES = 10_000 if THOROUGH else 100
TIMEOUT, PATIENCE = 60.0, 45.0  # seconds of a request, and the longest Retry-After that is honoured
MAX_ATTEMPTS = 4

Json = dict[str, Any]


# --- The server ---------------------------------------------------------------------------------------------


@define
class Strike:
    """What becomes of one request."""

    kind: str
    number: int = 0
    """A choice within the kind."""


@define(slots=False)
class World:
    """A run in memory, a queue of faults, and a clock."""

    names: list[str]
    sizes: list[int]
    now: float = 0.0
    requests: int = 0
    strikes: deque[Strike] = field(factory=deque)
    struck: Counter[str] = field(factory=Counter)
    changed: int = 0
    """How often the run has changed; the walk under way sees it."""
    pages_of_walk: int = 0
    """How many pages the walk under way has been given: what repeats nothing cannot be seen to repeat."""

    def page(self, offset: int) -> Json:
        """The honest page."""
        stop = min(offset + self.sizes[offset % len(self.sizes)], len(self.names))
        files = [{"input_file_path": name, "documents": [{"page_numbers": [0]}]} for name in self.names[offset:stop]]
        more = stop < len(self.names)
        return {"id": RUN_ID, "status": "COMPLETE", "batch_id": f"b{self.changed}", "files": files, "has_more": more}

    def answer(self, request: Request) -> Outcome:
        """What becomes of a request."""
        assert request.token.reveal() == TOKEN
        assert 0 < request.timeout <= TIMEOUT
        self.requests += 1
        self.now += 0.01
        offset = int(request.params["file_offset"])
        strike = self.strikes.popleft() if self.strikes else None
        if strike is None or (strike.kind in PAGING and not PAGING[strike.kind].shows(self, offset)):
            self.pages_of_walk += 1
            return _reply(self.page(offset))
        self.struck[strike.kind] += 1
        if strike.kind in BROKEN:
            self.now += request.timeout if strike.kind == "late" else 0
            return BROKEN[strike.kind]()
        if strike.kind in STATUSES:
            headers = RETRY_AFTER[strike.number % len(RETRY_AFTER)]
            status = STATUSES[strike.kind][strike.number % len(STATUSES[strike.kind])]
            body = b'{"message":"no"}' if strike.number % 2 else b"<html>no</html>"
            return Reply(status, {"location": "/login"} if status < 400 else headers, body)
        if strike.kind == "malformed":
            whole = json.dumps(self.page(offset)).encode()
            return Reply(200, {}, MALFORMED[strike.number % len(MALFORMED)](whole))
        if strike.kind == "drift":
            self.pages_of_walk += 1
            page = self.page(offset)
            DRIFT[strike.number % len(DRIFT)](page)
            return _reply(page)
        if strike.kind == "change":
            self.changed += 1
            self.pages_of_walk += 1
            return _reply(self.page(offset))
        return _reply(PAGING[strike.kind].make(self, offset, strike.number))


def _reply(page: Any) -> Reply:
    return Reply(200, {"content-type": "application/json"}, json.dumps(page).encode())


BROKEN: dict[str, Callable[[], errors.TransportError]] = {
    "reset": lambda: errors.ConnectionFailedError("the connection failed: reset"),
    "late": lambda: errors.DeadlineExceededError("the answer was not complete after 60 s"),
    "too large": lambda: errors.ResponseTooLargeError("the body is larger than the limit"),
}
STATUSES = {"passing status": [408, 429, 500, 502, 503, 504], "lasting status": [400, 401, 403, 404, 418, 204, 302]}
RETRY_AFTER: list[dict[str, str]] = [
    {},
    {"retry-after": "0"},
    {"retry-after": "7"},
    {"retry-after": "3600"},
    {"retry-after": "soon"},
]
MALFORMED: list[Callable[[bytes], bytes]] = [
    lambda body: body[: len(body) // 2],
    lambda body: body[:-1],
    lambda body: b"",
    lambda body: b"<html>please wait</html>",
    lambda body: b"\xff" + body,
    lambda body: b'{"message":"\xff",' + body[1:],
    lambda body: body + b"x",
    lambda body: b'{"x":' + b"[" * 5_000 + b"]" * 5_000 + b"}",
]
DRIFT: list[Callable[[Json], object]] = [
    lambda page: page.update(keys=None),
    lambda page: page.update(message=7, colour="red"),
    lambda page: page.pop("status") and page.update(status="COMPLETE", case_info=[]),
    lambda page: [file.update(documents={}) for file in page["files"]],
    lambda page: [file.update(documents=[None, 7, {"fields": "x"}], original_file_name=[]) for file in page["files"]],
    lambda page: [file.update(size=1) for file in page["files"]],
]


@define
class Breach:
    """A breach of paging: how it is made, where it can be seen at all, and the errors that may be its name."""

    make: Callable[[World, int, int], Any]
    names: tuple[type[errors.ContractError], ...]
    shows: Callable[[World, int], bool] = lambda world, offset: True


def _with(**values: Any) -> Callable[[World, int, int], Any]:
    return lambda world, offset, number: {**world.page(offset), **values}


def _without(name: str) -> Callable[[World, int, int], Any]:
    return lambda world, offset, number: {key: value for key, value in world.page(offset).items() if key != name}


def _can_repeat(world: World, offset: int) -> bool:
    # The page before must have been handed out by this walk.
    return world.pages_of_walk > 0 and offset > 0


UNUSABLE = (errors.UnusablePageError,)
REPEATED = (errors.PageRepeated, errors.FilesRepeated)
PAGING = {
    "more without files": Breach(_with(files=[], has_more=True), (errors.OffsetDidNotAdvance,)),
    "page again": Breach(
        lambda world, offset, number: {
            **world.page(offset),
            "files": [{"input_file_path": name} for name in world.names[max(0, offset - 1 - number) : offset]],
        },
        REPEATED,
        _can_repeat,
    ),
    "overlap": Breach(
        lambda world, offset, number: {
            **world.page(offset),
            "files": [{"input_file_path": name} for name in world.names[offset - 1 : offset + 1 + number]],
        },
        REPEATED,
        _can_repeat,
    ),
    "file twice": Breach(
        lambda world, offset, number: {**world.page(offset), "files": world.page(offset)["files"] * 2},
        REPEATED,
        lambda world, offset: offset < len(world.names),
    ),
    "another run": Breach(_with(id="another-run"), (errors.RunMismatch,)),
    "has_more missing": Breach(_without("has_more"), UNUSABLE),
    "has_more null": Breach(_with(has_more=None), UNUSABLE),
    "has_more text": Breach(_with(has_more="false"), UNUSABLE),
    "files missing": Breach(_without("files"), UNUSABLE),
    "files null": Breach(_with(files=None), UNUSABLE),
    "id missing": Breach(_without("id"), UNUSABLE),
    "array": Breach(lambda world, offset, number: [world.page(offset)], (errors.ContractError,)),
}
# What passes, or is delivered, more often than what ends a walk: so walks get far.
PASSING = ["reset", "late", "passing status", "malformed"]
KINDS = [*BROKEN, *STATUSES, *PASSING, *PASSING, *["drift"] * 5, *["change"] * 3, *PAGING]
STRIKES = st.lists(st.builds(Strike, st.sampled_from(KINDS), st.integers(0, 9)), max_size=8)


# --- The clients --------------------------------------------------------------------------------------------


class Sender:
    """Sends to a world, and sleeps by its clock."""

    def __init__(self, world: World) -> None:
        self.world = world

    def send(self, request: Request) -> Outcome:
        return self.world.answer(request)

    def sleep(self, seconds: float) -> None:
        assert 0 <= seconds <= PATIENCE
        self.world.now += seconds

    def close(self) -> None:
        pass


class AsyncSender(Sender):
    """The same, awaited."""

    async def send(self, request: Request) -> Outcome:  # type: ignore[override]
        await asyncio.sleep(0)
        return self.world.answer(request)

    async def sleep(self, seconds: float) -> None:  # type: ignore[override]
        await asyncio.sleep(0)
        super().sleep(seconds)


class Walk:
    """A walk by either client, a page at a time."""

    def __init__(
        self, world: World, runner: asyncio.Runner | None, start: int, deadline: float | None, **told: Any
    ) -> None:
        world.pages_of_walk = 0
        kind: Any = AsyncClient if runner else Client
        self._runner = runner
        self._client = kind(token=TOKEN, base_url="http://127.0.0.1", timeout=TIMEOUT, **told)
        self._real = self._client._sender
        self._client._options = evolve(self._client._options, clock=lambda: world.now)
        self._client._sender = AsyncSender(world) if runner else Sender(world)
        self._pages = self._client.pages(RUN_ID, start=start, deadline=deadline)

    def next(self) -> Page | None:
        """The next page; None at the end."""
        if self._runner is None:
            return next(self._pages, None)
        return self._runner.run(anext(self._pages, None))

    def leave(self) -> None:
        """Leave the walk where it stands."""
        if self._runner is None:
            self._pages.close()
            self._real.close()
        else:
            self._runner.run(self._pages.aclose())
            self._runner.run(self._real.close())


# --- The machine --------------------------------------------------------------------------------------------

RUNNER: list[asyncio.Runner] = []
TOTAL: Counter[str] = Counter()


class Schedule(RuleBasedStateMachine):
    """A caller who walks, resumes, and ends with every file."""

    @initialize(
        strikes=STRIKES,
        count=st.integers(0, 25),
        sizes=st.lists(st.integers(1, 8), min_size=1, max_size=4),
        asynchronous=st.booleans(),
        attempts=st.integers(1, MAX_ATTEMPTS),
        budget=st.sampled_from([0.0, 2.0, 100.0]),
        strict=st.booleans(),
        on_change=st.sampled_from(["raise", "warn"]),
        patience=st.sampled_from([0.0, 20.0, 100.0]),
    )
    def begin(
        self,
        count: int,
        sizes: list[int],
        asynchronous: bool,
        attempts: int,
        budget: float,
        strikes: list[Strike],
        **told: Any,
    ) -> None:
        """A run, page sizes, and a client."""
        self.world = World([f"in/{index}.pdf" for index in range(count)], sizes)
        self.world.strikes.extend(strikes)
        self.runner = RUNNER[0] if asynchronous else None
        policy = RetryPolicy(attempts=attempts, budget=budget, max_retry_after=PATIENCE, draw=lambda low, high: high)
        self.attempts, self.told = attempts, {"retry": policy, **told}
        self.got: list[str] = []
        self.deadline: float | None = None
        self.done = False
        self.walk: Walk | None = None
        self.start(None)

    def start(self, deadline: float | None) -> None:
        """Walk from where it stands."""
        if self.walk is not None:
            self.walk.leave()
        self.deadline = None if deadline is None else self.world.now + deadline
        self.walk = Walk(self.world, self.runner, len(self.got), deadline, **self.told)

    @rule(strikes=STRIKES)
    @precondition(lambda self: not self.done)
    def strike(self, strikes: list[Strike]) -> None:
        """The next requests are struck."""
        self.world.strikes.extend(strikes)

    @rule(pages=st.integers(1, 5))
    @precondition(lambda self: not self.done)
    def take(self, pages: int) -> None:
        """The caller takes pages; after an error the walk goes on from its `resume_offset`."""
        for _ in range(pages):
            if not self.done:
                self.step()

    @rule(deadline=st.sampled_from([None, 0.5, 100.0]))
    @precondition(lambda self: not self.done and self.world.pages_of_walk)
    def leave(self, deadline: float | None) -> None:
        """The caller leaves the walk, and begins another where it stood."""
        self.start(deadline)
        TOTAL["walks left"] += 1

    @rule()
    @precondition(lambda self: self.done)
    def again(self) -> None:
        """The caller has every file, and walks once more."""
        self.got, self.done = [], False
        self.start(None)
        TOTAL["walks again"] += 1

    def step(self) -> None:
        """Take a page or an error, in bounded steps and bounded virtual time."""
        assert self.walk is not None
        requests, now, expected = self.world.requests, self.world.now, self.world.struck.copy()
        try:
            page = self.walk.next()
        except errors.RunResultsError as error:
            self.check(error, self.world.struck - expected)
            self.start(None)
        else:
            if page is None:
                self.done = True
                assert len(self.got) == len(self.world.names), "no silent end"
            else:
                assert page.offset == len(self.got)
                self.got += [str(file.input_file_path) for file in page.files]
                TOTAL["pages"] += 1
                TOTAL["pages with drift"] += bool(page.breaches)
        taken, passed = self.world.requests - requests, self.world.now - now
        assert taken <= self.attempts + self.told["patience"], "each refusal takes a second of patience"
        assert passed <= taken * (TIMEOUT + PATIENCE + 0.02)
        if self.deadline is not None:
            assert self.world.now <= max(now, self.deadline) + 0.02 * taken

    def check(self, error: errors.RunResultsError, struck: Counter[str]) -> None:
        """The error has a reason, a name that fits it, and a place to go on from."""
        TOTAL["errors"] += 1
        TOTAL[type(error).__name__] += 1
        assert error.resume_offset == len(self.got)
        assert error.run_id == RUN_ID
        breaches = [PAGING[kind].names for kind in struck if kind in PAGING]
        if isinstance(error, errors.PagingError | errors.UnusablePageError) and not isinstance(
            error, errors.RunChanged
        ):
            assert any(type(error) in names for names in breaches)
        elif isinstance(error, errors.RunChanged):
            assert self.told["on_change"] == "raise"
            assert struck["change"]
        elif type(error) is errors.ContractError:
            assert struck["array"] or (struck["drift"] and self.told["strict"])
        elif isinstance(error, errors.DeadlineExceededError) and error.is_of_walk:
            assert self.deadline is not None
        else:
            assert struck, "no error without a fault"

    @invariant()
    def every_file_once_and_in_order(self) -> None:
        """What was handed out is at any time the beginning of the run."""
        if hasattr(self, "world"):
            assert self.got == self.world.names[: len(self.got)]

    def teardown(self) -> None:
        """In the end the server is honest, and the walk ends with every file."""
        if getattr(self, "walk", None) is None:
            return
        TOTAL["schedules"] += 1
        TOTAL["faults"] += self.world.struck.total()
        self.world.strikes.clear()
        self.deadline = None
        try:
            self.start(None)
            for _ in range(len(self.world.names) + 2):
                if self.done:
                    break
                self.step()
            assert self.done, "the walk ends"
            assert self.got == self.world.names
        finally:
            TOTAL["requests"] += self.world.requests
            TOTAL["virtual hours"] += round(self.world.now) // 3600
            if self.walk is not None:
                self.walk.leave()


def test_every_schedule_ends_with_every_file(capsys: pytest.CaptureFixture[str], note: Callable[..., None]) -> None:
    """Whatever strikes when, what is handed out is the run's beginning, each error says where to go on, and going on
    from there gives exactly the rest, in bounded steps and bounded virtual time."""
    with asyncio.Runner() as runner:
        RUNNER[:] = [runner]
        TOTAL.clear()
        run_state_machine_as_test(  # type: ignore[no-untyped-call]
            Schedule, settings=settings(max_examples=SCHEDULES, stateful_step_count=20)
        )
    known = ("schedules", "requests", "faults", "pages", "pages with drift", "errors", "walks left", "walks again")
    with capsys.disabled():
        print(f"\n{', '.join(f'{TOTAL[each]} {each}' for each in known)}; all ended with every file")
    assert TOTAL["schedules"] >= SCHEDULES
    assert TOTAL["faults"] > TOTAL["schedules"]
    note(
        "schedules",
        "random runs, page sizes, clients, policies and faults, taken, left and resumed at random (100 in `make test`, "
        "10,000 in `make thorough`)",
        "every one ended with every file once and in order, by way of errors whose `resume_offset` led on",
    )
