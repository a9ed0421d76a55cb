"""One page of a run, compared with all pages of the run before it.

What was seen at an index is kept. Every later page, from whichever offset and with whichever flags, must show the same
there. Which rule is broken if it does not depends on what differs: `paging.suffix`, `paging.flags`, `flags.unchanged`
or, for what an answer says of the run as a whole, `state.header`.
"""

from collections.abc import Callable, Iterable
from typing import Any

from run_results_conformance.verifier.comparison import Outcome, compare, identity, page_of
from run_results_conformance.verifier.exchange import NO_FLAGS, Exchange, Judgement, ObservedRun, Page
from run_results_conformance.verifier.session import Session
from run_results_conformance.verifier.spec_view import ABSENT, Path, difference

from .manifest import check_known

Claim = Callable[[Session, ObservedRun, Page], Judgement | None]
"""What a rule says of a page beside what is known of its run; None where it says nothing."""


def read_page(session: Session, run: ObservedRun, offset: int, flags: frozenset[str] = NO_FLAGS) -> Page | None:
    """Reads a page of a run and checks it. Gives the page, None where the answer is no page."""
    answer = session.page(run.id, offset, flags)
    if isinstance(answer, Exchange):
        check_no_page(session, run, answer, offset, flags)
        return None
    check_page(session, run, answer)
    return answer


def check_page(session: Session, run: ObservedRun, page: Page) -> None:
    """Compares a page with all that is known of the run. What was not known yet is learned."""
    past = run.end is not None and page.offset >= run.end
    _check_place(session, run, page)
    if not past:
        _check_files(session, run, page)
        learn(session, run, page)
    _check_header(session, run, page)
    check_known(session, run, page)


def check_no_page(
    session: Session, run: ObservedRun, exchange: Exchange, offset: int, flags: frozenset[str] = NO_FLAGS
) -> None:
    """Judges that a request for a page was refused. A 200 that is no page is for other rules."""
    past = run.end is not None and offset >= run.end
    rule = "paging.end" if past else "paging.flags" if flags else "paging.suffix"

    def look(answer: Exchange, first: Exchange) -> Judgement | None:
        if not answer.decided or first.status != 200:
            return None
        served, got = answer.status == 200, f"status {answer.status}"
        return Judgement(rule, served, expected="a page of the run", got=got)

    if exchange.status != 200:
        compare(session, run, look, exchange, session.ask(run.first.exchange.request))


def learn(session: Session, run: ObservedRun, page: Page, *, anew: bool = False) -> None:
    """Keeps what a page shows, where it is the first to show it; `anew`: where an older answer to it was the first."""
    everything = page.flags == session.spec.flags
    if page.flags and not everything:
        return

    def is_new(place: int | None) -> bool:
        teacher = run.taught_by.get((everything, place))
        return teacher is None or (anew and teacher.request == page.exchange.request)

    seen = run.full if everything else run.lean
    for index, file in enumerate(session.spec.trim_files(page.files, page.flags), page.offset):
        if is_new(index):
            seen[index] = file
            run.taught_by[everything, index] = page.exchange
    if is_new(None):
        run.headers[everything] = _header(session, page, page.flags)
        run.taught_by[everything, None] = page.exchange


def _compare(session: Session, run: ObservedRun, page: Page, claim: Claim, references: Iterable[Exchange]) -> bool:
    """Judges a claim about a page. `references` are the exchanges that showed what the page is compared with.

    Gives whether the page agrees with them. What has changed by itself is learned anew.
    """
    found = claim(session, run, page)
    if found is None:
        return True
    if found.kept:
        session.judge(found.rule, True, page.exchange, run=run)
        return True

    def look(answer: Exchange, *others: Exchange) -> Judgement | None:
        shown = page_of(session, answer)
        known = ObservedRun(run.known, run.first)
        for other in others:
            if (reference := page_of(session, other)) is None:
                return None
            _show(session, known, reference)
        return None if shown is None else claim(session, known, shown)

    result = compare(session, run, look, page.exchange, *sorted(set(references), key=lambda each: each.number))
    if result.outcome is Outcome.MOVED:
        for exchange in result.exchanges:
            if (newer := page_of(session, exchange)) is not None:
                learn(session, run, newer, anew=True)
        newest = {exchange.request: exchange for exchange in result.exchanges}
        run.edge = tuple(newest.get(exchange.request, exchange) for exchange in run.edge)
    return result.outcome is Outcome.KEPT


def _show(session: Session, run: ObservedRun, page: Page) -> None:
    """Learns a page, and where it shows that the run ends."""
    learn(session, run, page)
    run.edge = (*run.edge, page.exchange)
    if not page.files:
        run.end = page.offset if run.end is None else min(run.end, page.offset)


# --- The place of the page in the run -----------------------------------------------------------------------


def _check_place(session: Session, run: ObservedRun, page: Page) -> None:
    """Where the end is known: files before it, none from there on, and has_more says so."""
    if run.end is not None:
        for claim in (_nothing_after_end, _something_before_end, _right_has_more):
            _compare(session, run, page, claim, run.edge)


def _nothing_after_end(session: Session, run: ObservedRun, page: Page) -> Judgement | None:
    if run.end is None or page.offset < run.end:
        return None
    words = session.contract.pagination
    path = (words.items,) if page.files else (words.more,)
    expected = f"no files, {words.more} false"
    got = f"{len(page.files)} files, {words.more} {str(page.more).lower()}"
    return Judgement("paging.end", not page.files and not page.more, path, expected, got)


