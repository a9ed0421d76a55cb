"""Sends any request over HTTP/1.1, however odd, and reads whatever comes back, within bounds.

An HTTP library repairs requests and hides what it repaired in answers; a verifier needs neither. `Wire` writes
the bytes it is told to and reads one answer, on one kept-alive connection. It never raises for what a server
does: an answer that is cut off, late, endless or no HTTP at all is an `Answer` with a `fault`.

The token never stands in a request. Where it belongs, the text holds the shell expression that yields it, such
as `Bearer $RUN_RESULTS_TOKEN`; it is put in when the bytes are written. So whatever is shown of a request, its
curl line above all, is right and without the secret.

It sends GET, HEAD and OPTIONS, and nothing else, unless `unsafe_methods` are allowed; then every other method goes
only to a target that does not exist: one that has answered 404 to a GET.

    AddressError        a URL that cannot be the base of an API
    UnsafeRequestError  a request that could change something on the server, or that would be two requests
"""

import re
import shlex
import socket
import ssl
import time
from base64 import b64encode
from collections.abc import Callable, Mapping
from contextlib import suppress
from types import MappingProxyType
from typing import Self
from urllib.parse import urlsplit

from attrs import define, field, frozen

Headers = tuple[tuple[str, str], ...]
"""Header fields in the order of the wire, doubled ones included; text is latin-1."""


SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
"""The methods that are always sent: they read (RFC 9110, 9.2.1)."""


class AddressError(ValueError):
    """The URL cannot be the base of an API."""


class UnsafeRequestError(ValueError):
    """The request is not sent: it could change something, or a line break in it would make two requests of it."""


# --- The token ----------------------------------------------------------------------------------------------

TOKEN = "$RUN_RESULTS_TOKEN"  # noqa: S105 - the name of the secret, not the secret
SHORTER_TOKEN = "${RUN_RESULTS_TOKEN%?}"  # noqa: S105
TAIL_OF_TOKEN = "${RUN_RESULTS_TOKEN#?}"  # noqa: S105
BASIC_TOKEN = '$(printf %s "$RUN_RESULTS_TOKEN:" | base64 -w0)'  # noqa: S105
UPPER_TOKEN = "$(printf %s \"$RUN_RESULTS_TOKEN\" | sed -E 's/([a-z])([^a-z]*)$/\\U\\1\\2/')"  # noqa: S105
LOWER_TOKEN = "$(printf %s \"$RUN_RESULTS_TOKEN\" | sed -E 's/([A-Z])([^A-Z]*)$/\\L\\1\\2/')"  # noqa: S105


def _with_last_letter(of: str, change: Callable[[str], str]) -> Callable[[str], str]:
    return lambda token: re.sub(f"([{of}])([^{of}]*)$", lambda found: change(found[1]) + found[2], token)


_FORMS: Mapping[str, Callable[[str], str]] = MappingProxyType(
    {
        UPPER_TOKEN: _with_last_letter("a-z", str.upper),
        LOWER_TOKEN: _with_last_letter("A-Z", str.lower),
        BASIC_TOKEN: lambda token: b64encode(f"{token}:".encode()).decode(),
        SHORTER_TOKEN: lambda token: token[:-1],
        TAIL_OF_TOKEN: lambda token: token[1:],
        TOKEN: lambda token: token,
    }
)
_ANY_FORM = re.compile("|".join(re.escape(form) for form in _FORMS))


def _fill_in(text: str, token: str) -> str:
    return _ANY_FORM.sub(lambda found: _FORMS[found[0]](token), text)


_SHORTEST_SECRET = 4


def scrubber(token: str) -> Callable[[str], str]:
    """A function that puts `$RUN_RESULTS_TOKEN` where a text holds the token, in any case, escaped by JSON or URL
    rules or not, without its first or its last character too, and where it holds it as Basic credentials.

    A token under four characters is no secret, and would be found everywhere; such a text stays as it is.
    """
    if len(token) < _SHORTEST_SECRET:
        return lambda text: text

    def loosely(character: str) -> str:
        code = ord(character)
        return rf"(?:\\?{re.escape(character)}|\\u00{code:02x}|%{code:02x}|&\#0*{code};)"

    letters = [loosely(character) for character in token]
    middle = "".join(letters[1:-1])
    pattern = re.compile(
        f"{letters[0]}{middle}(?:{letters[-1]})?|{middle}{letters[-1]}",
        re.IGNORECASE,
    )
    basic = b64encode(f"{token}:".encode()).decode().rstrip("=")
    return lambda text: pattern.sub(TOKEN, text.replace(basic, TOKEN))


