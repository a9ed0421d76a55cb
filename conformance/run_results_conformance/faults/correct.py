"""Correct variants: servers that differ from the reference server where the contract allows it."""

import gzip
import json
from collections.abc import Callable, Mapping
from random import Random
from typing import Any, NoReturn

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message, Receive, Send

from run_results_conformance.server.contract import JsonObject
from run_results_conformance.server.reference import Refusal, accepts_gzip

from .fault import Make, Variant
from .standard import STANDARD_RUN
from .steps import (
    CASE,
    DOCUMENT,
    FIELD,
    Call,
    Step,
    at,
    configured,
    each,
    edited,
    every,
    gone,
    instead,
    refused,
    server_with,
    to,
    with_body,
    with_header,
    within,
    written,
)


def _everywhere(change: Callable[[JsonObject], JsonObject]) -> Make:
    """Changes every object of a body, in errors too. Free objects (`custom`, `locations`) stay."""

    def changed(value: Any) -> Any:
        if isinstance(value, dict):
            return change(
                {name: part if name in ("custom", "locations") else changed(part) for name, part in value.items()}
            )
        return [changed(part) for part in value] if isinstance(value, list) else value

    return server_with(dump=lambda _call, honest, body: honest(changed(body)))


def _written_as(**options: Any) -> Make:
    return server_with(dump=lambda _call, _honest, body: json.dumps(body, **options).encode())


def _integral(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _plain_numbers(value: Any) -> Any:
    """Floats without a fraction as integers: for the contract it is the same number."""
    if isinstance(value, dict):
        return {name: part if name == "custom" else _plain_numbers(part) for name, part in value.items()}
    return [_plain_numbers(part) for part in value] if isinstance(value, list) else _integral(value)


def _sent(change: Callable[[Message], Message]) -> Make:
    """Changes the status line and headers of every answer as they are sent."""

    async def deliver(_call: Call, honest: Step, request: Request, receive: Receive, send: Send) -> None:
        async def sent(message: Message) -> None:
            await send(change(message) if message["type"] == "http.response.start" else message)

        await honest(request, receive, sent)

    return server_with(deliver=deliver)


def _headers(change: Callable[[bytes, bytes], tuple[bytes, bytes] | None]) -> Make:
    """Changes each header of every answer; None removes it."""
    return _sent(
        lambda message: {
            **message,
            "headers": [pair for header in message["headers"] if (pair := change(*header)) is not None],
        }
    )


def _more_headers(headers: Mapping[str, str]) -> Make:
    return _sent(
        lambda message: {
            **message,
            "headers": [*message["headers"], *((name.encode(), value.encode()) for name, value in headers.items())],
        }
    )


def _content_type(value: str) -> Make:
    return _headers(lambda name, old: (name, value.encode() if name == b"content-type" else old))


async def _in_pieces(call: Call, _honest: Step, request: Request, _receive: Receive, send: Send) -> None:
    response = call.server.encode(request, call.server.respond(request))
    headers = [header for header in response.raw_headers if header[0] != b"content-length"]
    body = bytes(response.body)
    await send({"type": "http.response.start", "status": response.status_code, "headers": headers})
    for start in range(0, len(body), 700):
        await send({"type": "http.response.body", "body": body[start : start + 700], "more_body": True})
    await send({"type": "http.response.body", "body": b""})


def _instead(status: int, other: int, text: str | None = None) -> Make:
    """Refuses with another status."""
    return server_with(
        error=lambda _call, honest, refusal: honest(
            Refusal(other, text or refusal.message, refusal.headers) if refusal.status == status else refusal
        )
    )


def _bad_run_id(_call: Call, honest: Step, request: Request) -> str:
    try:
        return str(honest(request))
    except Refusal:
        raise Refusal(404, "Run not found") from None


def _strict_run_id(_call: Call, honest: Step, request: Request) -> str:
    run_id = str(honest(request))
    if not run_id.isprintable() or len(run_id) > 200:
        raise Refusal(400, "run_id has a form that is not accepted")
    return run_id


def _only_get() -> NoReturn:
    raise Refusal(405, "Method not allowed", {"Allow": "GET"})


def _busy(call: Call, honest: Step, request: Request) -> Response:
    if every(9)(call):
        return call.server.error(Refusal(429, "Too many requests; try again", {"Retry-After": "0"}))
    response: Response = honest(request)
    return response


def _first_file_edited(call: Call, page: JsonObject) -> None:
    """A reviewer has corrected the first field of the run's first file."""
    if call.offset == 0 and page["files"]:
        field = page["files"][0]["documents"][0]["fields"][0]
        field["value"] += " (corrected)"
        if "edit_history" in field:
            field["edit_history"] = [{"timestamp": "08/27/2025 00:58:39", "user_id": "reviewer-1"}]


def _slash_redirected(_call: Call, honest: Step, request: Request) -> Response:
    path = request.scope["raw_path"].decode("latin-1")
    if path.endswith("/results/"):
        return Response(status_code=307, headers={"Location": path.rstrip("/")})
    response: Response = honest(request)
    return response


def _part_answered(_call: Call, honest: Step, request: Request, response: Response) -> Response:
    """Sends the first ten bytes to a client that asks for them."""
    response = honest(request, response)
    if response.status_code == 200 and request.headers.get("range") == "bytes=0-9":
        whole = bytes(response.body)
        response = with_body(response, whole[:10])
        response.status_code = 206
        response.headers["Content-Range"] = f"bytes 0-9/{len(whole)}"
    return response


def _tagged(_call: Call, honest: Step, request: Request, response: Response) -> Response:
    """Sends an entity tag, and 304 to a client that already has it."""
    response = honest(request, response)
    if response.status_code == 200:
        tag = f'"{hash(bytes(response.body)) & 0xFFFFFFFF:08x}"'
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers={"ETag": tag})
        response.headers["ETag"] = tag
    return response


