"""Correct variants: servers that differ from the reference server where the contract leaves it to them."""

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
from .steps import (
    Ask,
    Step,
    at,
    configured,
    each,
    edited,
    every,
    gone,
    instead,
    refused,
    served,
    to,
    with_body,
    with_header,
    within,
    written,
)

DOCUMENT = "files/documents"
FIELD = "files/documents/fields"
CASE = "case_info/fields"


def _everywhere(change: Callable[[JsonObject], JsonObject]) -> Make:
    """Changes every object of a body, of errors too. Free objects (`custom`, `locations`) are left alone."""

    def changed(value: Any) -> Any:
        if isinstance(value, dict):
            return change(
                {name: part if name in ("custom", "locations") else changed(part) for name, part in value.items()}
            )
        return [changed(part) for part in value] if isinstance(value, list) else value

    return served(dump=lambda _ask, honest, body: honest(changed(body)))


def _written_as(**options: Any) -> Make:
    return served(dump=lambda _ask, _honest, body: json.dumps(body, **options).encode())


def _integral(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _plain_numbers(value: Any) -> Any:
    """Floats without a fraction as integers; where the contract has numbers that is the same number."""
    if isinstance(value, dict):
        return {name: part if name == "custom" else _plain_numbers(part) for name, part in value.items()}
    return [_plain_numbers(part) for part in value] if isinstance(value, list) else _integral(value)


def _sent(change: Callable[[Message], Message]) -> Make:
    """Changes how the head of every answer goes out."""

    async def deliver(_ask: Ask, honest: Step, request: Request, receive: Receive, send: Send) -> None:
        async def sent(message: Message) -> None:
            await send(change(message) if message["type"] == "http.response.start" else message)

        await honest(request, receive, sent)

    return served(deliver=deliver)


def _headers(change: Callable[[bytes, bytes], tuple[bytes, bytes] | None]) -> Make:
    """Changes, or with None leaves out, each header of every answer."""
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


async def _in_pieces(ask: Ask, _honest: Step, request: Request, _receive: Receive, send: Send) -> None:
    response = ask.server.encode(request, ask.server.respond(request))
    headers = [header for header in response.raw_headers if header[0] != b"content-length"]
    body = bytes(response.body)
    await send({"type": "http.response.start", "status": response.status_code, "headers": headers})
    for start in range(0, len(body), 700):
        await send({"type": "http.response.body", "body": body[start : start + 700], "more_body": True})
    await send({"type": "http.response.body", "body": b""})


def _instead(status: int, other: int, text: str | None = None) -> Make:
    """Refuses with another status."""
    return served(
        error=lambda _ask, honest, refusal: honest(
            Refusal(other, text or refusal.message, refusal.headers) if refusal.status == status else refusal
        )
    )


def _bad_run_id(_ask: Ask, honest: Step, request: Request) -> str:
    try:
        return str(honest(request))
    except Refusal:
        raise Refusal(404, "Run not found") from None


def _strict_run_id(_ask: Ask, honest: Step, request: Request) -> str:
    run_id = str(honest(request))
    if not run_id.isprintable() or len(run_id) > 200:
        raise Refusal(400, "run_id has a form that is not accepted")
    return run_id


def _only_get() -> NoReturn:
    raise Refusal(405, "Method not allowed", {"Allow": "GET"})


def _busy(ask: Ask, honest: Step, request: Request) -> Response:
    if every(9)(ask):
        return ask.server.error(Refusal(429, "Too many requests; try again", {"Retry-After": "0"}))
    response: Response = honest(request)
    return response


def _tagged(_ask: Ask, honest: Step, request: Request, response: Response) -> Response:
    """An entity tag, and 304 for who has it already."""
    response = honest(request, response)
    if response.status_code == 200:
        tag = f'"{hash(bytes(response.body)) & 0xFFFFFFFF:08x}"'
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers={"ETag": tag})
        response.headers["ETag"] = tag
    return response


def _gzip_errors_too(_ask: Ask, honest: Step, request: Request, response: Response) -> Response:
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
        served(page_size=lambda ask, _honest, *_arguments: 1 + ask.number % 4),
    ),
    Variant(
        "page-size-by-flag",
        f"{_PAGING}; a page that holds more of each file may hold fewer files",
        served(page_size=lambda ask, honest, *arguments: max(1, honest(*arguments) - len(ask.flags))),
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
        served(dump=lambda _ask, honest, body: honest(body).replace(b"/", b"\\/")),
    ),
    Variant(
        "json-final-newline",
        "white space around the document means nothing",
        served(dump=lambda _ask, honest, body: b"\r\n" + honest(body) + b"\n"),
    ),
    Variant(
        "integers-for-floats",
        "JSON has one kind of numbers: 5 is 5.0",
        served(dump=lambda _ask, honest, body: honest(_plain_numbers(body))),
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
    Variant("run-without-batch", "a run need not read a batch", edited(at("batch_id", gone))),
    Variant("keys-empty", f"{_ABSENT}, and keys holds none", edited(at("keys", to({})))),
    Variant("case-info-empty", f"{_ABSENT}, and case_info holds none", edited(at("case_info", to({})))),
    Variant(
        "message-absent-when-null",
        f"{_ABSENT}, and message has no need to say nothing",
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
    Variant("file-bare", f"{_ABSENT}: a file need not say where it is kept", edited(at("files/input_file_path", gone))),
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
        "pdf-never-made",
        "the app need not make PDFs: that path alone may be absent though asked for",
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
        "more statuses may be added: an unknown one is reported, and is no breach",
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
        "the contract gives no bounds to what an error message says",
        edited(at(f"{FIELD}/error_msg", lambda text: text and text * 40)),
    ),
    Variant(
        "edit-time-iso",
        "the time of an edit is text, in no fixed form",
        edited(at(f"{FIELD}/edit_history/timestamp", to("2025-08-27T00:58:39Z"))),
    ),
    # --- Refusals ---
    Variant(
        "foreign-context-404",
        "whether a run of a foreign context is there need not be told",
        _instead(403, 404, "Run not found"),
    ),
    Variant(
        "bad-input-422",
        "bad input is the caller's error; the contract has a shape for every status",
        _instead(400, 422),
    ),
    Variant("unusable-run-id-404", "an id that no run can have is the id of no run", served(read_run_id=_bad_run_id)),
    Variant(
        "unusable-run-id-400", "an id that no run can have may be refused as such", served(read_run_id=_strict_run_id)
    ),
    Variant(
        "long-offset-414",
        "a target may be too long for a server",
        served(
            respond=lambda ask, honest, request: (
                ask.server.error(Refusal(414, "URI too long"))
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
        "what a message says is for people",
        served(
            error=lambda _ask, honest, refusal: honest(
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
        served(check_method=lambda _ask, _honest, request: None if request.method == "GET" else _only_get()),
    ),
    Variant("other-methods-501", "the contract has a shape for every status", _instead(405, 501, "Not implemented")),
    Variant("busy-at-times", "429 is in the contract, and says when to come back", served(respond=_busy)),
    # --- On the wire ---
    Variant("charset-utf-8", "a charset says what is so anyway", _content_type("application/json; charset=utf-8")),
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
    Variant("entity-tags", "304 answers a condition that the caller has set", served(encode=_tagged)),
    Variant("gzip-when-accepted", "gzip is for who accepts it", served(encode=_gzip_errors_too)),
    Variant("chunked", "a body may come in chunks of unknown number", served(deliver=_in_pieces)),
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
