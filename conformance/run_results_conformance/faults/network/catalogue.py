"""Every situation by its name, and what each group of situations must lead to."""

import gzip
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from .answers import (
    HTML,
    HTML_PAGE,
    INTERIM,
    OK,
    break_many_places,
    byte_by_byte,
    changed_page,
    closed_after_answer,
    closed_when_reused,
    compression_bomb,
    cut_off,
    deep_json,
    echo,
    echo_as,
    echo_as_coding,
    echo_in_headers,
    endless_body,
    half,
    half_chunked,
    half_of,
    head_of,
    html_error,
    huge_string,
    in_documents,
    in_files,
    json_error,
    page_from,
    redirect,
    repeated,
    retry_after_date,
    with_body,
    with_coding,
    with_values,
    without_body,
    without_property,
)
from .situation import PIECE, Act, Connection, OnConnect, Row, Situation

# --- The rows -----------------------------------------------------------------------------------------------

ROWS: Mapping[str, Row] = MappingProxyType(
    {
        row.name: row
        for row in (
            Row(
                "connection",
                "no connection, one that breaks, half a body, and statuses that pass",
                "asked again with full-jitter backoff inside a shared budget; then one typed error with status, the "
                "server's message, request id, attempts and a bounded excerpt",
            ),
            Row(
                "retry-after",
                "`Retry-After` in seconds, as a date, absurd, or garbage",
                "honoured up to a cap; over the cap an error at once that carries the value; garbage falls back to "
                "backoff",
            ),
            Row(
                "status",
                "a status that asking again does not change",
                "not asked again; a typed error with the server's message, or an excerpt of the body",
            ),
            Row(
                "time",
                "silence, a byte now and then, headers or interim answers without end",
                "a wall-clock deadline for each request and, if asked for, for the whole walk; the error names it",
            ),
            Row(
                "body",
                "too large, a bomb, too deep, broken text, another or no media type",
                "limits on bytes, packed and unpacked, while they come, and on depth; a typed error; right JSON is "
                "taken under any media type",
            ),
            Row(
                "redirect",
                "redirects to another origin, in a circle, from https to http",
                "not followed; the error says where it pointed; neither token nor `IB-Context` goes there",
            ),
            Row(
                "paging",
                "pages that repeat, overlap, contradict the run or each other, or cannot be paged by",
                "the walk stops with an error named after the breach (a run that changed: or a warning, as the caller "
                "chose); never a loop, never a silent end",
            ),
            Row(
                "drift",
                "null, another type, an unknown value or key, a missing or doubled key",
                "the data is delivered, the raw value can be read, every place is listed and logged once; strict "
                "raises with the same list where the contract is broken",
            ),
            Row(
                "token",
                "a token that has run out, or that the server sends back",
                "a function that gives the token is asked again, once; what comes back is in no error and no log",
            ),
        )
    }
)


# --- The situations --------------------------------------------------------------------------------------------


def _group(row: str, *situations: tuple[str, str, Act | None] | tuple[str, str, None, OnConnect]) -> list[Situation]:
    return [
        Situation(situation[0], row, situation[1], situation[2], situation[3] if len(situation) == 4 else None)
        for situation in situations
    ]


_PASSING = (408, 429, 500, 502, 503, 504)
_LASTING = (400, 401, 403, 404, 418, 422, 520)

