"""A server of network faults, on raw sockets: what a client has to survive, on demand.

    from run_results_conformance import SyntheticRun
    from run_results_conformance.faults.network import fault_server

    with fault_server("reset-in-body", SyntheticRun(files=7), token="a-token", page_size=3, first=1, times=2) as server:
        ...  # GET {server.url}/v2/apps/runs/synthetic-0/results: the second page is cut off twice, and then comes

`SITUATIONS` is the catalogue; `ROWS` says what each group of situations must lead to. A situation is a small function
of an `Ask` (the request, and what an honest server would answer) and a `Wire` (the connection it came on). It strikes
from the request number `first` on, `times` times or for ever; every other request, and every request that an honest
server would refuse, is answered by the reference server. Whatever stands on such a connection ends with the `with`,
and after a minute at the latest.

    UnknownSituation   no situation has the name
"""

import gzip
import json
import re
import socket
import ssl
import struct
import threading
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from difflib import get_close_matches
from email.utils import formatdate
from http import HTTPStatus
from itertools import repeat
from types import MappingProxyType
from typing import Final
from urllib.parse import parse_qsl, urlencode, urlsplit

from attrs import define, field, frozen
from starlette.requests import Request

from run_results_conformance.server.contract import JsonObject
from run_results_conformance.server.reference import ReferenceServer, Token
from run_results_conformance.server.runs import MemoryStore, Run

__all__ = (
    "ROWS",
    "SITUATIONS",
    "Ask",
    "FaultServer",
    "Received",
    "Row",
    "Situation",
    "UnknownSituation",
    "Wire",
    "fault_server",
)

_PATIENCE: Final = 60.0  # seconds that a situation may last
_PIECE: Final = 65_536  # bytes sent at a time where there is much to send
_HEAD_LIMIT: Final = 262_144


class UnknownSituation(LookupError):
    """No situation has the name."""


class _Over(Exception):
    """The client has left, or the server ends."""


@frozen
class Received:
    """A request as it came: header names in lower case, `connection` counted from 0."""

    number: int
    method: str
    target: str
    headers: Mapping[str, str] = field(repr=False)
    connection: int


@frozen
class Ask:
    """A request and what an honest server makes of it."""

    received: Received
    number: int
    """How many requests came before this one."""
    served: int
    """How many answers this connection has carried."""
    offset: int
    elsewhere: str
    """The base URL of another origin, which records what reaches it (`FaultServer.strayed`)."""
    honest: tuple[int, Mapping[str, str], bytes] = field(repr=False)
    """The honest answer: status, headers, body."""
    page_size: int
    _page: Callable[[int], JsonObject] = field(repr=False, alias="page")

    def page(self, offset: int | None = None) -> JsonObject:
        """The honest page from an offset on, the requested one by default, as decoded JSON that is yours to change."""
        return self._page(self.offset if offset is None else max(0, offset))


