"""How much a verification may cost, and when it gives a server up."""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import parsedate_to_datetime

from .connection import Answer

_MOST_LATE = 3  # requests in a row that time out
_MOST_DROPPED = 12  # requests in a row without any answer
_MOST_BUSY = 3  # requests in a row for which there is no time, however often they are sent again
_FIRST_WAIT = 0.2  # seconds until a busy server that does not say when is asked again; it doubles each time
_SLOWEST = 1.0  # seconds between requests to a server that stays busy
_MOST_BYTES = 192 << 20  # of all bodies together: what was read is kept, parsed
_MOST_VALUES = 6_000_000  # JSON values of all bodies together

_MOST_FOR_LISTS = 50


def share_of_lists(requests: int) -> int:
    """How many of all requests may be for lists of runs: a fifth, and at most fifty."""
    return min(_MOST_FOR_LISTS, requests // 5)


def with_lists(requests: int) -> int:
    """How many requests must be allowed so that so many are left when those for lists of runs are taken away."""
    return min(requests * 5 // 4 + 1, requests + _MOST_FOR_LISTS)


class OutOfRequests(Exception):
    """The budget of requests, bytes or time is spent; the text says of which, and what allows more."""


class Unresponsive(Exception):
    """The server does not answer any more, or has no time; the text says which."""


class Budget:
    """Counts requests, bytes, values and time. `rate` is the number of requests a second; None is no limit.

    `sent` requests were sent so far, of at `most` so many.
    """

    def __init__(self, *, max_requests: int, max_seconds: float, rate: float | None = None) -> None:
        self.sent = 0
        self.most = max_requests
        self._max_requests = max_requests
        self._max_seconds = max_seconds
        self._ends = time.monotonic() + max_seconds
        self._interval = 1 / rate if rate else 0.0
        self._next = 0.0
        self._bytes = 0
        self._values = 0
        self._busy = 0
        self._dropped = 0
        self._late = 0

    @property
    def left(self) -> int:
        """How many requests may still be sent."""
        return self._max_requests - self.sent

    @contextmanager
    def reserving(self, requests: int) -> Iterator[None]:
        """Keeps some requests back for later."""
        self._max_requests -= requests
        try:
            yield
        finally:
            self._max_requests += requests

    def take_request(self) -> None:
        """Counts a request that is sent now, and waits where a rate asks for it.

        Raises OutOfRequests, and Unresponsive where too many requests in a row had no answer.
        """
        now = time.monotonic()
        if self._late >= _MOST_LATE or self._dropped >= _MOST_DROPPED:
            raise Unresponsive("the server stopped answering")
        if self._busy >= _MOST_BUSY:
            raise Unresponsive("the server had no time for more requests (429 or 503); see --rate")
        if self.left <= 0:
            raise OutOfRequests(f"all {self.most} requests, see --max-requests")
        if now > self._ends:
            raise OutOfRequests(f"all {self._max_seconds:g} seconds, see --max-seconds")
        if self._bytes > _MOST_BYTES or self._values > _MOST_VALUES:
            raise OutOfRequests("all memory that answers may take; name fewer or smaller runs")
        if self._interval:
            time.sleep(max(0.0, self._next - now))
            self._next = max(now, self._next) + self._interval
        self.sent += 1

    def note_answer(self, answer: Answer) -> None:
        """Counts what one sending of a request brought."""
        self._bytes += len(answer.body)
        self._dropped = 0 if answer.status else self._dropped + 1
        self._late = self._late + 1 if answer.late else 0

    def wait(self, answer: Answer, times: int) -> None:
        """Waits as long as a busy server asks for, or ever longer, where it does not say how long.

        A server that is busy again and does not say how long is sent fewer requests a second from then on.
        Raises Unresponsive where it asks for more time than there is.
        """
        seconds = retry_after(answer)
        if seconds is None:
            seconds = _FIRST_WAIT * 2**times
            if times:
                self._interval = max(self._interval, min(2 * self._interval, _SLOWEST), _FIRST_WAIT / 4)
        if time.monotonic() + seconds > self._ends:
            raise Unresponsive(f"the server asks to be left alone for {seconds:.0f} s (Retry-After); try again then")
        time.sleep(seconds)

    def note_busy(self, busy: bool) -> None:
        """Counts whether a request, sent as often as it may be, was answered with "too busy"."""
        self._busy = self._busy + 1 if busy else 0

    def note_values(self, values: int) -> None:
        """Counts the values of a body that was read."""
        self._values += values


def retry_after(answer: Answer) -> float | None:
    """The seconds that an answer asks to wait for (RFC 9110, 10.2.3), None where it does not say.

    A date is compared with the server's own, where it sends one: its clock may be wrong.
    """
    values = answer.header("retry-after")
    if not values:
        return None
    if re.fullmatch(r"[0-9]{1,9}(\.[0-9]{0,9})?", values[0], re.ASCII):
        return float(values[0])
    moment = _date(values[0])
    if moment is None:
        return None
    now = _date(next(iter(answer.header("date")), ""))
    return max(0.0, moment - (time.time() if now is None else now))


def _date(text: str) -> float | None:
    """An HTTP date as seconds since 1970."""
    try:
        return parsedate_to_datetime(text).timestamp()
    except (TypeError, ValueError, OverflowError):
        return None
