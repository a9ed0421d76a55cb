"""When to ask again: a pure policy, and the budget that a client's threads and tasks share."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from math import ceil
from threading import Lock

from attrs import field, frozen

from run_results.arguments import as_integer, is_number
from run_results.errors import ConfigurationError

RETRIED_STATUSES = frozenset({408, 429, 500, 502, 503, 504})
"""Statuses after which the same request may succeed (RFC 9110, 15.5.9, 15.6; RFC 6585, 4)."""


def _draw(low: float, high: float) -> float:
    from random import uniform  # here: see docs/performance.md, "Import"

    return uniform(low, high)  # noqa: S311 - no secret


def _as_attempts(attempts: object) -> int:
    return as_integer(attempts, "RetryPolicy.attempts", 1, 2**63 - 1)


@frozen
class RetryPolicy:
    """How often and how long to try. Waits are drawn by full jitter: evenly from 0 to a ceiling that doubles.

    Reading results changes nothing on the server, so every request may be sent again.
    """

    attempts: int = field(default=5, converter=_as_attempts)
    """How often a request is sent at the most, without the times that a server asked for fewer requests; 1 never
    retries what failed."""
    base: float = 0.5
    """Seconds; the ceiling of the first wait."""
    cap: float = 20.0
    """Seconds; no drawn wait is longer."""
    max_retry_after: float = 60.0
    """Seconds; a server that asks for more gets an error at once instead of a wait."""
    budget: float = 10.0
    """How many retries a client may have saved up. A retry takes one, a success gives a tenth back."""
    draw: Callable[[float, float], float] = field(default=_draw, repr=False, eq=False)

    def __attrs_post_init__(self) -> None:
        for name in ("base", "cap", "max_retry_after", "budget"):
            value = getattr(self, name)
            if not is_number(value) or not 0 <= value < float("inf"):
                raise ConfigurationError(f"RetryPolicy.{name} must be a number from 0 on, not {value!r}")

    def wait(self, attempt: int, retry_after: float | None) -> float | None:
        """Seconds to wait after this attempt (the first is 1); None where there is to be no other.

        >>> RetryPolicy(attempts=3).wait(3, None) is None
        True
        """
        if attempt >= self.attempts:
            return None
        if retry_after is not None:
            return retry_after if retry_after <= self.max_retry_after else None
        return self._backoff(attempt)

    def wait_patiently(self, refusals: int, retry_after: float | None) -> float | None:
        """Seconds to wait after so many refusals of a server that asks for fewer requests; None where it asks for more
        than `max_retry_after`. A server that asks for 0 seconds is given time all the same, or it would be asked at
        once for ever.

        >>> RetryPolicy(attempts=1).wait_patiently(3, 7.0)
        7.0
        """
        if retry_after is not None and retry_after > self.max_retry_after:
            return None
        return retry_after or self._backoff(refusals)

    def _backoff(self, number: int) -> float:
        return self.draw(0.0, min(self.cap, self.base * 2.0 ** min(number - 1, 60)))


class Patience:
    """The seconds that one page may wait for a server that asks for fewer requests."""

    # What a wait takes at the least: without it, waits of no time at all would go on for ever.
    _LEAST = 1.0

    def __init__(self, seconds: float) -> None:
        self._left = seconds

    def take(self, wait: float) -> bool:
        """Take the time of a wait; False where not so much is left."""
        self._left -= max(wait, self._LEAST)
        return self._left >= 0


class RetryBudget:
    """What keeps a client from beating on a server that is down: a bucket of retries that success refills slowly."""

    def __init__(self, size: float) -> None:
        self._size = self._left = size
        self._lock = Lock()

    def take(self) -> bool:
        """Take one retry; False where none is left."""
        with self._lock:
            if self._left < 1:
                return False
            self._left -= 1
            return True

    def succeed(self) -> None:
        """Give a tenth of a retry back."""
        with self._lock:
            self._left = min(self._size, self._left + 0.1)


# Dates have a comma behind the day of the week, and commas stand between the values of several headers.
_VALUE = re.compile(r"(?:\s*(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,)?[^,]+")
_NUMBER = re.compile(r"\+?([0-9]+(?:\.[0-9]*)?)\s*(?:;.*)?")
_MOST = 1e12  # seconds; more is as good as never


def parse_retry_after(text: str | None, date: str | None = None) -> float | None:
    """Seconds that a `Retry-After` header asks for, as number or date (RFC 9110, 10.2.3); None where it is garbage.

    Servers also send fractions, which are rounded up, and several headers, of which the longest wait counts. A date is
    compared with the answer's own `Date`, so that no clock but the server's matters; without one, with our clock.

    >>> parse_retry_after("30.5")
    31.0
    >>> parse_retry_after("Wed, 21 Oct 2015 07:28:30 GMT", date="Wed, 21 Oct 2015 07:28:00 GMT")
    30.0
    """
    waits = [_wait_of(value.strip(), date) for value in _VALUE.findall((text or "")[:1000])]
    return max((wait for wait in waits if wait is not None), default=None)


def _wait_of(value: str, date: str | None) -> float | None:
    number = _NUMBER.fullmatch(value)
    if number:
        return float(ceil(min(float(number[1]), _MOST)))
    until = _moment(value)
    if until is None:
        return None
    now = (_moment(date) if date else None) or datetime.now(UTC)
    return float(min(max(0, ceil((until - now).total_seconds())), _MOST))


def _moment(text: str) -> datetime | None:
    """The moment that a date of HTTP or of e-mail names."""
    from email.utils import parsedate_to_datetime  # here: it takes long to import, and few servers send a date

    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, IndexError, TypeError, OverflowError):
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)  # "-0000" is UTC by RFC 5322, 3.3
