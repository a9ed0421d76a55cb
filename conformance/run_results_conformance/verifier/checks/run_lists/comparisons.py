"""Lists of runs compared with the runs of a walk, with the results of the same runs, and with themselves."""

import time
from collections import Counter
from collections.abc import Callable
from email.utils import parsedate_to_datetime

from run_results_conformance.verifier.checks.judging import judge_status
from run_results_conformance.verifier.connection import Request
from run_results_conformance.verifier.exchange import Exchange, Judgement, ObservedRun, Page
from run_results_conformance.verifier.session import Session

from .judgements import (
    Known,
    judge_default_complete,
    judge_end,
    judge_every_match,
    judge_falling,
    judge_falling_statuses,
    judge_nothing_matches,
    judge_repeated,
    judge_same_run,
    judge_sorted_by_status,
    judge_suffix,
    matches,
)
from .listing import NANOSECONDS, Listing, read_listing
from .questions import RISING, Questions
from .walk import LIMIT, PAGES, Walk

_FILTERS = ("run_id", "status", "app_id", "app_name", "deployment_id", "username", "output_workspaces")
_REPEATS = 2
_MORE_REPEATS = 4  # once answers differ
_FEW = 3  # runs of a page with a filter: more pages show how it is cut
_MOST_COMPARED = 4  # runs of which the results are known
_RECENT = 6 * 3600  # seconds
_BEFORE = 12 * 3600  # seconds: with those above, less than a day


def _against(walk: Walk, look: Callable[[Listing, Known], Judgement | None]) -> Callable[..., Judgement | None]:
    """Judges a page by the runs of the walk, as its pages have them when they are asked again."""
    return lambda page, *pages: look(page, walk.known(pages))


