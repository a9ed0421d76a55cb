"""Walks through a run, from page to page: every walk moves on, repeats no file, and comes to an end."""

from collections.abc import Iterable, Mapping
from itertools import count
from typing import Any

from run_results_conformance.verifier.comparison import Outcome, compare, identity, page_of
from run_results_conformance.verifier.exchange import Exchange, Judgement, ObservedRun, Page
from run_results_conformance.verifier.session import Session

from .pages import check_no_page, check_page, learn, read_page

_MOST_PAGES = 9  # of a walk
_MOST_LARGE_PAGES = 4
_MOST_SEEKS = 48  # requests for the end of a long run


def walk(session: Session, run: ObservedRun, pages: int | None = _MOST_PAGES) -> None:
    """Walks a run without flags, from the start to past its end, or so many pages; None is all of them."""
    if not run.walked:
        run.starts.clear()
        _walk(session, run, pages)
        run.walked = True  # not if the budget ended it: then the walk can be taken up again


def _walk(session: Session, run: ObservedRun, pages: int | None) -> None:
    offset, previous = 0, None
    for _ in _at_most(pages, _MOST_LARGE_PAGES if run.large else None):
        page = session.page(run.id, offset)
        if isinstance(page, Exchange):
            check_no_page(session, run, page, offset)
            return
        if previous is not None:
            _check_has_more(session, run, previous, page)
        if not page.files:
            run.end, run.edge = offset, tuple(each.exchange for each in (previous, page) if each is not None)
        check_page(session, run, page)
        if not page.files:
            more, path = page.more, (session.contract.pagination.more,)
            session.judge("paging.termination", not more, page.exchange, path=path, expected=False, got=more, run=run)
            return
        if not _check_new(session, run, page):
            return
        run.starts.append(offset)
        offset += len(page.files)
        previous = page
    if not run.large:
        _check_greatest_offset(session, run)
    session.tally.give_reason("paging.termination", "the walk was left before the end of a long run")


