"""A tiny proxy on loopback: CONNECT, and requests with a whole address. It leads every host to one place."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit

from attrs import define, field


@define(eq=False)
class Proxy:
    """A proxy that is answering, and what it was asked for."""

    url: str
    asked: list[str] = field(factory=list)
    """The first line and the headers of each connection, as they came."""
    _target: tuple[str, int] = field(kw_only=True, alias="target")
    _sockets: list[socket.socket] = field(factory=list)

    def lead_to(self, url: str) -> None:
        """From now on the proxy leads to this address."""
        self._target = _place(url)

    def _serve(self, client: socket.socket) -> None:
        with suppress(OSError), socket.create_connection(self._target, timeout=30) as upstream:
            client.settimeout(30)
            self._sockets.append(upstream)
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
        client.close()


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
    with socket.create_server(("127.0.0.1", 0)) as listener:
        proxy = Proxy(f"http://127.0.0.1:{listener.getsockname()[1]}", target=_place(url))
        ended = threading.Event()

        def accept() -> None:
            while True:
                client, _ = listener.accept()
                if ended.is_set():
                    client.close()
                    return
                proxy._sockets.append(client)
                threading.Thread(target=proxy._serve, args=(client,), daemon=True).start()

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        try:
            yield proxy
        finally:
            ended.set()
            with suppress(OSError):
                socket.create_connection(listener.getsockname(), timeout=5).close()
            thread.join(30)
            for each in proxy._sockets:
                with suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)
                each.close()
