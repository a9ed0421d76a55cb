"""Sends requests. It turns a `Request` into a `Reply`, or into the `TransportError` that stood in its way.

Our own clients send with httpx over `transport`. A client of httpx, or of its continuation httpx2, that the caller made
is used as it is: its time-outs are what is left of the request's time, and the deadline is checked between chunks.
"""

import asyncio
import os
import socket
import threading
import time
from collections.abc import AsyncGenerator
from contextlib import suppress
from contextvars import copy_context
from http.cookiejar import CookieJar
from typing import Any

import httpx
from attrs import define, evolve, field

from run_results.errors import (
    ClientClosedError,
    ConfigurationError,
    ConnectionFailedError,
    ConnectionsBusyError,
)
from run_results.http.body import deadline_exceeded
from run_results.http.deadline import TASK_DEADLINE, THREAD_DEADLINE, TaskDeadline, ThreadDeadline
from run_results.http.gate import AsyncGate, Gate
from run_results.http.library import Library, Trace, begin_body, headers_of
from run_results.http.proxies import Proxies
from run_results.http.transport import AsyncTransport, Transport
from run_results.request import Outcome, Reply, Request

# Seconds that the clean-up after a request is waited for, where somebody waits.
_GRACE = 1.0


# --- What both senders share --------------------------------------------------------------------------------


class _NoCookies(CookieJar):
    """Keeps nothing, and so has nothing to send: a cookie of one token is not another's."""

    def extract_cookies(self, response: object, request: object) -> None:
        """Ignore the answer's cookies, without parsing its headers."""


def _given_up() -> ConnectionFailedError:
    return ConnectionFailedError("the request was given up")


class _Sender:
    """What both senders know: whose client they send with, whether it was closed, and in which process."""

    _kind: str

    def __init__(self, client: Any, max_connections: int) -> None:
        self._is_own = client is None
        self._max_connections = max_connections
        self._is_closed = False
        self._process = os.getpid()
        if client is None:
            self._proxies = Proxies.read(os.environ)
            client = self._open()  # at once, so that what is wrong in the environment is said at once
        self._client: Any = client
        self._library = Library(client, self._kind, is_own=self._is_own)

    def _open(self) -> Any:
        """Make an httpx client. What stands in its way comes from the environment."""
        # The environment is read by us: see `proxies` and `transport`.
        settings: dict[str, Any] = {"trust_env": False, "cookies": _NoCookies()}
        try:
            if self._kind == "Client":
                return httpx.Client(transport=Transport(self._proxies, self._max_connections), **settings)
            return httpx.AsyncClient(transport=AsyncTransport(self._proxies, self._max_connections), **settings)
        except (ImportError, OSError, ValueError) as error:
            raise ConfigurationError(
                f"no HTTP client can be made in this environment ({error}); check the variables SSL_CERT_FILE and"
                " SSL_CERT_DIR"
            ) from None

    def _check(self) -> None:
        """Raise `ClientClosedError` where nothing can be sent."""
        if self._is_closed or (not self._is_own and self._client.is_closed):
            raise ClientClosedError("the client was closed")
        if self._process != os.getpid() and not self._is_own:
            raise ClientClosedError("the HTTP client that was passed in was made in another process")

    def _busy(self, seconds: float) -> ConnectionsBusyError:
        number = self._max_connections
        text = f"no connection was free within {seconds:g} s: {number} requests of this client were under way"
        return ConnectionsBusyError(text)


# --- With threads -------------------------------------------------------------------------------------------


class PendingRequest:
    """A request that was sent ahead, on a thread of its own, which keeps no process alive."""

    def __init__(self, request: Request, deadline: ThreadDeadline) -> None:
        self.request = request
        self.outcome: Outcome = None
        """What it came to; None while it is under way, and where it came to nothing."""
        self._deadline = deadline
        self._has_ended = threading.Event()

    def end(self, outcome: Outcome) -> None:
        """Set the outcome, on the request's thread."""
        self.outcome = outcome
        self._has_ended.set()

    def wait(self, seconds: float | None = None) -> Outcome:
        """What it has come to, in the end or after so many seconds."""
        if self._deadline.is_here:
            self._has_ended.wait(seconds)
        return self.outcome

    def drop(self) -> None:
        """Give it up."""
        self._deadline.give_up()


