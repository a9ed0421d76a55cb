"""What answers of the operation that lists runs show, each function for one rule. Nothing is sent here.

A function takes one list, or several, and gives a judgement, or None where the answers say nothing about its rule. What
the contract leaves to the server is no breach: the order of runs that started at the same time, pages that are smaller
than the limit, and the second at each border of a window, which servers count in or out.
"""

from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise

from run_results_conformance.verifier.exchange import Judgement
from run_results_conformance.verifier.run_status import FINAL, RUNNING
from run_results_conformance.verifier.spec_view import Path

from .listing import NANOSECONDS, ListedRun, Listing

DAY = 86_400 * NANOSECONDS
_BORDER = NANOSECONDS  # a run this near to the border of a window is in it or not
_DEFAULT_SPAN = DAY + 2 * _BORDER
_PLAUSIBLE = (946_684_800 * NANOSECONDS, 4_102_444_800 * NANOSECONDS)  # the years 2000 and 2100
_IN_ANSWER = ("run_id", "id"), ("status", "status"), ("app_id", "app_id"), ("deployment_id", "deployment_id")

Known = Sequence[ListedRun]
"""All runs of a window, oldest first."""


def _at(index: int, name: str) -> Path:
    return "runs", index, name


# --- One answer -------------------------------------------------------------------------------------------------


def judge_times(listing: Listing) -> Judgement | None:
    """Times are nanoseconds; a run that is RUNNING has not finished; none finishes before its start."""
    for index, run in enumerate(listing.runs):
        finish = run.value.get("finish_timestamp")
        times = {"start_timestamp": run.start, **({"finish_timestamp": finish} if finish else {})}
        for name, moment in times.items():
            if isinstance(moment, int | float) and not _PLAUSIBLE[0] <= moment <= _PLAUSIBLE[1]:
                return Judgement("runs.times", False, _at(index, name), "nanoseconds since 1970", moment)
        if not isinstance(finish, int | float) or not finish:
            continue
        if run.status == RUNNING:
            return Judgement("runs.times", False, _at(index, "finish_timestamp"), "null, 0 or nothing", finish)
        if finish < run.start:
            return Judgement("runs.times", False, _at(index, "finish_timestamp"), f"at least {run.start}", finish)
    return Judgement("runs.times", True) if listing.runs else None


def judge_no_repeat(listing: Listing) -> Judgement | None:
    """No run is in a list twice."""
    seen: set[str] = set()
    for index, run in enumerate(listing.runs):
        if run.id in seen:
            return Judgement("runs.no-repeat", False, _at(index, "id"), "a run that is not there yet", run.id)
        seen.add(run.id)
    return Judgement("runs.no-repeat", True) if len(listing.runs) > 1 else None


def judge_window(listing: Listing) -> Judgement | None:
    """Every run started in the window."""
    first, last = _window(listing)
    if first is None and last is None:
        return None
    for index, run in enumerate(listing.runs):
        if _is_outside(run, listing):
            expected = f"from {first} to {last} seconds"
            return Judgement("runs.window", False, _at(index, "start_timestamp"), expected, run.start)
    return Judgement("runs.window", True)


def judge_default_span(listing: Listing) -> Judgement | None:
    """Without a window the runs of a list started within 24 hours, by whatever clock the server has."""
    if "from_timestamp" in listing.parameters or "to_timestamp" in listing.parameters or not listing.runs:
        return None
    starts = [run.start for run in listing.runs]
    span = max(starts) - min(starts)
    index = starts.index(min(starts))
    expected = "a start in the last 24 hours, as those of the other runs"
    kept = span <= _DEFAULT_SPAN
    return Judgement("runs.default-window", kept, _at(index, "start_timestamp"), expected, starts[index])


def judge_matching(listing: Listing) -> Judgement | None:
    """Every run has what the filters ask for, as far as an answer shows it."""
    wanted = {name: listing.parameters[parameter] for parameter, name in _IN_ANSWER if parameter in listing.parameters}
    if not wanted:
        return None
    for index, run in enumerate(listing.runs):
        for name, values in wanted.items():
            if name in run.value and run.value[name] not in values:
                expected = " or ".join(values)
                return Judgement("runs.only-matching", False, _at(index, name), expected, run.value[name])
    return Judgement("runs.only-matching", True)


def judge_nothing_matches(listing: Listing) -> Judgement | None:
    """No run is listed for the value of a filter that was made up."""
    got = f"{len(listing.runs)} runs"
    return Judgement("runs.only-matching", not listing.runs, ("runs",), "no run: the value is made up", got)


