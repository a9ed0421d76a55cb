"""Windows of time: what is asked of the server, which runs are wanted, and which arguments are refused."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from run_results.errors import ConfigurationError
from run_results.run_list.filters import Filters
from run_results.run_list.window import MARGIN, window
from run_results_api.models import RunStatus

from .moving import FROM, SECOND, START, TO, run

NOW = datetime(2025, 8, 27, 12, tzinfo=UTC)
NAIVE = NOW.replace(tzinfo=None)
moments = st.integers(0, 4 * SECOND).map(lambda nanoseconds: nanoseconds // 1000 * 1000)


def moment(nanoseconds: int) -> datetime:
    """The datetime so many nanoseconds, in whole microseconds, after `START`."""
    return datetime.fromtimestamp(START, UTC) + timedelta(microseconds=nanoseconds // 1000)


def test_without_bounds_it_is_the_last_day() -> None:
    """The window is the last 24 hours, and ends five minutes after now, in case the server's clock is ahead."""
    found = window(now=NOW)
    assert found.since == (NOW - timedelta(hours=24)).timestamp() * SECOND
    assert found.until == (NOW + MARGIN).timestamp() * SECOND


def test_a_moment_can_be_given_in_any_zone_or_as_time_ago() -> None:
    """A datetime of another zone and a timedelta name the same moment as one in UTC."""
    expected = window(NOW - timedelta(hours=3), NOW - timedelta(hours=1), now=NOW)
    east = timezone(timedelta(hours=5, minutes=30))
    assert window((NOW - timedelta(hours=3)).astimezone(east), timedelta(hours=1), now=NOW) == expected
    assert window(timedelta(hours=3), NOW.astimezone(east) - timedelta(hours=1), now=NOW) == expected


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "naive": ({"since": NAIVE}, "since has no time zone"),
    "naive end": ({"until": NAIVE}, "until has no time zone"),
    "a text": ({"since": "yesterday"}, "since must be a datetime or a timedelta, not str"),
    "a date": ({"since": NOW.date()}, "since must be a datetime or a timedelta, not date"),
    "a number": ({"until": 3600}, "until must be a datetime or a timedelta, not int"),
    "ahead": ({"since": timedelta(hours=-1)}, "is in the future"),
    "before all years": ({"since": timedelta(days=999_999)}, "since is too long ago"),
    "empty": ({"since": NOW, "until": NOW}, "since must be before until"),
    "the wrong way round": ({"since": timedelta(hours=1), "until": timedelta(hours=2)}, "since must be before until"),
    "a negative overlap": ({"overlap": timedelta(-1)}, "overlap must be a timedelta from 0 on"),
    "an overlap in seconds": ({"overlap": 3600}, "overlap must be a timedelta from 0 on"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_names_no_moment_is_refused(what: str) -> None:
    """A time without a zone, of another type, or a window without any time is a mistake of the caller's."""
    arguments, text = REFUSED[what]
    with pytest.raises(ConfigurationError, match=text):
        window(**arguments, now=NOW)


@given(moments, moments, st.sampled_from(sorted(FROM)), st.sampled_from(sorted(TO)), st.integers(0, 5 * SECOND))
def test_the_server_gets_no_say_in_the_bounds(begin: int, end: int, first: str, last: str, start: int) -> None:
    """However a server reads the bounds, it lists all runs of the window, which has its beginning and not its end."""
    if begin >= end:
        return
    wanted = window(moment(begin), moment(end))
    is_wanted = wanted.has(run("r", start))
    assert is_wanted == (begin <= start < end)
    if is_wanted:
        absolute = START * SECOND + start
        assert FROM[first](absolute, wanted.begin)
        assert TO[last](absolute, wanted.end)


def test_an_overlap_lists_what_was_still_going_on() -> None:
    """A run that started before the window is listed where it had not finished by then, and not too long before."""
    wanted = window(moment(100 * SECOND), moment(200 * SECOND), timedelta(seconds=50))
    assert wanted.begin <= START + 50

    def has(start: int, finish: int | None) -> bool:
        end = None if finish is None else finish and (START + finish) * SECOND
        return wanted.has(run("r", start * SECOND, finish_timestamp=end))

    assert has(60, 150)
    assert has(60, 100)
    assert has(60, None)
    assert has(60, 0), "a list may say 0 for a run that has not finished"
    assert wanted.has(run("r", 60 * SECOND))
    assert not has(60, 99)
    assert not has(49, 150)
    assert has(150, 160)


def test_filters_are_checked() -> None:
    """Statuses can be written in small letters, lists may be of any kind, and what fits nothing is refused."""
    status = iter(["failed", RunStatus.COMPLETE, "FAILED", RunStatus("LATER")])
    filters = Filters.of({"status": status, "output_workspaces": "w", "app_name": None})
    assert filters.parameters() == {"status": ["FAILED", "COMPLETE", "LATER"], "output_workspaces": ["w"]}
    assert Filters.of({}).parameters() == {}
    for wrong, text in (
        ({"status": "FAILD"}, "status must be of CANCELLED, .*, not 'FAILD'"),
        ({"status": []}, "status must be a text, or several, not"),
        ({"status": {"FAILED": 1}}, "status must be a text, or several, not"),
        ({"output_workspaces": [3]}, "output_workspaces must be a text, or several, not"),
        ({"run_id": ""}, "run_id must be a text, not ''"),
        ({"app_id": 3}, "app_id must be a text, not 3"),
        ({"state": "FAILED"}, "there is no filter 'state'; the filters are status, app_id, "),
    ):
        with pytest.raises(ConfigurationError, match=text):
            Filters.of(wrong)
