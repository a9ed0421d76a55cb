"""The one module that sends. It turns a `Request` into a `Reply`, or into the `TransportError` that stood in its way.

httpx is used here and in the generated code only.
"""

import asyncio
import os
import ssl
import threading
import time
from collections.abc import Awaitable, Callable, Generator, Mapping
from contextlib import suppress
from contextvars import copy_context
from functools import cache
from http.cookiejar import CookieJar
from importlib.util import find_spec
from typing import Any, Generic, TypeVar

import httpx

from run_results.errors import ClientClosedError, ConfigurationError, ConnectionFailedError, TransportError
from run_results.http.body import Body, deadline_exceeded
from run_results.http.deadline import CLOCK, Rope, keep_time
from run_results.request import Outcome, Reply, Request
from run_results.secret import Secret
from run_results.version import __version__

C = TypeVar("C", httpx.Client, httpx.AsyncClient)

_HEADERS = {"Accept-Encoding": "gzip, deflate", "User-Agent": f"run-results/{__version__}"}


class _NoCookies(CookieJar):
    """Keeps nothing, and so has nothing to send: a cookie of one token is not another's."""

    def extract_cookies(self, response: object, request: object) -> None:
        """Let the answer's cookies go, without taking its headers apart."""


class _Bearer(httpx.Auth):
    """Puts the token into the request's headers, whose repr hides it, and into nothing else."""

    def __init__(self, token: Secret) -> None:
        self._token = token

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        request.headers["Authorization"] = f"Bearer {self._token.reveal()}"
        yield request


def _arguments(request: Request, client: httpx.Client | httpx.AsyncClient) -> dict[str, Any]:
    # As one text: httpx would take the address apart once more to put the parameters in. It does so, and loses those in
    # the text, where the caller's client has some of its own.
    where: dict[str, Any] = {"url": f"{request.url}?{httpx.QueryParams(request.params)}"}
    return {
        "method": "GET",
        **({"url": request.url, "params": request.params} if client.params else where),
        "headers": {**_HEADERS, **request.headers},
        "auth": _Bearer(request.token),
        "timeout": request.timeout,
        "follow_redirects": False,
    }


def _begin_body(request: Request, response: httpx.Response, started: float) -> Body:
    # What a hook of the caller's has read, httpx has unpacked.
    coding = "" if response.is_stream_consumed else response.headers.get("content-encoding", "")
    return Body(request, response.status_code, coding, started)


def _headers(response: httpx.Response) -> Mapping[str, str]:
    return response.headers  # its names are in lower case


@cache
def _trust() -> ssl.SSLContext:
    # Reading the certificates takes longer than many a request: once for all clients.
    return httpx.create_ssl_context()


def _translate(error: Exception, request: Request) -> TransportError:
    """Our error for one of httpx's; its text may hold neither the token nor a foreign exception."""
    if isinstance(error, httpx.TimeoutException | TimeoutError):
        return deadline_exceeded(request.timeout)
    reason = request.token.hide(str(error))[:300] or type(error).__name__
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            text = f"the server's certificate could not be verified: {cause.verify_message}"
            return ConnectionFailedError(text, may_pass=False)
        cause = cause.__cause__ or cause.__context__
    return ConnectionFailedError(f"the connection failed: {reason}")


# RuntimeError is what httpx raises for a client that is closed, and what an event loop raises that is.
_FOREIGN = (httpx.HTTPError, httpx.InvalidURL, httpx.CookieConflict, OSError, ValueError, RuntimeError)


def _open(kind: type[C]) -> C:
    """Make an httpx client. What stands in its way comes from the environment."""
    try:
        # Plain http goes to this machine, or where the caller allowed it: never through a proxy that is meant for the
        # world outside.
        # Not HTTP/2 on threads: those that share a connection wait for each other's reads, past any deadline.
        http2 = issubclass(kind, httpx.AsyncClient) and find_spec("h2") is not None
        return kind(verify=_trust(), cookies=_NoCookies(), mounts={"http://": None}, http2=http2)
    except (ImportError, OSError, ValueError) as error:
        raise ConfigurationError(
            f"no HTTP client can be made in this environment ({error}); look at the variables HTTP_PROXY, HTTPS_PROXY,"
            " ALL_PROXY, SSL_CERT_FILE and SSL_CERT_DIR"
        ) from None


