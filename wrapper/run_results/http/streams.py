"""Connections for threads whose every step ends with the request's deadline, the TLS handshake included.

What cannot be ended is the look-up of a name, which the operating system does.
"""

import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

import httpcore

from run_results.http.deadline import THREAD_DEADLINE, StepEnded

T = TypeVar("T")
_PIECE = 65_536  # bytes
_BROKEN = (httpcore.NetworkError, httpcore.TimeoutException)


@contextmanager
def _step(
    late: type[Exception], broken: type[Exception], timeout: float | None, stream: httpcore.NetworkStream | None = None
) -> Iterator[float | None]:
    """One step; gives its time-out. Raises `late` at the deadline, and `broken` where the request was given up."""
    deadline = THREAD_DEADLINE.get()
    if deadline is None:
        yield timeout
        return
    try:
        with deadline.step(stream.get_extra_info("socket") if stream is not None else None) as left:
            yield left
    except (late, broken):
        if stream is not None:
            stream.close()  # httpcore forgets to in the middle of a SOCKS handshake
        raise
    except StepEnded:
        if stream is not None:
            stream.close()
        if deadline.is_late:
            raise late("the deadline of the request has passed") from None
        raise broken("the request was given up") from None


class _TimedStream(httpcore.NetworkStream):
    """A connection whose every read and write ends with the request's deadline."""

    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        with _step(httpcore.ReadTimeout, httpcore.ReadError, timeout, self._stream) as left:
            return self._stream.read(max_bytes, left)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        while buffer:  # in pieces: the time-out is for each that is sent
            piece, buffer = buffer[:_PIECE], buffer[_PIECE:]
            with _step(httpcore.WriteTimeout, httpcore.WriteError, timeout, self._stream) as left:
                self._stream.write(piece, left)

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return _start_tls(self, ssl_context, server_hostname)

    def close(self) -> None:
        self._stream.close()

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class _TlsStream(httpcore.NetworkStream):
    """TLS over another stream.

    OpenSSL is handed what has come, piece by piece, instead of the socket: given the socket, it reads for as long as a
    peer sends records without content, and no time-out ends that.
    """

    def __init__(self, stream: httpcore.NetworkStream, context: ssl.SSLContext, server_hostname: str | None) -> None:
        self._stream = stream
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=server_hostname)

    def handshake(self) -> None:
        """Agree on keys, and check the certificate."""
        self._carry_out(self._tls.do_handshake)

    def _carry_out(self, step: Callable[[], T]) -> T:
        while True:
            try:
                result = step()
            except ssl.SSLWantReadError:
                self._flush()
            except ssl.SSLError:
                with suppress(*_BROKEN):  # the peer is told what is wrong with its certificate
                    self._flush()
                raise
            else:
                self._flush()
                return result
            if data := self._stream.read(_PIECE):
                self._incoming.write(data)
            else:
                self._incoming.write_eof()

    def _flush(self) -> None:
        if self._outgoing.pending:
            self._stream.write(self._outgoing.read())

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        try:
            return self._carry_out(lambda: self._tls.read(max_bytes))
        except (ssl.SSLZeroReturnError, ssl.SSLEOFError):  # HTTP tells by itself whether the answer is complete
            return b""
        except ssl.SSLError as error:
            raise httpcore.ReadError(str(error)) from error

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        try:
            if buffer:
                self._carry_out(lambda: self._tls.write(buffer))
        except ssl.SSLError as error:
            raise httpcore.WriteError(str(error)) from error

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return _start_tls(self, ssl_context, server_hostname)

    def close(self) -> None:
        self._stream.close()

    def get_extra_info(self, info: str) -> Any:
        return self._tls if info == "ssl_object" else self._stream.get_extra_info(info)


def _start_tls(stream: httpcore.NetworkStream, context: ssl.SSLContext, server_hostname: str | None) -> _TlsStream:
    """Put TLS on a stream, which is closed where that fails. Raises httpcore's errors of connecting."""
    try:
        secured = _TlsStream(stream, context, server_hostname)
        secured.handshake()
    except BaseException as error:
        stream.close()
        if isinstance(error, httpcore.ReadTimeout | httpcore.WriteTimeout):
            raise httpcore.ConnectTimeout(str(error)) from error
        if isinstance(error, httpcore.NetworkError | ssl.SSLError):
            raise httpcore.ConnectError(str(error)) from error
        raise
    return secured


class TimedBackend(httpcore.NetworkBackend):
    """Makes connections that end with the deadline of the request that uses them."""

    def __init__(self) -> None:
        self._backend = httpcore.SyncBackend()

    def connect_tcp(
        self, host: str, port: int, timeout: float | None = None, *arguments: Any, **options: Any
    ) -> httpcore.NetworkStream:
        """Connect to a host."""
        # Address by address: the standard library gives each of a name's addresses the whole time-out.
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except OSError as error:
            raise httpcore.ConnectError(str(error)) from error
        addresses = list(dict.fromkeys(str(address[0]) for *_, address in found))
        failure: Exception = httpcore.ConnectError(f"{host} has no address")
        for number, address in enumerate(addresses):
            with _step(httpcore.ConnectTimeout, httpcore.ConnectError, timeout) as left:
                # A fair share, so that one address that swallows everything leaves time for the next.
                share = left and left / (len(addresses) - number)
                try:
                    return _TimedStream(self._backend.connect_tcp(address, port, share, *arguments, **options))
                except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                    failure = error
        raise failure
