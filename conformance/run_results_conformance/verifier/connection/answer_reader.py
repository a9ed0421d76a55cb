"""Reads one HTTP/1.1 answer from a stream: status line, header fields, body (RFC 9112)."""

import re
import time

from attrs import frozen

from .message import Answer, Headers
from .stream import FaultError, Stream

_MAX_HEAD = 64 * 1024  # bytes of status line and headers together
_MAX_INTERIM = 8  # 1xx answers before the real one
_STATUS_LINE = re.compile(rb"HTTP/1\.([01]) ([1-9][0-9]{2})(?: [\t \x21-\x7e\x80-\xff]*)?")
_FIELD = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[\t ]*(.*?)[\t ]*", re.DOTALL)
_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,8})[\t ]*(?:;.*)?")


def read_answer(stream: Stream, method: str, *, started: float, max_body: int) -> Answer:
    """The answer to a request of this method. Raises FaultError where not even its head can be read.

    An answer with a whole head and a body that cannot be read to its end has a `fault`.
    """
    head = _read_final_head(stream)
    fault: FaultError | None = None
    body, framing = b"", "length"
    try:
        framing = _framing(head, method)
        body = _read_body(stream, head, framing, max_body)
    except FaultError as found:
        fault = found
    return Answer(
        head.status,
        # HTTP/1.0 closes by default.
        head.headers if head.version else (*head.headers, ("Connection", "close")),
        body,
        time.monotonic() - started,
        framing,
        extra=(stream.pending() or len(stream.buffer)) if fault is None and framing != "close" else 0,
        # A chunk that ends early is a breach of framing, not of Content-Length.
        missing=fault.missing if fault is not None and framing == "length" else 0,
        fault=fault.words if fault is not None else None,
        late=fault is not None and fault.late,
    )


@frozen
class _Head:
    version: int
    status: int
    headers: Headers

    def values(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key.lower() == name]


def _read_final_head(stream: Stream) -> _Head:
    for _ in range(_MAX_INTERIM):
        head = _read_head(stream)
        if head.status >= 200:
            return head
    raise FaultError(f"more than {_MAX_INTERIM} interim answers came")


def _read_head(stream: Stream) -> _Head:
    line = stream.line(_MAX_HEAD)
    found = _STATUS_LINE.fullmatch(line)
    if found is None:
        raise FaultError("the answer does not start with an HTTP/1 status line")
    left = _MAX_HEAD - len(line)
    headers: list[tuple[str, str]] = []
    while line := stream.line(max(left, 0)):
        left -= len(line) + 2
        field = _FIELD.fullmatch(line)
        if field is None:
            raise FaultError("a line of the head is no header field")
        headers.append((field[1].decode("latin-1"), field[2].decode("latin-1")))
    return _Head(int(found[1]), int(found[2]), tuple(headers))


def _framing(head: _Head, method: str) -> str:
    """How the body's end is known (RFC 9112, 6.3): `none`, `chunked`, `close` or `length`."""
    lengths = head.values("content-length")
    codings = ",".join(head.values("transfer-encoding")).lower().replace(" ", "")
    if lengths and (len(set(lengths)) > 1 or re.fullmatch(r"[0-9]{1,18}", lengths[0]) is None):
        raise FaultError("Content-Length is no number")
    if method == "HEAD" or head.status in (204, 304):
        return "none"
    if codings:
        if lengths:
            raise FaultError("Content-Length and Transfer-Encoding come together")
        if codings != "chunked":
            raise FaultError("the transfer coding is not known")
        return "chunked"
    return "length" if lengths else "close"


def _read_body(stream: Stream, head: _Head, framing: str, limit: int) -> bytes:
    if framing == "none":
        return b""
    if framing == "chunked":
        return _read_chunks(stream, limit)
    if framing == "close":
        return stream.rest(limit)
    length = int(head.values("content-length")[0])
    if length > limit:
        raise FaultError(f"the body has more than {limit} bytes")
    return stream.exactly(length)


def _read_chunks(stream: Stream, limit: int) -> bytes:
    body = bytearray()
    while size := _read_chunk_size(stream):
        if len(body) + size > limit:
            raise FaultError(f"the body has more than {limit} bytes")
        body += stream.exactly(size)
        if stream.line(_MAX_HEAD):
            raise FaultError("a chunk of the body is longer than it says")
    left = _MAX_HEAD
    while trailer := stream.line(max(left, 0)):
        left -= len(trailer) + 2
    return bytes(body)


def _read_chunk_size(stream: Stream) -> int:
    found = _CHUNK_SIZE.fullmatch(stream.line(_MAX_HEAD))
    if found is None:
        raise FaultError("a chunk of the body has no size")
    return int(found[1], 16)
