"""Errors: wrong statuses, bodies and headers where a request is refused."""

import json
from collections.abc import Callable
from typing import Any, cast

from starlette.requests import Request
from starlette.responses import Response

from run_results_conformance.server.reference import Refusal
from run_results_conformance.server.runs import MemoryRun, Run

from .fault import Fault, Level, Make, Question
from .standard import EMPTY_RUN, FOREIGN_CONTEXT, FOREIGN_RUN, STATUS_RUNS, asking, from_offset
from .steps import Call, Step, every, late, refuse, refused, server_with, with_body, with_header

BAD = (asking(query="file_offset=-1"), asking(query="include_source_info=maybe"))
ANONYMOUS = (asking(authorization=None),)
FOREIGN = (asking(FOREIGN_RUN, context=FOREIGN_CONTEXT),)
UNKNOWN = (asking("no-such-run"),)
ELSEWHERE = (asking(target="/v2/apps/runs"), asking(target="/"))
POSTED = (asking(method="POST"), asking(method="DELETE"))
EVERYTHING = (*BAD, *ANONYMOUS, *FOREIGN, *UNKNOWN, *ELSEWHERE, *POSTED)


def error(
    name: str, breach: str, make: Make, witness: tuple[Question, ...] = EVERYTHING, *, level: Level = "MUST"
) -> Fault:
    return Fault(name, "errors", breach, "contexts" if witness is FOREIGN else "nothing", make, level, witness)


def _says(body: Callable[[str], Any], *statuses: int) -> Make:
    """Errors with another JSON value made of the message."""
    return refused(lambda refusal, response: _with_json(response, body(refusal.message)), *statuses)


def _with_json(response: Response, body: Any) -> Response:
    return with_body(response, json.dumps(body).encode())


def _text(media_type: str, text: str, *statuses: int) -> Make:
    """Errors with a body that is not JSON."""
    return refused(
        lambda _refusal, response: with_header(with_body(response, text.encode()), "Content-Type", media_type),
        *statuses,
    )


def _status(change: Callable[[int], int], *statuses: int) -> Make:
    """Errors with another status."""

    def changed(_refusal: Refusal, response: Response) -> Response:
        response.status_code = change(response.status_code)
        return response

    return refused(changed, *statuses)


def _empty(*statuses: int) -> Make:
    return refused(lambda _refusal, response: with_header(with_body(response, b""), "Content-Type", None), *statuses)


def _html(title: str) -> str:
    return f"<!doctype html><html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>"


def _crash(call: Call, honest: Step, request: Request) -> Response:
    """Bad input ends in a traceback of the program."""
    try:
        call.server.read_offset(request)
    except Refusal as refusal:
        if refusal.status == 400:
            return Response(f"{_TRACEBACK}ValueError: invalid literal for int()", 500, media_type="text/plain")
    return cast("Response", honest(request))


def _empty_run(_call: Call, honest: Step, run_id: str, context: str | None) -> Run:
    """Unknown runs are answered like runs without files."""
    try:
        return cast("Run", honest(run_id, context))
    except Refusal:
        return MemoryRun({"id": run_id, "status": "COMPLETE"}, [])


def _limited(media_type: str, body: str, status: int, count: int, wait: str = "0") -> Make:
    def respond(call: Call, honest: Step, request: Request) -> Response:
        if every(count)(call):
            return Response(body, status, {"Retry-After": wait}, media_type)
        return cast("Response", honest(request))

    return server_with(respond=respond)


_TRACEBACK = 'Traceback (most recent call last):\n  File "/srv/api/views.py", line 88, in results\n'
_SLOW_DOWN = '{"message": "Slow down"}'
_QUESTIONS = tuple(asking() for _ in range(8))

