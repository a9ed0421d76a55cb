"""The streams of `streams`, for asyncio: every step ends with the request's deadline, or when it is given up."""

import ssl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpcore

from run_results.http.deadline import TASK_DEADLINE, StepEnded, TaskDeadline

# Seconds, where nobody set a deadline.
_LONG = 60.0


class RequestAbandoned(BaseException):
    """Ends one request on an HTTP/2 connection that others use, too.

    No `Exception`: httpcore takes those for the end of the whole connection.
    """


class _AsyncTimedStream(httpcore.AsyncNetworkStream):
    """A connection whose every read and write ends with the request's deadline."""

    # The server still sends the rest of an answer that was abandoned, and nobody acknowledges it. Before that stalls
    # an HTTP/2 connection for good, a late request closes the connection.
    _MOST_ABANDONED = 8
    # A frame is sent whole, or the others' frames cannot be read any more. Seconds, at the least.
    _FOR_A_FRAME = 1.0

    def __init__(self, stream: httpcore.AsyncNetworkStream) -> None:
        self._stream = stream
        tls = stream.get_extra_info("ssl_object")
        self._is_shared = tls is not None and tls.selected_alpn_protocol() == "h2"
        self._abandoned = 0
        self._last_read = 0.0

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        deadline = TASK_DEADLINE.get()
        if deadline is None:
            return await self._stream.read(max_bytes, timeout)
        try:
            async with deadline.step():
                data = await self._stream.read(max_bytes)
        except StepEnded:
            if self._is_shared and self._can_go_on(deadline):
                self._abandoned += 1
                raise RequestAbandoned from None
            await self._stream.aclose()
            raise _ended(deadline, httpcore.ReadTimeout, httpcore.ReadError) from None
        self._last_read = time.monotonic()
        return data

    def _can_go_on(self, deadline: TaskDeadline) -> bool:
        """Whether the other requests on this connection are left with it."""
        is_alive = not deadline.is_late or self._last_read > deadline.started
        return is_alive and self._abandoned < self._MOST_ABANDONED

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        deadline = TASK_DEADLINE.get()
        if deadline is None or not buffer:
            await self._stream.write(buffer, timeout)
            return
        seconds = max(self._FOR_A_FRAME, deadline.end - time.monotonic()) if self._is_shared else None
        try:
            async with deadline.step(seconds):
                await self._stream.write(buffer)
        except StepEnded:
            await self._stream.aclose()
            raise _ended(deadline, httpcore.WriteTimeout, httpcore.WriteError) from None

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.AsyncNetworkStream:
        try:
            async with _connecting(timeout):
                return _AsyncTimedStream(await self._stream.start_tls(ssl_context, server_hostname))
        except BaseException:
            await self._stream.aclose()
            raise

    async def aclose(self) -> None:
        await self._stream.aclose()

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class AsyncTimedBackend(httpcore.AsyncNetworkBackend):
    """Makes connections that end with the deadline of the request that uses them."""

    def __init__(self) -> None:
        self._backend: Any = httpcore.AnyIOBackend()  # one of two classes, if a type checker is asked

    async def connect_tcp(
        self, host: str, port: int, timeout: float | None = None, *arguments: Any, **options: Any
    ) -> httpcore.AsyncNetworkStream:
        """Connect to a host."""
        async with _connecting(timeout):
            return _AsyncTimedStream(await self._backend.connect_tcp(host, port, None, *arguments, **options))


@asynccontextmanager
async def _connecting(timeout: float | None) -> AsyncIterator[None]:
    """A step of connecting. Raises httpcore's errors for it."""
    deadline = TASK_DEADLINE.get() or TaskDeadline(timeout or _LONG)
    try:
        async with deadline.step():
            yield
    except StepEnded:
        raise _ended(deadline, httpcore.ConnectTimeout, httpcore.ConnectError) from None


def _ended(deadline: TaskDeadline, late: type[Exception], broken: type[Exception]) -> Exception:
    """The error for a step that was ended."""
    if deadline.is_late:
        return late("the deadline of the request has passed")
    return broken("the request was given up")
