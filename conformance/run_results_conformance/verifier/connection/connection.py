"""One connection to one server, kept open between requests and opened anew when it must be."""

import re
import socket
import ssl
import time
from contextlib import suppress
from typing import Self

from .address import Address
from .answer_reader import read_answer
from .guard import SAFE_METHODS, MethodGuard
from .message import Answer, Request
from .stream import FaultError, Stream
from .token import fill_in

_MAX_WRITTEN = 5.0  # seconds that a request of a few kilobytes may take to be written
_TLS = (b"\x15\x03", b"\x16\x03")  # how records of TLS begin: an alert, a handshake
# What servers answer to plain HTTP on a port for TLS.
_WANTS_TLS = re.compile(rb"HTTPS (?:port|server)|SSL-enabled server port", re.IGNORECASE)


class Connection:
    """Sends requests to one server, one at a time, and reads the answers.

    `timeout` is the time that one request may take from its first byte to its answer's last, in seconds. `max_body`
    bounds a body, in bytes. `unsafe_methods` allows methods other than GET, HEAD and OPTIONS, to targets that do not
    exist; `guard` says which. `strays` counts answers that were followed, later, by bytes that do not belong to them.
    """

    def __init__(
        self,
        address: Address,
        token: str,
        *,
        timeout: float = 10.0,
        max_body: int = 32 << 20,
        unsafe_methods: bool = False,
    ) -> None:
        self.address = address
        self.guard = MethodGuard(unsafe_methods=unsafe_methods)
        self.strays = 0
        self._token = token
        self._timeout = timeout
        self._max_body = max_body
        self._stream: Stream | None = None
        self._tls = ssl.create_default_context() if address.secure else None

    def __repr__(self) -> str:
        return f"Connection({self.address.origin})"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connection, if there is one; the next request opens another."""
        stream, self._stream = self._stream, None
        if stream is not None:
            with suppress(OSError):
                stream.socket.close()

    def renew(self) -> None:
        """Lets the next request open a new connection: behind one address there may be several copies of a server."""
        self._quiet_stream()  # counts what came late
        self.close()

    def send(self, request: Request) -> Answer:
        """Sends a request and reads its answer. Nothing that a server does raises.

        Raises UnsafeRequestError for a request that is not allowed, before anything is sent.
        """
        self.guard.check(request)
        started = time.monotonic()
        answer, stale = self._attempt(request, started)
        if stale:
            # A kept connection may be closed at any moment; a safe request goes out again (RFC 9112, 9.3.1).
            answer, _ = self._attempt(request, started)
        self.guard.note(request, answer)
        return answer

    def _attempt(self, request: Request, started: float) -> tuple[Answer, bool]:
        """The answer, and whether the connection had been closed before the request reached the server."""
        kept = self._quiet_stream()
        if kept and request.method not in SAFE_METHODS:
            # On a new connection it need never go out twice.
            self.close()
            kept = None
        try:
            stream = kept or self._connect()
        except (OSError, ValueError) as error:
            # ValueError is what a host name that cannot be encoded raises.
            return Answer(fault=f"there is no connection: {_explain(error)}", refused=True), False
        stream.deadline = started + self._timeout
        stream.received = 0
        try:
            self._write(stream, request)
            answer = read_answer(stream, request.method, started=started, max_body=self._max_body)
        except FaultError as fault:
            self.close()
            if bytes(stream.buffer[:2]) in _TLS:
                why = "the server speaks TLS there: begin the URL with https://"
                return Answer(fault=why, refused=True, seconds=time.monotonic() - started), False
            stale = kept is not None and fault.closed and stream.received == 0
            return Answer(fault=fault.words, late=fault.late, seconds=time.monotonic() - started), stale
        if answer.fault or not _stays_open(answer):
            self.close()
        if self._tls is None and answer.status == 400 and _WANTS_TLS.search(answer.body[:1000]):
            why = "the server says that it speaks TLS there: begin the URL with https://"
            answer = Answer(fault=why, refused=True, seconds=answer.seconds)
        return answer, False

    def _quiet_stream(self) -> Stream | None:
        """The open connection, unless the server closed it, or has sent something since."""
        if self._stream is None:
            return None
        pending = self._stream.pending()
        if pending == 0:
            return self._stream
        if pending:
            self.strays += 1
        self.close()
        return None

    def _connect(self) -> Stream:
        plain = socket.create_connection((self.address.host, self.address.port), timeout=self._timeout)
        try:
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            tls = self._tls
            connected = tls.wrap_socket(plain, server_hostname=self.address.host) if tls else plain
        except BaseException:
            plain.close()
            raise
        self._stream = Stream(connected)
        return self._stream

    def _write(self, stream: Stream, request: Request) -> None:
        head = [f"{request.method} {request.target} HTTP/1.1", f"Host: {self.address.authority}"]
        head += [f"{name}: {value}" for name, value in request.headers]
        data = fill_in("\r\n".join([*head, "", ""]), self._token).encode("latin-1")
        stream.socket.settimeout(min(self._timeout, _MAX_WRITTEN))
        try:
            stream.socket.sendall(data)
        except TimeoutError:
            raise FaultError("the request could not be written in time", late=True) from None
        except OSError as error:
            # A server may refuse before it has read everything; then its answer is already there.
            if stream.pending() is None and not stream.buffer:
                raise FaultError(f"the connection broke ({type(error).__name__})", closed=True) from None


def _explain(error: Exception) -> str:
    """Why there is no connection, and what to do about it."""
    if isinstance(error, ssl.SSLCertVerificationError):
        advice = "If you trust the authority that signed it, name the authority's certificate in SSL_CERT_FILE"
        return f"its certificate is not trusted ({error.verify_message}). {advice}"
    if isinstance(error, ssl.SSLError):
        plain = error.reason in ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE")
        advice = ". Does it speak plain HTTP there? Then begin the URL with http://" if plain else ""
        return f"TLS failed ({error.reason or type(error).__name__}){advice}"
    if isinstance(error, TimeoutError):
        return "it was not opened in time"
    return getattr(error, "strerror", None) or type(error).__name__


def _stays_open(answer: Answer) -> bool:
    options = ",".join(answer.header("connection")).lower()
    return answer.framing != "close" and not answer.extra and "close" not in options
