"""The walk over a run's pages, and waiting for a run, without sending anything.

The walk asks for page after page, from offset 0 or a later one, until a page says that it is the last. It hands out
every file once and in order, or raises an error named after the breach. It never loops, and never ends too early in
silence.
"""

from collections.abc import Generator, Mapping
from math import inf

from attrs import evolve

from run_results import errors
from run_results.answer import read
from run_results.arguments import as_include, as_seconds, as_start, as_state, as_stop, check_run_id
from run_results.events import DriftReporter, PageReceived, call_span
from run_results.http.ahead import Forecast
from run_results.include import Flags, Include
from run_results.options import Options
from run_results.page import STATE, Page
from run_results.page_checks import PageChecks
from run_results.request import Outcome, Request, Sleep, ask, request
from run_results.retry import RetryBudget
from run_results.text import count, word
from run_results_api.types import UNSET

Steps = Generator[Request | Sleep | Page, Outcome, None]
"""What a client does: requests to send, times to sleep, pages to hand out."""


def _fetch(
    options: Options,
    budget: RetryBudget,
    run_id: str,
    offset: int,
    include: Include,
    end: float = inf,
    forecast: Forecast | None = None,
) -> Generator[Request | Sleep, Outcome, Page]:
    """Get one page, retries included, and check what can be checked of a page alone."""
    question = request(options, run_id, offset, include)
    if forecast is not None:
        later = forecast.after(offset, options.max_body_bytes)
        ahead = (evolve(request(options, run_id, place, include), max_body_bytes=most) for place, most in later)
        question = evolve(question, ahead=tuple(ahead))
    with call_span(question.url, offset) as span:
        body, answer = yield from ask(options, budget, question, lambda body: (body, read(body, include)), span, end)
        run, breaches, news = answer.run, answer.breaches, (*(answer.news or ()), *answer.gaps)
        unusable = [place for place in breaches if place.path in ("$.id", "$.files", "$.has_more")]
        if unusable:
            raise errors.UnusablePageError(f"the page cannot be used: {unusable[0]}", drift=(*breaches, *news))
        if run.id is not UNSET and run.id != run_id:
            text = f"asked for run {run_id!r} and got a page of run {run.id[:200]!r}"
            raise errors.RunMismatch(text, drift=(*breaches, *news))
        if breaches and options.strict:
            text = f"the answer broke the contract in {count(len(breaches), 'place')}, first {breaches[0]}"
            raise errors.ContractError(text, drift=(*breaches, *news))
    return Page.of(answer, run_id, offset, body, include)


class _Reporter:
    """Reports pages and their drift to the observer and the log."""

    def __init__(self, options: Options) -> None:
        self._observe = options.observe
        self._drift = DriftReporter(options.observe)

    def report(self, page: Page, *, is_first: bool = False) -> None:
        """Report a page. What goes beyond the contract is looked for on the first page of a walk only.

        To look for it takes longer than decoding, and what is new is new on every page.
        """
        self._observe(PageReceived(page))
        places = page.drift if is_first and self._drift.is_heard else page.known_drift
        self._drift.report(page.run_id, page.offset, places)


def fetch(options: Options, budget: RetryBudget, run_id: str, offset: int, include: Flags) -> Steps:
    """Steps to one page."""
    check_run_id(run_id)
    offset, flags = as_start(offset), as_include(include)
    try:
        page = yield from _fetch(options, budget, run_id, offset, flags)
    except errors.RunResultsError as error:
        error.run_id, error.offset = run_id, offset
        raise
    _Reporter(options).report(page)
    yield page


def walk(
    options: Options,
    budget: RetryBudget,
    run_id: str,
    start: int,
    include: Flags,
    deadline: float | None = None,
    stop: int | None = None,
    expect: Mapping[str, object] | None = None,
) -> Steps:
    """Steps to every page from `start` to `stop`, within `deadline` seconds. Every error carries `resume_offset`."""
    check_run_id(run_id)
    start, flags, expect = as_start(start), as_include(include), as_state(expect, STATE)
    end_of_window = as_stop(stop, start)
    offset: int | None = start
    end = inf if deadline is None else options.clock() + as_seconds(deadline, "deadline")
    checks, reporter = PageChecks(options.on_change, options.on_repeat, expect), _Reporter(options)
    forecast = Forecast(options.prefetch, end_of_window)
    while offset is not None and (end_of_window is None or offset < end_of_window):
        try:
            page = yield from _fetch(options, budget, run_id, offset, flags, end, forecast)
            page = page.with_news(checks.check(page))
            if end_of_window is not None:
                page = page.until(end_of_window)
        except errors.RunResultsError as error:
            error.run_id, error.offset, error.resume_offset = run_id, offset, offset
            raise
        reporter.report(page, is_first=offset == start)
        offset = page.next_offset
        forecast.read(page)
        yield page


def wait(options: Options, budget: RetryBudget, run_id: str, include: Flags, timeout: float, poll: float) -> Steps:
    """Steps until the run cannot change by itself any more, and then to its first page."""
    check_run_id(run_id)
    flags = as_include(include)
    timeout, poll = as_seconds(timeout, "timeout"), as_seconds(poll, "poll", above_zero=True)
    end = options.clock() + timeout if timeout else inf  # with a timeout of 0 the run is asked for once
    page: Page | None = None
    try:
        while True:
            try:
                page = yield from _fetch(options, budget, run_id, 0, flags, end)
            except errors.DeadlineExceededError as error:
                if not error.is_of_walk and options.clock() < end:
                    raise
                if page is None:
                    text = f"no answer within {timeout:g} s: {error.message}"
                    raise errors.RunNotSettledError(text) from None
                raise _not_settled(page, timeout) from None
            if page.is_settled is None:
                raise errors.RunStatusMissingError("the answer has no status: nobody can say when to stop", page=page)
            if page.is_settled:
                break
            left = end - options.clock()
            if not timeout or left <= 0:
                raise _not_settled(page, timeout)
            yield Sleep(min(poll, left))
            poll = min(poll * 1.5, max(poll, 30.0))
    except errors.RunResultsError as error:
        error.run_id, error.offset = run_id, 0
        raise
    _Reporter(options).report(page)
    yield page


def _not_settled(page: Page, timeout: float) -> errors.RunNotSettledError:
    return errors.RunNotSettledError(f"the run is still {word(page.status)} after {timeout:g} s", page=page)
