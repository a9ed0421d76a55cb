"""Each row of the table, against a server whose fault comes twice, or stays, with both clients."""

import logging
import re
import ssl
from collections.abc import Callable, Iterable
from functools import reduce
from operator import getitem
from typing import Any

import pytest
from attrs import evolve, field, frozen

from run_results import UNSET, AsyncClient, Client, Drift, RetryPolicy, RunResults, errors
from run_results_conformance.faults.network import ROWS, SITUATIONS
from run_results_conformance.server.runs import MemoryRun

from .kit import (
    CONTEXT,
    NAMES,
    PATIENCE,
    POLICY,
    RUN_ID,
    TOKEN,
    Outcome,
    check_left_clean,
    check_resume,
    serving,
    settings_for,
    tell,
    walk,
    walk_in,
)

Note = Callable[..., None]
pytestmark = pytest.mark.usefixtures("library")
MESSAGE = "The server says {}."


@frozen
class Wanted:
    """What a lasting situation must come to; no error means that every file comes all the same."""

    error: type[errors.RunResultsError] | None = None
    attempts: int | None = None
    also: dict[str, Any] = field(factory=dict)
    """Further attributes of the error."""
    requests: int | None = None
    resume: int = 3
    settings: dict[str, Any] = field(factory=dict)
    first: int = 1


def broken(error: type[errors.RunResultsError] = errors.ConnectionFailedError, **more: Any) -> Wanted:
    """Tried three times."""
    return Wanted(error, attempts=3, **more)


def refused(status: int, error: type[errors.StatusError], *, attempts: int = 1, **also: Any) -> Wanted:
    """The status, and what the server says of it."""
    said = {"server_message": MESSAGE.format(status), "request_id": "request-4711"}
    return Wanted(error, attempts=attempts, also={"status": status, **said, **also})


def without_message(status: int, error: type[errors.StatusError], attempts: int = 1) -> Wanted:
    return Wanted(error, attempts=attempts, also={"status": status, "server_message": None})


def paging(error: type[errors.RunResultsError], **more: Any) -> Wanted:
    """Not asked again: the same page would come again."""
    return Wanted(error, requests=2, **more)


PASSING = {408: errors.StatusError, 429: errors.TooManyRequestsError} | dict.fromkeys(
    (500, 502, 503, 504), errors.ServerError
)
# Waits of 0.5, 1, 2, 4, 8, 16 and 20 seconds fit the patience; each takes at least a second of it.
PATIENT = 8
TRIED = dict.fromkeys(PASSING, 3) | {429: PATIENT}
SMALL = {"max_body_bytes": 1_000_000}
SHORT = {"timeout": 0.15, "retry": RetryPolicy(attempts=1)}
LATE = Wanted(errors.DeadlineExceededError, attempts=1, settings=SHORT, first=0, resume=0)
# Longer than from byte to byte: no time-out of a single read ends such an answer.
DRIPPING = evolve(LATE, settings={**SHORT, "timeout": 0.6})

