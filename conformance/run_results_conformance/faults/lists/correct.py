"""Correct variants of the list of runs: servers that differ from the reference server where the contract allows it."""

import json
from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response

from run_results_conformance.faults.fault import Make, Variant
from run_results_conformance.faults.standard import EXACT_RUN, STATUS_RUNS
from run_results_conformance.faults.steps import Call, Step, with_body
from run_results_conformance.server.reference import Refusal
from run_results_conformance.server.terms import JsonObject

from .steps import Query, answered, asked, at, each, listed, query_of, read_as, with_query

_ADDITION = "the list of runs is an addition: the public contract of the results does not need it"
_READINGS = "servers count the seconds at the borders of a window in or out"
_CHANGES = "runs come and go, and change, at any moment"
_REQUIRED = ("id", "status", "start_timestamp")
_HOUR = 3600
_LATER = 214  # requests, after which something has changed: in the middle of the lists of a verification


def _not_offered(status: int, text: str) -> Make:
    def respond(_call: Call, _honest: Step, _request: Request) -> Response:
        return Response(text, status, media_type="text/html")

    return answered(respond)


def _relisted(change: Callable[[Call, list[JsonObject]], list[JsonObject]], size: int = 3) -> Make:
    """A server of which the whole list is changed, before its statuses are looked at and it is cut into pages."""

    def respond(call: Call, honest: Step, request: Request) -> Response:
        query = query_of(request)
        response: Response = honest(request)
        if response.status_code != 200:
            return response
        every = {name: values for name, values in query.items() if name not in ("limit", "status")}
        whole: list[JsonObject] = []
        while page := _runs(honest(with_query(request, {**every, "offset": [str(len(whole))]}))):
            whole += page
        whole = [run for run in change(call, whole) if run["status"] in query.get("status", [run["status"]])]
        if query.get("sort_by") == ["status"]:
            whole.sort(key=lambda run: run["status"], reverse=query.get("order") == ["DESCENDING"])
        start = at(query, "offset")
        return with_body(response, json.dumps({"runs": whole[start:][: min(at(query, "limit", size), size)]}).encode())

    return answered(respond)


def _runs(response: Response) -> list[JsonObject]:
    found: list[JsonObject] = json.loads(bytes(response.body))["runs"]
    return found


def _refused_422(call: Call, honest: Step, request: Request) -> Response:
    response: Response = honest(request)
    return call.server.error(Refusal(422, "This is no value")) if response.status_code == 400 else response


def _empty_elsewhere(_call: Call, honest: Step, request: Request) -> Response:
    response: Response = honest(request)
    return with_body(_with_status(response, 200), b'{"runs":[]}') if response.status_code in (403, 404) else response


def _with_status(response: Response, status: int) -> Response:
    response.status_code = status
    return response


def _skewed(hours: int) -> Make:
    """A server whose clock is wrong: without a window, the last 24 hours are others."""

    def respond(call: Call, honest: Step, request: Request) -> Response:
        query = query_of(request)
        if not {"from_timestamp", "to_timestamp"} & query.keys():
            now = int(call.server.clock()) + hours * _HOUR
            query |= {"from_timestamp": [str(now - 24 * _HOUR)], "to_timestamp": [str(now)]}
        response: Response = honest(with_query(request, query))
        return response

    return answered(respond)


def _finished(call: Call, whole: list[JsonObject]) -> list[JsonObject]:
    for run in whole:
        if run["id"] == STATUS_RUNS["RUNNING"] and call.number >= _LATER:
            run |= {"status": "COMPLETE", "finish_timestamp": run["start_timestamp"] + 10**9}
    return whole


def _behind(_call: Call, whole: list[JsonObject]) -> list[JsonObject]:
    for run in whole:
        if run["id"] == STATUS_RUNS["FAILED"]:
            run |= {"status": "RUNNING", "finish_timestamp": None}
    return whole


def _deleted(call: Call, whole: list[JsonObject]) -> list[JsonObject]:
    return [run for run in whole if call.number < _LATER or run["id"] != EXACT_RUN]


def _unchanged(_call: Call, whole: list[JsonObject]) -> list[JsonObject]:
    return whole


def _oldest_first(query: Query) -> None:
    query.setdefault("order", ["ASCENDING"])


CORRECT_LISTS = (
    Variant("list-not-offered", _ADDITION, _not_offered(404, "<h1>Not found</h1>")),
    Variant("list-not-offered-405", _ADDITION, _not_offered(405, "<h1>Method not allowed</h1>")),
    Variant("list-not-offered-501", _ADDITION, _not_offered(501, "")),
    Variant("list-pages-of-two", "a page may have fewer runs than the limit", _relisted(_unchanged, 2)),
    Variant("list-pages-of-all", "a page may have as many runs as the limit", _relisted(_unchanged, 99)),
    Variant(
        "list-window-with-its-end", _READINGS, read_as("to_timestamp", lambda query: at(query, "to_timestamp") + 1)
    ),
    Variant(
        "list-window-without-its-begin",
        _READINGS,
        read_as("from_timestamp", lambda query: at(query, "from_timestamp") + 1),
    ),
    Variant(
        "list-of-own-runs",
        "a token may see fewer runs",
        _relisted(lambda _call, whole: [run for run in whole if len(run["id"]) % 2]),
    ),
    Variant("list-of-nothing", "a token may see no run", _relisted(lambda _call, _whole: [])),
    Variant(
        "list-run-deleted",
        _CHANGES,
        _relisted(_deleted),
    ),
    Variant("list-run-finished", _CHANGES, _relisted(_finished)),
    Variant("list-behind-results", "the list may be up to date later than the results", _relisted(_behind)),
    Variant(
        "list-bare",
        "all but the required members may be absent",
        listed(lambda _call, _query, found: [{name: run[name] for name in _REQUIRED} for run in found]),
    ),
    Variant(
        "list-finish-zero",
        "0 says that a run has not finished",
        each(lambda run: run.update(finish_timestamp=run.get("finish_timestamp") or 0)),
    ),
    Variant("list-more-keys", "new keys are allowed everywhere", each(lambda run: run.update(x_new={"since": 2026}))),
    Variant("list-oldest-first", "without an order the server chooses", asked(_oldest_first)),
    Variant("list-clock-ahead", "the last 24 hours are those of the server's clock", _skewed(3)),
    Variant("list-bad-input-422", "bad input is the caller's error", answered(_refused_422)),
    Variant("list-empty-elsewhere", "a context that does not exist has no runs", answered(_empty_elsewhere)),
)
