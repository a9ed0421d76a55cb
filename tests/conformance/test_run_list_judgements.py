"""What answers of the operation that lists runs show: breaches are named, and what the contract leaves open is none."""

from collections.abc import Sequence
from typing import Any

import pytest

from run_results_conformance.verifier.checks.run_lists.judgements import (
    ALONE,
    judge_default_complete,
    judge_default_span,
    judge_end,
    judge_every_match,
    judge_falling,
    judge_falling_statuses,
    judge_limit,
    judge_matching,
    judge_next_page,
    judge_no_repeat,
    judge_nothing_matches,
    judge_order,
    judge_repeated,
    judge_same_run,
    judge_sorted_by_status,
    judge_suffix,
    judge_times,
    judge_window,
)
from run_results_conformance.verifier.checks.run_lists.listing import ListedRun, Listing
from run_results_conformance.verifier.exchange import Judgement

SECOND = 10**9
T0 = 1_750_000_000


def run(name: str, seconds: float, status: str = "COMPLETE", **more: Any) -> ListedRun:
    start = int(seconds * SECOND) + T0 * SECOND
    value = {"id": name, "status": status, "start_timestamp": start, **more}
    return ListedRun(name, status, start, value)


def listing(runs: Sequence[ListedRun], **parameters: Any) -> Listing:
    values = {name: part if isinstance(part, list) else [str(part)] for name, part in parameters.items()}
    return Listing(values, tuple(runs))


def outcome(found: Judgement | None) -> bool | None:
    return None if found is None else found.kept


RISING = {"sort_by": "start_timestamp", "order": "ASCENDING"}
FALLING = {"sort_by": "start_timestamp", "order": "DESCENDING"}
A, B, C, D = (run(name, 100 * number) for number, name in enumerate("abcd"))
TIE_1, TIE_2 = run("t1", 100), run("t2", 100)


@pytest.mark.parametrize(
    ("seconds", "kept"),
    [(-3, False), (-1, True), (0, True), (5, True), (10, True), (10.9, True), (12, False)],
)
def test_a_border_of_the_window_is_in_it_or_not(seconds: float, kept: bool) -> None:
    """A run that started more than a second outside the window is a breach; the seconds at its borders are open."""
    found = judge_window(listing([run("a", seconds)], from_timestamp=T0, to_timestamp=T0 + 10))
    assert outcome(found) is kept


def test_one_border_of_the_window() -> None:
    """With one border only, the other side is open; without any, other rules judge."""
    assert outcome(judge_window(listing([A, D], from_timestamp=T0))) is True
    assert outcome(judge_window(listing([A, D], to_timestamp=T0 + 100))) is False
    assert judge_window(listing([A, D])) is None


@pytest.mark.parametrize(("hours", "kept"), [(0, True), (23.9, True), (24, True), (25, False), (2000, False)])
def test_the_default_window(hours: float, kept: bool) -> None:
    """Without a window, runs that started more than 24 hours apart are a breach, whatever the server's clock says."""
    assert outcome(judge_default_span(listing([run("a", 0), run("b", hours * 3600)]))) is kept


def test_what_the_default_window_lacks() -> None:
    """A run that a window of the last 24 hours has is in the list without a window."""
    assert outcome(judge_default_complete(listing([A, B]), [A, B, C])) is True
    assert outcome(judge_default_complete(listing([A, B]), [B, C])) is False
    assert judge_default_complete(listing([]), [B, C]) is None


@pytest.mark.parametrize(
    ("found", "kept"),
    [
        (run("a", 0), True),
        (run("a", 0, finish_timestamp=None), True),
        (run("a", 0, "RUNNING", finish_timestamp=0), True),
        (run("a", 0, finish_timestamp=(T0 + 1) * SECOND), True),
        (run("a", 0, "PAUSED", finish_timestamp=(T0 + 1) * SECOND), True),
        (run("a", 0, "RUNNING", finish_timestamp=(T0 + 1) * SECOND), False),
        (run("a", 0, finish_timestamp=(T0 - 1) * SECOND), False),
        (run("a", 0, finish_timestamp=T0 + 1), False),
        (ListedRun("a", "COMPLETE", T0 * 1000, {}), False),
    ],
)
def test_times(found: ListedRun, kept: bool) -> None:
    """Times are nanoseconds in an order that can be; null and 0 say that a run has not finished."""
    assert outcome(judge_times(listing([found]))) is kept


def test_no_repeat() -> None:
    """A run that is in one answer twice is a breach."""
    assert outcome(judge_no_repeat(listing([A, B]))) is True
    assert outcome(judge_no_repeat(listing([A, B, A]))) is False