WANTED: dict[str, Wanted] = {
    # connection
    **{name: broken() for name in ("refused", "reset-at-once", "closed-at-once")},
    **{name: broken() for name in ("reset-before-answer", "closed-before-answer", "closed-in-headers")},
    **{name: broken() for name in ("reset-before-body", "reset-in-body", "closed-in-body", "closed-in-chunks")},
    **{name: broken() for name in ("closed-in-gzip", "no-http")},
    "kept-alive-closed": Wanted(requests=5),
    "kept-alive-ended": Wanted(requests=3),
    "truncated-json": broken(errors.MalformedResponseError),
    "truncated-unmarked": broken(errors.MalformedResponseError),
    **{f"status-{status}-json": refused(status, error, attempts=TRIED[status]) for status, error in PASSING.items()},
    **{f"status-{status}-html": without_message(status, error, TRIED[status]) for status, error in PASSING.items()},
    # retry-after
    "retry-after-seconds": refused(429, errors.TooManyRequestsError, attempts=36, retry_after=2.0),
    "retry-after-date": refused(503, errors.ServerError, attempts=3),
    "retry-after-past": refused(503, errors.ServerError, attempts=PATIENT, retry_after=0.0),
    "retry-after-absurd": refused(429, errors.TooManyRequestsError, retry_after=3600.0),
    "retry-after-absurd-date": refused(503, errors.ServerError),
    "retry-after-garbage": refused(503, errors.ServerError, attempts=3, retry_after=None),
    "retry-after-negative": refused(503, errors.ServerError, attempts=3, retry_after=None),
    "retry-after-endless": refused(503, errors.ServerError),
    # status
    "status-400": refused(400, errors.BadRequestError),
    "status-401": refused(401, errors.UnauthorizedError),
    "status-403": refused(403, errors.ForbiddenError),
    "status-404": refused(404, errors.NotFoundError),
    "status-418": refused(418, errors.StatusError),
    "status-422": refused(422, errors.BadRequestError),
    "status-520": refused(520, errors.ServerError),
    "status-404-html": without_message(404, errors.NotFoundError),
    "status-204": without_message(204, errors.StatusError),
    "status-206": without_message(206, errors.StatusError),
    "status-300": refused(300, errors.RedirectRefusedError),
    "status-304": without_message(304, errors.RedirectRefusedError),
    # time
    **{name: LATE for name in SITUATIONS if SITUATIONS[name].row == "time"},
    "drip-body": DRIPPING,
    "drip-headers": DRIPPING,
    "endless-headers": broken(first=0, resume=0),
    # body
    "endless-body": Wanted(errors.ResponseTooLargeError, attempts=1, settings=SMALL),
    "gzip-bomb": Wanted(errors.ResponseTooLargeError, attempts=1, settings=SMALL),
    "deflate-bomb": Wanted(errors.ResponseTooLargeError, attempts=1, settings=SMALL),
    "huge-string": Wanted(errors.ResponseTooLargeError, attempts=1, settings=SMALL),
    "endless-error-body": without_message(500, errors.ServerError, 3),
    "gzip-bomb-500": without_message(500, errors.ServerError, 3),
    "deep-json": broken(errors.MalformedResponseError),
    "deep-json-500": without_message(500, errors.ServerError, 3),
    **{name: broken(errors.MalformedResponseError) for name in ("invalid-utf-8", "html-as-json", "empty-body")},
    **{
        name: Wanted(requests=3)
        for name in ("byte-order-mark", "invalid-utf-8-unread", "media-type-wrong", "media-type-missing")
    },
    "json-array": paging(errors.ContractError),
    "gzip-broken": broken(),
    "coding-unknown": Wanted(errors.ConnectionFailedError, attempts=1),
    # redirect
    "redirect-elsewhere": Wanted(errors.RedirectRefusedError, attempts=1, also={"status": 302}),
    "redirect-loop": Wanted(errors.RedirectRefusedError, attempts=1, also={"status": 307}),
    "redirect-to-http": Wanted(errors.RedirectRefusedError, attempts=1, also={"status": 301}),
    # paging
    "more-without-files": paging(errors.OffsetDidNotAdvance),
    "page-again": paging(errors.PageRepeated),
    "pages-in-turn": Wanted(errors.PageRepeated, requests=3, resume=6, first=0),
    "pages-overlap": paging(errors.FilesRepeated),
    "offset-ignored": paging(errors.PageRepeated),
    "another-run": paging(errors.RunMismatch),
    **{name: paging(errors.RunChanged) for name in ("status-changes", "finish-time-changes", "batch-changes")},
    **{name: paging(errors.UnusablePageError) for name in ("has-more-missing", "has-more-null", "has-more-text")},
    **{name: paging(errors.UnusablePageError) for name in ("files-missing", "files-null")},
    # drift: from the first page on, so that the run does not change
    **{name: Wanted(first=0, requests=3) for name in SITUATIONS if SITUATIONS[name].row == "drift"},
    # token
    "token-run-out": refused(401, errors.UnauthorizedError),
    "echo-401": Wanted(errors.UnauthorizedError, attempts=1),
    "echo-500": broken(errors.ServerError),
    "echo-200": broken(errors.MalformedResponseError),
    "echo-in-headers": broken(errors.ServerError),
    "echo-in-redirect": Wanted(errors.RedirectRefusedError, attempts=1),
    "echo-as-drift": Wanted(),
    "echo-as-id": paging(errors.RunMismatch),
    "echo-as-coding": Wanted(errors.ConnectionFailedError, attempts=1),
}


def test_every_situation_is_wanted_for_something() -> None:
    """The table of this file names each situation of the catalogue, and the catalogue each row."""
    assert WANTED.keys() == SITUATIONS.keys()
    assert {situation.row for situation in SITUATIONS.values()} == ROWS.keys()