def _failure(error: Exception, request: Request, response: httpx.Response | None, body: Body | None) -> Outcome:
    """What a request came to that did not end well. A status other than 200 is worth more than what befell its body."""
    if isinstance(error, httpx.HTTPStatusError):  # a hook of the caller's
        response = error.response
    if response is not None and response.status_code != 200:
        return Reply(response.status_code, _headers(response), body.so_far() if body is not None else b"")
    if not isinstance(error, TransportError):
        return _translate(error, request)
    error.args = (request.token.hide(error.message),)
    return error.with_traceback(None)  # the frames hold what the server sent


class _Connections(Generic[C]):
    """An httpx client with what both senders know of it: whose it is, whether it was closed, and in which process."""

    def __init__(self, kind: type[C], client: C | None) -> None:
        if client is not None and not isinstance(client, kind):
            raise ConfigurationError(f"http_client must be an httpx.{kind.__name__}, not {type(client).__name__}")
        self._kind: type[C] = kind
        self._owned = client is None
        self._client: C = client if client is not None else _open(kind)
        self._closed = False
        self._process = os.getpid()
        self._flights: set[Any] = set()

    def _ready(self) -> C:
        """The client to send with. Raises `ClientClosedError` where there is none."""
        if self._closed or self._client.is_closed:
            raise ClientClosedError("the client was closed")
        if self._process != os.getpid():
            # The parent's connections must not be used, nor closed, by two processes.
            if not self._owned:
                raise ClientClosedError("the httpx client that was passed in was made in another process")
            self._client = _open(self._kind)
            self._process = os.getpid()
        keep_time([self._client._transport, *self._client._mounts.values()])  # noqa: SLF001 - those through proxies too
        return self._client


class Flight:
    """A request that is asked for ahead, on a thread of its own, which keeps no process alive."""

    def __init__(self, send: Callable[[Request], Outcome], request: Request, flights: set[Any]) -> None:
        self.request = request
        self.outcome: Outcome = None
        """What it came to; None while it is under way, and where it came to nothing."""
        self._rope, self._landed, self._flights = Rope(), threading.Event(), flights
        flights.add(self)
        task = copy_context().run, self._fly, send, request
        try:
            threading.Thread(target=task[0], args=task[1:], name="run-results-ahead", daemon=True).start()
        except RuntimeError:  # there are no more threads to be had
            flights.discard(self)
            self._landed.set()

    def _fly(self, send: Callable[[Request], Outcome], request: Request) -> None:
        CLOCK.rope = self._rope
        with suppress(BaseException):  # it is raised again where the request is sent in the ordinary way
            self.outcome = None if self._rope.is_cut else send(request)
        self._flights.discard(self)
        self._landed.set()

    def wait(self, seconds: float | None = None) -> Outcome:
        """What it has come to, in the end or after so many seconds."""
        if self._rope.is_here:
            self._landed.wait(seconds)
        return self.outcome

    def drop(self) -> None:
        """Give it up."""
        self._rope.cut()