class Wire:
    """A connection, with what a situation may do to it."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        self._end = time.monotonic() + _PATIENCE

    def send(self, data: bytes) -> None:
        """Send bytes as they are. Raises what ends the situation when the client has left."""
        try:
            self._socket.settimeout(max(0.01, self._end - time.monotonic()))
            self._socket.sendall(data)
        except OSError:
            raise _Over from None

    def head(self, status: int, headers: Mapping[str, str]) -> None:
        """Send a status line and headers, and the blank line."""
        try:
            reason = HTTPStatus(status).phrase
        except ValueError:
            reason = "Undocumented"
        lines = [f"HTTP/1.1 {status} {reason}", *(f"{name}: {value}" for name, value in headers.items())]
        self.send("\r\n".join([*lines, "", ""]).encode("latin-1"))

    def answer(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        """Send a whole answer with a right Content-Length, unless the headers frame it otherwise."""
        framed = {name.lower() for name in headers} & {"content-length", "transfer-encoding"}
        self.head(status, headers if framed else {**headers, "Content-Length": str(len(body))})
        self.send(body)

    def stream(self, status: int, headers: Mapping[str, str], pieces: Iterator[bytes]) -> None:
        """Send an answer in chunks, however many there are, while anybody reads it."""
        self.head(status, {**headers, "Transfer-Encoding": "chunked"})
        for piece in pieces:
            if piece:
                self.send(b"%x\r\n%b\r\n" % (len(piece), piece))
            if time.monotonic() > self._end:
                raise _Over
        self.send(b"0\r\n\r\n")

    def wait(self, seconds: float) -> None:
        """Sit still, without reading on, as long as the client is there."""
        until = min(self._end, time.monotonic() + seconds)
        while (left := until - time.monotonic()) > 0:
            try:
                self._socket.settimeout(left)
                if self._socket.recv(_PIECE) == b"":
                    raise _Over
            except TimeoutError:
                break
            except OSError:
                raise _Over from None
        if time.monotonic() >= self._end:
            raise _Over

    def hold(self) -> None:
        """Sit still to the end."""
        self.wait(_PATIENCE)
        raise _Over

    def close(self) -> None:
        """End the connection in order (FIN)."""
        raise _Over

    def reset(self) -> None:
        """Break the connection off (RST)."""
        self.wait(0.02)  # what was sent before may arrive first
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        raise _Over


Act = Callable[[Ask, Wire], None]
"""Answers a request, wrongly."""

OnConnect = Callable[[Wire], None]
"""Treats a connection, before anything is read from it."""


@frozen
class Row:
    """A group of situations and what they must lead to."""

    name: str
    situations: str
    demand: str


@frozen
class Situation:
    """One thing that can go wrong between a client and a server.

    `act` is called with each request that is struck; with None the connection itself is struck, before anything was
    read from it (`connect`).
    """

    name: str
    row: str
    what: str
    act: Act | None = field(default=None, repr=False)
    connect: OnConnect | None = field(default=None, repr=False)


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
                "to another origin, in a circle, from https to http",
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


# --- How situations are made --------------------------------------------------------------------------------

_JSON: Final = {"Content-Type": "application/json"}
_HTML: Final = {"Content-Type": "text/html"}
_ID: Final = {"X-Request-Id": "request-4711"}
_HTML_PAGE: Final = b"<html><title>Oops</title><body>" + b"The gateway is not well. " * 40 + b"</body></html>"
_OK: Final = b"HTTP/1.1 200 OK\r\n"
_INTERIM: Final = b"HTTP/1.1 103 Early Hints\r\n\r\n"

Part = bytes | Callable[[Ask], bytes]
"""Bytes to send, or how to make them."""


def _dump(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _message(status: int) -> bytes:
    return _dump({"message": f"The server says {status}."})


def _answered(status: int, **headers: str) -> Act:
    """An answer of this status, as the contract has errors."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda _ask, wire: wire.answer(status, {**_JSON, **_ID, **named}, _message(status))


def _html(status: int) -> Act:
    return lambda _ask, wire: wire.answer(status, {**_HTML, **_ID}, _HTML_PAGE)


def _bare(status: int) -> Act:
    return lambda _ask, wire: wire.head(status, _ID)


def _dated(seconds: float) -> Act:
    return lambda ask, wire: _answered(503, Retry_After=formatdate(time.time() + seconds, usegmt=True))(ask, wire)


def _redirected(location: Callable[[Ask], str], status: int) -> Act:
    return lambda ask, wire: wire.answer(status, {**_JSON, "Location": location(ask)}, _message(status))


def _bodied(change: Callable[[bytes], bytes], headers: Mapping[str, str] = _JSON, status: int = 200) -> Act:
    """The honest page with another body."""
    return lambda ask, wire: wire.answer(status, headers, change(ask.honest[2]))


def _coded(coding: str, change: Callable[[bytes], bytes] = bytes) -> Act:
    return _bodied(change, {**_JSON, "Content-Encoding": coding})


