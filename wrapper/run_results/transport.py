"""The one module that sends. It turns a `Request` into a `Reply`, or into the `TransportError` that stood in its way.

httpx is used here and in the generated code only. Compression is undone here rather than there, so that the limit holds
while a body is still coming: a small body that unpacks to a huge one is stopped at the limit.
"""

import asyncio
import os
import ssl
import time
import zlib
from collections.abc import Mapping
from functools import cache
from typing import Any

import httpx

from run_results.errors import (
    ClientClosedError,
    ConfigurationError,
    ConnectionFailedError,
    DeadlineExceededError,
    ResponseTooLargeError,
    TransportError,
)
from run_results.exchange import Reply, Request
from run_results.timed import CLOCK, keep_time
from run_results.version import __version__

_HEADERS = {"Accept-Encoding": "gzip, deflate", "User-Agent": f"run-results/{__version__}"}
# An error page is read for its message only.
_ERROR_BODY_BYTES = 64 * 1024


class _Body:
    """Collects a body, undoing its compression, within the limits of size and time."""

    def __init__(self, request: Request, response: httpx.Response, started: float) -> None:
        self._limit = request.max_body_bytes
        # What is not a page is cut rather than refused: its status is what counts.
        self._cut = response.status_code != 200
        if self._cut:
            self._limit = min(self._limit, _ERROR_BODY_BYTES)
        self._end = started + request.timeout
        self._timeout = request.timeout
        self._parts: list[bytes] = []
        self._size = self._wire = 0
        coding = response.headers.get("content-encoding", "identity").strip().lower()
        self._unpack: Any = None
        if coding in ("gzip", "x-gzip"):
            self._unpack = zlib.decompressobj(wbits=31)
        elif coding == "deflate":
            self._unpack = zlib.decompressobj()
        elif coding not in ("", "identity"):
            raise ConnectionFailedError(f"the server used the content coding {coding[:40]!r}, which was not asked for")

    def add(self, chunk: bytes) -> bool:
        """Take a chunk as it came; False where the rest is not needed."""
        if time.monotonic() > self._end:
            raise deadline_exceeded(self._timeout)
        self._wire += len(chunk)
        if self._wire > self._limit and not self._cut:
            raise self._too_large("on the wire")
        if self._unpack is not None:
            try:
                # One byte more than allowed tells that there is more.
                chunk = self._unpack.decompress(chunk, self._limit - self._size + 1)
            except zlib.error as error:
                raise ConnectionFailedError(f"the body's compression is broken: {error}") from None
        self._parts.append(chunk)
        self._size += len(chunk)
        if self._size > self._limit:
            if not self._cut:
                raise self._too_large("when unpacked")
            return False
        return self._wire <= self._limit

    def finish(self) -> bytes:
        """The whole body."""
        if self._unpack is not None and self._wire and not self._unpack.eof and not self._cut:
            raise ConnectionFailedError("the connection ended in the middle of a compressed body")
        return b"".join(self._parts)[: self._limit]

    def _too_large(self, where: str) -> ResponseTooLargeError:
        return ResponseTooLargeError(f"the body is larger than {self._limit} bytes {where}")


def deadline_exceeded(timeout: float) -> DeadlineExceededError:
    """The error for an answer that was not complete in time."""
    return DeadlineExceededError(f"the answer was not complete after {timeout:g} s")


def _arguments(request: Request) -> dict[str, Any]:
    return {
        "method": "GET",
        "url": request.url,
        "params": request.params,
        "headers": {**_HEADERS, **request.headers, "Authorization": f"Bearer {request.token}"},
        "timeout": request.timeout,
        "follow_redirects": False,
    }


def _headers(response: httpx.Response) -> Mapping[str, str]:
    return {name.lower(): value for name, value in response.headers.items()}


@cache
def _trust() -> ssl.SSLContext:
    # Reading the certificates takes longer than many a request: once for all clients.
    return httpx.create_ssl_context()