def of(*rows: str, but: tuple[str, ...] = ()) -> Any:
    """The situations of these rows, one after the other."""
    names = [name for name, situation in SITUATIONS.items() if situation.row in rows and name not in but]
    return pytest.mark.parametrize("name", names)


def strike_for_ever(name: str, asynchronous: bool, note: Note, tls: Any = None, **settings: Any) -> Outcome:
    """Walk into a lasting situation, and hold what comes of it against the table."""
    wanted = WANTED[name]
    settings = {"context": CONTEXT, **wanted.settings, **settings}
    outcome, server = walk_in(name, asynchronous, {"first": wanted.first, "context": CONTEXT, "tls": tls}, **settings)
    requests = server.requests
    note(SITUATIONS[name].row, name, outcome.told(), "the fault stays")
    check_outcome(outcome, wanted, asynchronous)
    if wanted.requests is not None:
        assert len(requests) == wanted.requests
    elif wanted.attempts is not None and not SITUATIONS[name].connect and SITUATIONS[name].act:
        assert len(requests) == (wanted.attempts if wanted.first == 0 else 1 + wanted.attempts)
    assert all(request.headers["authorization"] == f"Bearer {TOKEN}" for request in requests)
    return outcome


def check_outcome(outcome: Outcome, wanted: Wanted, asynchronous: bool) -> None:
    """The right class, with the right attributes, and a way to go on."""
    error = outcome.error
    assert type(error) is (wanted.error or type(None)), repr(error)
    if error is not None:
        assert (error.offset, error.resume_offset) == (wanted.resume, wanted.resume)
        attributes = {"attempts": wanted.attempts, **wanted.also} if wanted.attempts is not None else wanted.also
        assert {name: getattr(error, name) for name in attributes} == attributes
        assert len(getattr(error, "excerpt", "")) <= 500
        assert len(str(error)) < 1000
    check_resume(outcome, asynchronous)


def strike_at_times(
    name: str, asynchronous: bool, note: Note, times: int = 2, first: int = 1, **settings: Any
) -> Outcome:
    """Walk through a situation that passes: every file comes, within a time-out that an honest answer can keep."""
    short = settings.get("timeout")
    for patience in PATIENCE:
        if short is not None:
            settings["timeout"] = short * patience
        with serving(name, first=first, times=times) as server:
            outcome = walk(server.url, asynchronous, **settings)
            check_left_clean(server)
            number = len(server.requests)
        if short is None or outcome.error is None:
            break
    note(SITUATIONS[name].row, name, outcome.told(), "the fault comes twice")
    assert outcome.error is None
    assert outcome.names == NAMES
    assert number >= 3
    return outcome


# --- Connection ---------------------------------------------------------------------------------------------

OF_CONNECTIONS = ("refused", "reset-at-once", "closed-at-once", "kept-alive-ended")


@of("connection", but=OF_CONNECTIONS)
def test_what_breaks_twice_is_asked_again(name: str, asynchronous: bool, note: Note) -> None:
    """A broken connection, half a body or a passing status is asked again after a wait, and then every file comes."""
    outcome = strike_at_times(name, asynchronous, note)
    # A fresh connection cannot be a stale one: where that is the fault, the second attempt is not struck.
    assert outcome.waits == ([0.5] if name == "kept-alive-closed" else [0.5, 1.0])


@of("connection", but=("refused", "reset-at-once", "closed-at-once"))
def test_what_stays_broken_is_one_error(name: str, asynchronous: bool, note: Note) -> None:
    """After the policy's attempts there is one typed error, which says what is known and from where to go on."""
    strike_for_ever(name, asynchronous, note)


@pytest.mark.parametrize("name", ["reset-at-once", "closed-at-once"])
def test_a_connection_that_is_dropped_is_made_again(name: str, asynchronous: bool, note: Note) -> None:
    """Where connections are dropped before anything is read, the client tries another, and in the end gives up."""
    outcome = strike_at_times(name, asynchronous, note, first=0)
    assert outcome.waits == [0.5, 1.0]
    with serving(name) as server:
        outcome = walk(server.url, asynchronous)
        check_left_clean(server)
        assert (server.connections, server.requests) == (3, [])
    note("connection", name, outcome.told() + " (from the first page on)", "the fault stays")
    check_outcome(outcome, broken(resume=0), asynchronous)


