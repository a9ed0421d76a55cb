"""Patience: a server that asks for fewer requests has not failed."""

from collections.abc import Callable
from itertools import repeat
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from run_results import Page, RetryPolicy, errors
from run_results.include import Include
from run_results.options import settle
from run_results.request import Reply, Request, Sleep
from run_results.retry import RetryBudget
from run_results.walk import walk

PAGE = Reply(200, {}, b'{"id": "r", "status": "COMPLETE", "files": [], "has_more": false}')
TOO_MANY = Reply(429, {}, b'{"message": "too many"}')
SECOND = Reply(429, {"retry-after": "1"}, b"")
BUSY = Reply(503, {"retry-after": "1"}, b"")
DOWN = Reply(503, {}, b"")
LATER = Reply(503, {"retry-after": "soon"}, b"")
NO_TIME = Reply(429, {"retry-after": "0"}, b"")


def play(
    replies: Any, *, patience: float = 60.0, deadline: float | None = None, budget: float = 10.0, **policy: Any
) -> tuple[list[float], int, float, errors.RunResultsError | None]:
    """Walk a run of one page over these replies: the waits, the requests, what is left of the budget, and the error."""
    now, waits, requests = 0.0, [], 0
    retry = RetryPolicy(**{"draw": lambda low, high: high, "budget": budget, **policy})
    options = settle(token="t0k3n-of-patience", base_url="http://127.0.0.1", patience=patience, retry=retry)
    object.__setattr__(options, "clock", lambda: now)
    left = RetryBudget(budget)
    replies = iter(replies)
    steps = walk(options, left, "r", 0, Include.NONE, deadline)
    error, outcome = None, None
    try:
        while not isinstance(step := steps.send(outcome), Page):
            outcome = None
            if isinstance(step, Sleep):
                waits.append(step.seconds)
                now += step.seconds
            else:
                assert isinstance(step, Request)
                requests += 1
                outcome = next(replies)
    except errors.RunResultsError as raised:
        error = raised
    taken = 0
    while left.take():
        taken += 1
    return waits, requests, taken, error


@pytest.mark.parametrize("refusal", [SECOND, BUSY])
def test_refusals_spend_neither_attempts_nor_the_budget(refusal: Reply) -> None:
    """Fifty refusals with one attempt and no budget: the page comes, after the seconds that were asked for."""
    waits, requests, budget, error = play([*[refusal] * 50, PAGE], attempts=1, budget=0)
    assert (waits, requests, budget, error) == ([1.0] * 50, 51, 0, None)


def test_refusals_and_failures_are_counted_apart() -> None:
    """Between refusals, a page has as many attempts as the policy says, and each retry takes one off the budget."""
    waits, requests, budget, error = play([SECOND, DOWN, SECOND, DOWN, SECOND, PAGE], attempts=3)
    assert (waits, requests, budget, error) == ([1.0, 0.5, 1.0, 1.0, 1.0], 6, 8, None)
    _, requests, _, error = play([SECOND, DOWN, SECOND, DOWN, SECOND, DOWN, PAGE], attempts=3)
    assert isinstance(error, errors.ServerError)
    assert (requests, error.attempts) == (6, 6), "all requests are counted in the error"


@pytest.mark.parametrize("refusal", [DOWN, LATER])
def test_a_503_that_asks_for_nothing_is_a_failure(refusal: Reply) -> None:
    """503 without a Retry-After, or with one that cannot be read, spends attempts as before."""
    _, requests, budget, error = play(repeat(refusal), attempts=3)
    assert (type(error), requests, budget) == (errors.ServerError, 3, 8)