class Sender(_Sender):
    """Sends on the caller's thread, with one connection pool. Thread-safe."""

    _kind = "Client"

    def __init__(self, client: Any = None, max_connections: int = 100) -> None:
        super().__init__(client, max_connections)
        self._gate = Gate(max_connections)
        self._under_way: set[ThreadDeadline] = set()
        self._of_parent: list[Any] = []

    def send(self, request: Request) -> Outcome:
        """Send once. What goes wrong is returned; raises `ClientClosedError` for a client that cannot be used."""
        gate, began = self._ready(), time.monotonic()
        if not gate.enter(request.timeout):
            return self._busy(request.timeout)
        try:
            waited = time.monotonic() - began
            seconds = min(request.timeout, request.walk_left - waited)
            if seconds <= 0:
                return self._busy(waited)
            if seconds < request.timeout:
                request = evolve(request, timeout=seconds)
            outcome = self._exchange(request, ThreadDeadline(seconds))
            if not isinstance(outcome, Reply):
                self._check()  # closed meanwhile: there is no other attempt
            return outcome
        finally:
            gate.leave()

    def start(self, request: Request) -> PendingRequest | None:
        """Send once, ahead; None where there is no room for it now."""
        gate = self._ready()
        if not gate.try_enter():
            return None
        deadline = ThreadDeadline(request.timeout)
        pending = PendingRequest(request, deadline)

        def run() -> None:
            outcome: Outcome = None
            with suppress(BaseException):  # it is raised again where the request is sent in the ordinary way
                outcome = self._exchange(request, deadline)
            gate.leave(guess=True)
            pending.end(outcome)

        self._under_way.add(deadline)
        task = copy_context().run
        try:
            threading.Thread(target=task, args=(run,), name="run-results-ahead", daemon=True).start()
        except RuntimeError:  # there are no more threads to be had
            self._under_way.discard(deadline)
            gate.leave(guess=True)
            return None
        return pending

    def _ready(self) -> Gate:
        """The gate to the connections. Raises `ClientClosedError`."""
        self._check()
        if self._process != os.getpid():
            # The parent's connections must not be used, nor closed, by two processes: so they are kept.
            self._of_parent.append(self._client)
            self._client, self._gate = self._open(), Gate(self._max_connections)
            self._process = os.getpid()
        return self._gate

    def _exchange(self, request: Request, deadline: ThreadDeadline) -> Outcome:
        client, library, trace = self._client, self._library, Trace()
        response = body = None
        self._under_way.add(deadline)
        reset = THREAD_DEADLINE.set(deadline)
        try:
            self._check()  # only now: `close` gives up what is under way, and what comes later sees that it is closed
            with client.stream(**library.arguments(client, request, trace)) as response:
                body = begin_body(request, response, deadline.started)
                for chunk in [response.content] if response.is_stream_consumed else response.iter_raw():
                    if not body.add(chunk):
                        break
                    if deadline.is_given_up:
                        raise _given_up()
                return Reply(response.status_code, headers_of(response), body.finish())
        except library.errors as error:
            return library.failure(error, request, response, body, trace)
        finally:
            THREAD_DEADLINE.reset(reset)
            self._under_way.discard(deadline)

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)

    def close(self) -> None:
        """Give up what is under way, and close the connections, unless they are the caller's."""
        self._is_closed = True
        under_way, end = [each for each in list(self._under_way) if each.is_here], time.monotonic() + _GRACE
        for deadline in under_way:
            deadline.give_up()
        # Whoever still reads from a socket that is closed reads from another one that gets its number.
        while any(deadline in self._under_way for deadline in under_way) and time.monotonic() < end:
            time.sleep(0.001)
        if self._is_own:
            self._client.close()


# --- With tasks ---------------------------------------------------------------------------------------------