def _paged(change: Callable[[JsonObject], object], offset: Callable[[Ask], int] | None = None) -> Act:
    """The honest page, or that of another offset, changed in place."""

    def act(ask: Ask, wire: Wire) -> None:
        page = ask.page(offset(ask) if offset else None)
        change(page)
        wire.answer(200, _JSON, _dump(page))

    return act


def _set(**values: object) -> Act:
    return _paged(lambda page: page.update(values))


def _without(name: str) -> Act:
    return _paged(lambda page: page.pop(name, None))


def _from(offset: Callable[[Ask], int]) -> Act:
    """The page of another offset, and more to come."""
    return _paged(lambda page: page.update(has_more=True), offset)


def _in_files(**values: object) -> Act:
    return _paged(lambda page: [file.update(values) for file in page["files"]])


def _in_documents(**values: object) -> Act:
    return _paged(lambda page: [each.update(values) for file in page["files"] for each in file.get("documents", ())])


def _everywhere(page: JsonObject) -> None:
    page.update(keys=[], review_completed="yes")
    for file in page["files"]:
        file.update(original_file_name=None, documents=[7, {"class_name": 7}])


def _endlessly(status: int, piece: bytes, headers: Mapping[str, str] = _JSON) -> Act:
    return lambda _ask, wire: wire.stream(status, headers, repeat(piece))


def _bomb(status: int, coding: str) -> Act:
    def pieces() -> Iterator[bytes]:
        packer = zlib.compressobj(1, wbits=31 if coding == "gzip" else 15)
        blanks = b" " * 1_000_000
        for _ in range(2_000):
            yield packer.compress(blanks) + packer.flush(zlib.Z_SYNC_FLUSH)
        yield packer.flush()

    return lambda _ask, wire: wire.stream(status, {**_JSON, "Content-Encoding": coding}, pieces())


def _huge_string(ask: Ask, wire: Wire) -> None:
    size, mark = 100_000_000, b'"@"'
    before, after = _dump({**ask.page(), "message": "@"}).split(mark)
    wire.head(200, {**_JSON, "Content-Length": str(len(before) + size + 2 + len(after))})
    wire.send(before + b'"')
    for start in range(0, size, _PIECE):
        wire.send(b"x" * min(_PIECE, size - start))
    wire.send(b'"' + after)


def _deep(status: int) -> Act:
    nest = b',"deep":' + b"[" * 200_000 + b"]" * 200_000 + b"}"
    return _bodied(lambda body: body[:-1] + nest, status=status)


def _cut(end: Callable[[Wire], object], *parts: Part) -> Act:
    """These bytes, and then the end."""

    def act(ask: Ask, wire: Wire) -> None:
        for part in parts:
            wire.send(part if isinstance(part, bytes) else part(ask))
        end(wire)

    return act


def _dripping(before: Part, slowly: Part) -> Act:
    """The first part at once, the second byte by byte, four in a second."""

    def act(ask: Ask, wire: Wire) -> None:
        wire.send(before if isinstance(before, bytes) else before(ask))
        for byte in slowly if isinstance(slowly, bytes) else slowly(ask):
            wire.send(bytes((byte,)))
            wire.wait(0.25)

    return act


def _again_and_again(piece: bytes, seconds: float = 0.0, first: bytes = b"") -> Act:
    def act(_ask: Ask, wire: Wire) -> None:
        wire.send(first)
        while True:
            wire.send(piece)
            wire.wait(seconds)

    return act


def _head_of(ask: Ask) -> bytes:
    return _OK + b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(ask.honest[2])