_CATALOGUE: Final = (
    *_group(
        "connection",
        ("refused", "Nobody listens until `FaultServer.open` is called.", None),
        ("reset-at-once", "The connection is reset before anything is read.", None, Connection.reset),
        ("closed-at-once", "The connection is closed before anything is read.", None, Connection.close),
        ("reset-before-answer", "Reset instead of an answer.", cut_off(Connection.reset)),
        ("closed-before-answer", "Closed instead of an answer.", cut_off(Connection.close)),
        ("closed-in-headers", "Closed after the status line.", cut_off(Connection.close, OK)),
        ("reset-before-body", "Reset between headers and body.", cut_off(Connection.reset, head_of)),
        ("reset-in-body", "Reset in the middle of the body.", cut_off(Connection.reset, head_of, half_of)),
        (
            "closed-in-body",
            "Closed in the middle of a body with a Content-Length.",
            cut_off(Connection.close, head_of, half_of),
        ),
        ("closed-in-chunks", "Closed in the middle of a chunked body.", cut_off(Connection.close, half_chunked)),
        (
            "closed-in-gzip",
            "Half of a gzip body, with the length of that half.",
            with_coding("gzip", lambda b: half(gzip.compress(b))),
        ),
        (
            "kept-alive-closed",
            "A kept-alive connection is closed when the next request comes on it.",
            closed_when_reused,
        ),
        ("kept-alive-ended", "A kept-alive connection is closed right after an answer.", closed_after_answer),
        ("truncated-json", "Half of the JSON under a 200, with the length of that half.", with_body(half)),
        (
            "truncated-unmarked",
            "Half of the JSON under a 200, without a length.",
            cut_off(Connection.close, OK + b"\r\n", half_of),
        ),
        ("no-http", "Something that is not HTTP.", cut_off(Connection.close, b"SSH-2.0-gateway\r\n")),
        *((f"status-{code}-json", f"{code}, as the contract has errors.", json_error(code)) for code in _PASSING),
        *((f"status-{code}-html", f"{code}, with a page of HTML.", html_error(code)) for code in _PASSING),
    ),
    *_group(
        "retry-after",
        ("retry-after-seconds", "429, and 2 seconds.", json_error(429, Retry_After="2")),
        ("retry-after-date", "503, and a date half a minute ahead.", retry_after_date(30)),
        ("retry-after-past", "503, and a date in the past.", retry_after_date(-3600)),
        ("retry-after-absurd", "429, and 3600 seconds.", json_error(429, Retry_After="3600")),
        ("retry-after-absurd-date", "503, and a date ten days ahead.", retry_after_date(864_000)),
        ("retry-after-garbage", "503, and the word soon.", json_error(503, Retry_After="soon")),
        ("retry-after-negative", "503, and -1.", json_error(503, Retry_After="-1")),
        ("retry-after-endless", "503, and 4000 digits.", json_error(503, Retry_After="9" * 4000)),
    ),
    *_group(
        "status",
        *((f"status-{code}", f"{code}, as the contract has errors.", json_error(code)) for code in _LASTING),
        ("status-404-html", "404, with a page of HTML.", html_error(404)),
        ("status-204", "204, without a body.", without_body(204)),
        ("status-206", "The page, as 206.", with_body(bytes, status=206)),
        ("status-300", "300, without a place.", json_error(300)),
        ("status-304", "304, unasked.", without_body(304)),
    ),
    *_group(
        "time",
        ("silent-at-once", "The connection is taken, and nothing read or said.", None, Connection.hold),
        ("silent", "The request is read, and nothing said.", cut_off(Connection.hold)),
        ("silent-in-headers", "Silence after the status line.", cut_off(Connection.hold, OK)),
        ("silent-in-body", "Silence in the middle of the body.", cut_off(Connection.hold, head_of, half_of)),
        (
            "drip-headers",
            "The headers come a byte every quarter of a second.",
            byte_by_byte(OK, b"X-Slow: " + b"z" * 1000),
        ),
        (
            "drip-body",
            "The body comes a byte every quarter of a second.",
            byte_by_byte(head_of, lambda call: call.honest[2]),
        ),
        ("endless-headers-slow", "A header every tenth of a second.", repeated(b"X-More: 1\r\n", 0.1, OK)),
        ("endless-headers", "Headers as fast as they go.", repeated(b"X-More: 1\r\n" * 6_000, 0, OK)),
        ("endless-interim", "An interim answer (103) again and again.", repeated(INTERIM, 0.02)),
        ("endless-interim-fast", "The same, as fast as they go.", repeated(INTERIM * 500)),
    ),
    *_group(
        "body",
        ("endless-body", "A body of blanks without end.", endless_body(200, b" " * PIECE)),
        ("endless-error-body", "500, with a body without end.", endless_body(500, b"<p>" * 20_000, HTML)),
        ("gzip-bomb", "Two gigabytes in two megabytes of gzip.", compression_bomb(200, "gzip")),
        ("deflate-bomb", "The same, deflated.", compression_bomb(200, "deflate")),
        ("gzip-bomb-500", "The same gzip under a 500.", compression_bomb(500, "gzip")),
        ("huge-string", "A page that keeps the contract, with a message of 100 MB.", huge_string),
        ("deep-json", "JSON nested 200,000 deep.", deep_json(200)),
        ("deep-json-500", "The same under a 500.", deep_json(500)),
        ("invalid-utf-8", "A byte that is not UTF-8.", with_body(lambda body: body[:-1] + b',"message":"\xff"}')),
        (
            "invalid-utf-8-unread",
            "The same, in an unknown key.",
            with_body(lambda body: body[:-1] + b',"x":"\xff"}'),
        ),
        ("byte-order-mark", "A byte order mark first.", with_body(lambda body: b"\xef\xbb\xbf" + body)),
        ("media-type-wrong", "Right JSON as text/html.", with_body(bytes, HTML)),
        ("media-type-missing", "Right JSON without a Content-Type.", with_body(bytes, {})),
        ("html-as-json", "A page of HTML as application/json.", with_body(lambda _body: HTML_PAGE)),
        ("empty-body", "A 200 without a body.", with_body(lambda _body: b"")),
        ("json-array", "Right JSON, but an array.", with_body(lambda body: b"[" + body + b"]")),
        ("gzip-broken", "Declared as gzip, but is not.", with_coding("gzip")),
        ("coding-unknown", "A content coding that the client did not accept.", with_coding("br")),
    ),
    *_group(
        "redirect",
        (
            "redirect-elsewhere",
            "302 to another origin, with user info and a query.",
            redirect(lambda call: call.elsewhere.replace("://", "://user:pass@") + "/login?next=secret#top", 302),
        ),
        ("redirect-loop", "307 to itself.", redirect(lambda call: call.received.target, 307)),
        (
            "redirect-to-http",
            "301 to the same path over plain http, on another port; serve it with `tls`.",
            redirect(lambda call: call.elsewhere + call.received.target, 301),
        ),
    ),
    *_group(
        "paging",
        ("more-without-files", "has_more, and no files.", with_values(files=[], has_more=True)),
        ("page-again", "The page before comes again.", page_from(lambda call: call.offset - call.page_size)),
        (
            "pages-in-turn",
            "A, B, A, B.",
            page_from(lambda call: call.offset // call.page_size % 2 * call.page_size),
        ),
        ("pages-overlap", "A page begins one file too early.", page_from(lambda call: call.offset - 1)),
        ("offset-ignored", "The first page, whatever was asked for.", page_from(lambda _call: 0)),
        ("another-run", "A page of another run.", with_values(id="another-run")),
        ("status-changes", "Another status than before.", with_values(status="RUNNING")),
        ("finish-time-changes", "Another finish_timestamp than before.", with_values(finish_timestamp=1)),
        ("batch-changes", "Another batch_id than before.", with_values(batch_id="another-batch")),
        ("has-more-missing", "No has_more.", without_property("has_more")),
        ("has-more-null", "has_more is null.", with_values(has_more=None)),
        ("has-more-text", 'has_more is the text "false".', with_values(has_more="false")),
        ("files-missing", "No files.", without_property("files")),
        ("files-null", "files is null.", with_values(files=None)),
    ),
    *_group(
        "drift",
        ("null-for-object", "keys is null.", with_values(keys=None)),
        ("number-for-string", "original_file_name is a number.", in_files(original_file_name=7)),
        ("object-for-array", "documents is an object.", in_files(documents={"0": {}})),
        ("array-for-object", "A document's validations are an array.", in_documents(validations=[])),
        ("unknown-status", "A status that the contract does not name.", with_values(status="ARCHIVED")),
        ("unknown-keys", "Keys that the contract does not name.", in_files(colour="red", size={})),
        ("missing-status", "No status.", without_property("status")),
        (
            "doubled-keys",
            "A key of each file is written twice.",
            with_body(lambda body: re.sub(rb'("original_file_name":"[^"]*")', rb'"original_file_name":"",\1', body)),
        ),
        ("drift-everywhere", "Several of these at once, in every file.", changed_page(break_many_places)),
    ),
    *_group(
        "token",
        ("token-run-out", "401; serve it with `times=1`.", json_error(401)),
        ("echo-401", "401, with all that was sent in the message.", echo(401)),
        ("echo-500", "500, with all that was sent in the message.", echo(500)),
        ("echo-200", "A 200 that is not JSON, with all that was sent in it.", echo(200)),
        ("echo-in-headers", "503, with token and context in its headers.", echo_in_headers(503)),
        ("echo-in-redirect", "302, with token and context in its headers.", echo_in_headers(302)),
        ("echo-as-drift", "A page with token and context where no array belongs.", echo_as("batch_id", list)),
        ("echo-as-id", "A page with token and context for an id.", echo_as("id", " ".join)),
        ("echo-as-coding", "A page with the token for a content coding.", echo_as_coding),
    ),
)

SITUATIONS: Final[Mapping[str, Situation]] = MappingProxyType({each.name: each for each in _CATALOGUE})
"""Every situation by its name."""
