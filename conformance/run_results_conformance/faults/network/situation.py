"""What a situation is, and what it can do to the connection of a client."""

import socket
import struct
import time
from collections.abc import Callable, Iterator, Mapping
from http import HTTPStatus
from typing import Final

from attrs import field, frozen

from run_results_conformance.server.terms import JsonObject

LONGEST: Final = 60.0  # seconds that a situation may last
PIECE: Final = 65_536  # bytes that are sent or read at a time


class ConnectionOver(Exception):
    """The connection ends: the client has left, or the situation or the server ends it."""


@frozen
class Received:
    """A request as it arrived. Header names are in lower case; `connection` counts connections from 0."""

    number: int
    method: str
    target: str
    headers: Mapping[str, str] = field(repr=False)
    connection: int


@frozen
class Call:
    """The request that is being answered, and what the reference server would answer."""

    received: Received
    number: int
    """How many requests the server had before."""
    served: int
    """How many answers this connection had before."""
    offset: int
    elsewhere: str
    """The base URL of a second server, another origin. It records its requests in `FaultServer.strayed`."""
    honest: tuple[int, Mapping[str, str], bytes] = field(repr=False)
    """The reference server's answer: status, headers, body."""
    page_size: int
    _page: Callable[[int], JsonObject] = field(repr=False, alias="page")

    def page(self, offset: int | None = None) -> JsonObject:
        """The reference server's page from this offset (default: the requested one), as JSON data to change."""
        return self._page(self.offset if offset is None else max(0, offset))


class Connection:
    """The connection of a client, and what a situation can do to it. Every method raises ConnectionOver at its end."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        self._end = time.monotonic() + LONGEST

    def send(self, data: bytes) -> None:
        """Send these bytes."""
        try:
            self._socket.settimeout(max(0.01, self._end - time.monotonic()))
            self._socket.sendall(data)
        except OSError:
            raise ConnectionOver from None

    def head(self, status: int, headers: Mapping[str, str]) -> None:
        """Send a status line, headers and the blank line after them."""
        try:
            reason = HTTPStatus(status).phrase
        except ValueError:
            reason = "Undocumented"
        lines = [f"HTTP/1.1 {status} {reason}", *(f"{name}: {value}" for name, value in headers.items())]
        self.send("\r\n".join([*lines, "", ""]).encode("latin-1"))

    def answer(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        """Send a whole answer. Its Content-Length is right, unless the headers already say where the body ends."""
        framed = {name.lower() for name in headers} & {"content-length", "transfer-encoding"}
        self.head(status, headers if framed else {**headers, "Content-Length": str(len(body))})
        self.send(body)

    def stream(self, status: int, headers: Mapping[str, str], pieces: Iterator[bytes]) -> None:
        """Send an answer in chunks, until there are no more or the client has left."""
        self.head(status, {**headers, "Transfer-Encoding": "chunked"})
        for piece in pieces:
            if piece:
                self.send(b"%x\r\n%b\r\n" % (len(piece), piece))
            if time.monotonic() > self._end:
                raise ConnectionOver
        self.send(b"0\r\n\r\n")

    def wait(self, seconds: float) -> None:
        """Wait so many seconds, and send nothing."""
        until = min(self._end, time.monotonic() + seconds)
        while (left := until - time.monotonic()) > 0:
            try:
                self._socket.settimeout(left)
                if self._socket.recv(PIECE) == b"":
                    raise ConnectionOver
            except TimeoutError:
                break
            except OSError:
                raise ConnectionOver from None
        if time.monotonic() >= self._end:
            raise ConnectionOver

    def hold(self) -> None:
        """Send nothing until the client has left or the situation has lasted too long."""
        self.wait(LONGEST)
        raise ConnectionOver

    def close(self) -> None:
        """Close the connection (FIN)."""
        raise ConnectionOver

    def reset(self) -> None:
        """Reset the connection (RST)."""
        self.wait(0.02)  # what was sent before may arrive first
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        raise ConnectionOver


Act = Callable[[Call, Connection], None]
"""Gives a request a wrong answer."""

OnConnect = Callable[[Connection], None]
"""Does something to a new connection, before anything is read from it."""


@frozen
class Row:
    """A group of situations and what they must lead to."""

    name: str
    situations: str
    demand: str


@frozen
class Situation:
    """One thing that can go wrong between a client and a server.

    `act` answers a request. `connect` is for situations that happen to a new connection, before anything is read from
    it. Both are None where nobody listens.
    """

    name: str
    row: str
    what: str
    act: Act | None = field(default=None, repr=False)
    connect: OnConnect | None = field(default=None, repr=False)