def judge_order(listing: Listing) -> Judgement | None:
    """Runs that are sorted by their start are in the order that was asked for."""
    if listing.value("sort_by") != "start_timestamp" or len(listing.runs) < 2:
        return None
    falling = listing.value("order") == "DESCENDING"
    for index, (one, other) in enumerate(pairwise(listing.runs), 1):
        if (other.start > one.start) if falling else (other.start < one.start):
            expected = f"at {'most' if falling else 'least'} {one.start}"
            return Judgement("runs.order", False, _at(index, "start_timestamp"), expected, other.start)
    return Judgement("runs.order", True)


def judge_limit(listing: Listing) -> Judgement | None:
    """A page has at most as many runs as the limit says."""
    limit = listing.number("limit")
    if limit is None:
        return None
    got = f"{len(listing.runs)} runs"
    return Judgement("runs.limit", len(listing.runs) <= limit, ("runs",), f"at most {limit} runs", got)


ALONE: tuple[Callable[[Listing], Judgement | None], ...] = (
    judge_times,
    judge_no_repeat,
    judge_window,
    judge_default_span,
    judge_matching,
    judge_order,
    judge_limit,
)
"""What is judged of every list."""

# --- Several answers ------------------------------------------------------------------------------------------------


def judge_next_page(before: Listing, after: Listing) -> Judgement | None:
    """The next page goes on where the one before it ends: it repeats no run, and begins no earlier."""
    if not before.runs or not after.runs:
        return None
    seen, last = {run.id for run in before.runs}, before.runs[-1]
    # Of those with the same start any may come first, on one page and on the next.
    several = len({run.id for run in (*before.runs, *after.runs) if run.start == last.start}) > 1
    for index, run in enumerate(after.runs):
        if run.id in seen and (run.start != last.start or not several):
            return Judgement("runs.suffix", False, _at(index, "id"), "a run that was on no page before", run.id)
    first = after.runs[0]
    expected = f"at least {last.start}, as the page before ends"
    return Judgement("runs.suffix", first.start >= last.start, _at(0, "start_timestamp"), expected, first.start)


def judge_suffix(page: Listing, known: Known) -> Judgement | None:
    """From an offset on come the same runs as in a walk from the start."""
    offset = page.number("offset") or 0
    if not page.runs or offset >= len(known):
        return None
    index = _first_difference(page.runs, known, offset)
    if index is None:
        return Judgement("runs.suffix", True)
    expected = known[offset + index].id if offset + index < len(known) else "no run"
    return Judgement("runs.suffix", False, _at(index, "id"), expected, page.runs[index].id)


def judge_end(page: Listing, known: Known) -> Judgement | None:
    """A page before the end has at least one run, a page past it none."""
    offset = page.number("offset") or 0
    if offset < len(known):
        return Judgement("runs.end", bool(page.runs), ("runs",), "at least one run: the end is not reached", "no run")
    got = f"{len(page.runs)} runs"
    return Judgement("runs.end", not page.runs, ("runs",), "no run: the offset is past the end", got)


def judge_falling(page: Listing, known: Known) -> Judgement | None:
    """Newest first, a list begins with the newest run."""
    if not page.runs or not known:
        return None
    index = _first_difference(page.runs, list(reversed(known)), 0)
    if index is None:
        return Judgement("runs.order", True)
    expected = known[-1 - index].id if index < len(known) else "no run"
    return Judgement("runs.order", False, _at(index, "id"), expected, page.runs[index].id)


def judge_every_match(page: Listing, known: Known) -> Judgement | None:
    """Every run that fits is listed, oldest first; a page may end before all of them are there.

    A page with runs that do not fit says nothing about this: other rules find it.
    """
    offset = page.number("offset") or 0
    wanted = matches(known, page)
    rest = wanted[offset:]
    others = {run.id for run in known} - {run.id for run in wanted}
    strange = any(run.id in others or _is_outside(run, page) for run in page.runs)
    if not rest or strange:
        return None
    if not page.runs:
        return Judgement("runs.every-match", False, ("runs",), f"run {rest[0].id}", "no run")
    there, last = {run.id for run in page.runs}, max(run.start for run in page.runs)
    for run in rest:
        if run.start < last and run.id not in there:
            return Judgement("runs.every-match", False, ("runs",), f"run {run.id}", "not this run")
    return Judgement("runs.every-match", True)


