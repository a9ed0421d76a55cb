"""Connections that end with the request's deadline.

httpx times each read for itself, so a server that sends a byte now and then would never time out. asyncio can cancel a
request as a whole; threads cannot, so there the time-out of each read and write is cut to what is left of the request.
What cannot be cut is the look-up of a name, which the operating system does.
"""

import os
import socket
import ssl
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from typing import Any

import httpcore

_FREE = nullcontext()


class Rope:
    """Ends a request that is under way, from another thread: asyncio can cancel, and threads have this."""

    def __init__(self) -> None:
        self.is_cut = False
        self._stream: httpcore.NetworkStream | None = None
        # What is cut may be the connection of this request only, and not of the one that uses it next. Reentrant,
        # because a walk that is collected as garbage is so on any thread, at any moment.
        self._lock = threading.RLock()
        self._process = os.getpid()

    @property
    def is_here(self) -> bool:
        """Whether the other thread is in this process: none comes along through a fork."""
        return self._process == os.getpid()

    def cut(self) -> None:
        """End the request: its connection is shut down, and nothing more is sent."""
        if not self.is_here:
            return  # the connection is the parent's
        with self._lock, suppress(OSError):
            self.is_cut = True
            if self._stream is not None:
                # Not the method of a TLS socket, which would change what the other thread is using.
                socket.socket.shutdown(self._stream.get_extra_info("socket"), socket.SHUT_RDWR)

    @contextmanager
    def holding(self, stream: httpcore.NetworkStream) -> Iterator[None]:
        """While this thread reads from a connection, or writes to it."""
        tls = stream.get_extra_info("ssl_object")
        if tls is not None and tls.selected_alpn_protocol() == "h2":  # other requests use it, too: so let this one end
            yield
            return
        with self._lock:
            self._check()
            self._stream = stream
        try:
            yield
        finally:
            with self._lock:
                self._stream = None
        # The whole answer may have come before the cut. The connection is shut down all the same: let through, it would
        # go back to the pool, and the next request might get it before that is noticed.
        self._check()

    def _check(self) -> None:
        if self.is_cut:
            raise httpcore.ReadError("the request was given up")


class Clock(threading.local):
    """When this thread's request has to be complete; None while it sends none."""

    end: float | None = None
    rope: Rope | None = None
    """What ends the request before that."""

    def holding(self, stream: httpcore.NetworkStream) -> AbstractContextManager[None]:
        """While this thread reads from a connection, or writes to it."""
        return _FREE if self.rope is None else self.rope.holding(stream)

    def cut(self, timeout: float | None, error: type[Exception]) -> float | None:
        """The time-out of one step, cut to what is left of the whole. Raises `error` where nothing is left."""
        if self.end is None:
            return timeout
        left = self.end - time.monotonic()
        if left <= 0:
            raise error("the deadline of the request has passed")
        return left if timeout is None else min(timeout, left)


CLOCK = Clock()


class _TimedStream(httpcore.NetworkStream):
    """A connection whose every read and write ends with the request's deadline."""

    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        with CLOCK.holding(self._stream):
            return self._stream.read(max_bytes, CLOCK.cut(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        if not buffer:  # the end of a request without a body
            return
        with CLOCK.holding(self._stream):
            self._stream.write(buffer, CLOCK.cut(timeout, httpcore.WriteTimeout))

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        timeout = CLOCK.cut(timeout, httpcore.ConnectTimeout)
        return _TimedStream(self._stream.start_tls(ssl_context, server_hostname, timeout))

    def close(self) -> None:
        self._stream.close()

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class _TimedBackend(httpcore.NetworkBackend):
    """Makes timed connections out of another backend's."""

    def __init__(self, backend: httpcore.NetworkBackend) -> None:
        self._backend = backend

    def connect_tcp(
        self, host: str, port: int, timeout: float | None = None, *arguments: Any, **options: Any
    ) -> httpcore.NetworkStream:
        if CLOCK.end is None:
            return self._backend.connect_tcp(host, port, timeout, *arguments, **options)
        # Address by address: the standard library gives each of a name's addresses the whole time-out.
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except OSError as error:
            raise httpcore.ConnectError(str(error)) from error
        addresses = list(dict.fromkeys(str(address[0]) for *_, address in found))
        failure: Exception = httpcore.ConnectError(f"{host} has no address")
        for number, address in enumerate(addresses):
            left = CLOCK.cut(timeout, httpcore.ConnectTimeout)
            # A fair share, so that one address that swallows everything leaves time for the next.
            share = left and left / (len(addresses) - number)
            try:
                return _TimedStream(self._backend.connect_tcp(address, port, share, *arguments, **options))
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure

    def connect_unix_socket(
        self, path: str, timeout: float | None = None, *arguments: Any, **options: Any
    ) -> httpcore.NetworkStream:
        timeout = CLOCK.cut(timeout, httpcore.ConnectTimeout)
        return _TimedStream(self._backend.connect_unix_socket(path, timeout, *arguments, **options))

    def sleep(self, seconds: float) -> None:
        self._backend.sleep(seconds)


class _TidyStream(httpcore.AsyncNetworkStream):
    """A connection that is closed when its TLS handshake is cancelled, which httpcore forgets."""

    def __init__(self, stream: httpcore.AsyncNetworkStream) -> None:
        self._stream = stream

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return await self._stream.read(max_bytes, timeout)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        await self._stream.write(buffer, timeout)

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.AsyncNetworkStream:
        try:
            return await self._stream.start_tls(ssl_context, server_hostname, timeout)
        except BaseException:
            await self._stream.aclose()
            raise

    async def aclose(self) -> None:
        await self._stream.aclose()

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class _TidyBackend(httpcore.AsyncNetworkBackend):
    """Makes tidy connections out of another backend's."""

    def __init__(self, backend: httpcore.AsyncNetworkBackend) -> None:
        self._backend = backend

    async def connect_tcp(self, *arguments: Any, **options: Any) -> httpcore.AsyncNetworkStream:
        return _TidyStream(await self._backend.connect_tcp(*arguments, **options))

    async def connect_unix_socket(self, *arguments: Any, **options: Any) -> httpcore.AsyncNetworkStream:
        return _TidyStream(await self._backend.connect_unix_socket(*arguments, **options))

    async def sleep(self, seconds: float) -> None:
        await self._backend.sleep(seconds)


def keep_time(transports: Iterable[object]) -> None:
    """Have these transports' connections end with the request's deadline, on threads, and tidily on asyncio.

    httpx has no public way to its pool's network backend (httpcore has); a transport of another make is left alone, and
    its deadline is looked at between chunks only. Outside of our requests timed connections are like any other.
    """
    for transport in transports:
        pool: Any = getattr(transport, "_pool", None)
        backend = getattr(pool, "_network_backend", None)
        if isinstance(backend, httpcore.NetworkBackend) and not isinstance(backend, _TimedBackend):
            pool._network_backend = _TimedBackend(backend)  # noqa: SLF001
        elif isinstance(backend, httpcore.AsyncNetworkBackend) and not isinstance(backend, _TidyBackend):
            pool._network_backend = _TidyBackend(backend)  # noqa: SLF001
