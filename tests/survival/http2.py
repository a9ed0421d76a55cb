"""A tiny HTTP/2 server on loopback, under TLS: honest pages, and a few faults that only HTTP/2 has."""

import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from urllib.parse import parse_qs, urlsplit

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.exceptions
from attrs import define, field

from .kit import HEADER, NAMES, PAGE_SIZE
from .listening import listening

_LIMIT = 30.0  # seconds that a connection may last


@define(eq=False)
class Http2Server:
    """A server that is answering. `strike` names what becomes of a request, by its number."""

    strike: Callable[[int], str]
    url: str = ""
    requests: list[str] = field(factory=list)
    connections: list[socket.socket] = field(factory=list)
    release: threading.Event = field(factory=threading.Event)
    """Ends what is held."""

    def serve(self, connection: socket.socket, tls: ssl.SSLContext) -> None:
        """One connection, to its end."""
        with suppress(h2.exceptions.ProtocolError), tls.wrap_socket(connection, server_side=True) as wire:
            self.connections.append(wire)
            speaker = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
            speaker.initiate_connection()
            end = time.monotonic() + _LIMIT
            while time.monotonic() < end:
                wire.sendall(speaker.data_to_send())
                wire.settimeout(_LIMIT)
                data = wire.recv(65_536)
                if not data:
                    return
                for event in speaker.receive_data(data):
                    if isinstance(event, h2.events.RequestReceived):
                        path = dict(event.headers)[b":path"].decode()
                        number = len(self.requests)
                        self.requests.append(path)
                        self.answer(speaker, wire, event.stream_id, path, self.strike(number))

    def answer(
        self, speaker: h2.connection.H2Connection, wire: ssl.SSLSocket, stream: int, path: str, kind: str
    ) -> None:
        """Answer one request in this way."""
        offset = int(parse_qs(urlsplit(path).query)["file_offset"][0])
        files = [{"input_file_path": name} for name in NAMES[offset : offset + PAGE_SIZE]]
        body = json.dumps({**HEADER, "files": files, "has_more": offset + PAGE_SIZE < len(NAMES)}).encode()
        if kind == "silent":
            return
        if kind == "held":
            self.release.wait(_LIMIT)
        if kind == "go away":
            speaker.close_connection(h2.errors.ErrorCodes.INTERNAL_ERROR, last_stream_id=stream)
            return
        status = "503" if kind == "503" else "200"
        speaker.send_headers(stream, [(":status", status), ("content-type", "application/json")])
        if kind == "reset":
            speaker.send_data(stream, body[: len(body) // 2])
            speaker.reset_stream(stream, h2.errors.ErrorCodes.INTERNAL_ERROR)
        elif kind == "drip":
            for index in range(len(body)):
                speaker.send_data(stream, body[index : index + 1])
                wire.sendall(speaker.data_to_send())
                time.sleep(0.25)
        else:
            for piece in [b" " * 16_000, b" " * 16_000] if kind == "large" else [body]:
                speaker.send_data(stream, piece)
            speaker.end_stream(stream)


@contextmanager
def http2_server(tls: ssl.SSLContext, strike: Callable[[int], str]) -> Iterator[Http2Server]:
    """Serve while the `with` lasts. `tls` is a server-side context, which is told to speak HTTP/2 only."""
    tls.set_alpn_protocols(["h2"])
    server = Http2Server(strike)
    with listening(lambda connection: server.serve(connection, tls)) as place:
        server.url = f"https://{place}"
        try:
            yield server
        finally:
            for each in server.connections:
                with suppress(OSError):
                    socket.socket.shutdown(each, socket.SHUT_RDWR)