# --- Requests and answers -----------------------------------------------------------------------------------


@frozen
class Request:
    """One request. `target` is what stands in the request line, in latin-1.

    What the request asks for, where it asks for the results of a run: `run_id` (as it was meant, not as it was
    encoded), `offset` and `flags`. None says that this is open, as with a parameter that is malformed.
    """

    target: str
    headers: Headers = ()
    method: str = "GET"
    run_id: str | None = None
    offset: int | None = None
    flags: frozenset[str] | None = None

    def curl(self, origin: str) -> str:
        """The request as a line for a shell, with the token as `$RUN_RESULTS_TOKEN`."""
        words = ["curl", "-sSi", "--path-as-is", "--globoff"]
        if self.method == "HEAD":
            words.append("--head")
        elif self.method != "GET":
            words += ["-X", shlex.quote(self.method)]
        for name, value in self.headers:
            words += ["-H", _quote(f"{name}: {value}" if value else f"{name};")]
        return " ".join([*words, _quote(origin + self.target)])


def _quote(text: str) -> str:
    """Quotes for bash: the token's expressions stay expressions, everything else is literal."""
    parts: list[str] = []
    end = 0
    for found in _ANY_FORM.finditer(text):
        parts += [_quote_literal(text[end : found.start()]), f'"{found[0]}"']
        end = found.end()
    return "".join([*parts, _quote_literal(text[end:])]) or "''"


def _quote_literal(text: str) -> str:
    if text == "":
        return ""
    if all(" " <= character <= "~" for character in text):
        return shlex.quote(text)
    escaped = text.replace("\\", r"\\").replace("'", r"\'")
    return "$'" + "".join(c if " " <= c <= "~" else f"\\x{ord(c):02x}" for c in escaped) + "'"


@frozen(eq=False)
class Answer:
    """What came back. With a `fault` the answer is not whole, and `status` is 0 where not even that came.

    `fault` says in words what went wrong on the wire; `refused` that there was no connection at all. `framing`
    is `length`, `chunked`, `close` or `none`: how the end of the body was known. `extra` is the number of bytes
    that followed the body unasked, `missing` the number that Content-Length promised and that did not come.
    """

    status: int = 0
    headers: Headers = ()
    body: bytes = field(default=b"", repr=False)
    seconds: float = 0.0
    framing: str = "length"
    extra: int = 0
    missing: int = 0
    fault: str | None = None
    refused: bool = False

    def header(self, name: str) -> list[str]:
        """The values of a header, one for each line of it."""
        return [value for key, value in self.headers if key.lower() == name]


# --- The connection -----------------------------------------------------------------------------------------


