"""The window of time in which listed runs started."""

from datetime import UTC, datetime, timedelta
from typing import Final

from msgspec import Struct

from run_results.errors import ConfigurationError
from run_results_api.models import RunSummary

Moment = datetime | timedelta
"""A moment: a datetime with a time zone, or how long ago it was."""

DEFAULT_LENGTH: Final = timedelta(hours=24)
"""How long ago a window begins where nothing else is said; the contract has the same."""
MARGIN: Final = timedelta(minutes=5)
"""How far a window without an end goes beyond now, because the server's clock may be ahead of ours."""
NANOSECONDS: Final = 10**9
"""In a second: the contract has moments in nanoseconds, and asks for windows in seconds."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# The latest second that the contract takes.
_LAST = 9_223_372_036


class Window(Struct, frozen=True):
    """The runs that are wanted, by their times in nanoseconds since 1970: those that started from `since` to `until`.

    A run that started exactly at `since` is in the window, one that started exactly at `until` is not. With `earliest`
    before `since`, runs that started in between are in it, too, unless they had finished before `since`.
    """

    since: int
    until: int
    earliest: int

    @property
    def begin(self) -> int:
        """The second to ask from. A second early, so that it does not matter how the server reads the bound."""
        return max(0, self.earliest // NANOSECONDS - 1)

    @property
    def end(self) -> int:
        """The second to ask to. A second late at least, for the same reason."""
        return min(_LAST, -(-self.until // NANOSECONDS) + 1)

    def has(self, run: RunSummary) -> bool:
        """Whether a run is wanted."""
        start, finish = run.start_timestamp, run.finish_timestamp
        has_finished_before = isinstance(finish, int) and 0 < finish < self.since
        return self.since <= start < self.until or (self.earliest <= start < self.since and not has_finished_before)


def window(
    since: Moment | None = None,
    until: Moment | None = None,
    overlap: timedelta | None = None,
    *,
    now: datetime | None = None,
) -> Window:
    """The window from `since` (24 hours ago if not given) to `until` (now, and five minutes more), as of `now`.

    Raises `ConfigurationError` for a datetime without a time zone, and where the end is not after the beginning.

    >>> window(timedelta(hours=1), now=datetime(2025, 8, 27, 12, tzinfo=UTC))
    Window(since=1756292400000000000, until=1756296300000000000, earliest=1756292400000000000)
    """
    now = datetime.now(UTC) if now is None else now
    first = _nanoseconds(DEFAULT_LENGTH if since is None else since, "since", now)
    last = _nanoseconds(now + MARGIN if until is None else until, "until", now)
    if first >= last:
        raise ConfigurationError("the window has no time in it: since must be before until")
    if overlap is not None and not (isinstance(overlap, timedelta) and overlap >= timedelta(0)):
        raise ConfigurationError(f"overlap must be a timedelta from 0 on, not {overlap!r}")
    length = (overlap or timedelta(0)) // timedelta(microseconds=1) * 1000
    return Window(first, last, max(0, first - length))


def _nanoseconds(moment: object, name: str, now: datetime) -> int:
    """The moment in nanoseconds since 1970."""
    if isinstance(moment, timedelta):
        if moment < timedelta(0):
            raise ConfigurationError(f"{name} must be a time ago, and {moment!r} is in the future")
        try:
            moment = now - moment
        except OverflowError:
            raise ConfigurationError(f"{name} is too long ago: {moment!r}") from None
    if not isinstance(moment, datetime):
        raise ConfigurationError(f"{name} must be a datetime or a timedelta, not {type(moment).__name__}")
    if moment.utcoffset() is None:
        raise ConfigurationError(
            f"{name} has no time zone, so nobody can say which moment it is: {moment!r}",
            advice="moment.astimezone() takes it for local time; moment.replace(tzinfo=UTC) for UTC",
        )
    value = (moment - _EPOCH) // timedelta(microseconds=1) * 1000
    return max(0, int(value))
