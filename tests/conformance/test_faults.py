"""The catalogue of faults: each shows, each is small, and no correct variant breaks the contract."""

import asyncio
import http.client
import json
import logging
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any

import jsonschema_rs
import pytest
from attrs import frozen
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from run_results_conformance import Contract, MemoryStore, ReferenceServer, load_contract, serve
from run_results_conformance.faults import (
    CORRECT,
    FAMILIES,
    FAULTS,
    STANDARD_CONTEXT,
    STANDARD_PAGE_SIZE,
    STANDARD_TOKEN,
    Fault,
    Question,
    UnknownFault,
    Variant,
    describe,
    faulty,
    standard_store,
)
from run_results_conformance.faults.standard import FLAGS, WALK, asking, flags, from_offset
from run_results_conformance.faults.steps import server_with
from run_results_conformance.faults.wire import SLOW

LEAST = {
    "shape": 80,
    "wire": 30,
    "errors": 35,
    "authentication": 25,
    "inputs": 70,
    "paging": 60,
    "flags": 50,
    "names": 45,
    "state": 25,
    "content": 30,
    "context": 10,
    "stability": 12,
    "memory": 15,
    "runs": 45,
}
HEADERS = ("content-type", "content-encoding", "content-length", "www-authenticate", "allow", "location", "retry-after")
CASES = [pytest.param(fault, id=fault.name) for fault in FAULTS if fault.name != "slow-at-times"]
# Those of the list of runs answer requests for results as the reference server does: test_run_list_check.py has them.
VARIANTS = [pytest.param(variant, id=variant.name) for variant in CORRECT if not variant.name.startswith("list-")]


# --- A client that takes whatever comes ---------------------------------------------------------------------


@frozen(slots=False)
class Seen:
    """An answer as it came: `ended` is False where the connection broke off."""

    status: int
    headers: dict[str, str]
    raw: bytes
    ended: bool

    @property
    def body(self) -> Any:
        return json.loads(self.raw)

    @cached_property
    def meaning(self) -> tuple[object, ...]:
        """What tells two answers apart: neither white space nor the order of keys does."""
        try:
            # repr, because True == 1; decoded here, because json would guess at UTF-16 and byte order marks.
            body: object = repr(
                json.loads(
                    self.raw.decode(),
                    object_pairs_hook=lambda pairs: ("object", sorted(pairs, key=lambda pair: pair[0])),
                    parse_float=lambda text: ("float", text),
                    parse_constant=lambda text: ("constant", text),
                )
            )
        except ValueError:
            body = self.raw
        headers = {name: text for name, text in self.headers.items() if name in HEADERS and name != "content-length"}
        return self.status, headers, body, self.ended


class Client:
    """Asks one server, over as few connections as the server allows."""

    def __init__(self, host: str, port: int) -> None:
        self._connection = http.client.HTTPConnection(host, port, timeout=120)

    def ask(self, question: Question, *headers: tuple[str, str]) -> Seen:
        connection = self._connection
        try:
            connection.putrequest(question.method, question.target, skip_accept_encoding=True)
            for name, value in (*question.headers, *headers):
                connection.putheader(name, value)
            connection.endheaders()
            response = connection.getresponse()
            named = {name.lower(): text for name, text in response.getheaders()}
            try:
                return Seen(response.status, named, response.read(), True)
            except http.client.IncompleteRead as error:
                connection.close()
                return Seen(response.status, named, error.partial, False)
        except http.client.RemoteDisconnected:
            connection.close()
            return Seen(0, {}, b"", False)
        except http.client.HTTPException:
            connection.close()
            raise

    def close(self) -> None:
        self._connection.close()


@contextmanager
def opened(app: ASGIApp) -> Iterator[Client]:
    with serve(app) as served:
        client = Client(served.host, served.port)
        try:
            yield client
        finally:
            client.close()


@pytest.fixture(scope="module")
def store() -> MemoryStore:
    return standard_store()