@frozen
class Address:
    """Where the API is: the origin, and the path that stands before the contract's."""

    secure: bool
    host: str
    port: int
    base: str

    @classmethod
    def of(cls, url: str) -> Self:
        """Reads a base URL such as `https://aihub.instabase.com/api`.

        Raises AddressError, which does not quote the URL: it might hold a password.
        """
        try:
            parts = urlsplit(url)
            port = parts.port
            base = parts.path.rstrip("/").encode("ascii").decode("ascii")
        except ValueError:
            raise AddressError("the URL cannot be read") from None
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise AddressError("the URL must start with http:// or https:// and a host")
        if parts.username is not None or parts.password is not None or parts.query or parts.fragment:
            raise AddressError("the URL must have no user, password, query or fragment")
        if re.search(r"[\s\x00-\x20]", url):
            raise AddressError("the URL must have no spaces")
        secure = parts.scheme == "https"
        return cls(secure, parts.hostname, port or (443 if secure else 80), base)

    @property
    def authority(self) -> str:
        """Host and port as they stand in a URL, without the scheme's own port."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.secure else 80) else f"{host}:{self.port}"

    @property
    def origin(self) -> str:
        """Scheme, host and port."""
        return f"{'https' if self.secure else 'http'}://{self.authority}"

    @property
    def local(self) -> bool:
        """Whether the host is this machine by its name."""
        return self.host in ("localhost", "::1") or re.fullmatch(r"127(\.\d{1,3}){3}", self.host) is not None


_MAX_HEAD = 64 * 1024  # bytes of status line and headers together
_MAX_INTERIM = 8  # 1xx answers before the real one
_MAX_WRITTEN = 5.0  # seconds that a request of a few kilobytes may take to be written
_CHUNK = 64 * 1024
_STATUS_LINE = re.compile(rb"HTTP/1\.([01]) ([1-9][0-9]{2})(?: [\t \x21-\x7e\x80-\xff]*)?")
_FIELD = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[\t ]*(.*?)[\t ]*", re.DOTALL)
_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,8})[\t ]*(?:;.*)?")


class _FaultError(Exception):
    """The answer cannot be read to its end; the text says why. `closed` when the server ended it."""

    def __init__(self, words: str, *, closed: bool = False, missing: int = 0) -> None:
        super().__init__(words)
        self.words = words
        self.closed = closed
        self.missing = missing


@define
class _Stream:
    """Bytes of a socket, read with a deadline."""

    socket: socket.socket
    deadline: float = 0.0
    buffer: bytearray = field(factory=bytearray)
    received: int = 0

    def more(self) -> bool:
        """Reads what is there, waiting for at least one byte; False at the end of the stream."""
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise _FaultError("the answer was not complete in time")
        self.socket.settimeout(left)
        try:
            data = self.socket.recv(_CHUNK)
        except TimeoutError:
            raise _FaultError("the answer was not complete in time") from None
        except OSError as error:
            raise _FaultError(f"the connection broke ({type(error).__name__})", closed=True) from None
        self.buffer += data
        self.received += len(data)
        return bool(data)

    def take(self, count: int) -> bytes:
        taken = bytes(self.buffer[:count])
        del self.buffer[:count]
        return taken

    def line(self, limit: int) -> bytes:
        """A line without its end, of at most `limit` bytes."""
        while (end := self.buffer.find(b"\n", 0, limit + 1)) < 0:
            if len(self.buffer) > limit:
                raise _FaultError(f"a line of the head has more than {limit} bytes")
            if not self.more():
                what = "within the head of the answer" if self.received else "without an answer"
                raise _FaultError(f"the connection was closed {what}", closed=True)
        return self.take(end + 1)[:-1].removesuffix(b"\r")

    def exactly(self, count: int) -> bytes:
        while len(self.buffer) < count:
            if not self.more():
                missing = count - len(self.buffer)
                raise _FaultError(f"the body ended {missing} bytes early", closed=True, missing=missing)
        return self.take(count)

    def rest(self, limit: int) -> bytes:
        while len(self.buffer) <= limit and self.more():
            pass
        if len(self.buffer) > limit:
            raise _FaultError(f"the body has more than {limit} bytes")
        return self.take(len(self.buffer))

    def pending(self) -> int | None:
        """The number of bytes that nobody asked for, without waiting; None when the stream has ended."""
        self.socket.setblocking(False)
        try:
            data = self.socket.recv(_CHUNK)
        except (BlockingIOError, ssl.SSLWantReadError):
            return len(self.buffer)
        except OSError:
            return None
        self.buffer += data
        return len(self.buffer) if data else None


class Wire:
    """One connection to one server, kept alive between requests and opened anew when it must be.

        with Wire(Address.of("http://127.0.0.1:8000"), token) as wire:
            answer = wire.send(Request("/v2/apps/runs/r/results"))

    `timeout` is the time that one request may take from its first byte to its answer's last, in seconds.
    `max_body` bounds a body, in bytes. `unsafe_methods` allows methods other than GET, HEAD and OPTIONS, to targets
    that do not exist (see `allows`). `strays` counts answers that were followed, later, by bytes that nobody
    had asked for.
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
        self.unsafe_methods = unsafe_methods
        self.strays = 0
        self._absent: set[tuple[str, Headers]] = set()
        self._token = token
        self._timeout = timeout
        self._max_body = max_body
        self._stream: _Stream | None = None
        self._tls = ssl.create_default_context() if address.secure else None

    def __repr__(self) -> str:
        return f"Wire({self.address.origin})"

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

    def allows(self, request: Request) -> bool:
        """Whether `send` sends this request.

        GET, HEAD and OPTIONS always. Another method only with `unsafe_methods`, and only to a target that does not
        exist: the last GET with the token, to the same target and with the same headers, was answered with 404, and
        every other method that went there since was refused.
        """
        if request.method in SAFE_METHODS:
            return True
        right = _authorization(request) in ([], [_BEARER])
        return self.unsafe_methods and right and _place(request) in self._absent

    def send(self, request: Request) -> Answer:
        """Sends a request and reads its answer. Nothing that a server does raises.

        Raises UnsafeRequestError for a request that is not allowed, before anything is sent.
        """
        if not self.allows(request):
            raise UnsafeRequestError(f"{request.method} is not sent here")
        if _has_line_break(request):
            raise UnsafeRequestError("a request must not hold line breaks")
        started = time.monotonic()
        answer, stale = self._attempt(request, started)
        if stale:
            # A kept connection may be closed at any moment; a safe request goes out again (RFC 9112, 9.3.1).
            answer, _ = self._attempt(request, started)
        self._note_absence(request, answer)
        return answer

    def _note_absence(self, request: Request, answer: Answer) -> None:
        """Remembers that a target does not exist, and forgets it as soon as it may exist."""
        place = _place(request)
        if request.method == "GET" and _authorization(request) == [_BEARER]:
            (self._absent.add if answer.status == 404 else self._absent.discard)(place)
        elif request.method not in SAFE_METHODS and not (400 <= answer.status < 500 or answer.status in (501, 503)):
            self._absent.discard(place)

    def _attempt(self, request: Request, started: float) -> tuple[Answer, bool]:
        kept = self._quiet_stream()
        if kept and request.method not in SAFE_METHODS:
            # On a new connection it need never go out twice.
            self.close()
            kept = None
        try:
            stream = kept or self._connect()
        except (OSError, ValueError) as error:
            # ValueError is what a host name that cannot be encoded raises.
            why = getattr(error, "verify_message", "") or getattr(error, "strerror", None) or type(error).__name__
            return Answer(fault=f"there is no connection: {why}", refused=True), False
        stream.deadline = started + self._timeout
        stream.received = 0
        try:
            self._write(stream, request)
            answer = self._read(stream, request, started)
        except _FaultError as fault:
            self.close()
            stale = kept is not None and fault.closed and stream.received == 0
            return Answer(fault=fault.words, seconds=time.monotonic() - started), stale
        if answer.fault or not self._stays_open(answer):
            self.close()
        return answer, False

    def _quiet_stream(self) -> _Stream | None:
        """The open connection, unless the server closed it, or has said something since."""
        if self._stream is None:
            return None
        pending = self._stream.pending()
        if pending == 0:
            return self._stream
        if pending:
            self.strays += 1
        self.close()
        return None

    def _connect(self) -> _Stream:
        plain = socket.create_connection((self.address.host, self.address.port), timeout=self._timeout)
        try:
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            tls = self._tls
            connected = tls.wrap_socket(plain, server_hostname=self.address.host) if tls else plain
        except BaseException:
            plain.close()
            raise
        self._stream = _Stream(connected)
        return self._stream

    def _write(self, stream: _Stream, request: Request) -> None:
        head = [f"{request.method} {request.target} HTTP/1.1", f"Host: {self.address.authority}"]
        head += [f"{name}: {value}" for name, value in request.headers]
        data = _fill_in("\r\n".join([*head, "", ""]), self._token).encode("latin-1")
        stream.socket.settimeout(min(self._timeout, _MAX_WRITTEN))
        try:
            stream.socket.sendall(data)
        except TimeoutError:
            raise _FaultError("the request could not be written in time") from None
        except OSError as error:
            # A server may refuse before it has read everything; then its answer is already there.
            if stream.pending() is None and not stream.buffer:
                raise _FaultError(f"the connection broke ({type(error).__name__})", closed=True) from None

    def _read(self, stream: _Stream, request: Request, started: float) -> Answer:
        for _ in range(_MAX_INTERIM):
            version, status, headers = self._read_head(stream)
            if status >= 200:
                break
        else:
            raise _FaultError(f"more than {_MAX_INTERIM} interim answers came")
        answer = Answer(status, headers)
        fault: str | None = None
        missing = 0
        body, framing = b"", "length"
        try:
            framing = _framing(answer, request.method)
            body = self._read_body(stream, answer, framing)
        except _FaultError as found:
            fault = found.words
            # A chunk that ends early is a breach of framing, not of Content-Length.
            missing = found.missing if framing == "length" else 0
        extra = 0
        if fault is None and framing != "close":
            extra = stream.pending() or len(stream.buffer)
        if version == 0:
            # HTTP/1.0 closes by default.
            headers = (*headers, ("Connection", "close"))
        return Answer(status, headers, body, time.monotonic() - started, framing, extra, missing, fault)

    def _read_head(self, stream: _Stream) -> tuple[int, int, Headers]:
        line = stream.line(_MAX_HEAD)
        found = _STATUS_LINE.fullmatch(line)
        if found is None:
            raise _FaultError("the answer does not start with an HTTP/1 status line")
        left = _MAX_HEAD - len(line)
        headers: list[tuple[str, str]] = []
        while line := stream.line(max(left, 0)):
            left -= len(line) + 2
            field_line = _FIELD.fullmatch(line)
            if field_line is None:
                raise _FaultError("a line of the head is no header field")
            headers.append((field_line[1].decode("latin-1"), field_line[2].decode("latin-1")))
        return int(found[1]), int(found[2]), tuple(headers)

    def _read_body(self, stream: _Stream, answer: Answer, framing: str) -> bytes:
        if framing == "none":
            return b""
        if framing == "chunked":
            return self._read_chunks(stream)
        if framing == "close":
            return stream.rest(self._max_body)
        length = int(answer.header("content-length")[0])
        if length > self._max_body:
            raise _FaultError(f"the body has more than {self._max_body} bytes")
        return stream.exactly(length)

    def _read_chunks(self, stream: _Stream) -> bytes:
        body = bytearray()
        while True:
            found = _CHUNK_SIZE.fullmatch(stream.line(_MAX_HEAD))
            if found is None:
                raise _FaultError("a chunk of the body has no size")
            size = int(found[1], 16)
            if size == 0:
                break
            if len(body) + size > self._max_body:
                raise _FaultError(f"the body has more than {self._max_body} bytes")
            body += stream.exactly(size)
            if stream.line(_MAX_HEAD):
                raise _FaultError("a chunk of the body is longer than it says")
        left = _MAX_HEAD
        while trailer := stream.line(max(left, 0)):
            left -= len(trailer) + 2
        return bytes(body)

    def _stays_open(self, answer: Answer) -> bool:
        options = ",".join(answer.header("connection")).lower()
        return answer.framing != "close" and not answer.extra and "close" not in options


