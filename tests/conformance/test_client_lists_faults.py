"""Our client lists the runs of every server that breaks the contract of the list, and comes to one of these ends.

The runs that an honest server lists; a typed error; drift; or a list that cannot be seen to be wrong. The last is
proven each time: an honest server that has just the runs which came gives the same answers to the same requests.
"""

import asyncio
import json
import os
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import msgspec
import pytest
from attrs import define, field
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from run_results import AsyncClient, Client, RetryPolicy, RunStatus, RunSummary
from run_results.errors import RunResultsError
from run_results.events import DriftFound, Event
from run_results_conformance import Token, load_contract, serve
from run_results_conformance.faults import CORRECT, FAULTS, STANDARD_TOKEN, Question, faulty, standard_store
from run_results_conformance.faults.lists.family import WINDOW, lists
from run_results_conformance.server.reference import ReferenceServer
from run_results_conformance.server.run_list import RunQuery, summary
from run_results_conformance.server.runs import MemoryRun, MemoryStore

THOROUGH = os.environ.get("HYPOTHESIS_PROFILE") == "thorough"
MOST = 130  # requests for one list: fifty in a row that bring nothing, and again for each run
PATH = load_contract().operations["list_runs"].path
TOKEN = STANDARD_TOKEN
SECOND = 10**9
HIDDEN = ("app_id", "app_name", "deployment_id", "username")
"""Filters by what the list does not show of a run, or need not."""
STANDARD = standard_store()
RUNS = [run for context, name in STANDARD if context is None and (run := STANDARD.find(name, None))]
RUNS.sort(key=lambda run: run.header["start_timestamp"])
FIRST = RUNS[0].header["start_timestamp"] // SECOND * SECOND


def at_once(number: int, run: Any) -> MemoryRun:
    """The run, in the same second as all others: there only offsets tell the pages apart."""
    start = FIRST + number * 1001
    finish = run.header.get("finish_timestamp") and start + 5 * SECOND + number
    listing = {"app_id": "app-1", "deployment_id": "deployment-1", "batch_id": number, "tags": ["tax"]}
    return MemoryRun({**run.header, "start_timestamp": start, "finish_timestamp": finish}, [], listing=listing)


STORES = {
    "days apart": [MemoryRun(run.header, []) for run in RUNS],
    "at once": [at_once(number, run) for number, run in enumerate(RUNS)],
}