def _gzip_errors_too(_call: Call, honest: Step, request: Request, response: Response) -> Response:
    response = honest(request, response)
    if accepts_gzip(request) and "content-encoding" not in response.headers:
        response = with_body(response, gzip.compress(bytes(response.body), mtime=0))
        response.headers["Content-Encoding"] = "gzip"
    return response


def _shuffled_keys(part: JsonObject) -> JsonObject:
    names = list(part)
    Random(repr(names)).shuffle(names)  # noqa: S311 - an order, not a secret
    return {name: part[name] for name in names}


def _without(*names: str) -> Callable[[JsonObject], object]:
    return lambda part: [part.pop(name, None) for name in names]


_PAGING = "the page size is the server's choice, and is in no part of the contract"
_ABSENT = "all but the required properties may be absent"
_HTTP = "HTTP gives the two the same meaning"

CORRECT = (
    # --- Paging ---
    Variant("page-size-one", _PAGING, configured(page_size=1)),
    Variant("page-size-two", _PAGING, configured(page_size=2)),
    Variant("page-size-huge", _PAGING, configured(page_size=10**6)),
    Variant(
        "page-size-by-offset",
        f"{_PAGING}; it may depend on the offset",
        configured(page_size=lambda offset: 1 + offset * 7 % 4),
    ),
    Variant(
        "page-size-by-request",
        f"{_PAGING}; it may change at any moment",
        server_with(page_size=lambda call, _honest, *_arguments: 1 + call.number % 4),
    ),
    Variant(
        "page-size-by-flag",
        f"{_PAGING}; a page that holds more of each file may hold fewer files",
        server_with(page_size=lambda call, honest, *arguments: max(1, honest(*arguments) - len(call.flags))),
    ),
    # --- JSON ---
    Variant(
        "keys-sorted", "the members of a JSON object have no order", _written_as(sort_keys=True, ensure_ascii=False)
    ),
    Variant("keys-shuffled", "the members of a JSON object have no order", _everywhere(_shuffled_keys)),
    Variant(
        "keys-reversed",
        "the members of a JSON object have no order",
        _everywhere(lambda part: dict(reversed(part.items()))),
    ),
    Variant("json-pretty", "white space between tokens means nothing", _written_as(indent=2, ensure_ascii=False)),
    Variant("json-ascii", "an escaped character is the character", _written_as(ensure_ascii=True)),
    Variant(
        "json-slashes-escaped",
        "an escaped character is the character",
        server_with(dump=lambda _call, honest, body: honest(body).replace(b"/", b"\\/")),
    ),
    Variant(
        "json-final-newline",
        "white space around the document means nothing",
        server_with(dump=lambda _call, honest, body: b"\r\n" + honest(body) + b"\n"),
    ),
    Variant(
        "integers-for-floats",
        "JSON has one kind of numbers: 5 is 5.0",
        server_with(dump=lambda _call, honest, body: honest(_plain_numbers(body))),
    ),
    # --- What may be there, and what may be absent ---
    Variant(
        "more-keys-everywhere",
        "new keys are allowed everywhere",
        _everywhere(lambda part: {**part, "x_new": {"since": 2026, "list": [None]}}),
    ),
    Variant(
        "more-keys-like-others",
        "new keys are allowed everywhere, whatever they are called",
        _everywhere(lambda part: {"name_": None, "offset": 0, "next": None, **part, "total": 1}),
    ),
    Variant(
        "run-bare",
        _ABSENT,
        edited(
            within(
                "",
                _without(
                    "message",
                    "start_timestamp",
                    "finish_timestamp",
                    "batch_id",
                    "keys",
                    "case_info",
                    "review_completed",
                ),
            )
        ),
    ),
    Variant("run-without-case-info", _ABSENT, edited(at("case_info", gone))),
    Variant("run-without-batch", "a run need not belong to a batch", edited(at("batch_id", gone))),
    Variant("keys-empty", f"{_ABSENT}, and keys holds none", edited(at("keys", to({})))),
    Variant("case-info-empty", f"{_ABSENT}, and case_info holds none", edited(at("case_info", to({})))),
    Variant(
        "message-absent-when-null",
        f"{_ABSENT}, and an empty message says nothing",
        edited(within("", lambda page: page.pop("message") if page.get("message", "") is None else None)),
    ),
    Variant("message-null", "the message may be null", edited(at("message", to(None)))),
    Variant(
        "finish-absent-while-unfinished",
        f"{_ABSENT}, and there is no finish time yet",
        edited(
            within("", lambda page: page.pop("finish_timestamp") if page.get("finish_timestamp", 0) is None else None)
        ),
    ),
    Variant("file-bare", f"{_ABSENT}: a file need not name its path", edited(at("files/input_file_path", gone))),
    Variant("document-without-pages", _ABSENT, edited(within(DOCUMENT, _without("page_numbers")))),
    Variant(
        "empty-lists-absent",
        f"{_ABSENT}, where no flag promises them",
        edited(
            at(FIELD, lambda fields: fields or gone(fields)),
            at(f"{CASE}/input_fields", lambda options: options or gone(options)),
        ),
    ),
    Variant("field-type-absent", _ABSENT, edited(at(f"{FIELD}/type", gone))),
    Variant(
        "error-msg-always",
        "the message of a field that did not fail is empty or absent",
        edited(
            within(FIELD, lambda field: field.setdefault("error_msg", "")),
            within(CASE, lambda field: field.setdefault("error_msg", "")),
        ),
    ),
    Variant(
        "error-msg-never-empty",
        "the message of a field that did not fail is empty or absent",
        edited(at(f"{FIELD}/error_msg", lambda text: text or gone(text))),
    ),
    Variant(
        "chosen-field-absent",
        f"{_ABSENT}, and nothing was chosen",
        edited(within(CASE, lambda field: field.pop("chosen_field") if field.get("chosen_field", 0) is None else None)),
    ),
    Variant(
        "id-and-status-absent", f"{_ABSENT}: paging does not need them", edited(at("id", gone), at("status", gone))
    ),
    Variant(
        "case-validations-absent",
        "a cross-class field without rules has no validations, although the flag is set",
        edited(at(f"{CASE}/validations", gone)),
    ),
    Variant(
        "pdf-never-made",
        "the app need not make PDFs: only that path may be absent although its flag is set",
        edited(at(f"{DOCUMENT}/post_processed_pdf_path", gone)),
    ),
    Variant("alerts-bare", _ABSENT, edited(at(f"{FIELD}/validations/alerts", each(lambda _alert: {})))),
    Variant(
        "validations-bare",
        f"{_ABSENT}; the flag promises the object, not its members",
        edited(at(f"{FIELD}/validations/alerts", gone), at(f"{CASE}/validations/failures", gone)),
    ),
    Variant(
        "confidence-bare",
        f"{_ABSENT}; the flag promises the object, not its members",
        edited(at(f"{FIELD}/confidence/ocr", lambda score: gone(score) if score is None else score)),
    ),
    # --- Values ---
    Variant(
        "status-new",
        "more statuses may be added: an unknown one is reported, but is not a breach",
        edited(at("status", instead("PAUSED", "WAITING_FOR_CAPACITY"))),
        unlike=("status",),
    ),
    Variant(
        "confidence-in-percent",
        "the contract gives confidences no range",
        edited(at(f"{FIELD}/confidence/model", lambda score: score and round(score * 100, 1))),
    ),
    Variant(
        "error-msg-of-value",
        "the contract does not limit the text of an error message",
        edited(at(f"{FIELD}/error_msg", lambda text: text and text * 40)),
    ),
    Variant(
        "edit-time-iso",
        "the time of an edit is text, in no fixed form",
        edited(at(f"{FIELD}/edit_history/timestamp", to("2025-08-27T00:58:39Z"))),
    ),
    # --- Runs that people work on ---
    Variant(
        "complete-under-review",
        "a run that is complete may still be reviewed, and then counts as finished or not",
        edited(
            at("finish_timestamp", to(None)),
            at("review_completed", to(False)),
            when=lambda call: call.status == "COMPLETE",
        ),
    ),
    Variant(
        "reviewed-meanwhile",
        "a reviewer may edit a run at any moment",
        edited(_first_file_edited, when=lambda call: call.number >= 60 and call.run_id == STANDARD_RUN),
    ),
    # --- Refusals ---
    Variant(
        "foreign-context-404",
        "a server need not say whether a foreign context has a run",
        _instead(403, 404, "Run not found"),
    ),
    Variant(
        "bad-input-422",
        "bad input is the caller's error; the contract has a shape for every status",
        _instead(400, 422),
    ),
    Variant(
        "unusable-run-id-404", "an id that no run can have is the id of no run", server_with(read_run_id=_bad_run_id)
    ),
    Variant(
        "unusable-run-id-400",
        "an id that no run can have may be refused as such",
        server_with(read_run_id=_strict_run_id),
    ),
    Variant(
        "long-offset-414",
        "a target may be too long for a server",
        server_with(
            respond=lambda call, honest, request: (
                call.server.error(Refusal(414, "URI too long"))
                if len(request.scope["raw_path"]) + len(request.scope["query_string"]) > 8000
                else honest(request)
            )
        ),
    ),
    Variant(
        "error-more-keys",
        "new keys are allowed everywhere",
        refused(
            lambda refusal, response: with_body(
                response, json.dumps({"code": refusal.status, "message": refusal.message, "details": []}).encode()
            )
        ),
    ),
    Variant(
        "error-message-translated",
        "the text of a message is for people",
        server_with(
            error=lambda _call, honest, refusal: honest(
                Refusal(refusal.status, "Das geht so nicht: ä, 誤", refusal.headers)
            )
        ),
    ),
    Variant(
        "challenge-with-parameters",
        "a challenge may have parameters (RFC 9110, 11.3)",
        refused(
            lambda _refusal, response: with_header(
                response, "WWW-Authenticate", 'Bearer realm="results", error="invalid_token"'
            ),
            401,
        ),
    ),
    Variant(
        "challenge-among-others",
        "a server may accept several schemes (RFC 9110, 11.6.1)",
        refused(
            lambda _refusal, response: with_header(
                response, "WWW-Authenticate", 'Negotiate, bearer realm="results", Basic realm="old"'
            ),
            401,
        ),
    ),
    Variant(
        "head-refused",
        "the contract knows GET alone",
        server_with(check_method=lambda _call, _honest, request: None if request.method == "GET" else _only_get()),
    ),
    Variant("other-methods-501", "the contract has a shape for every status", _instead(405, 501, "Not implemented")),
    Variant(
        "unknown-run-403",
        "a server need not say which runs there are",
        _instead(404, 403, "You may not read this run"),
    ),
    Variant(
        "slash-redirected",
        "the path with a slash at its end is another path, and may lead here",
        server_with(respond=_slash_redirected),
    ),
    Variant("busy-at-times", "429 is in the contract, and says when to try again", server_with(respond=_busy)),
    # --- On the wire ---
    Variant("charset-utf-8", "the charset is UTF-8 anyway", _content_type("application/json; charset=utf-8")),
    Variant("charset-quoted", _HTTP, _content_type('application/json;charset="UTF-8"')),
    Variant("content-type-other-case", f"{_HTTP} (RFC 9110, 8.3.1)", _content_type("Application/JSON")),
    Variant("header-names-upper-case", f"{_HTTP} (RFC 9110, 5.1)", _headers(lambda name, value: (name.upper(), value))),
    Variant(
        "more-headers",
        "the contract names some headers, and forbids none",
        _more_headers(
            {
                "X-Request-Id": "7",
                "Cache-Control": "no-store",
                "Server": "nginx",
                "Set-Cookie": "lb=1; Path=/",
                "Strict-Transport-Security": "max-age=31536000",
            }
        ),
    ),
    Variant(
        "range-answered",
        "206 answers a range that the caller has asked for (RFC 9110, 14.2)",
        server_with(encode=_part_answered),
    ),
    Variant("entity-tags", "304 answers a condition that the caller has set", server_with(encode=_tagged)),
    Variant("gzip-when-accepted", "gzip is allowed if the client accepts it", server_with(encode=_gzip_errors_too)),
    Variant("chunked", "a body may come in chunks of unknown number", server_with(deliver=_in_pieces)),
    Variant(
        "connection-closed", "a connection may be closed after each answer", _more_headers({"Connection": "close"})
    ),
    Variant("slow", "the contract names no time", configured(latency=0.01)),
    Variant(
        "keys-escaped",
        "an escaped character is the character",
        written(lambda body: body.replace(b'"files":', b'"f\\u0069les" : ')),
    ),
)
