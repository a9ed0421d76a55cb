"""Correct variants: servers that differ from the reference server where the contract allows it."""

import json

from run_results_conformance.server.reference import Refusal

from .fault import Variant
from .standard import STANDARD_RUN
from .steps import (
    CASE,
    DOCUMENT,
    FIELD,
    at,
    configured,
    each,
    edited,
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
from .variations import (
    bad_run_id,
    busy_at_times,
    content_type,
    entity_tagged,
    everywhere,
    first_file_edited,
    gzip_errors_too,
    headers_changed,
    in_pieces,
    more_headers,
    only_get,
    part_answered,
    plain_numbers,
    shuffled_keys,
    slash_redirected,
    status_instead,
    strict_run_id,
    without,
    written_as,
)

_PAGING = "the page size is the server's choice, and is in no part of the contract"
_ABSENT = "all but the required properties may be absent"
_HTTP = "HTTP gives the two the same meaning"

CORRECT_RESULTS = (
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
        "keys-sorted", "the members of a JSON object have no order", written_as(sort_keys=True, ensure_ascii=False)
    ),
    Variant("keys-shuffled", "the members of a JSON object have no order", everywhere(shuffled_keys)),
    Variant(
        "keys-reversed",
        "the members of a JSON object have no order",
        everywhere(lambda part: dict(reversed(part.items()))),
    ),
    Variant("json-pretty", "white space between tokens means nothing", written_as(indent=2, ensure_ascii=False)),
    Variant("json-ascii", "an escaped character is the character", written_as(ensure_ascii=True)),
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
        server_with(dump=lambda _call, honest, body: honest(plain_numbers(body))),
    ),
    # --- What may be there, and what may be absent ---
    Variant(
        "more-keys-everywhere",
        "new keys are allowed everywhere",
        everywhere(lambda part: {**part, "x_new": {"since": 2026, "list": [None]}}),
    ),
    Variant(
        "more-keys-like-others",
        "new keys are allowed everywhere, whatever they are called",
        everywhere(lambda part: {"name_": None, "offset": 0, "next": None, **part, "total": 1}),
    ),
    Variant(
        "run-bare",
        _ABSENT,
        edited(
            within(
                "",
                without(
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
    Variant("document-without-pages", _ABSENT, edited(within(DOCUMENT, without("page_numbers")))),
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
        "id-and-status-absent",
        f"{_ABSENT}: paging does not need them",
        edited(at("id", gone), at("status", gone)),
        unlike=("status",),
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
        edited(first_file_edited, when=lambda call: call.number >= 60 and call.run_id == STANDARD_RUN),
    ),
    # --- Refusals ---
    Variant(
        "foreign-context-404",
        "a server need not say whether a foreign context has a run",
        status_instead(403, 404, "Run not found"),
    ),
    Variant(
        "bad-input-422",
        "bad input is the caller's error; the contract has a shape for every status",
        status_instead(400, 422),
    ),
    Variant(
        "unusable-run-id-404", "an id that no run can have is the id of no run", server_with(read_run_id=bad_run_id)
    ),
    Variant(
        "unusable-run-id-400",
        "an id that no run can have may be refused as such",
        server_with(read_run_id=strict_run_id),
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
        server_with(check_method=lambda _call, _honest, request: None if request.method == "GET" else only_get()),
    ),
    Variant(
        "other-methods-501", "the contract has a shape for every status", status_instead(405, 501, "Not implemented")
    ),
    Variant(
        "unknown-run-403",
        "a server need not say which runs there are",
        status_instead(404, 403, "You may not read this run"),
    ),
    Variant(
        "slash-redirected",
        "the path with a slash at its end is another path, and may lead here",
        server_with(respond=slash_redirected),
    ),
    Variant("busy-at-times", "429 is in the contract, and says when to try again", server_with(respond=busy_at_times)),
    # --- On the wire ---
    Variant("charset-utf-8", "the charset is UTF-8 anyway", content_type("application/json; charset=utf-8")),
    Variant("charset-quoted", _HTTP, content_type('application/json;charset="UTF-8"')),
    Variant("content-type-other-case", f"{_HTTP} (RFC 9110, 8.3.1)", content_type("Application/JSON")),
    Variant(
        "header-names-upper-case",
        f"{_HTTP} (RFC 9110, 5.1)",
        headers_changed(lambda name, value: (name.upper(), value)),
    ),
    Variant(
        "more-headers",
        "the contract names some headers, and forbids none",
        more_headers(
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
        server_with(encode=part_answered),
    ),
    Variant("entity-tags", "304 answers a condition that the caller has set", server_with(encode=entity_tagged)),
    Variant("gzip-when-accepted", "gzip is allowed if the client accepts it", server_with(encode=gzip_errors_too)),
    Variant("chunked", "a body may come in chunks of unknown number", server_with(deliver=in_pieces)),
    Variant("connection-closed", "a connection may be closed after each answer", more_headers({"Connection": "close"})),
    Variant("slow", "the contract names no time", configured(latency=0.01)),
    Variant(
        "keys-escaped",
        "an escaped character is the character",
        written(lambda body: body.replace(b'"files":', b'"f\\u0069les" : ')),
    ),
)
