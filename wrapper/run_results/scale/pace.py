"""A rate of requests that the threads of a task keep to together."""

import threading
import time
from collections.abc import Callable


class Pace:
    """Lets requests go at even distances, so that there are no more than so many a second.

    Without a rate nobody waits. `clock` and `sleep` are those of `time`, in seconds.
    """

    def __init__(
        self,
        per_second: float | None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._distance = 1 / per_second if per_second else 0.0
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._next = 0.0

    def wait(self) -> None:
        """Wait for the turn of one request. Turns are given in the order in which they are asked for."""
        if not self._distance:
            return
        with self._lock:
            now = self._clock()
            turn = max(now, self._next)
            self._next = turn + self._distance
        if turn > now:
            self._sleep(turn - now)