def test_a_server_that_is_not_there_yet_is_waited_for(asynchronous: bool, note: Note) -> None:
    """A refused connection is tried again; where the server has come up meanwhile, every file comes."""
    refusals: list[object] = []

    def open_after_two(event: object) -> None:
        if type(event).__name__ == "RetryPlanned":
            refusals.append(event)
            if len(refusals) == 2:
                server.open()

    with serving("refused") as server:
        outcome = walk(server.url, asynchronous)
        note("connection", "refused", outcome.told() + " (from the first page on)", "the fault stays")
        check_outcome(outcome, broken(resume=0), asynchronous)
        outcome = walk(server.url, asynchronous, observe=open_after_two)
        note("connection", "refused", outcome.told(), "the fault comes twice")
        assert (outcome.names, outcome.waits) == (NAMES, [0.5, 1.0])
        check_left_clean(server)


@pytest.mark.parametrize("name", ["kept-alive-ended"])
def test_a_stale_connection_is_no_failure(name: str, asynchronous: bool, note: Note) -> None:
    """A kept-alive connection that the server has ended is replaced, whether or not the client sees it in time."""
    strike_at_times(name, asynchronous, note)


def test_waits_are_drawn_from_nought_to_a_ceiling_that_doubles() -> None:
    """Full jitter: each wait is drawn between 0 and a ceiling that doubles up to a cap."""
    drawn: list[tuple[float, float]] = []

    def draw(low: float, high: float) -> float:
        drawn.append((low, high))
        return low

    policy = RetryPolicy(attempts=9, draw=draw)
    with serving("status-503-json") as server:
        outcome = walk(server.url, False, retry=policy)
    assert outcome.waits == [0.0] * 8
    assert drawn == [(0.0, high) for high in (0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 20.0, 20.0)]
    own = sorted(RetryPolicy().draw(2.0, 3.0) for _ in range(1000))
    assert 2.0 <= own[0] < 2.1
    assert 2.4 < own[500] < 2.6
    assert 2.9 < own[-1] <= 3.0


# --- Retry-After --------------------------------------------------------------------------------------------

HONOURED = {
    "retry-after-seconds": [2.0] * 35,
    "retry-after-past": [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 20.0],
    "retry-after-garbage": [0.5, 1.0],
    "retry-after-negative": [0.5, 1.0],
}


@of("retry-after")
def test_the_server_can_ask_for_patience(name: str, asynchronous: bool, note: Note) -> None:
    """Retry-After is honoured up to a cap, over it the error comes at once and carries it; garbage is passed over.

    A request for no time at all gets backoff, or the server would be asked at once for ever.
    """
    outcome = strike_for_ever(name, asynchronous, note)
    assert isinstance(outcome.error, errors.StatusError)
    if name == "retry-after-date":
        assert all(10 < wait <= 30 for wait in outcome.waits)
        assert len(outcome.waits) == 2
    elif name in HONOURED:
        assert outcome.waits == HONOURED[name]
    else:
        assert outcome.waits == []
        assert (outcome.error.retry_after or 0) > POLICY.max_retry_after
        assert "it asks to wait" in str(outcome.error)


@pytest.mark.parametrize("name", [*HONOURED, "retry-after-date"])
def test_after_the_wait_every_file_comes(name: str, asynchronous: bool, note: Note) -> None:
    """What was waited for is there."""
    strike_at_times(name, asynchronous, note)


# --- Status -------------------------------------------------------------------------------------------------


@of("status")
def test_a_lasting_status_is_not_asked_again(name: str, asynchronous: bool, note: Note) -> None:
    """One request, one typed error, with the server's message or an excerpt of the body, and its request id."""
    outcome = strike_for_ever(name, asynchronous, note)
    assert outcome.waits == []
    error = outcome.error
    assert isinstance(error, errors.StatusError)
    if error.server_message is None and name not in ("status-204", "status-304"):
        assert error.excerpt


# --- Time ---------------------------------------------------------------------------------------------------


def skip_what_httpx_waits_for(name: str, asynchronous: bool, library: str) -> None:
    """docs/reliability.md: on threads, a client that is passed in has no deadline before its first piece of a body."""
    if library != "own" and not asynchronous and name in ("drip-headers", "endless-interim-fast"):
        pytest.skip("the time-outs of a client that is passed in do not end this")


