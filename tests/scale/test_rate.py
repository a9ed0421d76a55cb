"""A rate for all tasks together, and what a server at its limit does to them. Time is virtual here: nobody waits."""

import heapq
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from attrs import define, field
from tests.scale.kit import REFERENCE, TOKEN, VARIABLE, ids_of, runs_of, serving

from run_results import Page, RetryPolicy, errors
from run_results.include import Include
from run_results.options import settle
from run_results.request import Reply, Request, Sleep
from run_results.retry import RetryBudget
from run_results.scale import plan, read_all
from run_results.scale.pace import Pace
from run_results.scale.source import Source
from run_results.walk import walk

PAGE = Reply(200, {}, b'{"id": "r", "status": "COMPLETE", "files": [], "has_more": false}')


@define
class Limited:
    """A server that answers so many requests a second, and refuses more."""

    rate: float
    headers: dict[str, str]
    left: float = 10.0
    seen: float = 0.0
    status: int = 429
    answered: int = 0
    refused: int = 0

    def answer(self, now: float) -> Reply:
        """The answer to a request that comes now."""
        self.left, self.seen = min(self.rate, self.left + (now - self.seen) * self.rate), now
        if self.left < 1:
            self.refused += 1
            return Reply(self.status, self.headers, b"")
        self.left -= 1
        self.answered += 1
        return PAGE


@define
class Tasks:
    """Tasks that read one-page runs, one after the other, in virtual time."""

    server: Limited
    share: float | None
    patience: float
    now: float = 0.0
    _seed: int = 1
    done: int = field(default=0)

    def draw(self, low: float, high: float) -> float:
        """A number that looks random, and is the same each time."""
        self._seed = self._seed * 48271 % 2147483647
        return low + (high - low) * self._seed / 2147483647

    def task(self, runs: int) -> Iterator[float]:
        """One task: yields the seconds until it goes on."""
        retry = RetryPolicy(draw=self.draw, max_retry_after=600)
        options = settle(token="t0k3n-of-a-rate", base_url="http://127.0.0.1", patience=self.patience, retry=retry)
        object.__setattr__(options, "clock", lambda: self.now)
        budget, pace = RetryBudget(retry.budget), Pace(self.share, lambda: self.now, draw=self.draw)
        for _ in range(runs):
            yield pace.reserve()
            steps, outcome = walk(options, budget, "r", 0, Include.NONE), None
            while not isinstance(step := steps.send(outcome), Page):
                outcome = None
                if isinstance(step, Sleep):
                    yield step.seconds
                else:
                    assert isinstance(step, Request)
                    outcome = self.server.answer(self.now)
                    yield 0.05
            self.done += 1

    def run(self, tasks: int, runs: int) -> None:
        """Run so many tasks, each with so many runs."""
        turns = [(0.0, number, self.task(runs)) for number in range(tasks)]
        while turns:
            self.now, number, task = heapq.heappop(turns)
            for seconds in task:
                heapq.heappush(turns, (self.now + seconds, number, task))
                break


@cache
def storm(retry_after: str | None, rate: float | None, status: int = 429) -> Tasks:
    """Sixteen tasks, 1,600 runs, and a limit of ten requests a second; `rate` is what the source is held to."""
    source = Source(token="env:X", base_url="http://127.0.0.1", requests_per_second=rate)
    headers = {} if retry_after is None else {"retry-after": retry_after}
    tasks = Tasks(Limited(10, headers, status=status), source.shared(16).requests_per_second, patience=source.patience)
    tasks.run(16, 100)
    return tasks


@pytest.mark.parametrize(("status", "retry_after"), [(429, None), (429, "1"), (503, "1")])
def test_a_storm_ends(status: int, retry_after: str | None) -> None:
    """Sixteen tasks at a limit of ten requests a second end, with patience; without it, the job fails."""
    tasks = storm(retry_after, None, status)
    assert tasks.done == tasks.server.answered == 1600
    assert tasks.server.refused > 160, "it was a storm"
    with pytest.raises(errors.TooManyRequestsError):
        Tasks(Limited(10, {}), None, patience=0).run(16, 100)


@pytest.mark.parametrize("retry_after", [None, "1"])
def test_a_share_of_the_rate_has_next_to_no_refusals(retry_after: str | None) -> None:
    """With each task held to its share, at most a tenth of the requests are refused, and the rate is used well."""
    tasks = storm(retry_after, 10)
    assert tasks.done == 1600
    assert tasks.server.refused <= 0.1 * tasks.server.answered
    assert 1600 / tasks.now > 7


def test_the_page_says_what_a_storm_costs() -> None:
    """The table of refusals in docs/scale.md has the numbers of this simulation."""
    page = (Path(__file__).parents[2] / "docs" / "scale.md").read_text("utf-8")
    for what, tasks in (
        ("no rate given, no `Retry-After`", storm(None, None)),
        ("no rate given, `Retry-After: 1`", storm("1", None)),
        ("`requests_per_second=10`, shared", storm(None, 10)),
        ("`requests_per_second=9`, shared", storm(None, 9)),
    ):
        assert f"| {what} | {tasks.server.refused:,} | {tasks.now:.0f} |" in page


def test_a_pace_keeps_its_distance() -> None:
    """Turns are a fixed time apart, the first is within that time, and time that was not used is not made up for."""
    now, waits = 0.0, []

    def sleep(seconds: float) -> None:
        nonlocal now
        waits.append(seconds)
        now += seconds

    pace = Pace(4, lambda: now, sleep, lambda low, high: high / 2)
    for _ in range(3):
        pace.wait()
    now += 10
    for _ in range(2):
        pace.wait()
    assert waits == [0.125, 0.25, 0.25, 0.25]
    pace.end()
    pace.wait()
    assert len(waits) == 4, "nobody waits for a turn any longer"
    Pace(None, lambda: now, sleep).wait()
    assert len(waits) == 4


@define
class Counting:
    """A pace that nobody waits for, and that counts the turns."""

    turns: int = 0

    def wait(self) -> None:
        """Give a turn."""
        self.turns += 1

    def end(self) -> None:
        """Do nothing."""


@pytest.mark.parametrize("concurrency", [1, 8])
def test_no_request_goes_before_its_turn(concurrency: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every page of every run, and every look at its length, takes one turn of the task's rate."""
    runs, pace = runs_of(10), Counting()
    monkeypatch.setattr(Source, "pace", lambda _: pace)
    with serving(runs) as asked:
        monkeypatch.setenv(VARIABLE, TOKEN)
        # With a rate, no page is asked for ahead, which would be before its turn.
        source = Source(
            token=REFERENCE, base_url=asked.url, requests_per_second=10, prefetch=4, concurrency=concurrency
        )
        tasks = plan(source, ids_of(runs), tasks=1, window=4)
        assert pace.turns == len(asked.paths) > 10
        list(read_all(source, tasks[0]))
        assert pace.turns == len(asked.paths) > 20


def test_a_rate_is_divided_among_tasks() -> None:
    """`shared` divides the rate and nothing else; without a rate it changes nothing."""
    source: Any = Source(token="env:X", base_url="http://127.0.0.1", requests_per_second=10, concurrency=3)
    assert (source.shared(4).requests_per_second, source.shared(4).concurrency) == (2.5, 3)
    unlimited = Source(token="env:X", base_url="http://127.0.0.1")
    assert unlimited.shared(4) is unlimited
    with pytest.raises(errors.ConfigurationError):
        source.shared(0)
