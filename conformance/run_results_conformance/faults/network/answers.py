"""The wrong answers that situations give: each function sends one, or makes a function that does."""

import json
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from email.utils import formatdate
from itertools import repeat
from typing import Final

from run_results_conformance.server.terms import JsonObject

from .situation import PIECE, Act, Call, Connection

JSON: Final = {"Content-Type": "application/json"}
HTML: Final = {"Content-Type": "text/html"}
REQUEST_ID: Final = {"X-Request-Id": "request-4711"}
HTML_PAGE: Final = b"<html><title>Oops</title><body>" + b"The gateway is not well. " * 40 + b"</body></html>"
OK: Final = b"HTTP/1.1 200 OK\r\n"
INTERIM: Final = b"HTTP/1.1 103 Early Hints\r\n\r\n"

Part = bytes | Callable[[Call], bytes]
"""Bytes to send, or a function that makes them from the request."""


def dump(value: object) -> bytes:
    """A value as the bytes of a JSON text."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def error_body(status: int) -> bytes:
    """The body of an error, as the contract has it."""
    return dump({"message": f"The server says {status}."})


def json_error(status: int, **headers: str) -> Act:
    """An error of this status, in the form that the contract gives errors."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda _call, connection: connection.answer(status, {**JSON, **REQUEST_ID, **named}, error_body(status))


def html_error(status: int) -> Act:
    """An answer of this status with a page of HTML."""
    return lambda _call, connection: connection.answer(status, {**HTML, **REQUEST_ID}, HTML_PAGE)


def without_body(status: int) -> Act:
    """An answer of this status without a body."""
    return lambda _call, connection: connection.head(status, REQUEST_ID)


def retry_after_date(seconds: float) -> Act:
    """503, with a date in Retry-After that is so many seconds ahead."""
    return lambda call, connection: json_error(503, Retry_After=formatdate(time.time() + seconds, usegmt=True))(
        call, connection
    )


def redirect(location: Callable[[Call], str], status: int) -> Act:
    """A redirect to the location."""
    return lambda call, connection: connection.answer(status, {**JSON, "Location": location(call)}, error_body(status))


def with_body(change: Callable[[bytes], bytes], headers: Mapping[str, str] = JSON, status: int = 200) -> Act:
    """The reference server's page, with its body changed."""
    return lambda call, connection: connection.answer(status, headers, change(call.honest[2]))


def with_coding(coding: str, change: Callable[[bytes], bytes] = bytes) -> Act:
    """The reference server's page with this Content-Encoding; `change` makes the body."""
    return with_body(change, {**JSON, "Content-Encoding": coding})


def changed_page(change: Callable[[JsonObject], object], offset: Callable[[Call], int] | None = None) -> Act:
    """The reference server's page, or that from another offset, changed in place."""

    def act(call: Call, connection: Connection) -> None:
        page = call.page(offset(call) if offset else None)
        change(page)
        connection.answer(200, JSON, dump(page))

    return act


def with_values(**values: object) -> Act:
    """The reference server's page with other values of these properties."""
    return changed_page(lambda page: page.update(values))


def without_property(name: str) -> Act:
    """The reference server's page without this property."""
    return changed_page(lambda page: page.pop(name, None))


def page_from(offset: Callable[[Call], int]) -> Act:
    """The page from another offset, with has_more true."""
    return changed_page(lambda page: page.update(has_more=True), offset)


def in_files(**values: object) -> Act:
    """The reference server's page with these values in every file."""
    return changed_page(lambda page: [file.update(values) for file in page["files"]])


def in_documents(**values: object) -> Act:
    """The reference server's page with these values in every document."""
    return changed_page(
        lambda page: [each.update(values) for file in page["files"] for each in file.get("documents", ())]
    )


def break_many_places(page: JsonObject) -> None:
    """Breaks the contract in several places of a page and of each of its files."""
    page.update(keys=[], review_completed="yes")
    for file in page["files"]:
        file.update(original_file_name=None, documents=[7, {"class_name": 7}])


def endless_body(status: int, piece: bytes, headers: Mapping[str, str] = JSON) -> Act:
    """An answer whose body repeats the piece without end."""
    return lambda _call, connection: connection.stream(status, headers, repeat(piece))


