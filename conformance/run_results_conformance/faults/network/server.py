"""The server of network faults, on raw sockets."""

import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from difflib import get_close_matches
from typing import Final
from urllib.parse import parse_qsl, urlencode, urlsplit

from attrs import define, field
from starlette.requests import Request

from run_results_conformance.server.reference import ReferenceServer, Token
from run_results_conformance.server.runs import MemoryStore, Run

from .answers import JSON, error_body
from .catalogue import SITUATIONS
from .situation import LONGEST, PIECE, Call, Connection, ConnectionOver, Received, Situation

_HEAD_LIMIT: Final = 262_144


class UnknownSituation(LookupError):
    """No situation has the name."""


def _listener(listening: bool = True) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.bind(("127.0.0.1", 0))
    if listening:
        listener.listen(128)
    return listener


@define(eq=False)
class FaultServer:
    """A running server on a free loopback port. `fault_server` makes it."""

    situation: Situation
    url: str
    """The base URL, without a slash at its end."""
    requests: list[Received] = field(factory=list, repr=False)
    """Every request so far, in the order of arrival."""
    strayed: list[Received] = field(factory=list, repr=False)
    """Every request to the second server, where redirects lead."""
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
        """Start to listen. Only the situation `refused` needs it: it starts without."""
        self._listeners[0].listen(128)
        self._start(self._accept, self._listeners[0], self.requests)

    def settle(self, seconds: float = 5.0) -> int:
        """Wait until no connection is open, at most so many seconds. Returns how many are still open."""
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
            # A new connection wakes `accept` on every platform; closing the listener does so on some only.
            with suppress(OSError), socket.create_connection(listener.getsockname(), timeout=1):
                pass
            listener.close()
        for connection in open_ones:
            # `SSLSocket.shutdown` would change state that another thread is using.
            with suppress(OSError):
                socket.socket.shutdown(connection, socket.SHUT_RDWR)
        for thread in list(self._threads):
            thread.join(LONGEST)

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
            # A thread that sends to a client that does not read must end, too.
            connection.settimeout(LONGEST)
            strayed = requests is self.strayed
            if self.situation.connect and not strayed and self._strikes():
                self.situation.connect(Connection(connection))
            if self._tls is not None and not strayed:
                connection = self._tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
                self._connections[number] = connection
                connection.do_handshake()
            for served in range(1_000_000):
                received = self._read(connection, number, requests)
                if received is None:
                    break
                if strayed:
                    Connection(connection).answer(404, JSON, error_body(404))
                else:
                    self._answer(Connection(connection), received, served)
        except (ConnectionOver, OSError, ssl.SSLError):
            pass
        finally:
            connection.close()
            with self._lock:
                self._connections.pop(number, None)

    def _read(self, connection: socket.socket, number: int, requests: list[Received]) -> Received | None:
        """Reads and records the next request. None if the client has left. Requests have no body."""
        data = b""
        while b"\r\n\r\n" not in data:
            piece = connection.recv(PIECE)
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
        """Whether the situation happens this time. Each call counts one."""
        with self._lock:
            number, self._struck = self._struck, self._struck + 1
        return self._first <= number and (self._times is None or number < self._first + self._times)

    def _answer(self, connection: Connection, received: Received, served: int) -> None:
        honest = self._respond(received, None)
        act = self.situation.act
        strikes = act is not None and self._strikes()
        if act is None or not strikes or honest[0] != 200:
            connection.answer(*honest)
            return
        query = dict(parse_qsl(urlsplit(received.target).query))
        call = Call(
            received=received,
            number=received.number,
            served=served,
            offset=int(query.get("file_offset", 0)),
            elsewhere=f"http://127.0.0.1:{self._listeners[1].getsockname()[1]}",
            honest=honest,
            page_size=self._page_size,
            page=lambda offset: dict(json.loads(self._respond(received, offset)[2])),
        )
        act(call, connection)

    def _respond(self, received: Received, offset: int | None) -> tuple[int, Mapping[str, str], bytes]:
        """The reference server's answer to this request, or to the same request with another offset."""
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
    """Serve a run in this situation until the `with` ends.

    The situation happens at the request number `first`, counted from 0, and at the following ones, `times` in all. None
    means always, 0 never. A situation of the connection itself counts connections instead. The run exists in `context`
    only. With `tls`, a server-side context, the URL is an https one. Raises UnknownSituation, with similar names.
    """
    if name not in SITUATIONS:
        near = get_close_matches(name, SITUATIONS, n=3)
        raise UnknownSituation(f"there is no situation {name!r}" + (f"; similar: {', '.join(near)}" if near else ""))
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