@pytest.mark.parametrize(
    ("refusal", "waits"),
    [
        (TOO_MANY, [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 20.0]),
        (NO_TIME, [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 20.0]),
        (SECOND, [1.0] * 60),
        (Reply(429, {"retry-after": "25"}, b""), [25.0, 25.0]),
        (Reply(429, {"retry-after": "61"}, b""), []),
    ],
)
def test_patience_ends(refusal: Reply, waits: list[float]) -> None:
    """All the waits for one page are within the patience; then the refusal is the error, which names the setting."""
    found, requests, _, error = play(repeat(refusal))
    assert (found, requests) == (waits, len(waits) + 1)
    assert isinstance(error, errors.TooManyRequestsError)
    assert error.attempts == requests
    assert "patience=" in error.hint
    assert sum(found) <= 60


def test_no_patience_is_an_error_at_once() -> None:
    """With a patience of 0, the first refusal is the error."""
    waits, requests, _, error = play(repeat(TOO_MANY), patience=0)
    assert (waits, requests, type(error)) == ([], 1, errors.TooManyRequestsError)


def test_waits_of_no_time_end_too() -> None:
    """Where neither server nor policy want to wait, each refusal takes a second of patience all the same."""
    waits, requests, _, _ = play(repeat(NO_TIME), base=0.0)
    assert (waits, requests) == ([0.0] * 60, 61)


def test_patience_is_for_each_page() -> None:
    """A walk may wait for longer than the patience, as long as each page comes within it."""
    files = [{"original_file_name": str(index), "input_file_path": str(index), "documents": []} for index in range(3)]

    def page(offset: int) -> Reply:
        import json

        body = {"id": "r", "status": "COMPLETE", "files": [files[offset]], "has_more": offset < 2}
        return Reply(200, {}, json.dumps(body).encode())

    options = settle(token="t0k3n-of-patience", base_url="http://127.0.0.1", patience=5)
    steps = walk(options, RetryBudget(0), "r", 0, Include.NONE)
    waited, refused, outcome, found = 0.0, 0, None, 0
    while True:
        try:
            step = steps.send(outcome)
        except StopIteration:
            break
        outcome = None
        if isinstance(step, Sleep):
            waited += step.seconds
        elif isinstance(step, Request):
            refused += 1
            outcome = page(step.offset) if refused % 6 == 0 else SECOND
        else:
            found += len(step.files)
    assert (found, waited) == (3, 15.0)


def test_the_deadline_of_a_walk_ends_patience() -> None:
    """A wait that would reach beyond the deadline of the walk is not begun."""
    waits, _, _, error = play(repeat(SECOND), deadline=4.5)
    assert waits == [1.0] * 4
    assert isinstance(error, errors.DeadlineExceededError)
    assert error.is_of_walk
    assert "status 429" in error.message


@given(
    replies=st.lists(st.sampled_from([TOO_MANY, SECOND, BUSY, DOWN, LATER, NO_TIME]), max_size=60),
    patience=st.floats(0, 100),
    attempts=st.integers(1, 5),
    budget=st.integers(0, 5),
    draw=st.sampled_from([lambda low, high: high, lambda low, high: low]),
)
def test_every_schedule_of_refusals_keeps_its_limits(
    replies: list[Reply], patience: float, attempts: int, budget: int, draw: Callable[[float, float], float]
) -> None:
    """Whatever comes, failures stay within attempts and budget, refusals within the patience, and the page comes."""
    waits, requests, left, error = play(
        [*replies, PAGE], patience=patience, attempts=attempts, budget=float(budget), draw=draw
    )
    failures = sum(reply in (DOWN, LATER) for reply in replies[:requests])
    refusals = min(requests, len(replies)) - failures
    assert failures <= min(attempts, budget + 1)
    assert refusals <= patience + 1
    assert budget - left <= failures
    assert sum(waits) <= patience + failures * 20
    assert (error is None) == (requests == len(replies) + 1)


@pytest.mark.parametrize("patience", [-1, "60", True, float("nan"), float("inf"), None])
def test_patience_is_a_time(patience: Any) -> None:
    """What is no number of seconds that ends cannot be the patience."""
    with pytest.raises(errors.ConfigurationError, match="patience must be a number of seconds"):
        settle(token="t0k3n-of-patience", patience=patience)