class AsyncPendingRequest:
    """A request in a task that nobody cancels: whoever gives it up leaves the cleaning up to httpx and httpcore."""

    def __init__(
        self, request: Request, deadline: TaskDeadline, task: "asyncio.Task[Outcome]", *, is_own: bool
    ) -> None:
        self.request = request
        self._deadline = deadline
        self._task = task
        self._is_own = is_own
        self._grace_end = 0.0  # until when the clean-up is waited for, since it was given up

    @property
    def outcome(self) -> Outcome:
        """What it came to; None while it is under way, and where it came to nothing."""
        if not self._task.done() or self._task.cancelled() or self._task.exception() is not None:
            return None
        return self._task.result()

    async def result(self) -> Outcome:
        """What it comes to, at its deadline at the latest."""
        await asyncio.wait([self._task], timeout=max(0.0, self._deadline.end - time.monotonic()))
        if self._task.done():
            return self._task.result()
        self.drop()
        await asyncio.wait([self._task], timeout=_GRACE)
        outcome = self.outcome
        return outcome if isinstance(outcome, Reply) else deadline_exceeded(self.request.timeout)

    async def wait(self) -> Outcome:
        """What it has come to, in the end; after `drop` the end is not waited for longer than a moment."""
        if self._task.get_loop() is not asyncio.get_running_loop():  # a task of a loop that is gone never ends
            return None
        if self._deadline.is_given_up:
            # No turn of the event loop where there is nothing to wait for: at its end, it closes the walks inside of
            # walks at the same time, and one that is being closed cannot be closed.
            left = self._grace_end - time.monotonic()
            if not self._task.done() and left > 0:
                await asyncio.wait([self._task], timeout=left)
            return None
        with suppress(Exception):  # it is raised again where the request is sent in the ordinary way
            return await self.result()
        return None

    def drop(self) -> None:
        """Give it up."""
        if not self._deadline.is_given_up:
            self._grace_end = time.monotonic() + _GRACE
        if not self._is_own and not self._deadline.is_given_up:
            # The last resort: a server that sends headers without end is not ended by the library's time-outs.
            with suppress(RuntimeError):  # the loop has ended
                self._task.get_loop().call_later(self.request.timeout, self._task.cancel)
        self._deadline.give_up()


@define(eq=False)
class _Connections:
    """The connections in one event loop, and what is under way on them."""

    client: Any
    gate: AsyncGate
    is_own: bool
    pending: dict["asyncio.Task[Outcome]", AsyncPendingRequest] = field(factory=dict)
    keeper: AsyncGenerator[None, None] | None = None

    async def close(self) -> None:
        """Give up what is under way, and close the connections, unless they are the caller's."""
        for each in list(self.pending.values()):
            each.drop()
        try:
            if self.pending:
                await asyncio.wait(list(self.pending), timeout=_GRACE)
        finally:
            if self.is_own:
                with suppress(RuntimeError):
                    await self.client.aclose()