@of("time")
def test_no_request_is_waited_for_without_end(name: str, asynchronous: bool, library: str, note: Note) -> None:
    """However the server dawdles, the request ends at its deadline, and the error names it."""
    skip_what_httpx_waits_for(name, asynchronous, library)
    outcome = strike_for_ever(name, asynchronous, note)
    if name != "endless-headers":
        assert isinstance(outcome.error, TimeoutError)
        times = [WANTED[name].settings["timeout"] * patience for patience in PATIENCE]
        assert any(f"after {seconds:g} s" in str(outcome.error) for seconds in times)


@of("time", but=("endless-headers",))
def test_a_server_that_dawdles_once_is_asked_again(name: str, asynchronous: bool, library: str, note: Note) -> None:
    """A request that met its deadline is sent again, and then every file comes."""
    skip_what_httpx_waits_for(name, asynchronous, library)
    strike_at_times(name, asynchronous, note, times=1, first=0, timeout=0.2, retry=RetryPolicy(20, draw=POLICY.draw))


@pytest.mark.parametrize("name", ["silent", "drip-body", "status-503-json"])
def test_a_walk_as_a_whole_can_have_a_deadline(name: str, asynchronous: bool, note: Note) -> None:
    """With `deadline` the walk ends in time whatever happens inside it, and the error names the walk's deadline."""
    with serving(name) as server:
        outcome = walk(server.url, asynchronous, deadline=0.3, retry=RetryPolicy(2, base=9, draw=POLICY.draw))
        check_left_clean(server)
    note("time", f"`{name}`, and a deadline for the walk as a whole", outcome.told(), "the fault stays")
    assert type(outcome.error) is errors.DeadlineExceededError
    assert "the walk was not complete at its deadline" in str(outcome.error)
    check_resume(outcome, asynchronous)


# --- Body ---------------------------------------------------------------------------------------------------


@of("body")
def test_a_body_is_taken_within_limits_and_as_json_only(name: str, asynchronous: bool, note: Note) -> None:
    """What is too large, too deep or no JSON is a typed error; right JSON is taken, whatever it says that it is."""
    outcome = strike_for_ever(name, asynchronous, note)
    if isinstance(outcome.error, errors.ResponseTooLargeError):
        assert "1000000 bytes" in str(outcome.error)


@pytest.mark.parametrize(
    "name", ["deep-json", "invalid-utf-8", "html-as-json", "empty-body", "gzip-bomb-500", "gzip-broken"]
)
def test_a_body_that_was_broken_twice_is_asked_for_again(name: str, asynchronous: bool, note: Note) -> None:
    """Broken bodies are most often the network's doing: they are asked for again."""
    assert strike_at_times(name, asynchronous, note).waits == [0.5, 1.0]


# --- Redirect -----------------------------------------------------------------------------------------------

LOCATIONS = {"redirect-elsewhere": r"http://127\.0\.0\.1:\d+/login", "redirect-loop": r"/v2/apps/runs/run-7/results"}


@pytest.mark.parametrize("name", LOCATIONS)
def test_no_redirect_is_followed(name: str, asynchronous: bool, note: Note) -> None:
    """The error says where the redirect pointed, without query and user info; nobody is asked there."""
    outcome = strike_for_ever(name, asynchronous, note)
    assert isinstance(outcome.error, errors.RedirectRefusedError)
    assert re.fullmatch(LOCATIONS[name], outcome.error.location or "")


def test_no_redirect_leads_from_https_to_http(
    asynchronous: bool, note: Note, server_tls: ssl.SSLContext, client_tls: ssl.SSLContext
) -> None:
    """A redirect from https to http is not followed, and nothing is sent there in the open."""
    outcome = strike_for_ever("redirect-to-http", asynchronous, note, server_tls, http={"verify": client_tls})
    assert isinstance(outcome.error, errors.RedirectRefusedError)
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/v2/apps/runs/run-7/results", outcome.error.location or "")


# --- Plain http ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["results.example", "10.0.0.7", "127.0.0.1.example", "[::2]", "0.0.0.0"])
def test_no_token_is_sent_in_the_open(host: str, asynchronous: bool, note: Note) -> None:
    """A plain-http base URL that is not loopback is refused before anything is sent, unless it is allowed."""
    make = AsyncClient if asynchronous else Client
    with pytest.raises(errors.ConfigurationError, match="allow_insecure=True") as caught:
        make(token=TOKEN, base_url=f"http://{host}")
    note("plain http", "`http://` and a name, or an address, that is not loopback", tell(caught.value))
    assert TOKEN not in str(caught.value)
    assert make(token=TOKEN, base_url=f"http://{host}", allow_insecure=True)


