"""The family `paging`: from which offsets a run is read. What is judged of each page is in `pages`."""

from run_results_conformance.verifier.comparison import compare, explain, judge_same, same_answer
from run_results_conformance.verifier.exchange import NO_FLAGS, Exchange, Judgement, ObservedRun, Page
from run_results_conformance.verifier.session import Session

from .pages import read_page

_FEW = 24  # files: a run of so many is read from every offset
_BORDERS = 5  # between pages
_DRAWN = 2  # offsets


def offsets(session: Session, run: ObservedRun) -> list[int]:
    """The offsets of a run that are worth a request.

    Of a short run all, up to two past the end; else the start, the end, page borders, their neighbours, and some that
    are drawn.
    """
    if run.end is None:
        seen = sorted(run.lean)
        return [*seen[1:4], *(index for start in run.starts[1:_BORDERS] for index in (start, start + 1, start - 1))]
    end = run.end
    past = [end, end + 1, end + 2]
    if end <= _FEW:
        borders = [start for start in run.starts if start]
        return list(dict.fromkeys([*past, *borders, *range(1, end)]))
    if run.large:
        return [k for k in (*past, end - 1, end - 2, 1, *run.starts[1:2], end // 2) if k >= 0]
    starts = run.starts[1:_BORDERS] + run.starts[-2:]
    near = [index for start in starts for index in (start, start - 1, start + 1)]
    drawn = sorted(session.random.sample(range(end), _DRAWN))
    return [k for k in dict.fromkeys([*past, end - 1, end - 2, 1, 2, *near, *drawn]) if k >= 0]


def check_offsets(session: Session, run: ObservedRun) -> None:
    """From every offset on come the same files as in the walk from the start."""
    for offset in offsets(session, run):
        read_page(session, run, offset)


def check_overlaps(session: Session, run: ObservedRun, pages: int = _BORDERS) -> None:
    """A page that begins inside another one has the same files: errors in cutting or sorting pages show there."""
    inner = [start - 1 for start in run.starts[1:] if start - 1 not in run.starts]
    for offset in inner[-pages:]:
        read_page(session, run, offset)


def check_defaults(session: Session, run: ObservedRun) -> None:
    """The offset defaults to 0 and the flags to false: sending these changes nothing."""
    first = session.page(run.id, 0)
    if not isinstance(first, Page):
        return
    expected = "the answer without the parameter"
    judge_same(session, "paging.default", session.ask(session.request(run.id, 0)), first.exchange, expected, run=run)
    for flags in (NO_FLAGS, frozenset(session.contract.flags[:1])):
        wanted = session.page(run.id, 0, flags)
        if isinstance(wanted, Page):
            exchange = session.ask(session.request(run.id, None, flags, explicit=True))
            judge_same(session, "flags.explicit-false", exchange, wanted.exchange, expected, run=run)


def check_repetition(session: Session, run: ObservedRun) -> None:
    """The same request, sent again, and once more, has the same answer."""
    last = max(run.starts, default=0) if not run.large else max((run.end or 0) - 2, 0)

    def look(again: Exchange, before: Exchange, _between: Exchange) -> Judgement | None:
        if not (again.decided and before.decided):
            return None
        if same_answer(session, again, before):
            return Judgement("paging.deterministic", True)
        return Judgement("paging.deterministic", False, *explain(session, again, before, "the answer that came before"))

    page = session.page(run.id, last, session.spec.flags)
    if not isinstance(page, Page):
        return
    # A server may take notice of a request that comes twice: if both are asked again, then with another in between.
    for _ in range(2):
        again = session.ask(page.exchange.request, fresh=True, keep=False)
        compare(session, run, look, again, page.exchange, run.first.exchange)
        session.connection.renew()  # another copy of the server may answer
