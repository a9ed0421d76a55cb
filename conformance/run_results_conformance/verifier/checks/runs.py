"""Learning: which runs can be read, what is in them, and whether pages fit together.

A run is learned by walking: pages without flags from 0 to past the end, whatever `has_more` says, and pages
with all flags. What was seen at an index is kept; every later page, from whichever offset and under whichever
flags, must show the same there. That one comparison is the suffix law and the flag laws at once; which of them is
broken is told by what differs.
"""

from typing import Any

from run_results_conformance.verifier.manifest import HERE, RUNNING, KnownRun
from run_results_conformance.verifier.session import NO_FLAGS, Exchange, OutOfRequests, Page, RunView, Session
from run_results_conformance.verifier.spec_view import ABSENT, Path, difference

from .knowledge import hold_known, identity

_MOST_RUNS = 12
_MOST_PAGES = 12  # of a walk
_HEAVY_PAGES = 4
_MOST_SEEKS = 48  # requests for the end of a long run
_MOST_OPENINGS = 3  # looks at a run until it is settled


def own_runs(session: Session) -> list[KnownRun]:
    """The runs that live in the context of the verification, at most twelve: one of each kind first."""
    if session.manifest.runs:
        own = [run for run in session.manifest.runs if run.context in (HERE, session.context)]
    else:
        parameter = session.contract.parameters[session.path_name]
        own = [KnownRun(str(value)) for value in parameter.examples.values()]
    if len(own) <= _MOST_RUNS:
        return own
    kinds: dict[tuple[Any, ...], KnownRun] = {}
    for run in own:
        kinds.setdefault((run.status, run.files if run.files is None or run.files < 2 else 2), run)
    chosen = list(kinds.values())[:_MOST_RUNS]
    rest = [run for run in own if run not in chosen]
    chosen += session.random.sample(rest, min(len(rest), _MOST_RUNS - len(chosen)))
    session.notes.append(f"{len(chosen)} of {len(own)} runs were read")
    return [run for run in own if run in chosen]


def open_runs(session: Session) -> None:
    """Reads each run once. Afterwards `session.views` has those that can be read."""
    for known in own_runs(session):
        page = _open(session, known)
        if isinstance(page, Page):
            view = RunView(known.id, known, page)
            session.views.append(view)
            _learn(session, view, page)
        else:
            session.unreadable.append((known, page))


def _open(session: Session, known: KnownRun) -> Page | Exchange:
    """The first page of a run; of one that moves, the first page once it is settled, or after a few looks."""
    page = session.page(known.id, 0)
    for _ in range(_MOST_OPENINGS):
        if not isinstance(page, Page) or page.value.get("status") != "RUNNING":
            break
        again = session.page(known.id, 0, again=True)
        still = session.same_answer(page.exchange, again.exchange) if isinstance(again, Page) else True
        page = again if isinstance(again, Page) else page
        if still:
            break
    return page


# --- One page -----------------------------------------------------------------------------------------------


def hold_page(session: Session, view: RunView, page: Page | Exchange, offset: int, flags: frozenset[str]) -> bool:
    """Holds a page of a run, from an offset and under flags, against all that is known of it.

    Gives whether there is a page at all. What was not known yet is learned.
    """
    past = view.end is not None and offset >= view.end
    if isinstance(page, Exchange):
        if page.status and not page.busy and page.status != 200:
            rule = "paging.end" if past else "paging.flags" if flags else "paging.suffix"
            session.hold(rule, False, page, expected="a page of the run", got=f"status {page.status}", run=view)
        return False
    exchange, words = page.exchange, session.contract.pagination
    if past:
        nothing = not page.files and not page.more
        path = (words.items,) if page.files else (words.more,)
        got = f"{len(page.files)} files, {words.more} {str(page.more).lower()}"
        session.hold(
            "paging.end", nothing, exchange, path=path, expected=f"no files, {words.more} false", got=got, run=view
        )
    elif view.end is not None:
        session.hold(
            "paging.progress",
            bool(page.files),
            exchange,
            path=(words.items,),
            expected="at least one file",
            got="none",
            run=view,
        )
        more = offset + len(page.files) < view.end
        session.hold(
            "paging.has-more",
            page.more == more or not page.files,
            exchange,
            path=(words.more,),
            expected=more,
            got=page.more,
            run=view,
        )
    if not past:
        _hold_files(session, view, page)
        _learn(session, view, page)
    _hold_header(session, view, page)
    hold_known(session, view, page)
    return True


def _learn(session: Session, view: RunView, page: Page) -> None:
    everything = page.flags == session.lens.flags
    if page.flags and not everything:
        return
    seen = view.full if everything else view.lean
    for index, file in enumerate(session.lens.strip_files(page.files, page.flags), page.offset):
        seen.setdefault(index, file)
    view.headers.setdefault(everything, _header(session, page, page.flags))