@pytest.mark.parametrize(
    ("filters", "kept"),
    [
        ({"status": ["COMPLETE"]}, True),
        ({"status": ["FAILED", "COMPLETE"]}, True),
        ({"status": ["FAILED"]}, False),
        ({"run_id": "a"}, True),
        ({"run_id": "b"}, False),
        ({"app_id": "app-1"}, True),
        ({"app_id": "app-2"}, False),
        ({"deployment_id": "d"}, False),  # the run says that it has none
        ({"app_name": "Tax"}, None),  # no answer shows it
    ],
)
def test_filters(filters: dict[str, Any], kept: bool | None) -> None:
    """A run that a filter excludes is a breach, as far as the answer shows what is filtered."""
    found = run("a", 0, app_id="app-1", deployment_id=None)
    assert outcome(judge_matching(listing([found], **filters))) is kept


def test_a_run_without_what_is_filtered() -> None:
    """A run without an app id in the answer may be of any app."""
    assert outcome(judge_matching(listing([A], app_id="app-1"))) is True


def test_made_up_values_match_nothing() -> None:
    """For a made-up value of a filter every run is one too many."""
    assert outcome(judge_nothing_matches(listing([], app_name="no-such-app"))) is True
    assert outcome(judge_nothing_matches(listing([A], app_name="no-such-app"))) is False


@pytest.mark.parametrize(
    ("runs", "order", "kept"),
    [
        ([A, B, C], RISING, True),
        ([A, TIE_2, TIE_1, C], RISING, True),
        ([B, A], RISING, False),
        ([C, B, A], FALLING, True),
        ([C, TIE_1, TIE_2, A], FALLING, True),
        ([A, B], FALLING, False),
        ([B, A], {}, None),
    ],
)
def test_order(runs: list[ListedRun], order: dict[str, str], kept: bool | None) -> None:
    """Runs are in the order that was asked for; those with the same start come in any order."""
    assert outcome(judge_order(listing(runs, **order))) is kept


def test_limit() -> None:
    """More runs than the limit are a breach, fewer are not."""
    assert outcome(judge_limit(listing([A, B], limit=2))) is True
    assert outcome(judge_limit(listing([A], limit=2))) is True
    assert outcome(judge_limit(listing([A, B, C], limit=2))) is False


@pytest.mark.parametrize(
    ("before", "after", "kept"),
    [
        ([A, B], [C, D], True),
        ([A, B], [B, C], False),
        ([A, B], [A, B], False),
        ([B, C], [A, D], False),
        ([A, TIE_1], [TIE_2, C], True),
        ([A, TIE_1], [TIE_1, C], False),
        ([A, TIE_1], [TIE_1, TIE_2, C], True),
        ([A, B], [], None),
    ],
)
def test_next_page(before: list[ListedRun], after: list[ListedRun], kept: bool | None) -> None:
    """The next page repeats nothing and begins no earlier; runs with the start of the border may come in any order."""
    assert outcome(judge_next_page(listing(before), listing(after, offset=2))) is kept


@pytest.mark.parametrize(
    ("offset", "page", "kept"),
    [
        (0, [A, TIE_1], True),
        (1, [TIE_1, TIE_2], True),
        (1, [TIE_2, TIE_1], True),
        (2, [C, D], False),
        (2, [TIE_1], True),
        (3, [C], True),
        (3, [D], False),
        (3, [C, D, B], False),
        (4, [D], True),
        (4, [], None),
    ],
)
def test_suffix(offset: int, page: list[ListedRun], kept: bool | None) -> None:
    """From an offset on come the runs that a walk from the start has there, as many as the server likes."""
    assert outcome(judge_suffix(listing(page, offset=offset), [A, TIE_1, TIE_2, C, D])) is kept


@pytest.mark.parametrize(
    ("offset", "page", "kept"),
    [(0, [], False), (2, [], False), (2, [C], True), (3, [], True), (9, [], True), (3, [C], False), (9, [A], False)],
)
def test_end(offset: int, page: list[ListedRun], kept: bool) -> None:
    """The first page without runs is the end: none before it is empty, and none after it has a run."""
    assert outcome(judge_end(listing(page, offset=offset), [A, B, C])) is kept


def test_falling() -> None:
    """Newest first, a list begins with the newest run, of those with the same start with any."""
    known = [A, TIE_1, TIE_2, C]
    assert outcome(judge_falling(listing([C, TIE_1]), known)) is True
    assert outcome(judge_falling(listing([C, TIE_2, TIE_1, A]), known)) is True
    assert outcome(judge_falling(listing([A, TIE_1]), known)) is False
    assert judge_falling(listing([]), known) is None