def check_pages(session: Session, questions: Questions, walk: Walk) -> None:
    """Limits, offsets, and the end."""
    count = len(walk.runs)
    questions.read(questions.request(*walk.window, *RISING, ("limit", 1)))
    for offset in dict.fromkeys((1, count // 2, count - 1)):
        if 0 < offset < count and session.tally.wants("runs.suffix", "runs.end"):
            request = questions.request(*walk.window, *RISING, ("limit", 2), ("offset", offset))
            questions.judge(_against(walk, judge_suffix), request, *walk.requests)
            questions.judge(_against(walk, judge_end), request, *walk.requests)
    for offset in (count, count + 7) if session.tally.wants("runs.end") else ():
        request = questions.request(*walk.window, *RISING, ("limit", LIMIT), ("offset", offset))
        questions.judge(_against(walk, judge_end), request, *walk.requests)


def check_orders(session: Session, questions: Questions, walk: Walk) -> None:
    """The newest first, and sorted by status."""
    falling = ("order", "DESCENDING")
    if session.tally.wants("runs.order") and len(walk.runs) > 1:
        request = questions.request(*walk.window, RISING[0], falling, ("limit", LIMIT))
        questions.judge(_against(walk, judge_falling), request, *walk.requests)
    if not session.tally.wants("runs.sorted-by-status") or len({run.status for run in walk.runs}) < 2:
        return
    requests: list[Request] = []
    count = 0
    while count < len(walk.runs) and len(requests) < PAGES:
        more = (("offset", count),) if count else ()
        request = questions.request(*walk.window, ("sort_by", "status"), RISING[1], ("limit", LIMIT), *more)
        page = questions.read(request)
        if page is None or not page.runs:
            return
        requests.append(request)
        count += len(page.runs)
    kept = questions.judge(lambda *pages: judge_sorted_by_status(pages), *requests)
    if kept and count == len(walk.runs):
        request = questions.request(*walk.window, ("sort_by", "status"), falling, ("limit", LIMIT))
        questions.judge(lambda page, *pages: judge_falling_statuses(page, pages), request, *requests)


def check_filters(session: Session, questions: Questions, walk: Walk) -> None:
    """Each filter that an answer shows, with values that runs have."""
    if not session.tally.wants("runs.only-matching", "runs.every-match"):
        return
    rare = [status for status, _ in reversed(Counter(run.status for run in walk.runs).most_common())]
    filters: list[tuple[tuple[str, str], ...]] = [(("status", rare[0]),), (("run_id", walk.runs[-1].id),)]
    if len(rare) > 2:
        filters.insert(1, (("status", rare[0]), ("status", rare[1])))
    for name in ("app_id", "deployment_id"):
        value = next((run.value[name] for run in walk.runs if isinstance(run.value.get(name), str)), None)
        filters += [((name, value),)] if value else []
    for each in filters:
        _check_matches(questions, walk, walk.window, each)


def check_windows(session: Session, questions: Questions, walk: Walk) -> None:
    """Narrower windows: around one run, and before all of them."""
    if session.tally.wants("runs.window", "runs.every-match"):
        second = walk.runs[len(walk.runs) // 2].start // NANOSECONDS
        _check_matches(questions, walk, (("from_timestamp", second - 2), ("to_timestamp", second + 3)), ())
        questions.read(questions.request(("from_timestamp", 0), ("to_timestamp", max(walk.first - 2, 1))))


def _check_matches(
    questions: Questions, walk: Walk, window: tuple[tuple[str, int], ...], filters: tuple[tuple[str, str], ...]
) -> None:
    """What fits is listed, and no more; a page may be smaller than that, and the next one has the rest."""
    request = questions.request(*window, *filters, *RISING, ("limit", _FEW))
    page = questions.read(request)
    questions.judge(_against(walk, judge_every_match), request, *walk.requests)
    if page is not None and 0 < len(page.runs) < len(matches(walk.runs, page)):
        further = questions.request(*window, *filters, *RISING, ("limit", _FEW), ("offset", len(page.runs)))
        questions.judge(_against(walk, judge_every_match), further, *walk.requests)


def check_made_up(session: Session, questions: Questions, walk: Walk) -> None:
    """What nothing fits is an empty list."""
    known = session.spec.run_lists.contract.parameters
    for name in (each for each in _FILTERS if each in known):
        made_up = f"no-such-{name.replace('_', '-')}-{session.random.randrange(10**6)}"
        request = questions.request(*walk.window, (name, made_up))
        questions.judge(judge_nothing_matches, request)
        if name in ("run_id", "status"):
            exchange = session.ask(request)
            if exchange.status != 200:
                exchange = session.ask(request, fresh=True)
            judge_status(session, "runs.empty", exchange, (200,), "status 200, and no run")


def check_runs(session: Session, questions: Questions, walk: Walk) -> None:
    """A run that is over is listed as its results say."""
    if not session.tally.wants("runs.same-run"):
        return
    pages = [(request, page) for request in walk.requests if (page := questions.read(request)) is not None]
    over = [run for run in session.runs if run.final and not run.changed]
    for run in over[:_MOST_COMPARED]:
        request = next((request for request, page in pages if any(each.id == run.id for each in page.runs)), None)
        if request is not None:
            _compare_run(session, run, request)


def _compare_run(session: Session, run: ObservedRun, request: Request) -> None:
    exchange = session.ask(request)
    found = _look_at_run(exchange, run.id, run.first)
    if found is not None and not found.kept:
        results = session.page(run.id, 0, fresh=True)
        exchange = session.ask(request, fresh=True)
        found = _look_at_run(exchange, run.id, results)
        if found is not None and found.kept:
            return  # it has changed in between
    if found is not None:
        session.judge(found.rule, found.kept, exchange, path=found.path, expected=found.expected, got=found.got)


def _look_at_run(exchange: Exchange, run_id: str, results: Page | Exchange) -> Judgement | None:
    listing = read_listing(exchange)
    if listing is None or not isinstance(results, Page):
        return None
    return judge_same_run(listing, {**results.value, "id": run_id})


def check_repetition(session: Session, questions: Questions, request: Request) -> bool:
    """The same question is asked several times, over other connections too. Gives whether its answers agree."""
    answers = [questions.read(request)]
    exchange = session.ask(request)
    while len(answers) <= (_REPEATS if len({_ids(each) for each in answers}) < 2 else _MORE_REPEATS):
        session.connection.renew()
        exchange = session.ask(request, fresh=True)
        answers.append(read_listing(exchange))
    found = judge_repeated([each for each in answers if each is not None])
    if found is not None:
        session.judge(found.rule, found.kept, exchange, path=found.path, expected=found.expected, got=found.got)
    return found is None or found.kept


def _ids(listing: Listing | None) -> tuple[str, ...]:
    return () if listing is None else tuple(sorted(run.id for run in listing.runs))


def check_default_window(session: Session, questions: Questions, first: Exchange, default: Listing) -> None:
    """What started in the hours before the newest run is listed without a window; a clock may be hours wrong."""
    if not session.tally.wants("runs.default-window") or not default.runs:
        return
    newest = max(run.start for run in default.runs) // NANOSECONDS
    if abs((_date(first) or time.time()) - newest) > _RECENT:
        return
    explicit = questions.request(("from_timestamp", newest - _BEFORE), ("to_timestamp", newest))
    rest = questions.request(("offset", len(default.runs)))

    def look(page: Listing, whole: Listing, after: Listing) -> Judgement | None:
        return None if after.runs else judge_default_complete(page, whole.runs)

    page = questions.read(explicit)
    if page is not None and page.runs:
        questions.judge(look, explicit, first.request, rest)


def _date(exchange: Exchange) -> float | None:
    """The server's own time, in seconds since 1970, where it says so."""
    try:
        return parsedate_to_datetime(exchange.answer.header("date")[0]).timestamp()
    except (IndexError, TypeError, ValueError, OverflowError):
        return None
