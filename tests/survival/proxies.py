"""A tiny proxy on loopback: CONNECT, and requests with a whole address. It leads every host to one place."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit

from attrs import define, field

from .listening import listening


@define(eq=False)
class Proxy:
    """A proxy that is answering, and what it was asked for."""

    url: str = ""
    asked: list[str] = field(factory=list)
    """The first line and the headers of each connection, as they came."""
    _target: tuple[str, int] = field(kw_only=True, alias="target")
    _upstream: list[socket.socket] = field(factory=list)

    def lead_to(self, url: str) -> None:
        """From now on the proxy leads to this address."""
        self._target = _place(url)

    def serve(self, client: socket.socket) -> None:
        """One connection, to its end."""
        with socket.create_connection(self._target, timeout=30) as upstream:
            client.settimeout(30)
            self._upstream.append(upstream)
            head = b""
            while b"\r\n\r\n" not in head:
                piece = client.recv(65_536)
                if not piece:
                    return
                head += piece
            self.asked.append(head.decode("latin-1"))
            if head.startswith(b"CONNECT "):
                client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            else:
                upstream.sendall(head)
            back = threading.Thread(target=_pump, args=(upstream, client), daemon=True)
            back.start()
            _pump(client, upstream)
            back.join(30)


def _place(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    return parts.hostname or "", parts.port or 0


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65_536):
            sink.sendall(data)
    for end in (source, sink):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)


@contextmanager
def proxy_to(url: str) -> Iterator[Proxy]:
    """A proxy that leads to the server at this address, whatever host it is asked for."""
    proxy = Proxy(target=_place(url))
    with listening(proxy.serve) as place:
        proxy.url = f"http://{place}"
        try:
            yield proxy
        finally:
            for each in proxy._upstream:
                with suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)
