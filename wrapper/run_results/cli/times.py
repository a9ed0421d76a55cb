"""Moments on the command line: words, times ago, and dates."""

import re
from datetime import date, datetime, time, timedelta
from typing import Any, Final

import click

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_AGO = re.compile(r"(\d{1,9})([smhdw])")
MOMENTS: Final = "today, yesterday, now, a time ago (90s, 30m, 2h, 7d, 4w), a date or an ISO time"
"""What can be given, for help texts."""


class _Moment(click.ParamType[datetime]):
    """A moment. What names no time zone is local time; days begin at local midnight."""

    name = "moment"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """The moment, with a time zone."""
        if isinstance(value, datetime):
            return value
        try:
            moment = read_moment(value, datetime.now().astimezone())
        except (ValueError, OverflowError, OSError):
            moment = None
        return moment or self.fail(f"{value!r} is no moment; give {MOMENTS}", param, ctx)


def read_moment(text: str, now: datetime) -> datetime:
    """The moment that a text means at `now`, a local time. Raises `ValueError`, or `OverflowError` for no year's.

    >>> from datetime import UTC
    >>> read_moment("2h", datetime(2025, 8, 27, 12, tzinfo=UTC)).isoformat()
    '2025-08-27T10:00:00+00:00'
    >>> read_moment("2025-08-27T12:00+02:00", datetime(2025, 8, 27, tzinfo=UTC)).isoformat()
    '2025-08-27T12:00:00+02:00'
    """
    word = text.strip().lower()
    if word == "now":
        return now
    if word in ("today", "yesterday"):
        return _midnight(now.date() - timedelta(days=word == "yesterday"))
    if ago := _AGO.fullmatch(word):
        return now - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
    moment = datetime.fromisoformat(text.strip())
    return moment if moment.tzinfo is not None else moment.astimezone()


def _midnight(day: date) -> datetime:
    """When a day begins here, also where the clocks change in between."""
    return datetime.combine(day, time()).astimezone()


MOMENT: Final = _Moment()
"""The type of `--since` and `--until`."""