@pytest.fixture(scope="module")
def honest(store: MemoryStore) -> Iterator[Callable[[Question], Seen]]:
    """Asks the reference server; the same question is asked once."""
    known: dict[Question, Seen] = {}
    with opened(ReferenceServer(store, STANDARD_TOKEN, page_size=STANDARD_PAGE_SIZE)) as client:

        def ask(question: Question) -> Seen:
            if question not in known:
                known[question] = client.ask(question)
                client.close()  # an idle connection would be closed by the server before the next question
            return known[question]

        yield ask


@pytest.fixture(scope="module")
def ask(store: MemoryStore) -> Iterator[Callable[[str, Question], Seen]]:
    """Asks the faulty server of a name. All of them are behind one port, each made at its first question."""
    apps: dict[str, ASGIApp] = {}

    async def dispatch(scope: Scope, receive: Receive, send: Send) -> None:
        name = dict(scope["headers"])[b"x-fault"].decode()
        if name not in apps:
            apps[name] = faulty(name, store, page_size=STANDARD_PAGE_SIZE)
        await apps[name](scope, receive, send)

    with opened(dispatch) as client:

        def ask_one(name: str, question: Question) -> Seen:
            seen = client.ask(question, ("X-Fault", name))
            client.close()  # as above
            return seen

        yield ask_one


@pytest.fixture(scope="module")
def errors_of() -> Callable[[Seen], list[str]]:
    """Where an answer's body leaves the contract's schema of its status."""
    validators: dict[int, jsonschema_rs.Validator] = {}

    def judge(seen: Seen) -> list[str]:
        if seen.status not in validators:
            validators[seen.status] = jsonschema_rs.validator_for(load_contract().validation_schema(seen.status))
        return [f"{error.instance_path}: {error.message}" for error in validators[seen.status].iter_errors(seen.body)]

    return judge


def whole(store: MemoryStore) -> list[tuple[str | None, Any, list[Any]]]:
    """Everything that a store holds: context, header and files of each run."""
    return [
        (context, run.header, list(run.files(0, run.file_count)))
        for context, run_id in store
        if (run := store.find(run_id, context)) is not None
    ]


# --- The catalogue ------------------------------------------------------------------------------------------


class TestCatalogue:
    def test_names(self) -> None:
        """Every fault and every correct variant has a name of its own, in kebab case."""
        names = [each.name for each in (*FAULTS, *CORRECT)]
        assert [name for name, count in Counter(names).items() if count > 1] == []
        assert [name for name in names if not re.fullmatch("[a-z0-9]+(-[a-z0-9]+)*", name)] == []

    def test_families(self) -> None:
        """Every family has its faults, and there are correct variants enough to be wrong about."""
        counts = Counter(fault.family for fault in FAULTS)
        assert tuple(counts) == FAMILIES == tuple(LEAST)
        assert {family: (counts[family], least) for family, least in LEAST.items() if counts[family] < least} == {}
        assert len(CORRECT) >= 24

    def test_sentences(self) -> None:
        """Every breach is one sentence, and no two faults say the same."""
        breaches = [fault.breach for fault in FAULTS]
        assert [text for text in breaches if not text.endswith(".") or " " not in text] == []
        assert [text for text, count in Counter(breaches).items() if count > 1] == []
        assert all(variant.reason and variant.family == "correct" for variant in CORRECT)

    def test_describe(self) -> None:
        """The catalogue can be listed, in words only."""
        listed = list(describe())
        assert len(listed) == len(FAULTS) + len(CORRECT)
        assert all(isinstance(text, str) for each in listed for text in each.values())
        assert {"name", "family", "level", "needs", "breach"} == listed[0].keys()

    def test_by_name(self, store: MemoryStore) -> None:
        """A server is made by the fault's name; a name that nothing has is an error that knows near ones."""
        assert callable(faulty("has-more-late", store))
        assert callable(faulty("chunked", store, "a-token", page_size=2))
        with pytest.raises(UnknownFault, match=r"'has-more-lat'; similar: .*has-more-late"):
            faulty("has-more-lat", store)

    def test_unknown_step(self) -> None:
        """A fault in a step that the reference server does not have is an error when it is written."""
        with pytest.raises(ValueError, match="no step has_less"):
            server_with(has_less=lambda *_: True)


