"""`Sender` for asyncio: each request is sent in a task that nobody cancels, with one pool for each event loop."""

import asyncio
import os
import socket
import threading
import time
from collections.abc import AsyncGenerator
from contextlib import suppress
from typing import Any

from attrs import define, evolve, field

from run_results.errors import ConfigurationError
from run_results.http.body import deadline_exceeded
from run_results.http.deadline import TASK_DEADLINE, TaskDeadline
from run_results.http.gate import AsyncGate
from run_results.http.library import Trace, begin_body, headers_of
from run_results.http.sender import GRACE, BaseSender, given_up
from run_results.request import Outcome, Reply, Request


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
        await asyncio.wait([self._task], timeout=GRACE)
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
            self._grace_end = time.monotonic() + GRACE
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
                await asyncio.wait(list(self.pending), timeout=GRACE)
        finally:
            if self.is_own:
                with suppress(RuntimeError):
                    await self.client.aclose()


class AsyncSender(BaseSender):
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
        turn = connections.gate.turn()
        if not await connections.gate.enter(turn, request.timeout):
            return self._busy(request.timeout)
        waited = time.monotonic() - began
        seconds = min(request.timeout, request.walk_left - waited)
        if self._is_closed or seconds <= 0:
            connections.gate.leave(turn)
            self._check()
            return self._busy(waited)
        if seconds < request.timeout:
            request = evolve(request, timeout=seconds)
        pending = self._begin(connections, request, turn)
        try:
            return await pending.result()
        except BaseException:
            pending.drop()
            raise

    def start(self, request: Request) -> AsyncPendingRequest | None:
        """Send once, ahead; None where there is no room for it now, or no connection in this event loop yet."""
        connections = None if self._process != os.getpid() else self._loops.get(asyncio.get_running_loop())
        if self._is_closed or connections is None:
            return None
        turn = connections.gate.turn()
        return self._begin(connections, request, turn) if connections.gate.try_enter(turn) else None

    def _begin(self, connections: _Connections, request: Request, turn: "asyncio.Future[None]") -> AsyncPendingRequest:
        """Send a request that has its slot, in a task."""
        deadline = TaskDeadline(request.timeout)
        task = asyncio.create_task(self._exchange(connections.client, request, deadline))
        pending = connections.pending[task] = AsyncPendingRequest(request, deadline, task, is_own=self._is_own)

        def end(task: "asyncio.Task[Outcome]") -> None:
            del connections.pending[task]
            connections.gate.leave(turn)
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
                            raise given_up()
                return Reply(response.status_code, headers_of(response), body.finish())
        except library.errors as error:
            return library.failure(error, request, response, body, trace)

    async def sleep(self, seconds: float) -> None:
        """Wait, until the client is closed at the latest."""
        for step in self._steps(seconds):
            await asyncio.sleep(step)

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