@define
class Watched:
    """An application, and the lists that were asked of it with their answers."""

    app: ASGIApp
    asked: list[tuple[Question, int, bytes]] = field(factory=list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        status, body = 0, b""

        async def note(message: Message) -> None:
            nonlocal status, body
            status = message.get("status", status)
            body += message.get("body", b"")
            await send(message)

        await self.app(scope, receive, note)
        query = scope["query_string"].decode()
        headers = tuple(
            (name.decode(), value.decode()) for name, value in scope["headers"] if name != b"accept-encoding"
        )
        self.asked.append((Question(f"{scope['path']}?{query}", headers=headers), status, body))


@define
class Call:
    """A call of `client.runs`: the window in seconds, the filters, and who asks."""

    since: int
    until: int
    filters: dict[str, Any]
    token: str
    context: str | None


def call_like(question: Question) -> Call:
    """The call that asks what a request asks, as far as the client can: it chooses order and pages, and has a token."""
    query = parse_qs(urlsplit(question.target).query)
    headers = dict(question.headers)
    bounds = [(query.get(name) or [""])[0] for name in WINDOW]
    since, until = (
        int(text if text.isdecimal() else usual) for text, usual in zip(bounds, WINDOW.values(), strict=True)
    )
    filters: dict[str, Any] = {
        name: values if name == "output_workspaces" else values[0]
        for name, values in query.items()
        if name in ("app_id", "app_name", "deployment_id", "username", "run_id", "output_workspaces")
    }
    if "status" in query:
        filters["status"] = [RunStatus(value) for value in query["status"]]
    token = str(headers.get("Authorization", "Bearer wrong")).removeprefix("Bearer ")
    return Call(since, until, filters, token, headers.get("IB-Context"))  # type: ignore[arg-type]


PLAIN = call_like(lists())


@define
class End:
    """What came of a call."""

    runs: list[RunSummary] = field(factory=list)
    error: RunResultsError | None = None
    breaches: list[DriftFound] = field(factory=list)

    def hear(self, event: Event) -> None:
        if isinstance(event, DriftFound) and event.drift.is_breach:
            self.breaches.append(event)


def ask(app: ASGIApp, call: Call, *, is_async: bool) -> End:
    """Make the call. What is not of our family is raised."""
    end = End()
    window = [datetime.fromtimestamp(second, UTC) for second in (call.since, call.until)]
    retry = RetryPolicy(attempts=2, base=0.001, max_retry_after=1.0)
    with serve(app) as served:
        settings: dict[str, Any] = {"base_url": served.url, "token": call.token, "context": call.context}
        settings |= {"retry": retry, "timeout": 60.0, "observe": end.hear}

        async def walk() -> None:
            async with (
                httpx.AsyncClient(trust_env=False, verify=False) as http,
                AsyncClient(http_client=http, **settings) as client,
            ):
                async for run in client.runs(*window, **call.filters):
                    end.runs.append(run)

        try:
            if is_async:
                asyncio.run(walk())
            else:
                with (
                    httpx.Client(trust_env=False, verify=False) as http,
                    Client(http_client=http, **settings) as client,
                ):
                    for run in client.runs(*window, **call.filters):
                        end.runs.append(run)
        except RunResultsError as error:
            end.error = error
    return end


def honest(runs: Sequence[MemoryRun], call: Call) -> list[dict[str, Any]]:
    """The runs that the call asks for. None has the app, deployment, user or workspace of a call."""
    if {*HIDDEN, "output_workspaces"} & call.filters.keys():
        return []
    return [
        summary(run)
        for run in runs
        if call.since * SECOND <= run.header["start_timestamp"] < call.until * SECOND
        and run.header["status"] in call.filters.get("status", [run.header["status"]])
        and run.header["id"] == call.filters.get("run_id", run.header["id"])
    ]


class Elsewhere(ReferenceServer):
    """An honest server that has just these runs, and shows of each just what came; runs of one moment in this order."""

    def __init__(self, runs: Sequence[RunSummary], call: Call, page_size: int) -> None:
        contexts = frozenset([call.context] if call.context else [])
        super().__init__(MemoryStore(), Token(call.token, contexts), page_size=page_size)
        self.listed = [msgspec.to_builtins(run) for run in runs]
        of_call = {name: value for name, value in call.filters.items() if name in HIDDEN}
        self.hidden = of_call | {"output_workspace": name for name in call.filters.get("output_workspaces", ())}  # noqa: B035 - one at most

    def find_runs(self, query: RunQuery, context: str | None) -> list[dict[str, Any]]:
        """A run may have an app that the list does not show: that member is optional."""
        found = [run for run in self.listed if query.fits(MemoryRun(run, [], listing={**self.hidden, **run}))]
        return sorted(found, key=lambda run: run["start_timestamp"])


def is_honest_elsewhere(asked: list[tuple[Question, int, bytes]], end: End, call: Call) -> bool:
    """Whether an honest server that has just the runs which came, on pages of some size, gives these answers."""
    page_size = max([1, *(len(json.loads(body)["runs"]) for _, status, body in asked if status == 200)])

    async def replay() -> bool:
        transport = httpx.ASGITransport(Elsewhere(end.runs, call, page_size))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1", verify=False) as http:
            for question, status, body in asked:
                answer = await http.get(question.target, headers=dict(question.headers))  # type: ignore[arg-type]
                if answer.status_code != status or answer.json() != json.loads(body):
                    return False
        return True

    return asyncio.run(replay())


def in_order(runs: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The runs by start and id."""
    return sorted(runs, key=lambda run: (run["start_timestamp"], run.get("id") or ""))


def end_of(name: str, store: str, call: Call, page_size: int = 3, *, is_async: bool) -> str:
    """What a call comes to: `whole`, `error`, `drift`, `unseen` (see above), or `silent`, which is a loss."""
    runs = STORES[store]
    app = Watched(faulty(name, MemoryStore(runs), TOKEN, page_size=page_size))
    end = ask(app, call, is_async=is_async)
    assert len(app.asked) <= MOST
    names = [run.id for run in end.runs if run.id]
    assert len(names) == len(set(names)), "a run came twice"
    if end.error is not None:
        return "error"
    if end.breaches:
        return "drift"
    came, wanted = [msgspec.to_builtins(run) for run in end.runs], honest(runs, call)
    # On pages of one run, starts within one second cannot be compared: such a page may have come in between.
    if came == wanted or (page_size == 1 and store == "at once" and in_order(came) == in_order(wanted)):
        return "whole"
    return "unseen" if is_honest_elsewhere(app.asked, end, call) else "silent"


NAMES = sorted(fault.name for fault in FAULTS if fault.family == "runs")
VARIANTS = sorted(variant.name for variant in CORRECT if variant.name.startswith("list-"))
CALL_OF = {fault.name: call_like(fault.witness[0]) for fault in FAULTS if fault.family == "runs"}


def ways(number: int) -> list[tuple[str, int, bool]]:
    """The stores, page sizes and clients that a fault meets: in the default run two of them, in turn."""
    found = [(store, size, is_async) for store in STORES for size in (1, 3, 2, 7) for is_async in (False, True)]
    return found if THOROUGH else [found[(number + step) % len(found)] for step in (0, 11)]


@pytest.mark.parametrize("name", NAMES)
def test_no_fault_loses_a_run_in_silence(name: str) -> None:
    """A server that breaks the contract of the list leads to all runs, an error, drift, or what no client can see."""
    for store, page_size, is_async in ways(NAMES.index(name)):
        for call in [PLAIN] if CALL_OF[name] == PLAIN else [PLAIN, CALL_OF[name]]:
            end = end_of(name, store, call, page_size, is_async=is_async)
            assert end != "silent", (store, page_size, call)


OTHER_RUNS = {"list-bare", "list-behind-results", "list-finish-zero", "list-of-nothing", "list-of-own-runs"}
"""Correct servers whose list has fewer runs, or less of each, than the store: they are honest about what they list."""


@pytest.mark.parametrize("name", VARIANTS)
def test_a_correct_server_is_read_whole(name: str) -> None:
    """Whatever a correct server may do, every run that it lists comes once, without an error or a breach."""
    is_offered = not name.startswith("list-not-offered")
    wanted = ("unseen" if name in OTHER_RUNS else "whole") if is_offered else "error"
    for store, page_size, is_async in ways(VARIANTS.index(name)):
        assert end_of(name, store, PLAIN, page_size, is_async=is_async) == wanted, (store, page_size)