_BEARER = f"Bearer {TOKEN}"


def _authorization(request: Request) -> list[str]:
    return [value for name, value in request.headers if name.lower() == "authorization"]


def _place(request: Request) -> tuple[str, Headers]:
    """What a request is about: its target, and the headers that may choose another resource there."""
    about_itself = ("authorization", "content-length")
    return request.target, tuple(each for each in request.headers if each[0].lower() not in about_itself)


def _has_line_break(request: Request) -> bool:
    texts = (request.method, request.target, *(text for each in request.headers for text in each))
    return any(character in text for text in texts for character in "\r\n\0")


def _framing(answer: Answer, method: str) -> str:
    """How the body's end is known (RFC 9112, 6.3): `none`, `chunked`, `close` or `length`."""
    lengths = answer.header("content-length")
    codings = ",".join(answer.header("transfer-encoding")).lower().replace(" ", "")
    if lengths and (len(set(lengths)) > 1 or re.fullmatch(r"[0-9]{1,18}", lengths[0]) is None):
        raise _FaultError("Content-Length is no number")
    if method == "HEAD" or answer.status in (204, 304):
        return "none"
    if codings:
        if lengths:
            raise _FaultError("Content-Length and Transfer-Encoding come together")
        if codings != "chunked":
            raise _FaultError("the transfer coding is not known")
        return "chunked"
    return "length" if lengths else "close"