class TestStandardStore:
    def test_every_part_occurs(self, contract: Contract, honest: Callable[[Question], Seen]) -> None:
        """Every property of the contract's answer occurs in the standard run, and no array of it is always empty."""
        missing: list[str] = []

        def look(node: Any, values: list[Any], path: str) -> None:
            schema = contract.resolve(node)
            for branch in schema.get("anyOf", ()):
                look(branch, [value for value in values if isinstance(value, dict)], path) if "$ref" in branch else None
            for name, part in schema.get("properties", {}).items():
                found = [value[name] for value in values if name in value and value[name] is not None]
                if not found:
                    missing.append(f"{path}/{name}")
                look(part, found, f"{path}/{name}")
            if "items" in schema:
                members = [member for value in values for member in value]
                if not members:
                    missing.append(f"{path}/*")
                look(schema["items"], members, f"{path}/*")

        pages = [honest(question).body for question in WALK]
        look(contract.answer_schema, pages, "")
        assert missing == ["/message"]  # a complete run has nothing to say; a failed one does
        assert len(pages) == 5
        assert [page["has_more"] for page in pages] == [True, True, True, True, False]

    def test_same_at_every_call(self) -> None:
        """The store holds the same runs whenever it is made: every status, several sizes, three contexts."""
        assert whole(standard_store()) == whole(standard_store())
        held = whole(standard_store())
        assert {header["status"] for _, header, _ in held} == {
            "CANCELLED", "COMPLETE", "FAILED", "PAUSED", "RUNNING", "STOPPED_AT_CHECKPOINT",
        }  # fmt: skip
        assert {0, 1, 6, 14} <= {len(files) for _, _, files in held}
        assert {None, STANDARD_CONTEXT} < {context for context, _, _ in held}

    def test_runs_are_right(self, contract: Contract, store: MemoryStore) -> None:
        """Every run of the store is what a store may hold."""
        validator = jsonschema_rs.validator_for(contract.run_schema)
        for context, run_id in store:
            run = store.find(run_id, context)
            assert run is not None
            whole = {**run.header, "files": list(run.files(0, run.file_count))}
            assert [error.message for error in validator.iter_errors(whole)] == []


ANYTHING = (
    asking("run-empty", flags()),
    asking("run-single", flags()),
    asking("run-names", f"{flags()}&file_offset=3"),
    asking("run-names", "file_offset=6"),
    asking("run-at-checkpoint"),
    asking(query="file_offset=14"),
    asking(query="file_offset=-1"),
    asking("no-such-run", authorization=None),
)
"""Questions of many kinds."""


# --- Every fault --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", CASES)
def test_shows(
    fault: Fault,
    ask: Callable[[str, Question], Seen],
    honest: Callable[[Question], Seen],
    errors_of: Callable[[Seen], list[str]],
) -> None:
    """A fault shows in the answer to one of its own questions; one of shape breaks the schema."""

    def shows(seen: Seen, right: Seen) -> bool:
        return seen.meaning != right.meaning and (fault.family != "shape" or bool(errors_of(seen)))

    assert any(shows(ask(fault.name, question), honest(question)) for question in fault.witness)


def test_slow_at_times_is_slow(store: MemoryStore) -> None:
    """The one fault that no answer shows: the ninetieth takes its seconds."""
    with opened(faulty("slow-at-times", store, page_size=STANDARD_PAGE_SIZE)) as client:
        for _ in range(89):
            assert client.ask(asking("run-empty")).status == 200
        started = time.monotonic()
        assert client.ask(asking("run-empty")).status == 200
        assert time.monotonic() - started >= SLOW


