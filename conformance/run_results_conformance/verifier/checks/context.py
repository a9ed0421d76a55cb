"""The family `context`: which runs a context shows."""

from run_results_conformance.verifier.exchange import NO_FLAGS, Exchange, Page
from run_results_conformance.verifier.manifest import HERE, KnownRun
from run_results_conformance.verifier.session import Session
from run_results_conformance.verifier.spec_view import ABSENT

from .baseline import Baseline, names_another_run
from .judging import HIDDEN, judge_status
from .manifest import other_than_known
from .repetition import check_first_page_again

_LONG = "x" * 2000  # that is much for a header, and allowed for a context
_REFUSED_LONG = (400, 403, 404, 414, 422, 431)
_MOST_CONTEXTS = 3
_MOST_RUNS = 2
_HIDDEN_WORDS = "status 403 or 404"


def check_made_up_contexts(session: Session, baseline: Baseline) -> None:
    """A context that does not exist has no runs."""
    for offset, flags, tail in ((baseline.offset, NO_FLAGS, ""), (0, session.spec.flags, ""), (0, NO_FLAGS, _LONG)):
        context = f"no-such-context-{session.random.randrange(10**6)}{tail}"
        exchange = session.ask(session.request(baseline.run_id, offset, flags, context=context))
        accepted = _REFUSED_LONG if tail else (400, 403, 404)
        judge_status(session, "context.made-up", exchange, accepted, _HIDDEN_WORDS)


def check_other_contexts(session: Session, baseline: Baseline) -> None:
    """A run of another context is hidden here. There it is shown, or refused, but no other run in its place."""
    elsewhere = [run for run in session.manifest.runs if run.context not in (HERE, session.context)]
    here = {run.id for run in session.manifest.runs if run not in elsewhere} | {run.id for run in session.runs}
    for known in [run for run in elsewhere if run.id not in here][:_MOST_RUNS]:
        exchange = session.ask(session.request(known.id))
        judge_status(session, "context.foreign", exchange, (403, 404))
    _check_runs_of_here(session, elsewhere)
    # Where its id names a run here too, the answer shows which context was searched: those come first.
    again = False
    for known in sorted(elsewhere, key=lambda run: run.id not in here)[:_MOST_RUNS]:
        if known.context is not None:
            _check_own(session, known, known.context)
            shown = session.ask(session.request(known.id, context=known.context)).status == 200
            if shown and not again:
                check_first_page_again(session, baseline.run, "a request for another context")
            again = again or shown
    _check_other_spellings(session, elsewhere)


def _check_runs_of_here(session: Session, elsewhere: list[KnownRun]) -> None:
    """A run of this context is hidden in another one, where no run of that id is known."""
    contexts = list(dict.fromkeys(run.context for run in elsewhere if run.context is not None))[:_MOST_CONTEXTS]
    for context in contexts:
        there = {run.id for run in elsewhere if run.context == context}
        run = next((run for run in session.runs if run.id not in there), None)
        if run is not None:
            exchange = session.ask(session.request(run.id, context=context))
            if not names_another_run(session, run, exchange):
                _judge_hidden(session, "context.foreign", exchange)


def _check_own(session: Session, known: KnownRun, context: str) -> None:
    """Under the name of its context a run is shown, or refused."""
    exchange = session.ask(session.request(known.id, context=context))
    if not exchange.decided:
        return
    if known.readable is False:
        _judge_hidden(session, "context.foreign", exchange)
        return
    page = session.as_page(exchange, known.id, 0, NO_FLAGS)
    if not isinstance(page, Page):
        judge_status(session, "context.own", exchange, (403, 404), "the run, or status 403 or 404")
        return
    # A part that is absent does not show another run: the rules about the manifest judge it.
    differences = (each for each in other_than_known(session, known, page) if each[2] is not ABSENT)
    found = next(differences, None)
    # A page may hold fewer files than the run, and says so.
    if found is None and known.files is not None and not page.more and len(page.files) != known.files:
        found = ((session.contract.pagination.items,), f"{known.files} files", f"{len(page.files)} files")
    if known.properties or known.status or known.files is not None:
        path, expected, got = found or ((), "", "")
        session.judge("context.own", found is None, exchange, path=path, expected=expected, got=got)


def _check_other_spellings(session: Session, elsewhere: list[KnownRun]) -> None:
    """Of one context that can be read: what differs from its name is another context."""
    named = {run.context for run in session.manifest.runs}
    for known in elsewhere:
        context = known.context or ""
        # A run that is not shown under the right name says nothing under a wrong one.
        if not context or session.ask(session.request(known.id, context=context)).status != 200:
            continue
        drawn = session.random.choice(
            [context[:-1], f"x{context}", *(f"{context}{tail}" for tail in ("x", ".", "/", "%20"))]
        )
        for rule, other in (
            ("context.foreign", context[: max(len(context) // 2, 1)]),
            ("context.foreign", drawn),
            ("context.case", context.swapcase()),
        ):
            if other and other not in named:
                _judge_hidden(session, rule, session.ask(session.request(known.id, context=other)))
        return


def _judge_hidden(session: Session, rule: str, exchange: Exchange) -> None:
    judge_status(session, rule, exchange, HIDDEN, _HIDDEN_WORDS)