def _something_before_end(session: Session, run: ObservedRun, page: Page) -> Judgement | None:
    if page.offset >= _reach(session, run):
        return None
    path = (session.contract.pagination.items,)
    return Judgement("paging.progress", bool(page.files), path, "at least one file", "none")


def _right_has_more(session: Session, run: ObservedRun, page: Page) -> Judgement | None:
    if run.end is None or page.offset >= run.end:
        return None
    after = page.offset + len(page.files)
    # From there on there are no files, or there are some: otherwise nobody knows.
    more = False if after >= run.end else True if after < _reach(session, run) else page.more
    path = (session.contract.pagination.more,)
    return Judgement("paging.has-more", page.more == more or not page.files, path, more, page.more)


def _reach(session: Session, run: ObservedRun) -> int:
    """How many files the exchanges that showed the end have shown."""
    pages = [page_of(session, exchange) for exchange in run.edge]
    return max((page.offset + len(page.files) for page in pages if page is not None and page.files), default=0)


# --- The files ----------------------------------------------------------------------------------------------


def _check_files(session: Session, run: ObservedRun, page: Page) -> None:
    for claim, everything in ((_plain_files, False), (_flagged_files, True)):
        found = claim(session, run, page)
        place = found.path[1] if found and len(found.path) > 1 else None
        teacher = run.taught_by.get((everything, page.offset + place)) if isinstance(place, int) else None
        if not _compare(session, run, page, claim, (teacher,) if teacher else ()):
            return


def _plain_files(session: Session, run: ObservedRun, page: Page) -> Judgement | None:
    """Compares the files, less what flags add, with those that were seen without flags."""
    items = session.contract.pagination.items
    plain = session.spec.trim_files(page.files, NO_FLAGS)
    known = [index for index in range(len(plain)) if page.offset + index in run.lean]
    for index in known:
        expected, got = run.lean[page.offset + index], plain[index]
        if expected == got:
            continue
        if identity(expected) != identity(got):
            rule = "paging.flags" if page.flags else "paging.suffix"
            path: Path = (items, index)
            expected, got = f"file {page.offset + index}: {identity(expected)}", identity(got)
        else:
            rule = "flags.unchanged" if page.flags else "paging.suffix"
            place, expected, got = difference(expected, got) or ((), expected, got)
            path = (items, index, *place)
        return Judgement(rule, False, path, expected, got)
    if known and (page.flags or page.exchange is not run.first.exchange):
        return Judgement("paging.flags" if page.flags else "paging.suffix", True)
    return None


def _flagged_files(session: Session, run: ObservedRun, page: Page) -> Judgement | None:
    """Compares the files, with what flags add, with those that were seen with all flags."""
    if not page.flags:
        return None
    spec, items = session.spec, session.contract.pagination.items
    files = spec.trim_files(page.files, page.flags)
    seen = [index for index in range(len(files)) if page.offset + index in run.full]
    wholes = spec.trim_files([run.full[page.offset + index] for index in seen], page.flags)
    for index, expected in zip(seen, wholes, strict=True):
        if expected == files[index]:
            continue
        place, wanted, got = difference(expected, files[index]) or ((), expected, files[index])
        if _is_missing_part(session, wanted, got):
            continue
        rule = "paging.suffix" if page.flags == spec.flags else "flags.unchanged"
        return Judgement(rule, False, (items, index, *place), wanted, got)
    if seen or any(page.offset + index in run.lean for index in range(len(files))):
        return Judgement("flags.unchanged", True)
    return None


def _is_missing_part(session: Session, wanted: Any, got: Any) -> bool:
    """Whether a difference is one that `flags.present` reports already: a part that a flag adds is not there."""
    return (wanted is ABSENT or got is ABSENT) and session.tally.broken("flags.present")


# --- The rest of the page -----------------------------------------------------------------------------------


def _header(session: Session, page: Page, flags: frozenset[str]) -> dict[str, Any]:
    """What the page says of the run as a whole."""
    words = session.contract.pagination
    rest = {name: part for name, part in page.value.items() if name not in (words.items, words.more)}
    trimmed: dict[str, Any] = session.spec.trim(rest, flags)
    return trimmed


def _check_header(session: Session, run: ObservedRun, page: Page) -> None:
    """Compares what the page says of the run as a whole with what earlier pages said."""
    if False in run.headers and page.exchange is not run.first.exchange:
        teachers = (run.taught_by.get((everything, None)) for everything in (False, True))
        _compare(session, run, page, _same_header, [teacher for teacher in teachers if teacher is not None])


def _same_header(session: Session, run: ObservedRun, page: Page) -> Judgement | None:
    if False not in run.headers:
        return None
    found = difference(run.headers[False], _header(session, page, NO_FLAGS))
    if found is None and page.flags and True in run.headers:
        with_flags: dict[str, Any] = session.spec.trim(run.headers[True], page.flags)
        found = difference(with_flags, _header(session, page, page.flags))
        if found is not None and _is_missing_part(session, *found[1:]):
            return None
    at_start = "flags.unchanged" if page.flags else "paging.deterministic"
    rule = at_start if page.offset == 0 else "state.header"
    path, wanted, got = found or ((), "", "")
    return Judgement(rule, found is None, path, wanted, got)
