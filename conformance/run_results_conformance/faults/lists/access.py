"""Who may ask for a list, in which context, and with which values."""

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response

from run_results_conformance.faults.fault import Make
from run_results_conformance.faults.steps import Call, Step

from .family import lists, runs
from .steps import answered, query_of, refusal, with_query


def _elsewhere(_call: Call, honest: Step, request: Request) -> Response:
    """The answer to the same request in the default context."""
    headers = [pair for pair in request.scope["headers"] if pair[0] != b"ib-context"]
    response: Response = honest(Request({**request.scope, "headers": headers}))
    return response


def _lets_in(accept: Callable[[str | None], bool]) -> Make:
    """A server that lets these Authorization headers in."""

    def respond(call: Call, honest: Step, request: Request) -> Response:
        headers = list(request.scope["headers"])
        if accept(request.headers.get("authorization")):
            right = f"Bearer {call.server.tokens[0].value}".encode()
            headers = [*(pair for pair in headers if pair[0] != b"authorization"), (b"authorization", right)]
        response: Response = honest(Request({**request.scope, "headers": headers}))
        return response

    return answered(respond)


def _tolerant(name: str, instead: str) -> Make:
    """A server that takes a value for one that it does not know."""

    def respond(_call: Call, honest: Step, request: Request) -> Response:
        response: Response = honest(request)
        if response.status_code == 400 and name in (query := query_of(request)):
            response = honest(with_query(request, {**query, name: [instead]}))
        return response

    return answered(respond)


ACCESS = (
    runs("without-token", "A list needs no token.", _lets_in(lambda header: header is None), lists(authorization=None)),
    runs(
        "any-token",
        "A list needs a token, and any will do.",
        _lets_in(lambda header: header is not None),
        lists(authorization="Bearer wrong"),
    ),
    runs(
        "context-ignored",
        "The context of the request is ignored.",
        answered(_elsewhere),
        lists(context="no-such-context"),
    ),
    runs("limit-zero-taken", "A limit of 0 is taken for none.", _tolerant("limit", "100"), lists({"limit": "0"})),
    runs(
        "offset-negative-taken", "A negative offset is taken for 0.", _tolerant("offset", "0"), lists({"offset": "-1"})
    ),
    runs(
        "window-words-taken",
        "What is no number is no border of the window.",
        _tolerant("from_timestamp", "0"),
        lists({"from_timestamp": "yesterday"}),
    ),
    runs(
        "order-words-taken",
        "Any word may stand for the order.",
        _tolerant("order", "ASCENDING"),
        lists({"order": "sideways"}),
    ),
    runs(
        "sort-words-taken",
        "Any word may stand for what the runs are sorted by.",
        _tolerant("sort_by", "status"),
        lists({"sort_by": "favourites"}),
    ),
    runs(
        "bad-input-500",
        "Bad input to a list is answered with 500.",
        refusal(500, "Internal error", lambda _query, response: response.status_code == 400),
        lists({"limit": "0"}),
    ),
)