def compression_bomb(status: int, coding: str) -> Act:
    """An answer of two gigabytes of blanks, compressed to about two megabytes."""

    def pieces() -> Iterator[bytes]:
        packer = zlib.compressobj(1, wbits=31 if coding == "gzip" else 15)
        blanks = b" " * 1_000_000
        for _ in range(2_000):
            yield packer.compress(blanks) + packer.flush(zlib.Z_SYNC_FLUSH)
        yield packer.flush()

    return lambda _call, connection: connection.stream(status, {**JSON, "Content-Encoding": coding}, pieces())


def huge_string(call: Call, connection: Connection) -> None:
    """A page with a message of 100 MB."""
    size, mark = 100_000_000, b'"@"'
    before, after = dump({**call.page(), "message": "@"}).split(mark)
    connection.head(200, {**JSON, "Content-Length": str(len(before) + size + 2 + len(after))})
    connection.send(before + b'"')
    for start in range(0, size, PIECE):
        connection.send(b"x" * min(PIECE, size - start))
    connection.send(b'"' + after)


def deep_json(status: int) -> Act:
    """An answer with arrays that are nested 200,000 deep."""
    nest = b',"deep":' + b"[" * 200_000 + b"]" * 200_000 + b"}"
    return with_body(lambda body: body[:-1] + nest, status=status)


def cut_off(end: Callable[[Connection], object], *parts: Part) -> Act:
    """Sends these bytes, and then ends the connection."""

    def act(call: Call, connection: Connection) -> None:
        for part in parts:
            connection.send(part if isinstance(part, bytes) else part(call))
        end(connection)

    return act


def byte_by_byte(before: Part, slowly: Part) -> Act:
    """Sends the first part at once and the second byte by byte, four bytes a second."""

    def act(call: Call, connection: Connection) -> None:
        connection.send(before if isinstance(before, bytes) else before(call))
        for byte in slowly if isinstance(slowly, bytes) else slowly(call):
            connection.send(bytes((byte,)))
            connection.wait(0.25)

    return act


def repeated(piece: bytes, seconds: float = 0.0, first: bytes = b"") -> Act:
    """Sends `first`, then the piece again and again, with a pause of so many seconds."""

    def act(_call: Call, connection: Connection) -> None:
        connection.send(first)
        while True:
            connection.send(piece)
            connection.wait(seconds)

    return act


def head_of(call: Call) -> bytes:
    """The status line and the headers of the reference server's answer."""
    return OK + b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(call.honest[2])


def half(body: bytes) -> bytes:
    """The first half of the bytes."""
    return body[: len(body) // 2]


def half_of(call: Call) -> bytes:
    """The first half of the reference server's body."""
    return half(call.honest[2])


def half_chunked(call: Call) -> bytes:
    """A chunked answer that stops after a first chunk with half of the body."""
    return OK + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n" % (len(half_of(call)), half_of(call))


def closed_when_reused(call: Call, connection: Connection) -> None:
    """Answers the first request of a connection, and closes it at the second one."""
    if call.served:
        connection.close()
    connection.answer(*call.honest)


def closed_after_answer(call: Call, connection: Connection) -> None:
    """Answers, and then closes the connection although it could be kept."""
    connection.answer(*call.honest)
    connection.close()


def secrets_in(call: Call) -> list[str]:
    """The token and the context that the client sent."""
    return [call.received.headers.get(name, "").removeprefix("Bearer ") for name in ("authorization", "ib-context")]


def echo(status: int) -> Act:
    """An answer with all headers of the request in its body."""

    def act(call: Call, connection: Connection) -> None:
        sent = "; ".join(f"{name}: {value}" for name, value in call.received.headers.items())
        connection.answer(
            status, {**JSON, **REQUEST_ID}, dump({"message": sent}) if status != 200 else f"<p>{sent}".encode()
        )

    return act


def echo_in_headers(status: int) -> Act:
    """An answer with the token and the context in three of its headers."""

    def act(call: Call, connection: Connection) -> None:
        sent = "-".join(secrets_in(call))
        headers = {"X-Request-Id": sent, "Location": f"{call.elsewhere}/{sent}", "Retry-After": sent}
        connection.answer(status, {**JSON, **headers}, error_body(status))

    return act


def echo_as(name: str, value: Callable[[list[str]], object]) -> Act:
    """A page with the token and the context as a value that a client may quote."""
    return lambda call, connection: connection.answer(200, JSON, dump({**call.page(), name: value(secrets_in(call))}))


def echo_as_coding(call: Call, connection: Connection) -> None:
    """The reference server's page with the token as its Content-Encoding."""
    connection.answer(200, {**JSON, "Content-Encoding": secrets_in(call)[0]}, call.honest[2])