def _translate(error: Exception, request: Request) -> TransportError:
    """Our error for one of httpx's; its text may hold neither the token nor a foreign exception."""
    if isinstance(error, httpx.TimeoutException | TimeoutError):
        return deadline_exceeded(request.timeout)
    reason = str(error).replace(request.token, "[token]")[:300] or type(error).__name__
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return ConnectionFailedError(f"the server's certificate could not be verified: {cause.verify_message}")
        cause = cause.__cause__ or cause.__context__
    return ConnectionFailedError(f"the connection failed: {reason}")


_FOREIGN = (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, OSError, ValueError)


def _transports(client: httpx.Client) -> list[object]:
    return [client._transport, *client._mounts.values()]  # noqa: SLF001 - those through proxies too


class Sender:
    """Sends with httpx, one connection pool for its life. Thread-safe."""

    def __init__(self, client: httpx.Client | None = None) -> None:
        if client is not None and not isinstance(client, httpx.Client):
            raise ConfigurationError(f"http_client must be an httpx.Client, not {type(client).__name__}")
        self._owned = client is None
        self._client = client if client is not None else httpx.Client(verify=_trust())
        self._process = os.getpid()
        keep_time(_transports(self._client))

    def send(self, request: Request) -> Reply | TransportError:
        """Send once. What goes wrong is returned, not raised, but for a client that cannot be used any more."""
        if self._process != os.getpid():
            self._after_fork()
        started = time.monotonic()
        CLOCK.end = started + request.timeout
        try:
            with self._client.stream(**_arguments(request)) as response:
                body = _Body(request, response, started)
                for chunk in response.iter_raw(65536):
                    if not body.add(chunk):
                        break
                return Reply(response.status_code, _headers(response), body.finish())
        except TransportError as error:
            return error
        except RuntimeError as error:
            raise _closed(self._client.is_closed, error) from None
        except _FOREIGN as error:
            return _translate(error, request)
        finally:
            CLOCK.end = None

    def _after_fork(self) -> None:
        # The parent's connections must not be used, nor closed, by two processes.
        if not self._owned:
            raise ClientClosedError("the httpx client that was passed in was made in another process")
        self._client = httpx.Client(verify=_trust())
        self._process = os.getpid()
        keep_time(_transports(self._client))

    def sleep(self, seconds: float) -> None:
        """Sit out a wait."""
        time.sleep(seconds)

    def close(self) -> None:
        """Close the connections, unless they are the caller's own."""
        if self._owned:
            self._client.close()


class AsyncSender:
    """`Sender` for asyncio: the same steps, awaited."""

    def __init__(self, client: httpx.AsyncClient | None = None) -> None:
        if client is not None and not isinstance(client, httpx.AsyncClient):
            raise ConfigurationError(f"http_client must be an httpx.AsyncClient, not {type(client).__name__}")
        self._owned = client is None
        self._client = client if client is not None else httpx.AsyncClient(verify=_trust())

    async def send(self, request: Request) -> Reply | TransportError:
        """Send once. What goes wrong is returned, not raised, but for a client that cannot be used any more."""
        started = time.monotonic()
        try:
            async with (
                asyncio.timeout(request.timeout),
                self._client.stream(**_arguments(request)) as response,
            ):
                body = _Body(request, response, started)
                async for chunk in response.aiter_raw(65536):
                    if not body.add(chunk):
                        break
                return Reply(response.status_code, _headers(response), body.finish())
        except TransportError as error:
            return error
        except RuntimeError as error:
            raise _closed(self._client.is_closed, error) from None
        except _FOREIGN as error:
            return _translate(error, request)

    async def sleep(self, seconds: float) -> None:
        """Sit out a wait."""
        await asyncio.sleep(seconds)

    async def close(self) -> None:
        """Close the connections, unless they are the caller's own."""
        if self._owned:
            await self._client.aclose()


def _closed(closed: bool, error: RuntimeError) -> Exception:
    return ClientClosedError("the client was closed") if closed else error


__all__ = ["AsyncSender", "Sender"]
