"""One page of a run, compared with all pages of the run before it.

What was seen at an index is kept. Every later page, from whichever offset and with whichever flags, must show the same
there. Which rule is broken if it does not depends on what differs: `paging.suffix`, `paging.flags`, `flags.unchanged`
or, for what an answer says of the run as a whole, `state.header`.
"""

from typing import Any

from run_results_conformance.verifier.exchange import NO_FLAGS, Exchange, ObservedRun, Page
from run_results_conformance.verifier.session import Session
from run_results_conformance.verifier.spec_view import ABSENT, Path, difference

from .manifest import check_known


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
    if exchange.answered and exchange.status != 200:
        past = run.end is not None and offset >= run.end
        rule = "paging.end" if past else "paging.flags" if flags else "paging.suffix"
        got = f"status {exchange.status}"
        session.judge(rule, False, exchange, expected="a page of the run", got=got, run=run)


def learn(session: Session, run: ObservedRun, page: Page) -> None:
    """Keeps what a page shows, where it is the first to show it."""
    everything = page.flags == session.spec.flags
    if page.flags and not everything:
        return
    seen = run.full if everything else run.lean
    for index, file in enumerate(session.spec.trim_files(page.files, page.flags), page.offset):
        seen.setdefault(index, file)
    run.headers.setdefault(everything, _header(session, page, page.flags))


def identity(file: Any) -> Any:
    """What makes a file the same file: its path where it has one, else the whole of it."""
    path = file.get("input_file_path") if isinstance(file, dict) else None
    return path if isinstance(path, str) else file


# --- The place of the page in the run -----------------------------------------------------------------------


def _check_place(session: Session, run: ObservedRun, page: Page) -> None:
    """Where the end is known: files before it, none from there on, and has_more says so."""
    if run.end is None:
        return
    words, exchange = session.contract.pagination, page.exchange
    if page.offset >= run.end:
        path = (words.items,) if page.files else (words.more,)
        expected = f"no files, {words.more} false"
        got = f"{len(page.files)} files, {words.more} {str(page.more).lower()}"
        nothing = not page.files and not page.more
        session.judge("paging.end", nothing, exchange, path=path, expected=expected, got=got, run=run)
        return
    some, expected = bool(page.files), "at least one file"
    session.judge("paging.progress", some, exchange, path=(words.items,), expected=expected, got="none", run=run)
    more = page.offset + len(page.files) < run.end
    right = page.more == more or not page.files
    session.judge("paging.has-more", right, exchange, path=(words.more,), expected=more, got=page.more, run=run)


# --- The files ----------------------------------------------------------------------------------------------


def _check_files(session: Session, run: ObservedRun, page: Page) -> None:
    if _check_plain_files(session, run, page) and page.flags:
        _check_flagged_files(session, run, page)


def _check_plain_files(session: Session, run: ObservedRun, page: Page) -> bool:
    """Compares the files, less what flags add, with those that were seen without flags. Gives whether all agree."""
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
        session.judge(rule, False, page.exchange, path=path, expected=expected, got=got, run=run)
        return False
    if known and (page.flags or page.exchange is not run.first.exchange):
        session.judge("paging.flags" if page.flags else "paging.suffix", True, page.exchange, run=run)
    return True


def _check_flagged_files(session: Session, run: ObservedRun, page: Page) -> None:
    """Compares the files, with what flags add, with those that were seen with all flags."""
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
        path = (items, index, *place)
        session.judge(rule, False, page.exchange, path=path, expected=wanted, got=got, run=run)
        return
    if seen or any(page.offset + index in run.lean for index in range(len(files))):
        session.judge("flags.unchanged", True, page.exchange, run=run)


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
    expected = run.headers.get(False)
    if expected is None or page.exchange is run.first.exchange:
        return
    found = difference(expected, _header(session, page, NO_FLAGS))
    if found is None and page.flags and True in run.headers:
        with_flags: dict[str, Any] = session.spec.trim(run.headers[True], page.flags)
        found = difference(with_flags, _header(session, page, page.flags))
        if found is not None and _is_missing_part(session, *found[1:]):
            return
    at_start = "flags.unchanged" if page.flags else "paging.deterministic"
    rule = at_start if page.offset == 0 else "state.header"
    path, wanted, got = found or ((), "", "")
    session.judge(rule, found is None, page.exchange, path=path, expected=wanted, got=got, run=run)
