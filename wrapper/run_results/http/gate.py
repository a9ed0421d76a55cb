"""How many requests of a client are under way at once: the gate in front of the connection pool.

httpcore's pool does not survive that a request which waits for a connection is given up, so nobody waits there: a
request takes a slot here first, and there are no more slots than connections. Waiting requests are served in their
order. A guess (a page asked for ahead) never waits, and guesses hold at most half of the slots.

Each request asks `turn()` for a turn, which it gives to `enter` and, whatever comes, to `leave`.
"""

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Generic, TypeVar

W = TypeVar("W")
# Seconds after which a waiting thread looks for itself: Ctrl-C may have come just before it was woken.
_LOOK = 1.0


class _Slots(Generic[W]):
    """Who has a slot and who waits for one; `W` is a turn, with which a waiting request is woken.

    A slot is taken and given back by one step on one set, and the number of free slots is never written down. So
    Ctrl-C, which can come between any two steps, loses none.
    """

    def __init__(self, size: int, wake: Callable[[W], Any]) -> None:
        self.size = size
        self.holders: set[W] = set()
        self.waiting: deque[W] = deque()
        self._guesses: set[W] = set()
        self._wake = wake

    def take(self, turn: W, *, guess: bool) -> bool:
        """Take a slot, if one is free."""
        self.admit()
        self._guesses &= self.holders
        if len(self.holders) >= self.size or self.waiting or (guess and len(self._guesses) >= self.size // 2):
            return False
        if guess:
            self._guesses.add(turn)
        self.holders.add(turn)
        return True

    def admit(self) -> None:
        """Give the free slots to those who wait, in their order."""
        while self.waiting and len(self.holders) < self.size:
            turn = self.waiting[0]
            self.holders.add(turn)
            self._wake(turn)
            self.waiting.popleft()

    def stop_waiting(self, turn: W) -> bool:
        """Whether a slot has come; it is not waited for any more."""
        if turn not in self.holders or (self.waiting and self.waiting[0] is turn):
            with suppress(ValueError):
                self.waiting.remove(turn)
        return turn in self.holders


class Gate:
    """The gate for threads."""

    def __init__(self, size: int) -> None:
        self._slots: _Slots[threading.Event] = _Slots(size, threading.Event.set)
        self._lock = threading.Lock()
        self.free: Callable[[threading.Event], None] = self._slots.holders.discard
        """Takes a slot back, in one step that Ctrl-C cannot divide; `leave` tells those who wait."""

    def turn(self) -> threading.Event:
        """A turn for one request."""
        return threading.Event()

    def try_enter(self, turn: threading.Event) -> bool:
        """Take a slot for a guess; False where there is no room."""
        with self._lock:
            return self._slots.take(turn, guess=True)

    def enter(self, turn: threading.Event, seconds: float) -> bool:
        """Wait for a slot; False where none became free in time."""
        end = time.monotonic() + seconds
        with self._lock:
            if self._slots.take(turn, guess=False):
                return True
            self._slots.waiting.append(turn)
        try:
            while turn not in self._slots.holders and (left := end - time.monotonic()) > 0:
                turn.wait(min(left, _LOOK))
                with self._lock:
                    self._slots.admit()
        except BaseException:
            with self._lock:
                self._slots.stop_waiting(turn)
            raise
        with self._lock:
            return self._slots.stop_waiting(turn)

    def leave(self, turn: threading.Event) -> None:
        """Give a slot back, if there is one."""
        self.free(turn)
        with self._lock:
            self._slots.admit()


class AsyncGate:
    """The gate for the tasks of one event loop."""

    def __init__(self, size: int) -> None:
        self._slots: _Slots[asyncio.Future[None]] = _Slots(size, _wake_task)

    def turn(self) -> "asyncio.Future[None]":
        """A turn for one request."""
        return asyncio.get_running_loop().create_future()

    def try_enter(self, turn: "asyncio.Future[None]") -> bool:
        """Take a slot for a guess; False where there is no room."""
        return self._slots.take(turn, guess=True)

    async def enter(self, turn: "asyncio.Future[None]", seconds: float) -> bool:
        """Wait for a slot; False where none became free in time."""
        if self._slots.take(turn, guess=False):
            return True
        self._slots.waiting.append(turn)
        try:
            await asyncio.wait([turn], timeout=seconds)
        except BaseException:
            self._slots.stop_waiting(turn)
            self.leave(turn)
            raise
        return self._slots.stop_waiting(turn)

    def leave(self, turn: "asyncio.Future[None]") -> None:
        """Give a slot back, if there is one."""
        self._slots.holders.discard(turn)
        self._slots.admit()


def _wake_task(turn: "asyncio.Future[None]") -> None:
    if not turn.done():
        turn.set_result(None)
