"""How many requests of a client are under way at once: the gate in front of the connection pool.

httpcore's pool does not survive that a request which waits for a connection is given up, so nobody waits there: a
request takes a slot here first, and there are no more slots than connections. Waiting requests are served in their
order. A guess (a page asked for ahead) never waits, and guesses hold at most half of the slots.
"""

import asyncio
import threading
from collections import deque
from typing import Generic, TypeVar

W = TypeVar("W")


class _Slots(Generic[W]):
    """Who has a slot and who waits for one; `W` is what a waiting request is woken with."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.waiting: deque[W] = deque()
        self._taken = self._guesses = 0

    def take(self, *, guess: bool) -> bool:
        """Take a slot, if one is free."""
        if self._taken == self.size or self.waiting or (guess and self._guesses >= self.size // 2):
            return False
        self._taken += 1
        self._guesses += guess
        return True

    def give_back(self, *, guess: bool) -> W | None:
        """Give a slot back; returns who has it now, if somebody was waiting."""
        self._guesses -= guess
        if self.waiting:
            return self.waiting.popleft()
        self._taken -= 1
        return None


class Gate:
    """The gate for threads."""

    def __init__(self, size: int) -> None:
        self._slots: _Slots[threading.Event] = _Slots(size)
        self._lock = threading.Lock()

    def try_enter(self) -> bool:
        """Take a slot for a guess; False where there is no room."""
        with self._lock:
            return self._slots.take(guess=True)

    def enter(self, seconds: float) -> bool:
        """Wait for a slot; False where none became free in time."""
        with self._lock:
            if self._slots.take(guess=False):
                return True
            turn = threading.Event()
            self._slots.waiting.append(turn)
        try:
            turn.wait(seconds)
        except BaseException:
            if self._is_in(turn):
                self.leave()
            raise
        return self._is_in(turn)

    def _is_in(self, turn: threading.Event) -> bool:
        """Whether a slot has come; stops waiting otherwise."""
        with self._lock:
            if not turn.is_set():
                self._slots.waiting.remove(turn)
            return turn.is_set()

    def leave(self, *, guess: bool = False) -> None:
        """Give a slot back."""
        with self._lock:
            turn = self._slots.give_back(guess=guess)
            if turn is not None:
                turn.set()


class AsyncGate:
    """The gate for the tasks of one event loop."""

    def __init__(self, size: int) -> None:
        self._slots: _Slots[asyncio.Future[None]] = _Slots(size)

    def try_enter(self) -> bool:
        """Take a slot for a guess; False where there is no room."""
        return self._slots.take(guess=True)

    async def enter(self, seconds: float) -> bool:
        """Wait for a slot; False where none became free in time."""
        if self._slots.take(guess=False):
            return True
        turn = asyncio.get_running_loop().create_future()
        self._slots.waiting.append(turn)
        try:
            await asyncio.wait([turn], timeout=seconds)
        except BaseException:
            if self._is_in(turn):
                self.leave()
            raise
        return self._is_in(turn)

    def _is_in(self, turn: "asyncio.Future[None]") -> bool:
        """Whether a slot has come; stops waiting otherwise."""
        if not turn.done():
            self._slots.waiting.remove(turn)
        return turn.done()

    def leave(self, *, guess: bool = False) -> None:
        """Give a slot back."""
        turn = self._slots.give_back(guess=guess)
        if turn is not None:
            turn.set_result(None)
