"""Moments and lengths of time on the command line: words, times ago, and dates."""

import re
from datetime import date, datetime, time, timedelta
from typing import Any, Final

import click

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_LENGTH = re.compile(r"(\d{1,9})([smhdw])")
_LENGTHS = "90s, 30m, 2h, 7d, 4w"
MOMENTS: Final = f"today, yesterday, now, a time ago ({_LENGTHS}), a date or an ISO time"
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


class _Length(click.ParamType[timedelta]):
    """A length of time."""

    name = "length"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        """The length."""
        if isinstance(value, timedelta):
            return value
        try:
            length = _read_length(value)
        except OverflowError:
            length = None
        return self.fail(f"{value!r} is no length of time, as {_LENGTHS}", param, ctx) if length is None else length


def _read_length(text: str) -> timedelta | None:
    """The length of time that a text means; None for another text."""
    found = _LENGTH.fullmatch(text.strip().lower())
    return timedelta(**{_UNITS[found[2]]: int(found[1])}) if found else None


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
    if (ago := _read_length(word)) is not None:
        return now - ago
    moment = datetime.fromisoformat(text.strip())
    return moment if moment.tzinfo is not None else moment.astimezone()


def _midnight(day: date) -> datetime:
    """When a day begins here, also where the clocks change in between."""
    return datetime.combine(day, time()).astimezone()


MOMENT: Final = _Moment()
"""The type of `--since` and `--until`."""
LENGTH: Final = _Length()
"""The type of `--overlap`."""