def _header(session: Session, page: Page, flags: frozenset[str]) -> dict[str, Any]:
    words = session.contract.pagination
    rest = {name: part for name, part in page.value.items() if name not in (words.items, words.more)}
    stripped: dict[str, Any] = session.lens.strip(rest, flags)
    return stripped


def _hold_files(session: Session, view: RunView, page: Page) -> None:
    lens, items = session.lens, session.contract.pagination.items
    plain = lens.strip_files(page.files, NO_FLAGS)
    with_flags = lens.strip_files(page.files, page.flags) if page.flags else plain
    pure = not page.flags
    known = [index for index in range(len(page.files)) if page.offset + index in view.lean]
    for index in known:
        expected = view.lean[page.offset + index]
        if expected == plain[index]:
            continue
        path, wanted, got = difference(expected, plain[index]) or ((), expected, plain[index])
        place: Path = (items, index, *path)
        moved = identity(expected) != identity(plain[index])
        if pure:
            rule = "paging.suffix"
        elif moved:
            rule = "paging.flags"
        else:
            rule = "flags.unchanged"
        if moved:
            place, wanted, got = (
                (items, index),
                f"file {page.offset + index}: {identity(expected)}",
                identity(plain[index]),
            )
        session.hold(rule, False, page.exchange, path=place, expected=wanted, got=got, run=view)
        return
    if known and (page.flags or page.exchange is not view.first.exchange):
        session.hold("paging.suffix" if pure else "paging.flags", True, page.exchange, run=view)
    if pure:
        return
    seen = [index for index in range(len(page.files)) if page.offset + index in view.full]
    everything = page.flags == lens.flags
    wholes = [view.full[page.offset + index] for index in seen]
    for index, expected in zip(seen, lens.strip_files(wholes, page.flags), strict=True):
        if expected != with_flags[index]:
            path, wanted, got = difference(expected, with_flags[index]) or ((), expected, with_flags[index])
            place = (items, index, *path)
            rule = "paging.suffix" if everything else "flags.unchanged"
            if _is_presence(session, wanted, got):
                continue
            session.hold(rule, False, page.exchange, path=place, expected=wanted, got=got, run=view)
            return
    if known or seen:
        session.hold("flags.unchanged", True, page.exchange, run=view)


def _is_presence(session: Session, wanted: Any, got: Any) -> bool:
    """Whether a difference is one that `flags.present` names already: a gated property that is not there."""
    return (wanted is ABSENT or got is ABSENT) and session.broken("flags.present")


def _hold_header(session: Session, view: RunView, page: Page) -> None:
    lens = session.lens
    expected = view.headers.get(False)
    if expected is None or page.exchange is view.first.exchange:
        return
    elsewhere = page.offset != 0
    got = _header(session, page, NO_FLAGS)
    found = difference(expected, got)
    if found is None and page.flags and True in view.headers:
        with_flags: dict[str, Any] = lens.strip(view.headers[True], page.flags)
        found = difference(with_flags, _header(session, page, page.flags))
        if found is not None and _is_presence(session, *found[1:]):
            return
    if elsewhere:
        rule = "state.header"
    elif not page.flags:
        rule = "paging.deterministic"
    else:
        rule = "flags.unchanged"
    path, wanted, given = found or ((), "", "")
    session.hold(rule, found is None, page.exchange, path=path, expected=wanted, got=given, run=view)


# --- Walking ------------------------------------------------------------------------------------------------


def walk(session: Session, view: RunView, pages: int = _MOST_PAGES) -> None:
    """Walks a run without flags, from the start to past its end, or so many pages."""
    if not view.walked:
        view.starts.clear()
        _walk(session, view, pages)
        view.walked = True  # not so when the budget ended it: then it can be taken up again


def _walk(session: Session, view: RunView, pages: int) -> None:
    words = session.contract.pagination
    offset, previous = 0, None
    for _ in range(min(pages, _HEAVY_PAGES) if view.heavy else pages):
        page = session.page(view.id, offset)
        if previous is not None and isinstance(page, Page):
            _hold_continuation(session, view, previous, page)
        if isinstance(page, Page) and not page.files:
            view.end = offset
        if not hold_page(session, view, page, offset, NO_FLAGS) or not isinstance(page, Page):
            return
        if not page.files:
            session.hold(
                "paging.termination",
                not page.more,
                page.exchange,
                path=(words.more,),
                expected=False,
                got=page.more,
                run=view,
            )
            return
        if not _hold_new(session, view, page, offset):
            return
        view.starts.append(offset)
        offset += len(page.files)
        previous = page
    if not view.heavy:
        _hold_some_end(session, view)
    session.unjudged("paging.termination", "the walk was left before the end of a long run")


