"""Wire: status, media type, encoding and the bytes of a good answer."""

import gzip
import json
import re
import zlib
from collections.abc import Callable

import anyio
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Send

from run_results_conformance.server.reference import accepts_gzip

from .fault import Fault, Level, Make, Question
from .standard import EMPTY_RUN, NAMES_WALK, STATUS_RUNS, WALK, asking, from_offset
from .steps import (
    Call,
    Step,
    When,
    always,
    answered,
    every,
    headed,
    last,
    late,
    later,
    server_with,
    unfinished,
    with_body,
    with_header,
    written,
)


def wire(name: str, breach: str, make: Make, *, witness: tuple[Question, ...] = WALK, level: Level = "MUST") -> Fault:
    return Fault(name, "wire", breach, "nothing", make, level, witness)


def _status(code: int, when: When = always) -> Make:
    def change(_call: Call, response: Response) -> Response:
        response.status_code = code
        return response

    return answered(change, when=when)


def _text(change: Callable[[str], str], when: When = always) -> Make:
    return written(lambda body: change(body.decode()).encode(), when=when)


def _surrogates(found: re.Match[str]) -> str:
    pair = found[0].encode("utf-16-be")
    return "".join(chr(int.from_bytes(pair[at : at + 2], "big")) for at in (0, 2))


def _shortened(length: Callable[[int], int], when: When) -> Step:
    """Declares the length of the whole body, sends the first part of it, and ends the connection."""

    async def deliver(call: Call, _honest: Step, request: Request, _receive: Receive, send: Send) -> None:
        server = call.server
        response = server.encode(request, server.respond(request))
        body = bytes(response.body)
        if response.status_code == 200 and when(call):
            body = body[: length(len(body))]
        await send({"type": "http.response.start", "status": response.status_code, "headers": response.raw_headers})
        await send({"type": "http.response.body", "body": body, "more_body": len(body) < len(response.body)})

    return deliver


def _dropped(when: When) -> Step:
    """Closes the connection instead of an answer of status 200."""

    async def deliver(call: Call, _honest: Step, request: Request, receive: Receive, send: Send) -> None:
        server = call.server
        response = server.encode(request, server.respond(request))
        if response.status_code == 200 and when(call):
            # The server gives up on a header that cannot be written, before anything was.
            response.raw_headers.append((b"x-broken", b"\n"))
        await response(request.scope, receive, send)

    return deliver


SLOW = 2.3
"""Seconds that a slow answer takes."""


def _late_by(seconds: float, when: When) -> Step:
    async def deliver(call: Call, honest: Step, request: Request, receive: Receive, send: Send) -> None:
        if when(call):
            await anyio.sleep(seconds)
        await honest(request, receive, send)

    return deliver


def _no_content(_call: Call, honest: Step, request: Request, response: Response) -> Response:
    encoded: Response = honest(request, response)
    if request.method == "HEAD" and encoded.status_code == 200:
        return Response(status_code=204, media_type="application/json")
    return encoded


def _coded(damage: Callable[[bytes], bytes], before: Callable[[bytes], bytes] = bytes) -> Make:
    """Compresses answers of status 200 if the client accepts gzip; changes the body before or after."""

    def encode(_call: Call, honest: Step, request: Request, response: Response) -> Response:
        encoded: Response = honest(request, response)
        if encoded.status_code != 200 or not accepts_gzip(request):
            return encoded
        packed = damage(gzip.compress(before(bytes(encoded.body)), mtime=0))
        return with_header(with_body(encoded, packed), "Content-Encoding", "gzip")

    return server_with(encode=encode)


def _compressed(compress: Callable[[bytes], bytes], coding: str | None) -> Make:
    return answered(
        lambda _call, response: with_header(
            with_body(response, compress(bytes(response.body))), "Content-Encoding", coding
        )
    )


def _page(text: str, media_type: str = "text/html") -> Callable[[Call, Response], Response]:
    return lambda _call, _response: Response(text, media_type=media_type)


_PROXY_PAGE = "<html><head><title>Please wait</title></head><body>The service is starting.</body></html>"
_GZIP = (("Accept-Encoding", "gzip"),)
_NO_GZIP = (("Accept-Encoding", "gzip;q=0, identity"),)

