"""Nothing that can be seen of the whole catalogue shows the token or the context."""

import asyncio
import http.server
import json
import logging
import threading
import traceback
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from tests.test_secret import SPELLINGS

from run_results import AsyncClient, Client, RetryPolicy, errors
from run_results.cli.commands import run
from run_results.include import Include
from run_results.options import settle
from run_results.request import request
from run_results_conformance.faults.network import SITUATIONS

from .kit import CONTEXT, POLICY, RUN_ID, THOROUGH, TOKEN, Outcome, serving, walk, walk_in
from .test_rows import WANTED

Note = Callable[..., None]
SECRETS = {"token": TOKEN, "context": CONTEXT}
# Where these tests and the machinery that runs them have frames, their locals are their own.
OURS = ("/run_results/", "/run_results_api/", "/httpx/", "/httpcore/", "/anyio/", "/asyncio/", "/h11/")
# Servers that send back what they were sent. A context is no secret between server and client: it may come back.
ECHOES = tuple(name for name in SITUATIONS if name.startswith("echo"))
QUIET = [name for name in SITUATIONS if name not in ECHOES]
EACH = [(name, asynchronous) for name in QUIET for asynchronous in (False, True)]
BY_TURNS = EACH[::4] + EACH[3::4]  # each situation with one of the clients
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


@pytest.mark.parametrize(("name", "asynchronous"), EACH if THOROUGH else BY_TURNS, indirect=["asynchronous"])
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


# --- Every spelling, on every surface -------------------------------------------------------------------------

# It has what JSON, percent-encoding, HTML and base64 each write in another way.
SPELLED = "AbC/dEf+gh&i<j'k=="
SHOWN_RUN = "run-of-echoes"


def leaks(texts: Iterable[tuple[str, str]], spelled: str) -> set[str]:
    """Where the token stands, or a piece of it as it was spelled."""
    pieces = {SPELLED, *(spelled[start : start + 16] for start in range(len(spelled) - 15))}
    return {f"{piece!r} in {where}" for where, text in texts for piece in pieces if piece in text}


def echoing_page(echo: str) -> str:
    """A page that has the echo, given as JSON writes it, wherever a text may stand."""
    field = f"""{{"field_name": "{echo}", "value": "{echo}", "type": "{echo}", "error_msg": "{echo}"}}"""
    document = f"""{{"class_name": "{echo}", "fields": [{field}], "{echo}": 1}}"""
    file = f"""{{"original_file_name": "{echo}", "input_file_path": "a/{echo}", "documents": [{document}]}}"""
    return f"""{{"id": "{SHOWN_RUN}", "status": "COMPLETE", "message": "{echo}", "batch_id": "{echo}",
        "start_timestamp": "{echo}", "keys": {{"custom": {{"{echo}": "{echo}"}}}}, "{echo}": "{echo}",
        "has_more": false, "files": [{file}]}}"""


@pytest.fixture
def echoing() -> Iterator[Callable[[int, str], str]]:
    """A server that answers every request with one status and body; gives its base URL."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = self.server.answer  # type: ignore[attr-defined]
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Print nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()

        def echo(status: int, body: str) -> str:
            server.answer = status, body.encode()  # type: ignore[attr-defined]
            return f"http://127.0.0.1:{server.server_port}"

        yield echo
        server.shutdown()


def in_json(spelling: str) -> str:
    """What a server writes into a string of JSON that spells the token so."""
    spelled = SPELLINGS[spelling](SPELLED)
    return f"no {spelled} here" if "JSON" in spelling else json.dumps(f"no {spelled} here")[1:-1]


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_no_spelling_of_the_token_is_shown_by_the_library(
    spelling: str,
    asynchronous: bool,
    echoing: Callable[[int, str], str],
    spans: InMemorySpanExporter,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Errors with all that hangs on them, spans, events, our log, and pages with their models, drift and bytes."""
    echo, events, texts = in_json(spelling), list[Any](), list[tuple[str, str]]()
    settings: dict[str, Any] = {"token": SPELLED, "retry": RetryPolicy(attempts=2, base=0), "observe": events.append}

    async def ask_in_task(url: str, strict: bool) -> Any:
        async with AsyncClient(base_url=url, strict=strict, **settings) as client:
            return [page async for page in client.pages(SHOWN_RUN, include="all")]

    def ask(url: str, *, strict: bool = False) -> Any:
        if asynchronous:
            return asyncio.run(ask_in_task(url, strict))
        with Client(base_url=url, strict=strict, **settings) as client:
            return list(client.pages(SHOWN_RUN, include="all"))

    spans.clear()
    with caplog.at_level(logging.DEBUG, logger="run_results"):
        (page,) = ask(echoing(200, echoing_page(echo)))
        assert "[token]" in page.run.message
        texts += [("run", repr(page.run)), ("body", page.body.decode()), ("raw", repr(page.raw)), ("page", repr(page))]
        texts += [("drift", f"{place!r} {place}") for place in page.drift]
        refusals = [(status, f'{{"message": "{echo}"}}') for status in (401, 404, 500)]
        for status, body in [*refusals, (500, echo), (200, f'"{echo}"'), (200, echo), (200, f'["{echo}"]')]:
            with pytest.raises(errors.RunResultsError) as caught:
                ask(echoing(status, body))
            texts += shown(caught.value, with_locals=True)
        with pytest.raises(errors.ContractError) as caught_strict:
            ask(echoing(200, echoing_page(echo)), strict=True)
        texts += shown(caught_strict.value, with_locals=True)
    texts += [(record.name, record.getMessage()) for record in caplog.records if record.name == "run_results"]
    texts += [(type(event).__name__, f"{event!r} {event}") for event in events]
    texts += [("span", span.to_json()) for span in spans.get_finished_spans()]
    assert leaks(texts, SPELLINGS[spelling](SPELLED)) == set()


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_no_spelling_of_the_token_is_shown_by_the_command_line(
    spelling: str,
    echoing: Callable[[int, str], str],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    """What the commands print, with the log, and the files that they write: exports of each format, and the report."""
    echo = in_json(spelling)
    url = echoing(200, echoing_page(echo))
    monkeypatch.setenv("RUN_RESULTS_TOKEN", SPELLED)
    commands: list[list[str]] = [["status"], ["fetch", "--include", "all"]]
    places = ["out.csv", "out.jsonl", "folder", "report.html"]
    commands += [["report" if "html" in place else "export", "-o", str(tmp_path / place)] for place in places]
    for command in commands:
        assert run(["-v", "--base-url", url, command[0], SHOWN_RUN, *command[1:]]) == 0
    for status in (401, 404):
        echoing(status, f'{{"message": "{echo}"}}')
        assert run(["-v", "--base-url", url, "status", SHOWN_RUN]) == 3
    printed = capfd.readouterr()
    texts = [("stdout", printed.out), ("stderr", printed.err)]
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(written) > len(places)
    texts += [(path.name, path.read_bytes().decode("latin-1")) for path in written]
    assert leaks(texts, SPELLINGS[spelling](SPELLED)) == set()
    assert printed.out.count("[token]") > 1