# --- Paging -------------------------------------------------------------------------------------------------


@of("paging")
def test_a_breach_of_paging_stops_the_walk_by_its_name(name: str, asynchronous: bool, note: Note) -> None:
    """Each breach ends in the error named after it, at once; walking on from there gives the rest, from a server that
    keeps the contract."""
    assert strike_for_ever(name, asynchronous, note).waits == []


@pytest.mark.parametrize("name", ["status-changes", "finish-time-changes", "batch-changes"])
def test_a_run_that_changed_can_be_taken_as_it_comes(
    name: str, asynchronous: bool, note: Note, caplog: pytest.LogCaptureFixture
) -> None:
    """With on_change='warn' every file comes, and a warning says what changed."""
    with serving(name, first=1) as server, caplog.at_level("WARNING", logger="run_results"):
        outcome = walk(server.url, asynchronous, on_change="warn")
    note("paging", f"`{name}`, and on_change='warn'", outcome.told() + "; a warning", "the fault stays")
    assert (outcome.error, outcome.names) == (None, NAMES)
    assert caplog.text.count("the run changed between two pages") == 1


# --- Drift --------------------------------------------------------------------------------------------------

FILES = range(3)
DRIFTED = {
    "null-for-object": {("$.keys", "object", None)},
    "number-for-string": {(f"$.files[{n}].original_file_name", "string", 7) for n in FILES},
    "object-for-array": {(f"$.files[{n}].documents", "array", "{'0': {}}") for n in FILES},
    "array-for-object": {(f"$.files[{n}].documents[0].validations", "object", "[]") for n in FILES},
    "unknown-status": {("$.status", "a status that the contract names", "ARCHIVED")},
    "unknown-keys": {
        (f"$.files[{n}].{key}", "no key of this name", got)
        for n in FILES
        for key, got in (("colour", "red"), ("size", "{}"))
    },
    "missing-status": {
        ("$.status", "the run's status, without which nobody can say whether the run has finished", "UNSET")
    },
    "doubled-keys": {(f"$.files[{n}].original_file_name", "one value", f"{n}.pdf") for n in FILES},
    "drift-everywhere": {("$.keys", "object", "[]"), ("$.review_completed", "boolean", "yes")}
    | {(f"$.files[{n}].original_file_name", "string", None) for n in FILES}
    | {(f"$.files[{n}].documents[0]", "object", 7) for n in FILES}
    | {(f"$.files[{n}].documents[1].class_name", "null or string", 7) for n in FILES},
}
MERE_NEWS = ("unknown-keys", "doubled-keys", "missing-status")


def places(drift: Iterable[Drift]) -> set[tuple[str, str, Any]]:
    """Drift as it can be compared."""
    return {(place.path, place.expected, place.got if place.got in (None, 7) else str(place.got)) for place in drift}


@of("drift")
def test_drift_is_delivered_and_every_place_of_it_listed(
    name: str, asynchronous: bool, note: Note, caplog: pytest.LogCaptureFixture
) -> None:
    """The data comes, each distinct place is in `page.drift` with path, expected and got, and in the log once."""
    with caplog.at_level(logging.INFO, logger="run_results"):
        outcome = strike_for_ever(name, asynchronous, note)
        assert places(outcome.drift[0]) == DRIFTED[name]
        assert len(outcome.drift[0]) == len(DRIFTED[name]), "no place twice"
    lines = [record.getMessage() for record in caplog.records if record.name.startswith("run_results")]
    told = [re.sub(r"\d+", "*", line.split(": ")[1]) for line in lines]
    assert sorted(told) == sorted({re.sub(r"\d+", "*", path) for path, _, _ in DRIFTED[name]})


@of("drift")
def test_strict_raises_with_the_same_list(name: str, asynchronous: bool, note: Note) -> None:
    """With strict=True a breach is an error that lists every place; what is merely new is none."""
    with serving(name) as server:
        lenient = walk(server.url, asynchronous)
        outcome = walk(server.url, asynchronous, strict=True)
        check_left_clean(server)
    note("drift", f"`{name}`, and strict=True", outcome.told(), "the fault stays")
    if name in MERE_NEWS:
        assert (outcome.error, outcome.names) == (None, NAMES)
        return
    assert type(outcome.error) is errors.ContractError
    assert outcome.error.drift == lenient.drift[0]
    check_resume(outcome, asynchronous)


