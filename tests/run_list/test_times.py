"""Moments on the command line: words, times ago, dates, and what is local time."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from run_results.cli.times import LENGTH, MOMENT, read_moment

NOW = datetime(2025, 8, 27, 12, 30, tzinfo=UTC)


@pytest.fixture
def berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The local time is that of Berlin, where clocks change on 30 March and 26 October 2025."""
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("berlin")
@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("now", "2025-10-26T12:00:00+01:00"),
        ("today", "2025-10-26T00:00:00+02:00"),
        ("Yesterday", "2025-10-25T00:00:00+02:00"),
        (" 2h ", "2025-10-26T10:00:00+01:00"),
        ("90S", "2025-10-26T11:58:30+01:00"),
        ("1w", "2025-10-19T12:00:00+01:00"),
        ("2025-10-27", "2025-10-27T00:00:00+01:00"),
        ("2025-10-25", "2025-10-25T00:00:00+02:00"),
        ("2025-10-25T08:15", "2025-10-25T08:15:00+02:00"),
        ("2025-10-25T08:15Z", "2025-10-25T08:15:00+00:00"),
        ("2025-10-25 08:15:30.5-07:00", "2025-10-25T08:15:30.500000-07:00"),
    ],
)
def test_a_text_without_a_zone_is_local_time(text: str, moment: str) -> None:
    """Words and dates begin at local midnight, on days when clocks change, too; a zone that is given counts."""
    now = datetime(2025, 10, 26, 11, tzinfo=UTC).astimezone()
    assert read_moment(text, now) == datetime.fromisoformat(moment)


@pytest.mark.parametrize("text", ["", "tomorrow", "2 hours", "-2h", "2025-13-01", "999999999w", "1756252800", "2y"])
def test_what_is_no_moment_is_refused(text: str) -> None:
    """The message says what can be given."""
    with pytest.raises(click.BadParameter, match="is no moment; give today, yesterday, now, a time ago"):
        MOMENT.convert(text, None, None)


@given(st.integers(0, 999_999), st.sampled_from("smhdw"))
def test_a_time_ago_is_that_long_ago(number: int, unit: str) -> None:
    """A number and a unit give the moment that long before now, if years had a number then."""
    seconds = number * {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}[unit]
    if seconds > 2000 * 365 * 86400:
        with pytest.raises(OverflowError):
            read_moment(f"{number}{unit}", NOW - timedelta(days=25 * 365))
    else:
        assert NOW - read_moment(f"{number}{unit}", NOW) == timedelta(seconds=seconds)


def test_a_length_of_time_has_a_unit() -> None:
    """A number with a unit is a length of time; one without, or beyond what Python has, is refused."""
    assert LENGTH.convert("6h", None, None) == timedelta(hours=6)
    assert LENGTH.convert("0d", None, None) == timedelta(0)
    for text in ("6", "", "6 hours", "-1h", "999999999w"):
        with pytest.raises(click.BadParameter, match="is no length of time, as 90s"):
            LENGTH.convert(text, None, None)
