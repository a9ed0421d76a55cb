"""How faults of lists are written: with other parameters than the request has, or other runs than the answer has."""

import json
from collections.abc import Callable
from urllib.parse import parse_qs, urlencode

from starlette.requests import Request
from starlette.responses import Response

from run_results_conformance.faults.fault import Make
from run_results_conformance.faults.steps import Call, Step, server_with, with_body
from run_results_conformance.server.reference import Refusal
from run_results_conformance.server.terms import JsonObject

Query = dict[str, list[str]]
"""The values of each parameter of a request."""

_WORDS = ("ASCENDING", "DESCENDING", "start_timestamp", "status")


def _is_list(call: Call, request: Request) -> bool:
    path: str = request.scope["path"]
    return path.endswith(call.server.contract.operations["list_runs"].path)


def query_of(request: Request) -> Query:
    return parse_qs(request.scope["query_string"].decode("latin-1"), keep_blank_values=True)


def with_query(request: Request, query: Query) -> Request:
    return Request({**request.scope, "query_string": urlencode(query, doseq=True).encode()})


def answered(change: Callable[[Call, Step, Request], Response]) -> Make:
    """A server that answers requests for lists in another way."""
    return server_with(
        respond=lambda call, honest, request: (
            change(call, honest, request) if _is_list(call, request) else honest(request)
        )
    )


def asked(change: Callable[[Query], object]) -> Make:
    """A server that takes other parameters; `change` changes them in place."""

    def respond(_call: Call, honest: Step, request: Request) -> Response:
        query = query_of(request)
        change(query)
        response: Response = honest(with_query(request, query))
        return response

    return answered(respond)


def listed(change: Callable[[Call, Query, list[JsonObject]], object]) -> Make:
    """A server that lists other runs: those that `change` gives, or that it has changed in place."""

    def respond(call: Call, honest: Step, request: Request) -> Response:
        response: Response = honest(request)
        if response.status_code != 200:
            return response
        body = json.loads(bytes(response.body))
        changed = change(call, query_of(request), body["runs"])
        return with_body(response, json.dumps(body if changed is None else {**body, "runs": changed}).encode())

    return answered(respond)


def each(change: Callable[[JsonObject], object]) -> Make:
    """A server that changes every run of a list in place."""
    return listed(lambda _call, _query, found: [change(run) for run in found] and None)


def without(*names: str) -> Make:
    """A server that ignores these parameters."""
    return asked(lambda query: [query.pop(name, None) for name in names])


def at(query: Query, name: str, default: int = 0) -> int:
    text = query.get(name, [""])[0]
    return int(text) if text.isdecimal() else default


def read_as(name: str, change: Callable[[Query], object]) -> Make:
    """A server that takes another value for a parameter, where it has a right one."""

    def take(query: Query) -> None:
        text = query.get(name, [""])[0]
        if text.isdecimal() or text in _WORDS:
            query[name] = [str(change(query))]

    return asked(take)


def refusal(status: int, message: str, when: Callable[[Query, Response], bool]) -> Make:
    """A server that refuses requests for some lists."""

    def respond(call: Call, honest: Step, request: Request) -> Response:
        response: Response = honest(request)
        return call.server.error(Refusal(status, message)) if when(query_of(request), response) else response

    return answered(respond)
