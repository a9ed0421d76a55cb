"""Which runs are read, and what becomes of those that change meanwhile."""

from collections.abc import Iterable
from typing import Any

from run_results_conformance.verifier.budget import OutOfRequests, share_of_lists, with_lists
from run_results_conformance.verifier.comparison import same_answer
from run_results_conformance.verifier.exchange import Exchange, ObservedRun, Page
from run_results_conformance.verifier.manifest import HERE, KnownRun
from run_results_conformance.verifier.run_status import RUNNING
from run_results_conformance.verifier.session import Session

from .pages import learn

_REQUESTS_OF_A_RUN = 16  # at least: so 250 requests, of which 50 are for lists of runs, are enough for twelve
_MOST_READS = 3  # of the first page of a run that changes


def open_runs(session: Session) -> None:
    """Reads each run once. Afterwards `session.runs` has those that can be read, `session.unreadable` the others."""
    for known in _own_runs(session):
        page = _first_page(session, known)
        if isinstance(page, Page):
            run = ObservedRun(known, page)
            session.runs.append(run)
            learn(session, run, page)
        else:
            session.unreadable.append((known, page))


def _own_runs(session: Session) -> list[KnownRun]:
    """The runs that live in the context of the verification, as many as the budget allows: one of each kind first."""
    allowed = session.budget.most
    most = max((allowed - share_of_lists(allowed)) // _REQUESTS_OF_A_RUN, 1)
    if session.manifest.runs:
        own = [known for known in session.manifest.runs if known.context in (HERE, session.context)]
    else:
        own = [KnownRun(str(value)) for value in session.spec.run_id_parameter.examples.values()]
    if len(own) <= most:
        return own
    kinds: dict[tuple[Any, ...], KnownRun] = {}
    for known in own:
        kinds.setdefault((known.status, known.files if known.files is None or known.files < 2 else 2), known)
    chosen = list(kinds.values())[:most]
    rest = [known for known in own if known not in chosen]
    chosen += session.random.sample(rest, min(len(rest), most - len(chosen)))
    enough = with_lists(len(own) * _REQUESTS_OF_A_RUN)
    session.notes.append(f"{len(chosen)} of {len(own)} runs were read; for all of them, allow --max-requests {enough}")
    return [known for known in own if known in chosen]


def _first_page(session: Session, known: KnownRun) -> Page | Exchange:
    """The first page of a run; of one that changes, the first page after that, or after a few reads."""
    page = session.page(known.id, 0)
    for _ in range(_MOST_READS):
        if not isinstance(page, Page) or page.value.get("status") != RUNNING:
            break
        again = session.page(known.id, 0, fresh=True)
        same = same_answer(session, page.exchange, again.exchange) if isinstance(again, Page) else True
        page = again if isinstance(again, Page) else page
        if same:
            break
    return page


def recheck_unfinished(session: Session, runs: Iterable[ObservedRun]) -> None:
    """Reads every run that could have changed once more, and forgets what was judged of those that did."""
    for run in runs:
        if run.final or run.changed:
            continue
        try:
            page = session.page(run.id, 0, fresh=True)
            same = isinstance(page, Page) and same_answer(session, page.exchange, run.first.exchange)
            grows = run.end and run.first.value.get("status") == RUNNING
            end = session.page(run.id, run.end or 0, fresh=True) if grows else None
        except OutOfRequests:
            session.forget(run)
            continue
        if isinstance(page, Page) and (not same or (isinstance(end, Page) and end.files)):
            session.forget(run)