FAILED, PAUSED = run("f", 50, "FAILED"), run("p", 150, "PAUSED")
KNOWN = [A, FAILED, B, PAUSED, C]
WIDE = {"from_timestamp": T0 - 5, "to_timestamp": T0 + 1000}


@pytest.mark.parametrize(
    ("page", "parameters", "kept"),
    [
        ([A, B, C], {"status": ["COMPLETE"]}, True),
        ([A, B], {"status": ["COMPLETE"]}, True),  # a smaller page
        ([A, C], {"status": ["COMPLETE"]}, False),
        ([], {"status": ["COMPLETE"]}, False),
        ([C], {"status": ["COMPLETE"], "offset": 2}, True),
        ([], {"status": ["COMPLETE"], "offset": 2}, False),
        ([], {"status": ["COMPLETE"], "offset": 3}, None),
        ([FAILED], {"status": ["FAILED", "PAUSED"]}, True),
        ([PAUSED], {"status": ["FAILED", "PAUSED"]}, False),
        ([], {"status": ["CANCELLED"]}, None),
        ([PAUSED], {"run_id": "p"}, True),
        ([], {"run_id": "p"}, False),
        ([B], {"from_timestamp": T0 + 90, "to_timestamp": T0 + 110}, True),
        ([], {"from_timestamp": T0 + 90, "to_timestamp": T0 + 110}, False),
        ([], {"from_timestamp": T0 + 100, "to_timestamp": T0 + 101}, None),  # at both borders
        ([run("new", 60), A, B, C], {"status": ["COMPLETE"]}, True),
    ],
)
def test_every_match(page: list[ListedRun], parameters: dict[str, Any], kept: bool | None) -> None:
    """What fits the filters and lies inside the window is listed, oldest first, as far as a page goes."""
    assert outcome(judge_every_match(listing(page, **{**WIDE, **parameters}), KNOWN)) is kept


def test_sorted_by_status() -> None:
    """Sorted by status, runs of one status stand together, over all pages; which comes first is the server's choice."""
    assert outcome(judge_sorted_by_status([listing([A, B]), listing([FAILED])])) is True
    assert outcome(judge_sorted_by_status([listing([PAUSED, FAILED]), listing([A, B])])) is True
    assert outcome(judge_sorted_by_status([listing([A, FAILED]), listing([B])])) is False
    assert judge_sorted_by_status([listing([A]), listing([B])]) is None


def test_statuses_in_the_other_direction() -> None:
    """The other direction begins with the status with which the first one ends."""
    rising = [listing([A, B]), listing([FAILED])]
    assert outcome(judge_falling_statuses(listing([FAILED, A]), rising)) is True
    assert outcome(judge_falling_statuses(listing([A, FAILED]), rising)) is False
    assert judge_falling_statuses(listing([A]), [listing([A, B])]) is None


@pytest.mark.parametrize(
    ("answers", "kept"),
    [
        ([[A, B, D], [A, B, D], [A, B, D]], True),
        ([[A, B, D], [A, D], [A, D]], True),  # a run was deleted
        ([[A, B, D], [A, D], [A, B, D]], False),  # and does not come back
        ([[A, B, D], [B, A, D], [A, B, D]], True),
        ([[A, TIE_1], [A, TIE_2], [A, TIE_1]], True),  # one of several with that start
        ([[], []], None),
    ],
)
def test_repeated(answers: list[list[ListedRun]], kept: bool | None) -> None:
    """Lists may change between two questions; what was replaced does not come back."""
    assert outcome(judge_repeated([listing(runs) for runs in answers])) is kept


@pytest.mark.parametrize(
    ("listed", "header", "kept"),
    [
        ({}, {}, True),
        ({}, {"start_timestamp": None}, True),
        ({"start_timestamp": T0 * SECOND + 1}, {}, False),
        ({"finish_timestamp": 5}, {"finish_timestamp": 6}, False),
        ({"finish_timestamp": 0}, {"finish_timestamp": 6}, True),
        ({}, {"status": "FAILED"}, False),
        ({}, {"status": "RUNNING"}, None),
        ({}, {"id": "another"}, None),
    ],
)
def test_same_run(listed: dict[str, Any], header: dict[str, Any], kept: bool | None) -> None:
    """A run that is over has the same status and times in the list as in its results; one of them may be behind."""
    entry = run("a", 0, **listed)
    assert outcome(judge_same_run(listing([entry]), {**A.value, **header})) is kept


def test_nothing_is_said_of_an_empty_list() -> None:
    """An empty list breaks nothing."""
    found = [judge(listing([], **WIDE, **RISING, limit=3, status=["COMPLETE"])) for judge in ALONE]
    assert all(each is None or each.kept for each in found)