def test_deliberate(store: MemoryStore, caplog: pytest.LogCaptureFixture) -> None:
    """No fault is a crash of the program, whatever is asked, and none changes the store."""
    crashed: list[str] = []

    async def receive() -> Message:
        return {"type": "http.request"}

    async def send(message: Message) -> None:
        pass

    async def ask(app: ASGIApp, question: Question) -> None:
        path, _, query = question.target.partition("?")
        headers = [
            (name.lower().encode(), value.encode() if isinstance(value, str) else value)
            for name, value in question.headers
        ]
        scope = {"type": "http", "method": question.method, "headers": headers, "server": ("127.0.0.1", 80)}
        scope |= {"path": path, "raw_path": path.encode(), "query_string": query.encode()}
        await app(scope, receive, send)

    async def ask_all() -> None:
        for fault in FAULTS:
            app = faulty(fault.name, store, page_size=STANDARD_PAGE_SIZE)
            for question in (*fault.witness[:2], *ANYTHING):
                await ask(app, question)
            if caplog.records:
                crashed.append(fault.name)
                caplog.clear()

    with caplog.at_level(logging.ERROR):
        asyncio.run(ask_all())
    assert crashed == []
    assert whole(store) == whole(standard_store())


@pytest.mark.parametrize("fault", [case for case in CASES if str(case.id).endswith("-late")])
def test_late_ones_are_late(
    fault: Fault, ask: Callable[[str, Question], Seen], honest: Callable[[Question], Seen]
) -> None:
    """A fault that is said to come late is not there on the first page."""
    first = asking(query=flags())
    assert ask(fault.name, first).meaning == honest(first).meaning


# --- Every correct variant ----------------------------------------------------------------------------------

BATTERY = (
    *(asking(run_id) for context, run_id in standard_store() if context is None),
    *(asking(query=flags(name)) for name in FLAGS),
    asking(context=STANDARD_CONTEXT),
    asking(context="globex"),
    asking("no-such-run"),
    asking("x" * 300),
    asking(target="/v2/apps/runs/%FF/results"),
    asking(target="/"),
    asking(authorization=None),
    asking(authorization="Bearer wrong"),
    *from_offset(-1, 14, 2**63 - 1, 2**63, "9" * 9000),
    asking(query="include_source_info=maybe"),
    asking(method="HEAD"),
    asking(method="POST"),
)


# Their difference is in no answer to the battery as it is asked here.
UNSEEN = {
    *("slow", "entity-tags", "gzip-when-accepted"),
    *("slash-redirected", "range-answered", "reviewed-meanwhile"),
}


@pytest.mark.parametrize("variant", VARIANTS)
def test_correct(
    variant: Variant,
    store: MemoryStore,
    honest: Callable[[Question], Seen],
    errors_of: Callable[[Seen], list[str]],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A correct variant differs from the reference server, every answer of it keeps the contract, and a walk
    gives every file once, in order, with its names.
    """
    differs = variant.name in UNSEEN

    def held(question: Question) -> Seen:
        nonlocal differs
        seen, right = client.ask(question), honest(question)
        if seen.status == 429:
            assert seen.headers["retry-after"] == "0"
            assert errors_of(seen) == []
            seen = client.ask(question)
        differs = differs or seen != right
        assert seen.ended
        assert re.fullmatch(r"(?i)application/json(; ?charset=\"?utf-8\"?)?", seen.headers["content-type"])
        assert ("www-authenticate" in seen.headers) is (seen.status == 401) is (right.status == 401)
        assert "bearer" in seen.headers.get("www-authenticate", "bearer").lower()
        if question.method == "HEAD":
            assert seen.raw == b""
            assert seen.status in (200, 405)
        else:
            assert (seen.status == 200) is (right.status == 200)
            assert variant.name == "status-new" or errors_of(seen) == []
        return seen

    def names(files: list[Any]) -> list[tuple[str, list[str]]]:
        documents = ((file["original_file_name"], file["documents"]) for file in files)
        return [
            (name, [each["field_name"] for part in parts for each in part.get("fields", ())])
            for name, parts in documents
        ]

    walked: list[Any] = []
    with caplog.at_level(logging.ERROR), opened(faulty(variant.name, store, page_size=STANDARD_PAGE_SIZE)) as client:
        for question in BATTERY:
            held(question)
        for _ in range(20):
            page = held(asking(query=f"{flags()}&file_offset={len(walked)}")).body
            assert page["files"]
            walked += page["files"]
            if not page["has_more"]:
                break
    assert names(walked) == names([file for question in WALK for file in honest(question).body["files"]])
    assert caplog.records == []
    assert differs