def judge_sorted_by_status(pages: Sequence[Listing]) -> Judgement | None:
    """Sorted by status, the runs of one status stand together."""
    statuses = [(index, run.status) for page in pages for index, run in enumerate(page.runs)]
    ended: set[str] = set()
    for (_, before), (index, status) in pairwise(statuses):
        if status != before:
            ended.add(before)
        if status in ended:
            expected = "a status that did not come before another one"
            return Judgement("runs.sorted-by-status", False, _at(index, "status"), expected, status)
    return Judgement("runs.sorted-by-status", True) if len({status for _, status in statuses}) > 1 else None


def judge_falling_statuses(falling: Listing, rising: Sequence[Listing]) -> Judgement | None:
    """In the other direction, a list begins with the status with which the first one ends."""
    statuses = [run.status for page in rising for run in page.runs]
    if not falling.runs or len(set(statuses)) < 2:
        return None
    kept, got = falling.runs[0].status == statuses[-1], falling.runs[0].status
    return Judgement("runs.sorted-by-status", kept, _at(0, "status"), statuses[-1], got)


def judge_default_complete(explicit: Listing, default: Iterable[ListedRun]) -> Judgement | None:
    """What started in the hours before the newest run is in the list without a window."""
    there = {run.id for run in default}
    for index, run in enumerate(explicit.runs):
        if run.id not in there:
            expected = "a run that the list without a window has, too"
            return Judgement("runs.default-window", False, _at(index, "id"), expected, run.id)
    return Judgement("runs.default-window", True) if explicit.runs else None


def judge_repeated(answers: Sequence[Listing]) -> Judgement | None:
    """The same question has the same answer, or a newer one: runs that were replaced by others do not come back."""
    versions = [_version(answer) for answer in answers]
    for index, version in enumerate(versions):
        if version in versions[:index] and version != versions[index - 1]:
            got = f"{len(versions[index - 1])} runs, and before and after that {len(version)} runs"
            return Judgement("runs.deterministic", False, ("runs",), "the same runs, or newer ones", got)
    return Judgement("runs.deterministic", True) if len(versions) > 1 and versions[0] else None


def judge_same_run(listing: Listing, header: dict[str, object]) -> Judgement | None:
    """A run that is over is in the list as its results say.

    The two may be up to date at different moments: a run is compared once both say that it is over.
    """
    for index, run in enumerate(listing.runs):
        if run.id != header.get("id") or run.status not in FINAL or header.get("status") not in FINAL:
            continue
        for name in ("status", "start_timestamp", "finish_timestamp"):
            expected, got = header.get(name), run.value.get(name)
            if expected and got and expected != got:  # a review may leave the finish time open in one of them
                return Judgement("runs.same-run", False, _at(index, name), expected, got)
        return Judgement("runs.same-run", True)
    return None


def matches(known: Known, page: Listing) -> Known:
    """The runs that a page must have, or the pages after it: those that fit its filters, inside its window."""
    return [run for run in known if _fits(run, page)]


# --- Of all of them -----------------------------------------------------------------------------------------------


def _fits(run: ListedRun, page: Listing) -> bool:
    """Whether a run fits the filters of a page, and lies inside its window, not at its border."""
    return not _is_outside(run, page, margin=-_BORDER) and all(
        run.value.get(name) in page.parameters[parameter]
        for parameter, name in _IN_ANSWER
        if parameter in page.parameters
    )


def _window(listing: Listing) -> tuple[int | None, int | None]:
    """The borders of the window, in seconds."""
    return listing.number("from_timestamp"), listing.number("to_timestamp")


def _is_outside(run: ListedRun, listing: Listing, margin: int = _BORDER) -> bool:
    """Whether a run started outside the window, by more than a margin in nanoseconds."""
    first, last = _window(listing)
    early = first is not None and run.start < first * NANOSECONDS - margin
    return early or (last is not None and run.start > last * NANOSECONDS + margin)


def _first_difference(page: Sequence[ListedRun], known: Known, offset: int) -> int | None:
    """The first place where a page has another run than what is known; runs with the same start have no order."""
    for index, run in enumerate(page):
        if offset + index >= len(known):
            return index
        start = known[offset + index].start
        if run.start != start or run.id not in {each.id for each in known if each.start == start}:
            return index
    return None


def _version(answer: Listing) -> tuple[tuple[int, str], ...]:
    """Which runs an answer has, without the last one and those with its start: others of that start may follow."""
    last = answer.runs[-1].start if answer.runs else 0
    return tuple(sorted((run.start, run.id) for run in answer.runs if run.start != last))
