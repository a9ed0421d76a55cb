"""Nothing that can be seen of the whole catalogue shows the token or the context."""

import logging
import traceback
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any

import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from run_results import AsyncClient, Client, RetryPolicy, errors
from run_results.include import Include
from run_results.options import settle
from run_results.request import request
from run_results_conformance.faults.network import SITUATIONS

from .kit import CONTEXT, POLICY, RUN_ID, TOKEN, Outcome, serving, walk, walk_in
from .test_rows import WANTED

Note = Callable[..., None]
SECRETS = {"token": TOKEN, "context": CONTEXT}
# Where these tests and the machinery that runs them have frames, their locals are their own.
OURS = ("/run_results/", "/run_results_api/", "/httpx/", "/httpcore/", "/anyio/", "/asyncio/", "/h11/")
# Servers that send back what they were sent. A context is no secret between server and client: it may come back.
ECHOES = tuple(name for name in SITUATIONS if name.startswith("echo"))
WHAT = {
    "everything that is shown": "log records of all libraries at DEBUG, events, spans, drift, errors with their chain, "
    "attributes and traceback",
    "locals": "the locals of every frame of the client and its libraries, in all tracebacks",
}
SWEPT: dict[str, set[str]] = {"everything that is shown": set(), "locals": set(), "situations": set()}


def shown(error: BaseException, *, with_locals: bool = False) -> Iterator[tuple[str, str]]:
    """Everything that an exception and its chain show: where, and what."""
    under_way: list[tuple[str, BaseException | None]] = [("error", error)]
    seen: set[int] = set()
    while under_way:
        where, each = under_way.pop()
        if each is None or id(each) in seen:
            continue
        seen.add(id(each))
        yield f"{where}: str", str(each)
        yield f"{where}: repr", repr(each)
        yield f"{where}: attributes", repr(vars(each)) + str(vars(each))
        yield f"{where}: arguments", repr(each.args)
        yield f"{where}: traceback", "".join(traceback.format_exception(each))
        if with_locals:
            yield from _locals(where, each.__traceback__)
        under_way += [(f"{where}.__cause__", each.__cause__), (f"{where}.__context__", each.__context__)]


def _locals(where: str, trace: TracebackType | None) -> Iterator[tuple[str, str]]:
    """The locals of the frames of the client and its libraries, as tools that report errors show them."""
    for frame, _ in traceback.walk_tb(trace):
        if any(part in frame.f_code.co_filename for part in OURS):
            summary = traceback.StackSummary.extract(iter([(frame, frame.f_lineno)]), capture_locals=True)
            for name, text in (summary[0].locals or {}).items():
                yield f"{where}: local {name} of {frame.f_code.co_qualname}", text


def find(texts: list[tuple[str, str]], secrets: dict[str, str] = SECRETS) -> set[str]:
    """The places where a secret stands."""
    return {f"{what} in {where}" for where, text in texts for what, secret in secrets.items() if secret in text}


def watch(
    name: str, asynchronous: bool, spans: InMemorySpanExporter, caplog: pytest.LogCaptureFixture
) -> tuple[Outcome, list[tuple[str, str]]]:
    """Walk into a situation with everything switched on, and collect all that can be seen of it."""
    events: list[Any] = []
    wanted = WANTED[name]
    spans.clear()
    caplog.clear()
    settings = {"retry": RetryPolicy(attempts=2, draw=POLICY.draw), "context": CONTEXT, **wanted.settings}
    if SITUATIONS[name].row == "time":
        settings["timeout"] = 0.15
    with caplog.at_level(logging.DEBUG):
        serve = {"first": wanted.first, "context": CONTEXT}
        outcome, server = walk_in(name, asynchronous, serve, observe=events.append, **settings)
    if SITUATIONS[name].act and not SITUATIONS[name].connect:
        sent = server.requests[0].headers
        assert (sent["authorization"], sent["ib-context"]) == (f"Bearer {TOKEN}", CONTEXT)
    texts = [(f"log record of {record.name}", f"{record.getMessage()} {record.args!r}") for record in caplog.records]
    texts += [(f"event {type(event).__name__}", f"{event!r} {event}") for event in events]
    for span in spans.get_finished_spans():
        texts.append((f"span {span.name}", span.to_json()))
    texts += [("drift", f"{place!r} {place}") for found in outcome.drift for place in found]
    if outcome.error is not None:
        texts += shown(outcome.error)
    assert texts
    return outcome, texts


