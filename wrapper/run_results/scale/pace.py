"""A rate of requests that the threads of a task keep to together."""

import threading
import time
from collections.abc import Callable
from random import uniform


class Pace:
    """Lets requests go at even distances, so that there are no more than so many a second.

    The first goes at a random moment of the first distance: tasks that start together would ask together for ever.
    Without a rate nobody waits. `clock` is that of `time`, in seconds, and `draw` that of `random`; `sleep` waits for
    so many seconds, by default until `end` at the latest.
    """

    def __init__(
        self,
        per_second: float | None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] | None = None,
        draw: Callable[[float, float], float] = uniform,
    ) -> None:
        self._distance = 1 / per_second if per_second else 0.0
        self._clock = clock
        self._ended = threading.Event()
        self._sleep = sleep or self._ended.wait
        self._lock = threading.Lock()
        self._next = clock() + draw(0.0, self._distance)

    def wait(self) -> None:
        """Wait for the turn of one request, or for the end. Turns come in the order in which they are asked for."""
        seconds = self.reserve()
        if seconds > 0 and not self._ended.is_set():
            self._sleep(seconds)

    def end(self) -> None:
        """Let nobody wait any longer: there are to be no more requests."""
        self._ended.set()

    def reserve(self) -> float:
        """Take the next turn; returns the seconds until then."""
        if not self._distance:
            return 0.0
        with self._lock:
            now = self._clock()
            turn = max(now, self._next)
            self._next = turn + self._distance
        return turn - now
