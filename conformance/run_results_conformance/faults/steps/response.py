"""Steps that change the response: its bytes, headers and errors."""

from collections.abc import Callable
from typing import cast

from starlette.responses import Response

from run_results_conformance.faults.fault import Make
from run_results_conformance.server.reference import Refusal
from run_results_conformance.server.terms import JsonObject

from .call import Call, Step, When, always, server_with


def with_body(response: Response, body: bytes) -> Response:
    """The response with another body, and a Content-Length that fits."""
    response.body = body
    response.headers["Content-Length"] = str(len(body))
    return response


def with_header(response: Response, name: str, value: str | None) -> Response:
    """The response with another value of a header; None removes the header."""
    if value is not None:
        response.headers[name] = value
    elif name in response.headers:
        del response.headers[name]
    return response


def answered(change: Callable[[Call, Response], Response], *, when: When = always) -> Make:
    """A server that changes its pages of results, of status 200."""

    def render(call: Call, honest: Step, page: JsonObject) -> Response:
        response = cast("Response", honest(page))
        return change(call, response) if not call.is_list and when(call) else response

    return server_with(render=render)


def written(change: Callable[[bytes], bytes], *, when: When = always) -> Make:
    """A server that changes the bytes of its answers of status 200."""
    return answered(lambda _call, response: with_body(response, change(bytes(response.body))), when=when)


def headed(name: str, value: str | None, *, when: When = always) -> Make:
    """A server that sets a header of its answers of status 200; None removes the header."""
    return answered(lambda _call, response: with_header(response, name, value), when=when)


def refused(change: Callable[[Refusal, Response], Response], *statuses: int) -> Make:
    """A server that changes its answers of these statuses (default: of all but 200)."""

    def error(_call: Call, honest: Step, refusal: Refusal) -> Response:
        response = cast("Response", honest(refusal))
        return change(refusal, response) if not statuses or refusal.status in statuses else response

    return server_with(error=error)
