"""httpx on connections of ours: transports that put httpcore's pools on the streams that keep a request's deadline."""

import os
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from functools import cache
from importlib.util import find_spec
from typing import Any, cast

import httpcore
import httpx

from run_results.http.async_streams import AsyncTimedBackend
from run_results.http.proxies import Proxies, Proxy
from run_results.http.streams import TimedBackend

_KEEP_ALIVE = 5.0  # seconds that a connection waits for the next request
LOCATION = "run_results_location"
"""Where an answer's extensions have its Location header, which httpx would read though no redirect is followed."""


class Transport(httpx.BaseTransport):
    """Sends over connections that end with the deadline of their request; see `deadline`."""

    def __init__(self, proxies: Proxies, max_connections: int) -> None:
        # Not HTTP/2 on threads: those that share a connection wait for each other's reads, past any deadline.
        settings = _settings(max_connections, http2=False)
        self._proxies = proxies
        self._direct = httpcore.ConnectionPool(network_backend=TimedBackend(), **settings)
        self._proxied = _ProxiedPool(network_backend=TimedBackend(), proxy=_core_proxy(proxies.proxy), **settings)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request."""
        pool = self._proxied if self._proxies.for_url(str(request.url)) else self._direct
        response = None
        try:
            with _errors_of_httpx():
                response = pool.handle_request(_core_request(request))
            return _response(response, _Content(response))
        except BaseException:  # Ctrl-C, too: the connection would be in use for ever
            if response is not None:
                response.close()
            raise

    def close(self) -> None:
        """Close every connection."""
        self._direct.close()
        self._proxied.close()


class AsyncTransport(httpx.AsyncBaseTransport):
    """`Transport` for asyncio."""

    def __init__(self, proxies: Proxies, max_connections: int) -> None:
        settings = _settings(max_connections, http2=find_spec("h2") is not None)
        self._proxies = proxies
        self._direct = httpcore.AsyncConnectionPool(network_backend=AsyncTimedBackend(), **settings)
        self._proxied = _AsyncProxiedPool(
            network_backend=AsyncTimedBackend(), proxy=_core_proxy(proxies.proxy), **settings
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request."""
        pool = self._proxied if self._proxies.for_url(str(request.url)) else self._direct
        response = None
        try:
            with _errors_of_httpx():
                response = await pool.handle_async_request(_core_request(request))
            return _response(response, _AsyncContent(response))
        except BaseException:
            if response is not None:
                await response.aclose()
            raise

    async def aclose(self) -> None:
        """Close every connection."""
        await self._direct.aclose()
        await self._proxied.aclose()


def _settings(max_connections: int, *, http2: bool) -> dict[str, Any]:
    return {
        "ssl_context": trust("http/2" if http2 else "http/1.1"),
        "http2": http2,
        "max_connections": max_connections,
        "max_keepalive_connections": max_connections,
        "keepalive_expiry": _KEEP_ALIVE,
    }


def trust(purpose: str) -> ssl.SSLContext:
    """Which certificates are trusted, as the environment says now.

    httpcore writes into a context which protocols it is for, so that each purpose needs its own.
    """
    return _read_trust(purpose, os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))


@cache
def _read_trust(*_key: str | None) -> ssl.SSLContext:
    """Read the certificates, which takes longer than many a request: once for all clients of an environment."""
    return httpx.create_ssl_context()


def _core_proxy(proxy: Proxy | None) -> httpcore.Proxy | None:
    if proxy is None:
        return None
    url = httpcore.URL(scheme=proxy.scheme, host=proxy.host, port=proxy.port, target="/")
    user = tuple(part.encode() for part in proxy.user) if proxy.user is not None else None
    return httpcore.Proxy(url, auth=user, ssl_context=trust("proxy") if proxy.scheme == "https" else None)  # type: ignore[arg-type]


def _core_request(request: httpx.Request) -> httpcore.Request:
    url = request.url
    return httpcore.Request(
        request.method,
        httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
        headers=request.headers.raw,
        content=cast("Any", request.stream),
        extensions=request.extensions,
    )


def _response(response: httpcore.Response, stream: Any) -> httpx.Response:
    """httpx's answer for httpcore's."""
    headers, extensions = response.headers, response.extensions
    if 300 <= response.status <= 399:
        # httpx makes the next request of a Location, followed or not, and raises where it is no address of http.
        location = b", ".join(value for name, value in headers if name.lower() == b"location")
        headers = [(name, value) for name, value in headers if name.lower() != b"location"]
        extensions = {**extensions, LOCATION: location.decode("latin-1")} if location else extensions
    return httpx.Response(response.status, headers=headers, stream=stream, extensions=extensions)


@contextmanager
def _errors_of_httpx() -> Iterator[None]:
    """Raise httpx's error for httpcore's: they have the same names."""
    try:
        yield
    except (
        httpcore.TimeoutException,
        httpcore.NetworkError,
        httpcore.ProtocolError,
        httpcore.ProxyError,
        httpcore.UnsupportedProtocol,
    ) as error:
        raise getattr(httpx, type(error).__name__)(str(error)) from error


class _Content(httpx.SyncByteStream):
    """The body of an answer, as it comes."""

    def __init__(self, response: httpcore.Response) -> None:
        self._response = response

    def __iter__(self) -> Iterator[bytes]:
        with _errors_of_httpx():
            yield from self._response.iter_stream()

    def close(self) -> None:
        self._response.close()


class _AsyncContent(httpx.AsyncByteStream):
    """`_Content`, awaited."""

    def __init__(self, response: httpcore.Response) -> None:
        self._response = response

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _errors_of_httpx():
            async for chunk in self._response.aiter_stream():
                yield chunk

    async def aclose(self) -> None:
        await self._response.aclose()


# --- Through a proxy ----------------------------------------------------------------------------------------


class _Tunnel:
    """A connection through a proxy, which is closed where it cannot be made.

    httpcore leaves one open, and in the pool for good, whose TLS handshake fails behind the proxy.
    """

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._is_made = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def handle_request(self, request: httpcore.Request) -> httpcore.Response:
        """Send a request."""
        try:
            response: httpcore.Response = self._connection.handle_request(request)
        except BaseException:
            if not self._is_made:
                self._connection.close()
            raise
        self._is_made = True
        return response

    async def handle_async_request(self, request: httpcore.Request) -> httpcore.Response:
        """Send a request."""
        try:
            response: httpcore.Response = await self._connection.handle_async_request(request)
        except BaseException:
            if not self._is_made:
                await self._connection.aclose()
            raise
        self._is_made = True
        return response


class _ProxiedPool(httpcore.ConnectionPool):
    def create_connection(self, origin: httpcore.Origin) -> httpcore.ConnectionInterface:
        return cast("httpcore.ConnectionInterface", _Tunnel(super().create_connection(origin)))


class _AsyncProxiedPool(httpcore.AsyncConnectionPool):
    def create_connection(self, origin: httpcore.Origin) -> httpcore.AsyncConnectionInterface:
        return cast("httpcore.AsyncConnectionInterface", _Tunnel(super().create_connection(origin)))