class AsyncSender(_Sender):
    """`Sender` for asyncio: the same steps, in tasks, with one connection pool for each event loop."""

    _kind = "AsyncClient"

    def __init__(self, client: Any = None, max_connections: int = 100) -> None:
        super().__init__(client, max_connections)
        self._loops: dict[asyncio.AbstractEventLoop, _Connections] = {}
        self._lock = threading.Lock()
        self._of_parent: list[Any] = []

    async def send(self, request: Request) -> Outcome:
        """Send once. What goes wrong is returned; raises `ClientClosedError` for a client that cannot be used."""
        connections, began = await self._ready(), time.monotonic()
        if not await connections.gate.enter(request.timeout):
            return self._busy(request.timeout)
        waited = time.monotonic() - began
        seconds = min(request.timeout, request.walk_left - waited)
        if self._is_closed or seconds <= 0:
            connections.gate.leave()
            self._check()
            return self._busy(waited)
        if seconds < request.timeout:
            request = evolve(request, timeout=seconds)
        pending = self._begin(connections, request, guess=False)
        try:
            return await pending.result()
        except BaseException:
            pending.drop()
            raise

    def start(self, request: Request) -> AsyncPendingRequest | None:
        """Send once, ahead; None where there is no room for it now, or no connection in this event loop yet."""
        connections = None if self._process != os.getpid() else self._loops.get(asyncio.get_running_loop())
        if self._is_closed or connections is None or not connections.gate.try_enter():
            return None
        return self._begin(connections, request, guess=True)

    def _begin(self, connections: _Connections, request: Request, *, guess: bool) -> AsyncPendingRequest:
        """Send a request that has its slot, in a task."""
        deadline = TaskDeadline(request.timeout)
        task = asyncio.create_task(self._exchange(connections.client, request, deadline))
        pending = connections.pending[task] = AsyncPendingRequest(request, deadline, task, is_own=self._is_own)

        def end(task: "asyncio.Task[Outcome]") -> None:
            del connections.pending[task]
            connections.gate.leave(guess=guess)
            if not task.cancelled():
                task.exception()  # nobody may be there any more to whom it is raised

        task.add_done_callback(end)
        return pending

    async def _ready(self) -> _Connections:
        """The connections of the running event loop. Raises `ClientClosedError`."""
        self._check()
        loop = _running_loop()
        if loop is None:
            raise ConfigurationError(
                "AsyncClient needs asyncio, and no event loop of asyncio is running",
                advice="Under trio use Client on a thread, as in trio.to_thread.run_sync(client.page, run_id)",
            )
        with self._lock:
            if self._process != os.getpid():  # as for threads
                self._of_parent.append(self._loops)
                self._loops, self._process = {}, os.getpid()
            connections = self._loops.get(loop)
            if connections is None:
                for other in [other for other in self._loops if other.is_closed()]:
                    del self._loops[other]
                client = self._client or self._open()
                self._client = None if self._is_own else client
                connections = _Connections(client, AsyncGate(self._max_connections), self._is_own)
                self._loops[loop] = connections
        if connections.keeper is None:
            connections.keeper = self._keep(loop, connections)
            await anext(connections.keeper)
        return connections

    async def _keep(self, loop: asyncio.AbstractEventLoop, connections: _Connections) -> AsyncGenerator[None, None]:
        """Close the connections when their event loop ends: that closes asynchronous generators."""
        try:
            yield
        finally:
            with self._lock:
                self._loops.pop(loop, None)
            await connections.close()

    async def _exchange(self, client: Any, request: Request, deadline: TaskDeadline) -> Outcome:
        library, trace = self._library, Trace()
        response = body = None
        TASK_DEADLINE.set(deadline)
        try:
            async with client.stream(**library.arguments(client, request, trace)) as response:
                if not self._is_own:
                    deadline.on_give_up = lambda: _shut_down(response)
                body = begin_body(request, response, deadline.started)
                if response.is_stream_consumed:
                    body.add(response.content)
                else:
                    async for chunk in response.aiter_raw():
                        if not body.add(chunk):
                            break
                        if deadline.is_given_up:
                            raise _given_up()
                return Reply(response.status_code, headers_of(response), body.finish())
        except library.errors as error:
            return library.failure(error, request, response, body, trace)

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)

    async def close(self) -> None:
        """Give up what is under way, and close the connections, unless they are the caller's."""
        self._is_closed = True
        running = _running_loop()
        with self._lock:
            loops, self._loops = self._loops, {}
        for loop, connections in loops.items():
            if loop is running:
                if connections.keeper is not None:
                    await connections.keeper.aclose()
            elif loop.is_running():
                with suppress(RuntimeError):  # it has ended just now
                    loop.call_soon_threadsafe(loop.create_task, connections.close())


def _running_loop() -> asyncio.AbstractEventLoop | None:
    """The event loop that is running; None without asyncio, as under trio."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def _shut_down(response: Any) -> None:
    """End an answer that is still coming, unless others use its connection, too."""
    stream = response.extensions.get("network_stream")
    if stream is not None and not response.is_closed and response.http_version != "HTTP/2":
        connection = stream.get_extra_info("socket")
        if connection is not None:
            # A copy: what uvloop gives is no whole socket, and has no `shutdown`.
            with suppress(OSError), connection.dup() as copy:
                copy.shutdown(socket.SHUT_RDWR)


__all__ = ["AsyncPendingRequest", "AsyncSender", "PendingRequest", "Sender"]