def _half(body: bytes) -> bytes:
    return body[: len(body) // 2]


def _half_of(ask: Ask) -> bytes:
    return _half(ask.honest[2])


def _half_chunked(ask: Ask) -> bytes:
    return _OK + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n" % (len(_half_of(ask)), _half_of(ask))


def _kept_alive_closed(ask: Ask, wire: Wire) -> None:
    if ask.served:
        wire.close()
    wire.answer(*ask.honest)


def _kept_alive_ended(ask: Ask, wire: Wire) -> None:
    wire.answer(*ask.honest)
    wire.close()


def _secrets(ask: Ask) -> list[str]:
    return [ask.received.headers.get(name, "").removeprefix("Bearer ") for name in ("authorization", "ib-context")]


def _echoed(status: int) -> Act:
    """All headers that were sent, in the body."""

    def act(ask: Ask, wire: Wire) -> None:
        said = "; ".join(f"{name}: {value}" for name, value in ask.received.headers.items())
        wire.answer(status, {**_JSON, **_ID}, _dump({"message": said}) if status != 200 else f"<p>{said}".encode())

    return act


def _echoed_in_headers(status: int) -> Act:
    def act(ask: Ask, wire: Wire) -> None:
        said = "-".join(_secrets(ask))
        headers = {"X-Request-Id": said, "Location": f"{ask.elsewhere}/{said}", "Retry-After": said}
        wire.answer(status, {**_JSON, **headers}, _message(status))

    return act


def _echoed_as(name: str, value: Callable[[list[str]], object]) -> Act:
    """A page that holds what was sent in a place whose value a client may quote."""
    return lambda ask, wire: wire.answer(200, _JSON, _dump({**ask.page(), name: value(_secrets(ask))}))


def _echoed_as_coding(ask: Ask, wire: Wire) -> None:
    wire.answer(200, {**_JSON, "Content-Encoding": _secrets(ask)[0]}, ask.honest[2])


# --- The catalogue ------------------------------------------------------------------------------------------


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
        ("refused", "Nobody listens, until `FaultServer.open` is called.", None),
        ("reset-at-once", "The connection is reset before anything is read.", None, Wire.reset),
        ("closed-at-once", "The connection is closed before anything is read.", None, Wire.close),
        ("reset-before-answer", "Reset where the answer should begin.", _cut(Wire.reset)),
        ("closed-before-answer", "Closed where the answer should begin.", _cut(Wire.close)),
        ("closed-in-headers", "Closed after the status line.", _cut(Wire.close, _OK)),
        ("reset-before-body", "Reset between headers and body.", _cut(Wire.reset, _head_of)),
        ("reset-in-body", "Reset in the middle of the body.", _cut(Wire.reset, _head_of, _half_of)),
        (
            "closed-in-body",
            "Closed in the middle of a body whose length was told.",
            _cut(Wire.close, _head_of, _half_of),
        ),
        ("closed-in-chunks", "Closed in the middle of a chunked body.", _cut(Wire.close, _half_chunked)),
        (
            "closed-in-gzip",
            "Half of a gzip body, with a length that fits.",
            _coded("gzip", lambda b: _half(gzip.compress(b))),
        ),
        (
            "kept-alive-closed",
            "A kept-alive connection is closed when the next request comes on it.",
            _kept_alive_closed,
        ),
        ("kept-alive-ended", "A kept-alive connection is closed right after an answer.", _kept_alive_ended),
        ("truncated-json", "Half of the JSON under a 200, with a length that fits.", _bodied(_half)),
        (
            "truncated-unmarked",
            "Half of the JSON under a 200, without a length.",
            _cut(Wire.close, _OK + b"\r\n", _half_of),
        ),
        ("no-http", "Something that is no HTTP.", _cut(Wire.close, b"SSH-2.0-gateway\r\n")),
        *((f"status-{code}-json", f"{code}, as the contract has errors.", _answered(code)) for code in _PASSING),
        *((f"status-{code}-html", f"{code}, with a page of HTML.", _html(code)) for code in _PASSING),
    ),
    *_group(
        "retry-after",
        ("retry-after-seconds", "429, and 2 seconds.", _answered(429, Retry_After="2")),
        ("retry-after-date", "503, and a date half a minute ahead.", _dated(30)),
        ("retry-after-past", "503, and a date in the past.", _dated(-3600)),
        ("retry-after-absurd", "429, and 3600 seconds.", _answered(429, Retry_After="3600")),
        ("retry-after-absurd-date", "503, and a date ten days ahead.", _dated(864_000)),
        ("retry-after-garbage", "503, and the word soon.", _answered(503, Retry_After="soon")),
        ("retry-after-negative", "503, and -1.", _answered(503, Retry_After="-1")),
        ("retry-after-endless", "503, and 4000 digits.", _answered(503, Retry_After="9" * 4000)),
    ),
    *_group(
        "status",
        *((f"status-{code}", f"{code}, as the contract has errors.", _answered(code)) for code in _LASTING),
        ("status-404-html", "404, with a page of HTML.", _html(404)),
        ("status-204", "204, without a body.", _bare(204)),
        ("status-206", "The page, as 206.", _bodied(bytes, status=206)),
        ("status-300", "300, without a place.", _answered(300)),
        ("status-304", "304, unasked.", _bare(304)),
    ),
    *_group(
        "time",
        ("silent-at-once", "The connection is taken, and nothing read or said.", None, Wire.hold),
        ("silent", "The request is read, and nothing said.", _cut(Wire.hold)),
        ("silent-in-headers", "Silence after the status line.", _cut(Wire.hold, _OK)),
        ("silent-in-body", "Silence in the middle of the body.", _cut(Wire.hold, _head_of, _half_of)),
        (
            "drip-headers",
            "The headers come a byte every quarter of a second.",
            _dripping(_OK, b"X-Slow: " + b"z" * 1000),
        ),
        (
            "drip-body",
            "The body comes a byte every quarter of a second.",
            _dripping(_head_of, lambda ask: ask.honest[2]),
        ),
        ("endless-headers-slow", "A header every tenth of a second.", _again_and_again(b"X-More: 1\r\n", 0.1, _OK)),
        ("endless-headers", "Headers as fast as they go.", _again_and_again(b"X-More: 1\r\n" * 6_000, 0, _OK)),
        ("endless-interim", "An interim answer (103) again and again.", _again_and_again(_INTERIM, 0.02)),
        ("endless-interim-fast", "The same, as fast as they go.", _again_and_again(_INTERIM * 500)),
    ),
    *_group(
        "body",
        ("endless-body", "A body of blanks without end.", _endlessly(200, b" " * _PIECE)),
        ("endless-error-body", "500, with a body without end.", _endlessly(500, b"<p>" * 20_000, _HTML)),
        ("gzip-bomb", "Two gigabytes in two megabytes of gzip.", _bomb(200, "gzip")),
        ("deflate-bomb", "The same, deflated.", _bomb(200, "deflate")),
        ("gzip-bomb-500", "The same gzip under a 500.", _bomb(500, "gzip")),
        ("huge-string", "A page that keeps the contract, with a message of 100 MB.", _huge_string),
        ("deep-json", "JSON nested 200,000 deep.", _deep(200)),
        ("deep-json-500", "The same under a 500.", _deep(500)),
        ("invalid-utf-8", "A byte that is no UTF-8.", _bodied(lambda body: body[:-1] + b',"message":"\xff"}')),
        ("invalid-utf-8-unread", "The same, in a key nobody knows.", _bodied(lambda body: body[:-1] + b',"x":"\xff"}')),
        ("byte-order-mark", "A byte order mark first.", _bodied(lambda body: b"\xef\xbb\xbf" + body)),
        ("media-type-wrong", "Right JSON as text/html.", _bodied(bytes, _HTML)),
        ("media-type-missing", "Right JSON without a Content-Type.", _bodied(bytes, {})),
        ("html-as-json", "A page of HTML as application/json.", _bodied(lambda _body: _HTML_PAGE)),
        ("empty-body", "A 200 without a body.", _bodied(lambda _body: b"")),
        ("json-array", "Right JSON, but an array.", _bodied(lambda body: b"[" + body + b"]")),
        ("gzip-broken", "Said to be gzip, and is not.", _coded("gzip")),
        ("coding-unknown", "A coding that nobody asked for.", _coded("br")),
    ),
    *_group(
        "redirect",
        (
            "redirect-elsewhere",
            "302 to another origin, with user info and a query.",
            _redirected(lambda ask: ask.elsewhere.replace("://", "://user:pass@") + "/login?next=secret#top", 302),
        ),
        ("redirect-loop", "307 to itself.", _redirected(lambda ask: ask.received.target, 307)),
        (
            "redirect-to-http",
            "301 to the same path over plain http, on another port; serve it with `tls`.",
            _redirected(lambda ask: ask.elsewhere + ask.received.target, 301),
        ),
    ),
    *_group(
        "paging",
        ("more-without-files", "has_more, and no files.", _set(files=[], has_more=True)),
        ("page-again", "The page before comes again.", _from(lambda ask: ask.offset - ask.page_size)),
        ("pages-in-turn", "A, B, A, B.", _from(lambda ask: ask.offset // ask.page_size % 2 * ask.page_size)),
        ("pages-overlap", "A page begins one file too early.", _from(lambda ask: ask.offset - 1)),
        ("offset-ignored", "The first page, whatever was asked for.", _from(lambda _ask: 0)),
        ("another-run", "A page of another run.", _set(id="another-run")),
        ("status-changes", "Another status than before.", _set(status="RUNNING")),
        ("finish-time-changes", "Another finish_timestamp than before.", _set(finish_timestamp=1)),
        ("batch-changes", "Another batch_id than before.", _set(batch_id="another-batch")),
        ("has-more-missing", "No has_more.", _without("has_more")),
        ("has-more-null", "has_more is null.", _set(has_more=None)),
        ("has-more-text", 'has_more is the text "false".', _set(has_more="false")),
        ("files-missing", "No files.", _without("files")),
        ("files-null", "files is null.", _set(files=None)),
    ),
    *_group(
        "drift",
        ("null-for-object", "keys is null.", _set(keys=None)),
        ("number-for-string", "original_file_name is a number.", _in_files(original_file_name=7)),
        ("object-for-array", "documents is an object.", _in_files(documents={"0": {}})),
        ("array-for-object", "A document's validations are an array.", _in_documents(validations=[])),
        ("unknown-status", "A status that the contract does not name.", _set(status="ARCHIVED")),
        ("unknown-keys", "Keys that the contract does not name.", _in_files(colour="red", size={})),
        ("missing-status", "No status, which is required.", _without("status")),
        (
            "doubled-keys",
            "A key of each file is written twice.",
            _bodied(lambda body: re.sub(rb'("original_file_name":"[^"]*")', rb'"original_file_name":"",\1', body)),
        ),
        ("drift-everywhere", "Several of these at once, in every file.", _paged(_everywhere)),
    ),
    *_group(
        "token",
        ("token-run-out", "401; serve it with `times=1`.", _answered(401)),
        ("echo-401", "401, with all that was sent in the message.", _echoed(401)),
        ("echo-500", "500, with all that was sent in the message.", _echoed(500)),
        ("echo-200", "A 200 that is no JSON, with all that was sent in it.", _echoed(200)),
        ("echo-in-headers", "503, with token and context in its headers.", _echoed_in_headers(503)),
        ("echo-in-redirect", "302, with token and context in its headers.", _echoed_in_headers(302)),
        ("echo-as-drift", "A page with token and context where no array belongs.", _echoed_as("batch_id", list)),
        ("echo-as-id", "A page with token and context for an id.", _echoed_as("id", " ".join)),
        ("echo-as-coding", "A page with the token for a content coding.", _echoed_as_coding),
    ),
)

SITUATIONS: Final[Mapping[str, Situation]] = MappingProxyType({each.name: each for each in _CATALOGUE})
"""Every situation by its name."""


# --- The server ---------------------------------------------------------------------------------------------


def _listener(listening: bool = True) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.bind(("127.0.0.1", 0))
    if listening:
        listener.listen(128)
    return listener


@define(eq=False)
class FaultServer:
    """A server that is answering, on a free loopback port. Made by `fault_server`."""

    situation: Situation
    url: str
    """The base URL, without a slash at its end."""
    requests: list[Received] = field(factory=list, repr=False)
    """Every request that was read, in the order of arrival."""
    strayed: list[Received] = field(factory=list, repr=False)
    """Every request that reached the other origin, where redirects point to."""
    _honest: ReferenceServer = field(kw_only=True, alias="honest", repr=False)
    _page_size: int = field(kw_only=True, alias="page_size")
    _first: int = field(kw_only=True, alias="first")
    _times: int | None = field(kw_only=True, alias="times")
    _tls: ssl.SSLContext | None = field(kw_only=True, alias="tls", repr=False)
    _listeners: tuple[socket.socket, socket.socket] = field(kw_only=True, alias="listeners", repr=False)
    _lock: threading.Lock = field(factory=threading.Lock, init=False, repr=False)
    _ended: bool = field(default=False, init=False)
    _struck: int = field(default=0, init=False)
    _connections: dict[int, socket.socket] = field(factory=dict, init=False, repr=False)
    _accepted: int = field(default=0, init=False)
    _threads: list[threading.Thread] = field(factory=list, init=False, repr=False)

    @property
    def open_connections(self) -> int:
        """How many connections are open at this moment."""
        return len(self._connections)

    @property
    def connections(self) -> int:
        """How many connections there have been."""
        return self._accepted

    def open(self) -> None:
        """Begin to listen, for the situation `refused`, which does not."""
        self._listeners[0].listen(128)
        self._start(self._accept, self._listeners[0], self.requests)

    def settle(self, seconds: float = 5.0) -> int:
        """Wait until no connection is open, so long at most; returns how many still are."""
        end = time.monotonic() + seconds
        while self._connections and time.monotonic() < end:
            time.sleep(0.002)
        return len(self._connections)

    def _start(self, work: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=work, args=arguments, name="run-results-faults", daemon=True)
        with self._lock:
            self._threads = [other for other in self._threads if other.is_alive()]
            self._threads.append(thread)
            thread.start()

    def _end(self) -> None:
        with self._lock:
            self._ended = True
            open_ones = list(self._connections.values())
        for listener in self._listeners:
            # A connection of one's own wakes `accept` on every platform; closing does on some.
            with suppress(OSError), socket.create_connection(listener.getsockname(), timeout=1):
                pass
            listener.close()
        for connection in open_ones:
            # Not the method of a TLS socket, which would change what another thread is using.
            with suppress(OSError):
                socket.socket.shutdown(connection, socket.SHUT_RDWR)
        for thread in list(self._threads):
            thread.join(_PATIENCE)

    def _accept(self, listener: socket.socket, requests: list[Received]) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with self._lock:
                if self._ended:
                    connection.close()
                    return
                number = self._accepted
                self._accepted += 1
                self._connections[number] = connection
            self._start(self._serve, connection, number, requests)

    def _serve(self, connection: socket.socket, number: int, requests: list[Received]) -> None:
        try:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            # Whoever sends to a client that does not read must end, too.
            connection.settimeout(_PATIENCE)
            strayed = requests is self.strayed
            if self.situation.connect and not strayed and self._strikes():
                self.situation.connect(Wire(connection))
            if self._tls is not None and not strayed:
                connection = self._tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
                self._connections[number] = connection
                connection.do_handshake()
            for served in range(1_000_000):
                received = self._read(connection, number, requests)
                if received is None:
                    break
                if strayed:
                    Wire(connection).answer(404, _JSON, _message(404))
                else:
                    self._answer(Wire(connection), received, served)
        except (_Over, OSError, ssl.SSLError):
            pass
        finally:
            connection.close()
            with self._lock:
                self._connections.pop(number, None)

    def _read(self, connection: socket.socket, number: int, requests: list[Received]) -> Received | None:
        """The next request, noted down; None where the client has left. No request has a body."""
        data = b""
        while b"\r\n\r\n" not in data:
            piece = connection.recv(_PIECE)
            if not piece or len(data) > _HEAD_LIMIT:
                return None
            data += piece
        first, *lines = data.split(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")
        method, _, rest = first.partition(" ")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        with self._lock:
            received = Received(len(requests), method, rest.rpartition(" ")[0], headers, number)
            requests.append(received)
        return received

    def _strikes(self) -> bool:
        """Whether this one is struck; each question counts."""
        with self._lock:
            number, self._struck = self._struck, self._struck + 1
        return self._first <= number and (self._times is None or number < self._first + self._times)

    def _answer(self, wire: Wire, received: Received, served: int) -> None:
        honest = self._respond(received, None)
        act = self.situation.act
        strikes = act is not None and self._strikes()
        if act is None or not strikes or honest[0] != 200:
            wire.answer(*honest)
            return
        query = dict(parse_qsl(urlsplit(received.target).query))
        ask = Ask(
            received=received,
            number=received.number,
            served=served,
            offset=int(query.get("file_offset", 0)),
            elsewhere=f"http://127.0.0.1:{self._listeners[1].getsockname()[1]}",
            honest=honest,
            page_size=self._page_size,
            page=lambda offset: dict(json.loads(self._respond(received, offset)[2])),
        )
        act(ask, wire)

    def _respond(self, received: Received, offset: int | None) -> tuple[int, Mapping[str, str], bytes]:
        """The reference server's answer, to the same request with another offset if one is given."""
        parts = urlsplit(received.target)
        query = parts.query
        if offset is not None:
            query = urlencode({**dict(parse_qsl(query)), "file_offset": offset})
        response = self._honest.respond(
            Request(
                {
                    "type": "http",
                    "method": received.method,
                    "path": parts.path,
                    "raw_path": parts.path.encode("latin-1"),
                    "query_string": query.encode("latin-1"),
                    "headers": [
                        (name.encode("latin-1"), value.encode("latin-1")) for name, value in received.headers.items()
                    ],
                }
            )
        )
        return response.status_code, dict(response.headers), bytes(response.body)


@contextmanager
def fault_server(
    name: str,
    run: Run,
    *,
    token: Token | str,
    page_size: int = 50,
    first: int = 0,
    times: int | None = None,
    context: str | None = None,
    tls: ssl.SSLContext | None = None,
) -> Iterator[FaultServer]:
    """Serve a run in this situation while the `with` lasts.

    The situation strikes the request number `first` (counted from 0) and every later one, `times` in number; None is
    for ever, 0 never. Situations of the connection itself count connections instead. The run is found in `context`
    alone; with `tls`, a server-side context, the address is an https one. Raises UnknownSituation, with names that are
    near.
    """
    if name not in SITUATIONS:
        near = get_close_matches(name, SITUATIONS, n=3)
        raise UnknownSituation(f"there is no situation {name!r}" + (f"; near it: {', '.join(near)}" if near else ""))
    situation = SITUATIONS[name]
    listens = situation.act is not None or situation.connect is not None
    listeners = (_listener(listens), _listener())
    server = FaultServer(
        situation,
        f"{'https' if tls else 'http'}://127.0.0.1:{listeners[0].getsockname()[1]}",
        honest=ReferenceServer(MemoryStore([run], context=context), token, page_size=page_size),
        page_size=page_size,
        first=first,
        times=times,
        tls=tls,
        listeners=listeners,
    )
    try:
        if listens:
            server.open()
        server._start(server._accept, listeners[1], server.strayed)  # noqa: SLF001 - the same module
        yield server
    finally:
        server._end()  # noqa: SLF001