class Sender(_Connections[httpx.Client]):
    """Sends with httpx, one connection pool for its life. Thread-safe."""

    def __init__(self, client: httpx.Client | None = None) -> None:
        super().__init__(httpx.Client, client)
        self._ropes: set[Rope] = set()

    def send(self, request: Request) -> Outcome:
        """Send once. What goes wrong is returned; raises `ClientClosedError` for a client that cannot be used."""
        client = self._ready()
        started = time.monotonic()
        ahead = CLOCK.rope
        rope = CLOCK.rope = ahead or Rope()
        CLOCK.end = started + request.timeout
        self._ropes.add(rope)
        response = body = None
        try:
            with client.stream(**_arguments(request, client)) as response:
                body = _begin_body(request, response, started)
                for chunk in [response.content] if response.is_stream_consumed else response.iter_raw(65536):
                    if not body.add(chunk):
                        break
                return Reply(response.status_code, _headers(response), body.finish())
        except (TransportError, *_FOREIGN) as error:
            return _failure(error, request, response, body)
        finally:
            CLOCK.end, CLOCK.rope = None, ahead
            self._ropes.discard(rope)

    def start(self, request: Request) -> Flight:
        """Send once, ahead."""
        return Flight(self.send, request, self._flights)

    def sleep(self, seconds: float) -> None:
        """Sit out a wait."""
        time.sleep(seconds)

    def close(self) -> None:
        """Close the connections, unless they are the caller's own."""
        self._closed = True
        flights, end = list(self._flights), time.monotonic() + 1.0
        for flight in flights:
            flight.drop()
        for flight in flights:
            flight.wait(max(0.0, end - time.monotonic()))
        if self._owned:
            # Whoever still reads from a socket that is closed reads from another one that gets its number.
            under_way = [rope for rope in list(self._ropes) if rope.is_here]
            for rope in under_way:
                rope.cut()
            while any(rope in self._ropes for rope in under_way) and time.monotonic() < end:
                time.sleep(0.001)
            self._client.close()


class AsyncFlight:
    """`Flight` for asyncio: a request that is asked for ahead, in a task of its own."""

    def __init__(self, send: Callable[[Request], Awaitable[Outcome]], request: Request, flights: set[Any]) -> None:
        self.request = request
        self.outcome: Outcome = None
        self._task = asyncio.create_task(self._fly(send, request))
        flights.add(self)
        self._task.add_done_callback(lambda _: flights.discard(self))

    async def _fly(self, send: Callable[[Request], Awaitable[Outcome]], request: Request) -> None:
        with suppress(Exception):  # as above
            self.outcome = await send(request)

    async def wait(self) -> Outcome:
        """What it has come to, in the end."""
        if self._task.get_loop() is asyncio.get_running_loop():  # a task of a loop that is gone never ends
            await asyncio.wait([self._task])
        return self.outcome

    def drop(self) -> None:
        """Give it up."""
        with suppress(RuntimeError):  # the same
            self._task.cancel()


class AsyncSender(_Connections[httpx.AsyncClient]):
    """`Sender` for asyncio: the same steps, awaited."""

    def __init__(self, client: httpx.AsyncClient | None = None) -> None:
        super().__init__(httpx.AsyncClient, client)

    async def send(self, request: Request) -> Outcome:
        """Send once. What goes wrong is returned; raises `ClientClosedError` for a client that cannot be used."""
        client = self._ready()
        started = time.monotonic()
        response = body = None
        try:
            async with asyncio.timeout(request.timeout), client.stream(**_arguments(request, client)) as response:
                body = _begin_body(request, response, started)
                if response.is_stream_consumed:
                    body.add(response.content)
                else:
                    async for chunk in response.aiter_raw(65536):
                        if not body.add(chunk):
                            break
                return Reply(response.status_code, _headers(response), body.finish())
        except (TransportError, *_FOREIGN) as error:
            return _failure(error, request, response, body)

    def start(self, request: Request) -> AsyncFlight:
        """Send once, ahead."""
        return AsyncFlight(self.send, request, self._flights)

    async def sleep(self, seconds: float) -> None:
        """Sit out a wait."""
        await asyncio.sleep(seconds)

    async def close(self) -> None:
        """Close the connections, unless they are the caller's own."""
        self._closed = True
        for flight in list(self._flights):
            flight.drop()
            await flight.wait()
        if self._owned:
            with suppress(RuntimeError):  # those of an event loop that is gone went with it
                await self._client.aclose()


__all__ = ["AsyncSender", "Sender"]