def _hold_some_end(session: Session, view: RunView) -> None:
    """Holds of a run that is too long to be walked that there are no files at the greatest offset of all."""
    last = _greatest_offset(session)
    page = session.page(view.id, last)
    if isinstance(page, Page):
        _hold_end(session, view, page, last)


def _greatest_offset(session: Session) -> int:
    return int(session.contract.parameters[session.contract.pagination.offset].schema.get("maximum", 2**63 - 1))


def _hold_end(session: Session, view: RunView, page: Page, offset: int) -> None:
    session.hold(
        "paging.termination",
        not page.files,
        page.exchange,
        path=(session.contract.pagination.items,),
        expected="an end",
        got=f"files at offset {offset}",
        run=view,
    )


def _hold_continuation(session: Session, view: RunView, previous: Page, page: Page) -> None:
    more = session.contract.pagination.more
    session.hold(
        "paging.has-more",
        previous.more == bool(page.files),
        previous.exchange,
        path=(more,),
        expected=bool(page.files),
        got=previous.more,
        run=view,
    )


def _hold_new(session: Session, view: RunView, page: Page, offset: int) -> bool:
    """Holds that no file of the page was seen before it. Gives whether any is new."""
    seen: dict[str, int] = {}
    for index in sorted(view.lean):
        if index < offset and isinstance(path := identity(view.lean[index]), str):
            seen.setdefault(path, index)
    new = 0
    twice: tuple[int, str, int] | None = None
    for index, file in enumerate(page.files):
        path = identity(file)
        if not isinstance(path, str):
            new += 1
        elif path in seen:
            twice = twice or (index, path, seen[path])
        else:
            new += 1
            seen[path] = offset + index
    items = session.contract.pagination.items
    if len(seen) > 1 or twice:
        index, path, earlier = twice or (0, "", 0)
        session.hold(
            "paging.no-repeat",
            twice is None,
            page.exchange,
            path=(items, index),
            expected=f"a file that is not file {earlier} again",
            got=path,
            run=view,
        )
    if not new:
        session.hold(
            "paging.termination",
            False,
            page.exchange,
            path=(items,),
            expected="other files",
            got="files seen before",
            run=view,
        )
    return bool(new)


def walk_full(session: Session, view: RunView, pages: int = _MOST_PAGES) -> None:
    """Walks a run with all flags, up to where its end is, or so many pages."""
    flags, offset = session.lens.flags, 0
    for _ in range(min(pages, _HEAVY_PAGES // 2) if view.heavy else pages):
        if view.end is not None and offset >= view.end and offset:
            return
        page = session.page(view.id, offset, flags)
        if not hold_page(session, view, page, offset, flags) or not isinstance(page, Page) or not page.files:
            return
        offset += len(page.files)


def find_end(session: Session, view: RunView) -> None:
    """Finds the end of a run that is too long to be walked: doubling, then halving."""
    if view.end is not None or not view.lean or session.broken("paging.termination"):
        return
    low = max(view.lean) + 1  # there is a file before low
    high: int | None = None  # and none from high on
    maximum = _greatest_offset(session)
    guess = view.known.files
    probes = [guess, guess - 1] if guess and guess > low else []
    for _ in range(_MOST_SEEKS):
        probe = min(probes.pop(0) if probes else 4 * low if high is None else (low + high) // 2, maximum)
        page = session.page(view.id, probe)
        if not isinstance(page, Page):
            hold_page(session, view, page, probe, NO_FLAGS)
            return
        if page.files:
            low = max(low, probe + len(page.files))
            if not page.more:
                probes = [low]
            _learn(session, view, page)
        else:
            high = probe if high is None else min(high, probe)
        if high is not None and low >= high:
            view.end = high
            break
        if high is None and probe >= maximum:
            _hold_end(session, view, page, probe)
            return
    if view.end is not None:
        session.hold("paging.termination", True, view.first.exchange, run=view)
        for start in view.starts:
            hold_page(session, view, session.page(view.id, start), start, NO_FLAGS)


def settle(session: Session) -> None:
    """Looks at every run that could have moved once more, and forgets what was held of those that did."""
    for view in session.views:
        if view.settled:
            continue
        try:
            page = session.page(view.id, 0, again=True)
            still = isinstance(page, Page) and session.same_answer(page.exchange, view.first.exchange)
            grows = view.end and view.first.value.get("status") == RUNNING
            end = session.page(view.id, view.end or 0, again=True) if grows else None
        except OutOfRequests:
            session.retract(view)
            continue
        if isinstance(page, Page) and (not still or (isinstance(end, Page) and end.files)):
            session.retract(view)
