"""When a request has to be complete, and how it is ended before that.

A deadline is a property of the connection: the streams of this package look it up at each step (connecting, a read, a
write), and a step that would last longer ends with one of httpcore's ordinary time-outs, after which the pool cleans
up as ever. Nothing of httpx or httpcore is cancelled from outside, which httpcore's pool does not survive.
"""

import asyncio
import os
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from contextvars import ContextVar


class StepEnded(Exception):
    """Raised where a step on a connection was ended: its request is late or was given up."""


class Deadline:
    """The time that one request has, from now on, and whether it was given up."""

    def __init__(self, seconds: float) -> None:
        self.started = time.monotonic()
        self.end = self.started + seconds
        self.is_given_up = False

    @property
    def is_late(self) -> bool:
        """Whether the time is over."""
        return time.monotonic() >= self.end

    def left(self) -> float:
        """How many seconds are left. Raises `StepEnded` where there are none."""
        left = self.end - time.monotonic()
        if left <= 0 or self.is_given_up:
            raise StepEnded
        return left


class ThreadDeadline(Deadline):
    """`Deadline` for a request that runs on a thread: another thread may give it up."""

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds)
        self._process = os.getpid()
        self._socket: socket.socket | None = None
        # The connection that is shut down must be this request's, and not the next one's. Reentrant, because a walk can
        # be collected as garbage on any thread at any moment.
        self._lock = threading.RLock()

    @property
    def is_here(self) -> bool:
        """Whether the request's thread is in this process: a fork does not copy threads."""
        return self._process == os.getpid()

    def give_up(self) -> None:
        """End the request: the connection that it is using is shut down."""
        if not self.is_here:
            return  # the connection is the parent's
        with self._lock, suppress(OSError):
            self.is_given_up = True
            if self._socket is not None:
                self._socket.shutdown(socket.SHUT_RDWR)

    @contextmanager
    def step(self, connection: socket.socket | None = None) -> Iterator[float]:
        """One step on a connection; gives the seconds that it may take. Raises `StepEnded`."""
        with self._lock:
            left = self.left()
            self._socket = connection
        try:
            yield left
        finally:
            with self._lock:
                self._socket = None
        # A connection that was shut down just after the last of an answer must not go back to the pool.
        if self.is_given_up and connection is not None:
            raise StepEnded


class TaskDeadline(Deadline):
    """`Deadline` for a request that runs in a task: it is given up in the same event loop."""

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds)
        self.on_give_up: Callable[[], None] | None = None
        """What else ends the request."""
        self._timeout: asyncio.Timeout | None = None

    def give_up(self) -> None:
        """End the request: the step that it waits for ends now."""
        self.is_given_up = True
        if self.on_give_up is not None:
            self.on_give_up()
        if self._timeout is not None:
            with suppress(RuntimeError):  # the step has ended by itself, or the loop has
                self._timeout.reschedule(0.0)

    @asynccontextmanager
    async def step(self, seconds: float | None = None) -> AsyncIterator[None]:
        """One step on a connection, which may take what is left or so many seconds. Raises `StepEnded`."""
        left = self.left() if seconds is None else seconds
        try:
            async with asyncio.timeout(left) as timeout:
                if seconds is None:
                    self._timeout = timeout
                yield
        except TimeoutError:
            raise StepEnded from None
        finally:
            self._timeout = None


THREAD_DEADLINE: ContextVar[ThreadDeadline | None] = ContextVar("run_results_thread_deadline", default=None)
"""The deadline of the request that this thread sends."""
TASK_DEADLINE: ContextVar[TaskDeadline | None] = ContextVar("run_results_task_deadline", default=None)
"""The deadline of the request that this task sends."""