WIRE = (
    wire("status-201", "A page is answered with 201.", _status(201)),
    wire(
        "status-202-unfinished",
        "An unfinished run is answered with 202.",
        _status(202, unfinished),
        witness=(asking(STATUS_RUNS["RUNNING"]),),
    ),
    wire(
        "status-204-empty",
        "A run without files is answered with 204 and no body.",
        answered(lambda _call, _response: Response(status_code=204), when=lambda call: call.total == 0),
        witness=(asking(EMPTY_RUN),),
    ),
    wire(
        "status-206-partial",
        "A page after which more comes is answered with 206.",
        _status(206, lambda call: call.more),
    ),
    wire(
        "status-304-again",
        "A page that was answered before is answered with 304, unconditionally asked.",
        answered(lambda _call, _response: Response(status_code=304), when=lambda call: call.number > 0),
        witness=(asking(), asking()),
    ),
    wire(
        "redirect-to-slash",
        "The operation is answered with a redirect to the same path with a slash.",
        answered(lambda call, _response: Response(status_code=307, headers={"Location": f"{call.request.url.path}/"})),
    ),
    wire("content-type-missing", "A page has no Content-Type.", headed("Content-Type", None)),
    wire("content-type-text", "A page is said to be plain text.", headed("Content-Type", "text/plain; charset=utf-8")),
    wire(
        "content-type-html-late",
        "A page is said to be HTML from the third page on.",
        headed("Content-Type", "text/html", when=late),
    ),
    wire("content-type-text-json", "A page is said to be text/json.", headed("Content-Type", "text/json")),
    wire(
        "content-type-octets",
        "A page is said to be bytes of any kind.",
        headed("Content-Type", "application/octet-stream"),
    ),
    wire(
        "content-type-vendor",
        "A page has a media type made up by the vendor.",
        headed("Content-Type", "application/vnd.results+json"),
    ),
    wire(
        "charset-latin-1-declared",
        "UTF-8 is declared to be Latin-1.",
        headed("Content-Type", "application/json; charset=iso-8859-1"),
        level="POLICY",
    ),
    wire(
        "body-latin-1",
        "A page is written in Latin-1.",
        written(lambda body: body.decode().encode("latin-1", "replace")),
    ),
    wire("body-utf-16", "A page is written in UTF-16.", written(lambda body: body.decode().encode("utf-16"))),
    wire(
        "body-cut-in-character",
        "One character of several bytes loses its last byte.",
        written(lambda body: re.sub(rb"([\xc3-\xdf])[\x80-\xbf]", rb"\1", body, count=1)),
    ),
    wire(
        "surrogates-as-utf-8",
        "Characters beyond U+FFFF are written as two encoded surrogates.",
        written(lambda body: re.sub("[^\0-\uffff]", _surrogates, body.decode()).encode("utf-8", "surrogatepass")),
        witness=NAMES_WALK,
    ),
    wire("byte-order-mark", "A page begins with a byte order mark.", written(lambda body: b"\xef\xbb\xbf" + body)),
    wire("duplicate-key", "id is written twice.", _text(lambda text: re.sub(r'^\{("id":"[^"]*"),', r"{\1,\1,", text))),
    wire(
        "duplicate-has-more",
        "has_more is written twice, first the other way round.",
        _text(
            lambda text: text.replace(
                '{"id"', '{"has_more":%s,"id"' % ("false" if '"has_more":true' in text else "true"), 1
            )
        ),
    ),
    wire(
        "duplicate-key-deep-late",
        "A field's value is written twice, from the third page on.",
        _text(lambda text: re.sub(r'("value":"[^"\\]*"),"type"', r'"value":"","value":"",\1,"type"', text), late),
    ),
    wire(
        "nan-for-null",
        "A confidence that is not there is NaN.",
        _text(lambda text: text.replace('"ocr":null', '"ocr":NaN')),
    ),
    wire(
        "infinity",
        "A page's height is Infinity.",
        _text(lambda text: re.sub(r'"height":[0-9.]+', '"height":Infinity', text)),
    ),
    wire(
        "minus-infinity-late",
        "A confidence that is not there is -Infinity, after the first page.",
        _text(lambda text: text.replace('"ocr":null', '"ocr":-Infinity'), later),
    ),
    wire(
        "leading-zeros",
        "A page number is written with leading zeros.",
        _text(lambda text: re.sub(r'"page_number":([0-9])', r'"page_number":0\1', text)),
    ),
    wire("trailing-comma", "A comma stands after the last member.", _text(lambda text: text[:-1] + ",}")),
    wire("trailing-text", "A log line stands after the JSON.", written(lambda body: body + b"\nDONE in 12 ms\n")),
    wire("two-documents", "The JSON comes twice in one body.", written(lambda body: body + body)),
    wire(
        "nul-padded",
        "The body is padded with NUL to blocks of 512 bytes.",
        written(lambda body: body + b"\0" * (512 - len(body) % 512)),
    ),
    wire(
        "xssi-prefix",
        "A prefix against script inclusion stands before the JSON.",
        written(lambda body: b")]}',\n" + body),
    ),
    wire("jsonp", "The JSON is wrapped into a call.", written(lambda body: b"callback(" + body + b");")),
    wire("python-literal", "The body is a Python literal.", written(lambda body: repr(json.loads(body)).encode())),
    wire(
        "json-in-json", "The JSON is written as a JSON text.", written(lambda body: json.dumps(body.decode()).encode())
    ),
    wire("raw-newlines", "Line breaks inside values are not escaped.", _text(lambda text: text.replace("\\n", "\n"))),
    wire(
        "raw-backslashes",
        "Backslashes inside values are not escaped.",
        _text(lambda text: text.replace("\\\\", "\\")),
        witness=WALK,
    ),
    wire(
        "lone-surrogate",
        "A character is cut in the middle of its UTF-16 form.",
        _text(lambda text: re.sub(r'"value":"', r'"value":"\\ud83d', text, count=1)),
        level="POLICY",
    ),
    wire(
        "empty-body-past-end",
        "Past the end the body is empty.",
        written(lambda _body: b"", when=lambda call: call.offset >= call.total),
        witness=from_offset(14),
    ),
    wire(
        "body-cut-in-half",
        "The last page is cut in half, with the length of the half.",
        written(lambda body: body[: len(body) // 2], when=last),
        witness=from_offset(12),
    ),
    wire(
        "length-beyond-body",
        "Content-Length is larger than the body; the connection ends early.",
        server_with(deliver=_shortened(lambda length: length - 2, always)),
    ),
    wire(
        "connection-ends-late",
        "The connection ends inside the third page.",
        server_with(deliver=_shortened(lambda length: length // 2, late)),
    ),
    wire(
        "no-answer-beyond-int32",
        "The connection is closed without an answer to an offset that needs more than 32 bits.",
        server_with(deliver=_dropped(lambda call: not call.is_list and call.offset > 2**31)),
        witness=from_offset(2**32),
    ),
    wire(
        "slow-at-times",
        "Every ninetieth answer takes more than two seconds.",
        server_with(deliver=_late_by(SLOW, every(90))),
        level="POLICY",
    ),
    wire(
        "head-204",
        "HEAD is answered with 204 where GET is answered with 200.",
        server_with(encode=_no_content),
        witness=(asking(method="HEAD"),),
    ),
    wire(
        "gzip-cut",
        "A compressed body lacks its end.",
        _coded(lambda body: body[:-8]),
        witness=(asking(headers=_GZIP),),
    ),
    wire(
        "gzip-of-other-values",
        "What is compressed was kept from before the values were corrected.",
        _coded(bytes, before=lambda body: re.sub(rb'("value":"[^"]*)', rb"\1 ", body)),
        witness=(asking(headers=_GZIP),),
    ),
    wire(
        "gzip-unasked",
        "The body is gzip although the caller does not take it.",
        _compressed(lambda body: gzip.compress(body, mtime=0), "gzip"),
        witness=(asking(headers=_NO_GZIP),),
    ),
    wire(
        "gzip-undeclared",
        "The body is gzip and nothing says so.",
        _compressed(lambda body: gzip.compress(body, mtime=0), None),
    ),
    wire("gzip-declared-only", "The body is said to be gzip and is not.", _compressed(bytes, "gzip")),
    wire("deflate-as-gzip", "The body is deflated and said to be gzip.", _compressed(zlib.compress, "gzip")),
    wire(
        "html-with-200",
        "A page of HTML is answered with 200 in the place of the third page.",
        answered(_page(_PROXY_PAGE), when=late),
    ),
    wire(
        "html-as-json",
        "A page of HTML is said to be JSON, at the last page.",
        answered(_page(_PROXY_PAGE, "application/json"), when=last),
        witness=from_offset(12),
    ),
    wire("xml", "A page is XML.", answered(_page("<run><has_more>false</has_more></run>", "application/xml"))),
    wire(
        "json-lines",
        "A page is JSON Lines: the run, then each file.",
        written(
            lambda body: b"\n".join(
                json.dumps(part).encode() for part in (json.loads(body), *json.loads(body)["files"])
            )
        ),
    ),
)
