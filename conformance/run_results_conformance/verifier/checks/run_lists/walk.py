"""A walk through the runs of one window, oldest first: what all other lists are compared with."""

from collections.abc import Sequence
from typing import Any

from attrs import frozen

from run_results_conformance.verifier.connection import Request
from run_results_conformance.verifier.exchange import Judgement
from run_results_conformance.verifier.session import Session

from .judgements import Known, judge_every_match, judge_next_page
from .listing import NANOSECONDS, ListedRun, Listing
from .questions import RISING, Questions, merged

LIMIT = 25
"""So many runs are asked for on a page."""

PAGES = 5
"""So many pages a walk has at most."""

_LATEST = 4_102_444_800  # the year 2100, in seconds


@frozen
class Walk:
    """The requests of a walk through a window, and its runs, oldest first, up to a moment in nanoseconds.

    `first` and `last` are the borders in seconds. The window has no other runs than these.
    """

    requests: tuple[Request, ...]
    runs: Known
    first: int
    last: int

    @property
    def window(self) -> tuple[tuple[str, int], ...]:
        """The parameters for this window."""
        return ("from_timestamp", self.first), ("to_timestamp", self.last)

    def known(self, pages: Sequence[Listing]) -> Known:
        """The runs in pages that answer the requests of the walk."""
        return merged(pages, self.last * NANOSECONDS)


def find_window(session: Session, default: Listing) -> tuple[int, int]:
    """A window around the runs that are known, in seconds."""
    found: list[Any] = [run.first.value.get("start_timestamp") for run in session.runs]
    starts = [start // NANOSECONDS for start in (*found, *(run.start for run in default.runs)) if _is_time(start)]
    return (min(starts) - 2, max(starts) + 3) if starts else (0, _LATEST)


def _is_time(start: object) -> bool:
    return type(start) is int and 2 * NANOSECONDS < start < _LATEST * NANOSECONDS


def window_request(questions: Questions, window: tuple[int, int], offset: int = 0) -> Request:
    """The request for a page of the runs of a window, in seconds, oldest first."""
    borders = ("from_timestamp", window[0]), ("to_timestamp", window[1])
    return questions.request(*borders, *RISING, ("limit", LIMIT), *((("offset", offset),) if offset else ()))


def read_walk(questions: Questions, window: tuple[int, int], default: Request) -> Walk | None:
    """Reads the runs of a window, or its first ones; None where they cannot be read or are not sorted.

    `default` is a request without a window, of which the runs are in this one.
    """
    questions.judge(lambda page, whole: judge_every_match(page, whole.runs), window_request(questions, window), default)
    for each in dict.fromkeys((window, (0, _LATEST))):
        walk = _walk_window(questions, *each)
        if walk is None or walk.runs:
            return walk
    return None


def _walk_window(questions: Questions, first: int, last: int) -> Walk | None:
    requests: list[Request] = []
    pages: list[Listing] = []
    while len(pages) < PAGES and (not pages or pages[-1].runs):
        offset = sum(len(page.runs) for page in pages)
        request = window_request(questions, (first, last), offset)
        page = questions.read(request)
        if page is None:
            return None
        if pages and questions.judge(_look_at_next, request, requests[-1]) is False:
            return None
        requests.append(request)
        pages.append(page)
    runs = [run for page in pages for run in page.runs]
    tally = questions.session.tally
    if tally.broken("runs.order") or tally.broken("runs.window") or len({run.id for run in runs}) < len(runs):
        return None
    if pages[-1].runs:  # the walk did not come to the end: what was read has a narrower window
        gap = next((index for index in range(len(runs) - 1, 0, -1) if _is_gap(runs[index - 1], runs[index])), None)
        if gap is None:
            return None
        runs, last = runs[:gap], runs[gap - 1].start // NANOSECONDS + 2
    return Walk(tuple(requests), runs, first, last)


def _look_at_next(after: Listing, before: Listing) -> Judgement | None:
    return judge_next_page(before, after)


def _is_gap(before: ListedRun, after: ListedRun) -> bool:
    """Whether a border of a window fits between two runs: a run near to a border is in it or not."""
    return after.start - before.start > 5 * NANOSECONDS