ERRORS = (
    # --- Every error ---
    error(
        "error-plain-text",
        "Errors are plain text.",
        refused(
            lambda refusal, response: with_header(
                with_body(response, refusal.message.encode()), "Content-Type", "text/plain"
            )
        ),
    ),
    error("error-html", "Errors are pages of HTML.", _text("text/html", _html("Error"))),
    error("error-under-error", "The text of an error is called error.", _says(lambda text: {"error": text})),
    error(
        "error-in-envelope",
        "The message stands inside an error property.",
        _says(lambda text: {"error": {"message": text}}),
    ),
    error("error-message-null", "The message of an error is null.", _says(lambda _text: {"message": None})),
    error(
        "error-message-a-list",
        "The message of an error is a list of messages.",
        _says(lambda text: {"message": [text]}),
    ),
    error("error-a-text", "An error is a JSON text.", _says(lambda text: text)),
    error("error-in-list", "An error is a list of one.", _says(lambda text: [{"message": text}])),
    error("error-with-200", "Errors are answered with 200.", _status(lambda _status: 200)),
    error(
        "error-message-missing-problem",
        "Errors are problem details, without a message.",
        _says(lambda text: {"type": "about:blank", "title": text}),
    ),
    error(
        "error-problem-json",
        "Errors are said to be application/problem+json.",
        refused(lambda _refusal, response: with_header(response, "Content-Type", "application/problem+json")),
    ),
    error(
        "error-content-type-missing",
        "Errors have no Content-Type.",
        refused(lambda _refusal, response: with_header(response, "Content-Type", None)),
    ),
    error(
        "error-body-not-closed",
        "The JSON of an error lacks its last brace.",
        refused(lambda _refusal, response: with_body(response, bytes(response.body)[:-1])),
    ),
    # --- 400 ---
    error("400-empty", "Bad input is answered with 400 and no body.", _empty(400), BAD),
    error(
        "400-as-422-detail",
        "Bad input is answered with 422 and details, without a message.",
        refused(
            lambda refusal, _response: _with_json(
                Response(status_code=422, media_type="application/json"),
                {"detail": [{"loc": ["query"], "msg": refusal.message}]},
            ),
            400,
        ),
        BAD,
    ),
    error("400-as-500", "Bad input is answered with 500.", _status(lambda _status: 500, 400), BAD),
    error("400-as-200", "Bad input is answered with 200 and a message.", _status(lambda _status: 200, 400), BAD),
    error("400-as-401", "Bad input is answered with 401.", _status(lambda _status: 401, 400), BAD),
    error(
        "400-traceback", "A bad offset is answered with 500 and a traceback as text.", server_with(answer=_crash), BAD
    ),
    error(
        "400-xml", "Bad input is answered with XML.", _text("application/xml", "<error>bad request</error>", 400), BAD
    ),
    # --- 401 ---
    error(
        "401-without-challenge",
        "401 has no WWW-Authenticate.",
        refused(lambda _refusal, response: with_header(response, "WWW-Authenticate", None), 401),
        ANONYMOUS,
    ),
    error(
        "401-basic-challenge",
        "401 asks for Basic.",
        refused(lambda _refusal, response: with_header(response, "WWW-Authenticate", 'Basic realm="api"'), 401),
        ANONYMOUS,
    ),
    error(
        "401-challenge-empty",
        "401 has an empty WWW-Authenticate.",
        refused(lambda _refusal, response: with_header(response, "WWW-Authenticate", ""), 401),
        ANONYMOUS,
    ),
    error(
        "401-without-challenge-when-wrong",
        "401 has no WWW-Authenticate when a token was given.",
        server_with(
            error=lambda call, honest, refusal: (
                with_header(honest(refusal), "WWW-Authenticate", None)
                if refusal.status == 401 and call.header("authorization")
                else honest(refusal)
            )
        ),
        (asking(authorization="Bearer wrong"),),
    ),
    error("401-empty", "A missing token is answered with 401 and no body.", _empty(401), ANONYMOUS),
    error("401-as-403", "A missing or wrong token is answered with 403.", _status(lambda _status: 403, 401), ANONYMOUS),
    error("401-as-400", "A missing or wrong token is answered with 400.", _status(lambda _status: 400, 401), ANONYMOUS),
    error("401-as-404", "A missing or wrong token is answered with 404.", _status(lambda _status: 404, 401), ANONYMOUS),
    error(
        "401-as-login-page",
        "A missing token is answered with a redirect to a login page.",
        refused(lambda _refusal, _response: Response(status_code=302, headers={"Location": "/login"}), 401),
        ANONYMOUS,
    ),
    error(
        "401-quotes-token",
        "401 quotes the token that was given.",
        server_with(
            error=lambda call, honest, refusal: (
                _with_json(honest(refusal), {"message": f"not valid: {call.header('authorization')}"})
                if refusal.status == 401 and call.header("authorization")
                else honest(refusal)
            )
        ),
        (asking(authorization="Bearer not-the-token"),),
        level="POLICY",
    ),
    # --- 403 ---
    error(
        "403-html",
        "A foreign context is answered with a page of HTML.",
        _text("text/html", _html("Forbidden"), 403),
        FOREIGN,
    ),
    error(
        "403-as-401",
        "A valid token that may not act in a context is answered with 401.",
        _status(lambda _status: 401, 403),
        FOREIGN,
    ),
    error("403-as-500", "A foreign context is answered with 500.", _status(lambda _status: 500, 403), FOREIGN),
    error(
        "403-as-empty-run",
        "A foreign context is answered with 200 and no files.",
        refused(
            lambda _refusal, _response: _with_json(
                Response(media_type="application/json"),
                {"id": FOREIGN_RUN, "status": "COMPLETE", "files": [], "has_more": False},
            ),
            403,
        ),
        FOREIGN,
    ),
    # --- 404 ---
    error(
        "404-as-empty-run",
        "A run that is not there is answered as one without files.",
        server_with(find_run=_empty_run),
        UNKNOWN,
    ),
    error(
        "404-as-204",
        "A run that is not there is answered with 204.",
        refused(lambda _refusal, _response: Response(status_code=204), 404),
        UNKNOWN,
    ),
    error("404-as-500", "A run that is not there is answered with 500.", _status(lambda _status: 500, 404), UNKNOWN),
    error(
        "404-as-null",
        "A run that is not there is answered with 200 and null.",
        refused(lambda _refusal, _response: Response("null", media_type="application/json"), 404),
        UNKNOWN,
    ),
    error(
        "404-html-elsewhere",
        "A path that the contract does not know is answered with HTML.",
        refused(
            lambda refusal, response: (
                with_header(with_body(response, _html("Not found").encode()), "Content-Type", "text/html")
                if refusal.message == "Not found"
                else response
            ),
            404,
        ),
        ELSEWHERE,
        level="POLICY",
    ),
    error(
        "404-detail-elsewhere",
        "A path that the contract does not know has its text in a detail property.",
        refused(
            lambda refusal, response: (
                _with_json(response, {"detail": "Not Found"}) if refusal.message == "Not found" else response
            ),
            404,
        ),
        ELSEWHERE,
        level="POLICY",
    ),
    error(
        "404-traceback",
        "The message of 404 is a traceback.",
        _says(lambda text: {"message": f"{_TRACEBACK}NoResultFound: {text}"}, 404),
        UNKNOWN,
        level="POLICY",
    ),
    # --- 405 ---
    error(
        "405-html",
        "Another method is answered with a page of HTML.",
        _text("text/html", _html("Method Not Allowed"), 405),
        POSTED,
    ),
    error("405-empty", "Another method is answered with 405 and no body.", _empty(405), POSTED),
    error("405-as-500", "Another method is answered with 500.", _status(lambda _status: 500, 405), POSTED),
    error(
        "405-without-allow",
        "405 does not say which methods there are.",
        refused(lambda _refusal, response: with_header(response, "Allow", None), 405),
        POSTED,
        level="POLICY",
    ),
    # --- 429, 500, 503 ---
    error(
        "429-html",
        "Every sixth request is answered with 429 and a page of HTML.",
        _limited("text/html", _html("Slow down"), 429, 6),
        _QUESTIONS,
    ),
    error(
        "429-retry-soon",
        "Every sixth request is answered with 429, with a word as the time to wait.",
        _limited("application/json", _SLOW_DOWN, 429, 6, "soon"),
        _QUESTIONS,
    ),
    error(
        "429-retry-in-the-past",
        "Every sixth request is answered with 429, with a negative time to wait.",
        _limited("application/json", _SLOW_DOWN, 429, 6, "-1"),
        _QUESTIONS,
    ),
    error(
        "503-empty",
        "Every sixth request is answered with 503 and no body.",
        _limited("text/plain", "", 503, 6),
        _QUESTIONS,
    ),
    error(
        "500-stopped-at-checkpoint",
        "Runs that wait at a checkpoint are answered with 500.",
        server_with(
            assemble=lambda call, honest, *arguments: (
                refuse(500, "Internal error") if call.status == "STOPPED_AT_CHECKPOINT" else honest(*arguments)
            )
        ),
        (asking(STATUS_RUNS["STOPPED_AT_CHECKPOINT"]),),
    ),
    error(
        "500-empty-run",
        "A run without files is answered with 500.",
        server_with(
            assemble=lambda call, honest, *arguments: (
                refuse(500, "Internal error") if call.total == 0 else honest(*arguments)
            )
        ),
        (asking(EMPTY_RUN),),
    ),
    error(
        "404-running",
        "A run that has not finished is answered with 404.",
        server_with(
            assemble=lambda call, honest, *arguments: (
                refuse(404, "Run not found") if call.status == "RUNNING" else honest(*arguments)
            )
        ),
        (asking(STATUS_RUNS["RUNNING"]),),
    ),
    error(
        "409-failed-run",
        "A run that failed is answered with 409 instead of what is there.",
        server_with(
            assemble=lambda call, honest, *arguments: (
                refuse(409, "The run failed") if call.status == "FAILED" else honest(*arguments)
            )
        ),
        (asking(STATUS_RUNS["FAILED"]),),
    ),
    error(
        "500-late",
        "The third page is answered with 500.",
        server_with(
            assemble=lambda call, honest, *arguments: (
                refuse(500, "Internal error") if late(call) else honest(*arguments)
            )
        ),
        from_offset(0, 3, 6),
    ),
    error(
        "500-between-pages",
        "An offset that is not on the border of a page is answered with 500.",
        server_with(
            assemble=lambda call, honest, *arguments: (
                refuse(500, "Internal error") if call.offset % call.size else honest(*arguments)
            )
        ),
        from_offset(1),
    ),
)
