"""Inputs: methods other than GET that are answered differently than the contract says."""

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response

from run_results_conformance.faults.fault import Make
from run_results_conformance.faults.standard import asking
from run_results_conformance.faults.steps import Call, Step, server_with

from .family import inputs


def _method(answer: Callable[[Call, Step, Request], Response], *methods: str) -> Make:
    """Answers these methods in another way."""
    return server_with(
        respond=lambda call, honest, request: (
            answer(call, honest, request) if request.method in methods else honest(request)
        )
    )


def _like_get(_call: Call, honest: Step, request: Request) -> Response:
    request.scope["method"] = "GET"
    response: Response = honest(Request(request.scope))
    return response


def _trace(_call: Call, _honest: Step, request: Request) -> Response:
    lines = [b": ".join(header) for header in request.headers.raw]
    return Response(b"\r\n".join(lines), media_type="message/http")


def _fixed(status: int, body: str = "", media_type: str | None = None) -> Callable[[Call, Step, Request], Response]:
    return lambda _call, _honest, _request: Response(body, status, media_type=media_type)


METHODS = (
    inputs(
        "post-like-get",
        "POST is answered like GET.",
        _method(_like_get, "POST"),
        asking(method="POST"),
        level="POLICY",  # it changes nothing, and of methods that only read the contract says nothing
    ),
    inputs("put-accepted", "PUT is answered with 204.", _method(_fixed(204), "PUT"), asking(method="PUT")),
    inputs(
        "delete-accepted",
        "DELETE is answered with 200 and nothing.",
        _method(_fixed(200, "{}", "application/json"), "DELETE"),
        asking(method="DELETE"),
    ),
    inputs(
        "method-overridden",
        "X-HTTP-Method-Override makes a GET of a POST.",
        _method(
            lambda call, honest, request: (
                _like_get(call, honest, request) if call.header("x-http-method-override") == "GET" else honest(request)
            ),
            "POST",
        ),
        asking(method="POST", headers=(("X-HTTP-Method-Override", "GET"),)),
        level="POLICY",
    ),
    inputs(
        "trace-echoes",
        "TRACE gives back the request's headers, the token too.",
        _method(_trace, "TRACE"),
        asking(method="TRACE"),
    ),
    inputs(
        "method-unknown-crashes",
        "A method that HTTP does not know is answered with 500 and HTML.",
        server_with(
            respond=lambda _call, honest, request: (
                honest(request)
                if request.method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")
                else Response("<h1>500</h1>", 500, media_type="text/html")
            )
        ),
        asking(method="BREW"),
    ),
    inputs(
        "head-crashes",
        "HEAD is answered with 500.",
        _method(_fixed(500, "{}", "application/json"), "HEAD"),
        asking(method="HEAD"),
        level="POLICY",
    ),
    inputs(
        "head-always-200",
        "HEAD is answered with 200 for a run that is not there.",
        _method(_fixed(200, "{}", "application/json"), "HEAD"),
        asking("no-such-run", method="HEAD"),
        level="POLICY",
    ),
)
