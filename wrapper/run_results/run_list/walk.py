"""The walk over the list of runs, without sending anything: questions and their answers, until the list ends."""

from collections.abc import Generator, Mapping
from datetime import timedelta
from math import inf
from typing import Any, Final

from run_results import errors
from run_results.answer import inspect
from run_results.arguments import as_seconds
from run_results.events import DriftReporter, call_span
from run_results.options import Options
from run_results.request import Outcome, Request, Sleep, as_request, ask
from run_results.retry import RetryBudget
from run_results.run_list.answer import ListAnswer, read
from run_results.run_list.filters import Filters
from run_results.run_list.listing import Listing
from run_results.run_list.window import Moment, window
from run_results_api.api.runs import list_runs
from run_results_api.models import RunList, RunSortKey, RunSummary, SortOrder
from run_results_api.types import UNSET

PAGE_SIZE: Final = 100
"""How many runs are asked for at a time. The contract states no limit; a server may give fewer."""
# Where a server has no such operation.
_NOT_OFFERED = (404, 405, 501)


def walk(
    options: Options,
    budget: RetryBudget,
    since: Moment | None,
    until: Moment | None,
    overlap: timedelta | None,
    filters: Mapping[str, Any],
    deadline: float | None = None,
) -> Generator[Request | Sleep | RunSummary, Outcome, None]:
    """Steps to every run of the window that fits, the earliest first. Its end is set when the walk begins."""
    wanted, fitting = window(since, until, overlap), Filters.of(filters)
    end = inf if deadline is None else options.clock() + as_seconds(deadline, "deadline")
    listing, drift, is_first = Listing(wanted.begin, wanted.end), DriftReporter(options.observe), True
    while not listing.is_complete:
        offset = listing.offset
        try:
            body, answer = yield from _ask(options, budget, listing, fitting, end)
            new = listing.read(answer.runs)
        except errors.RunResultsError as error:
            error.offset = offset
            if isinstance(error, errors.StatusError) and error.status in _NOT_OFFERED:
                error.advice = "This server may not offer the list of runs. Check the base URL ({base_url=}), too"
            raise
        news = answer.news
        if news is None:
            news = inspect(body, RunList) if is_first and drift.is_heard else ()
        drift.report("", offset, (*answer.breaches, *news))
        is_first = False
        for run in new:
            if wanted.has(run) and fitting.has(run):
                yield run


def _ask(
    options: Options, budget: RetryBudget, listing: Listing, filters: Filters, end: float
) -> Generator[Request | Sleep, Outcome, tuple[bytes, ListAnswer]]:
    built = list_runs.build_request(
        **filters.parameters(),
        from_timestamp=listing.begin,
        to_timestamp=listing.end,
        sort_by=RunSortKey.START_TIMESTAMP,
        order=SortOrder.ASCENDING,
        limit=PAGE_SIZE,
        offset=listing.offset,
        ib_context=options.context if options.context is not None else UNSET,
    )
    question = as_request(options, built, listing.offset)
    with call_span(question.url, listing.offset, "list_runs") as span:
        return (
            yield from ask(
                options,
                budget,
                question,
                lambda body: (body, read(body, filters, is_strict=options.strict)),
                span,
                end,
            )
        )