@pytest.mark.parametrize("name", DRIFTED)
def test_what_drifted_can_be_read_as_it_came(name: str) -> None:
    """`page.raw` has everything, and no typed attribute holds a wrong type."""
    with serving(name) as server, Client(**settings_for(server.url)) as client:
        page = client.page(RUN_ID)
    for place in page.drift:
        *way, last = (key or int(index) for key, index in re.findall(r"\.(\w+)|\[(\d+)\]", place.path))
        inside = reduce(getitem, way, page.raw)
        assert last not in inside if place.got is UNSET else inside[last] == place.got
    assert all(isinstance(file.documents, list) or file.documents is UNSET for file in page.files)
    # What is left keeps the contract, but for what is missing.
    assert RunResults.from_dict({"status": "COMPLETE", **page.run.to_dict()})


def test_files_whose_path_drifted_are_still_told_apart() -> None:
    """A path that is a number is drift, and no reason to take two files for one: the raw values differ."""
    run = MemoryRun({"id": RUN_ID, "status": "COMPLETE"}, [{"input_file_path": n, "documents": []} for n in range(4)])
    with serving("silent", run=run, times=0) as server:
        outcome = walk(server.url, False)
    assert outcome.error is None
    assert len(outcome.names) == 4


# --- Token --------------------------------------------------------------------------------------------------


@of("token")
def test_a_token_that_fails_or_comes_back_is_one_error(name: str, asynchronous: bool, note: Note) -> None:
    """An error has its class and its way to resume like any other; see test_discretion for what it does not have."""
    strike_for_ever(name, asynchronous, note)


def test_a_token_that_ran_out_is_asked_for_again(asynchronous: bool, note: Note) -> None:
    """A function that gives the token is asked before each request; one 401 is asked again, without a wait."""
    tokens: list[str] = []

    def rotate() -> str:
        tokens.append("stale" if len(tokens) == 1 else TOKEN)
        return tokens[-1]

    with serving("silent", times=0) as server:
        outcome = walk(server.url, asynchronous, token=rotate)
        sent = [request.headers["authorization"] for request in server.requests]
    note("secrets", "a token that rotates, and has run out in the middle of a walk", outcome.told())
    assert (outcome.names, outcome.waits) == (NAMES, [])
    assert sent == [f"Bearer {token}" for token in (TOKEN, "stale", TOKEN, TOKEN)]
    with serving("token-run-out", first=1) as server:
        outcome = walk(server.url, asynchronous, token=rotate)
    note("secrets", "a function that gives a token that never works", outcome.told())
    assert type(outcome.error) is errors.UnauthorizedError
    assert outcome.error.attempts == 2
    check_resume(outcome, asynchronous)


UNSENDABLE = [
    "line\nbreak",
    "carriage\rreturn",
    "nul\0",
    "delete\x7f",
    "blank between",
    " before",
    "after ",
    "ünïcode",
    "",
    "😀",
]


# A context may have a blank inside.
@pytest.mark.parametrize(
    ("what", "value"),
    [
        (what, value)
        for what in ("token", "token by a function", "context")
        for value in UNSENDABLE
        if (what, value) != ("context", "blank between")
    ],
)
def test_what_cannot_be_sent_is_refused_without_an_echo(what: str, value: str, asynchronous: bool, note: Note) -> None:
    """Control characters, blanks and letters beyond ASCII are an error before anything is sent, and are not quoted."""
    settings = {
        "token": {"token": value},
        "token by a function": {"token": lambda: value},
        "context": {"context": value},
    }[what]
    with serving("silent", times=0) as server:
        try:
            error = walk(server.url, asynchronous, **settings).error
        except errors.ConfigurationError as caught:
            error = caught
        assert (server.requests, server.connections) == ([], 0)
    observed = f"{re.sub(', resume at 0', '', tell(error))}, nothing was sent" if error else "**it was sent**"
    note("secrets", f"a {what} with control characters, blanks or letters beyond ASCII, or empty", observed)
    assert type(error) is errors.ConfigurationError
    assert not value.strip() or value not in str(error)