@pytest.mark.parametrize("name", [name for name in SITUATIONS if name not in ECHOES])
def test_nothing_shows_the_token_or_the_context(
    name: str, asynchronous: bool, spans: InMemorySpanExporter, caplog: pytest.LogCaptureFixture
) -> None:
    """Log records of all libraries at DEBUG, events, spans, drift, and errors with all that hangs on them."""
    outcome, texts = watch(name, asynchronous, spans, caplog)
    inside = find(list(shown(outcome.error, with_locals=True)), {"token": TOKEN}) if outcome.error else set()
    SWEPT["situations"].add(name)
    SWEPT["everything that is shown"] |= find(texts)
    SWEPT["locals"] |= inside
    assert find(texts) == set()
    assert inside == set()


@pytest.mark.parametrize("name", ECHOES)
def test_a_server_that_sends_the_token_back_does_not_get_it_shown(
    name: str, asynchronous: bool, note: Note, spans: InMemorySpanExporter, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever is made of such an answer by us is free of the token; httpcore's own DEBUG records are not ours."""
    outcome, texts = watch(name, asynchronous, spans, caplog)
    ours = [(where, text) for where, text in texts if where != "log record of httpcore.http11"]
    if outcome.error is not None:
        ours += shown(outcome.error, with_locals=True)
    found = find(ours, {"token": TOKEN})
    theirs = find([text for text in texts if text not in ours], {"token": TOKEN})
    observed = "not shown by us" if not found else f"**shown in {', '.join(sorted(found))}**"
    if theirs:
        observed += "; httpcore's own record of the answer's headers, at DEBUG, has it"
    note("discretion", f"`{name}`: {SITUATIONS[name].what}", observed)
    assert found == set()


def test_the_whole_catalogue_was_looked_at(note: Note) -> None:
    """Each situation is looked at by one of the two tests above, and nothing was found in any."""
    assert set(ECHOES) < SITUATIONS.keys()
    if SWEPT["situations"] == SITUATIONS.keys() - set(ECHOES):  # else only some of the tests were run
        for what, secrets in (("everything that is shown", "neither token nor context"), ("locals", "no token")):
            found = ", ".join(sorted(SWEPT[what]))
            note(
                "discretion",
                f"{WHAT[what]}; {len(SWEPT['situations'])} situations",
                f"**{found}**" if found else secrets,
            )
    assert SWEPT["everything that is shown"] | SWEPT["locals"] == set()


@pytest.mark.parametrize("name", ["status-404", "another-run"])
def test_locals_in_tracebacks_do_not_show_the_context(name: str, asynchronous: bool, note: Note) -> None:
    """Tools that report errors capture locals: whether the context is among them."""
    wanted = WANTED[name]
    with serving(name, first=wanted.first, context=CONTEXT) as server:
        outcome = walk(server.url, asynchronous, context=CONTEXT, **wanted.settings)
    assert outcome.error is not None
    found = find(list(shown(outcome.error, with_locals=True)), {"context": CONTEXT})
    note(
        "discretion",
        f"the locals of the client's frames, in the traceback of `{name}`",
        "the context is not shown" if not found else f"the context stands in {len(found)} of them",
    )
    assert found == set()


def test_every_object_is_safe_to_paste(note: Note) -> None:
    """The repr of client, options, sender, policy, request and page show neither token nor context."""
    settings: dict[str, Any] = {"token": TOKEN, "context": CONTEXT, "base_url": "http://127.0.0.1:9"}
    options = settle(**settings)
    client, asynchronous = Client(**settings), AsyncClient(**settings)
    rotating = Client(**{**settings, "token": lambda: TOKEN})
    asked = request(options, RUN_ID, 0, Include.NONE)
    objects = [
        *(options, options.current_token(), POLICY, asked, rotating._options),
        *(part for each in (client, asynchronous, rotating) for part in (each, each._sender, each._budget)),
    ]
    texts = [(type(each).__name__, f"{each!r} {each}") for each in objects]
    found = find(texts)
    note("discretion", "the repr of every object", "neither" if not found else f"shown: {', '.join(sorted(found))}")
    assert found == set()


def test_errors_survive_pickling_without_the_token(asynchronous: bool) -> None:
    """An error that is sent to another process takes all that it knows along, and no secret."""
    import pickle

    with serving("echo-500", context=CONTEXT) as server:
        outcome = walk(server.url, asynchronous, context=CONTEXT)
    packed = pickle.dumps(outcome.error)
    again = pickle.loads(packed)
    assert TOKEN.encode() not in packed
    assert isinstance(outcome.error, errors.ServerError)
    assert vars(again) == vars(outcome.error)
    assert type(again) is type(outcome.error)