def walk_with_flags(session: Session, run: ObservedRun, pages: int | None = _MOST_PAGES) -> None:
    """Walks a run with all flags, up to its end where that is known, or so many pages; None is all of them."""
    flags, offset, previous = session.spec.flags, 0, None
    for _ in _at_most(pages, _MOST_LARGE_PAGES // 2 if run.large else None):
        if run.end is not None and offset >= run.end and offset:
            return
        page = read_page(session, run, offset, flags)
        if page is not None and previous is not None:
            _check_has_more(session, run, previous, page)
        if page is None or not page.files:
            return
        offset, previous = offset + len(page.files), page


def read_further(session: Session, run: ObservedRun) -> Exchange | None:
    """Reads the next page that was not read with all flags yet, and past the last one if that may not be the end.

    Gives its exchange, None where nothing is left to read, or pages are large.
    """
    flags, offset = session.spec.flags, next(index for index in count() if index not in run.full)
    before = run.taught_by.get((True, offset - 1))
    previous = page_of(session, before) if before is not None else None
    if run.large or run.changed or run.exhausted or previous is None or offset == run.end:
        return None
    short = not previous.more and len(previous.files) < len(run.first.files)
    if short and run.known.files in (None, offset):
        return None
    page = session.page(run.id, offset, flags, fresh=True)
    run.exhausted = isinstance(page, Exchange) or not page.files
    if isinstance(page, Exchange):
        return page
    check_page(session, run, page)
    _check_has_more(session, run, previous, page)
    return page.exchange


def _at_most(pages: int | None, large: int | None) -> Iterable[int]:
    """Counts to the number of pages; to a smaller one where pages are large, unless all of them are wanted."""
    if pages is None:
        return count()
    return range(pages if large is None else min(pages, large))


def find_end(session: Session, run: ObservedRun) -> None:
    """Finds the end of a run that is too long to be walked: the offset grows fourfold, then the range is halved."""
    if run.end is not None or not run.lean or session.tally.broken("paging.termination"):
        return
    low = max(run.lean) + 1  # there is a file before low
    high: int | None = None  # and none from high on
    edge = [run.taught_by[False, low - 1], run.first.exchange]
    greatest = session.spec.greatest_offset
    guess = run.known.files
    offsets = [guess, guess - 1] if guess and guess > low else []
    for _ in range(_MOST_SEEKS):
        offset = min(offsets.pop(0) if offsets else 4 * low if high is None else (low + high) // 2, greatest)
        page = session.page(run.id, offset)
        if isinstance(page, Exchange):
            check_no_page(session, run, page, offset)
            return
        if page.files:
            if offset + len(page.files) > low:
                low, edge[0] = offset + len(page.files), page.exchange
            if not page.more:
                offsets = [low]
            learn(session, run, page)
        else:
            if high is None or offset < high:
                high, edge[1] = offset, page.exchange
        if high is not None and low >= high:
            run.end, run.edge = high, tuple(edge)
            break
        if high is None and offset >= greatest:
            _judge_end(session, run, page)
            return
    if run.end is not None:
        session.judge("paging.termination", True, run.first.exchange, run=run)
        for start in run.starts:
            read_page(session, run, start)


def _check_has_more(session: Session, run: ObservedRun, previous: Page, page: Page) -> None:
    """Compares the has_more of a page with the files of the next one."""

    def look(before: Exchange, after: Exchange) -> Judgement | None:
        page, following = page_of(session, before), page_of(session, after)
        # A page of another size ends elsewhere.
        if page is None or following is None or page.offset + len(page.files) != following.offset:
            return None
        some, path = bool(following.files), (session.contract.pagination.more,)
        return Judgement("paging.has-more", page.more == some, path, some, page.more)

    compare(session, run, look, previous.exchange, page.exchange)


def _check_new(session: Session, run: ObservedRun, page: Page) -> bool:
    """Judges that no file of the page was seen before it. Gives whether any is new."""
    seen = _places(range(page.offset), run.lean)
    repeated = _first_repeated(page, seen)
    if repeated is None:
        if len(seen) + len(page.files) > 1:
            session.judge("paging.no-repeat", True, page.exchange, run=run)
        return True
    items = session.contract.pagination.items

    def look(answer: Exchange, *before: Exchange) -> Judgement | None:
        shown = page_of(session, answer)
        earlier = [page_of(session, each) for each in before]
        if shown is None or None in earlier:
            return None
        files = {index: file for each in earlier if each for index, file in enumerate(each.files, each.offset)}
        place, path, index = _first_repeated(shown, _places(range(shown.offset), files)) or (0, "", 0)
        expected = f"a file that is not file {index} again"
        return Judgement("paging.no-repeat", not path, (items, place), expected, path)

    teacher = run.taught_by.get((False, repeated[2]))
    earlier = [teacher] if teacher is not None and repeated[2] < page.offset else []
    outcome = compare(session, run, look, page.exchange, *earlier).outcome
    if any(not isinstance(path, str) or path not in seen for path in map(identity, page.files)):
        return True
    if outcome is Outcome.BROKEN:
        expected, got = "other files", "files seen before"
        session.judge("paging.termination", False, page.exchange, path=(items,), expected=expected, got=got, run=run)
    return False


def _places(indices: Iterable[int], files: Mapping[int, Any]) -> dict[str, int]:
    """The index at which each path stands first."""
    found: dict[str, int] = {}
    for index in indices:
        if index in files and isinstance(path := identity(files[index]), str):
            found.setdefault(path, index)
    return found


def _first_repeated(page: Page, seen: Mapping[str, int]) -> tuple[int, str, int] | None:
    """The first file of a page that stands before it or in it twice: its place, its path, the earlier index."""
    known = dict(seen)
    for place, file in enumerate(page.files):
        path = identity(file)
        if isinstance(path, str) and path in known:
            return place, path, known[path]
        if isinstance(path, str):
            known[path] = page.offset + place
    return None


def _check_greatest_offset(session: Session, run: ObservedRun) -> None:
    """Of a run that is too long to be walked: there are no files at the greatest offset of all."""
    page = session.page(run.id, session.spec.greatest_offset)
    if isinstance(page, Page):
        _judge_end(session, run, page)


def _judge_end(session: Session, run: ObservedRun, page: Page) -> None:
    path, got = (session.contract.pagination.items,), f"files at offset {page.offset}"
    session.judge("paging.termination", not page.files, page.exchange, path=path, expected="an end", got=got, run=run)
