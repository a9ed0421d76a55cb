"""Which runs a context shows."""

from run_results_conformance.verifier.manifest import HERE, KnownRun
from run_results_conformance.verifier.session import NO_FLAGS, Exchange, Page, Session

from .knowledge import wrong_fact
from .probe import Probe

_LONG = "x" * 2000  # that is much for a header, and allowed for a context


def hold_made_up(session: Session, probe: Probe) -> None:
    """In a context that nobody has there is no run."""
    for offset, flags, tail in ((probe.offset, NO_FLAGS, ""), (0, session.lens.flags, ""), (0, NO_FLAGS, _LONG)):
        context = f"no-such-context-{session.random.randrange(10**6)}{tail}"
        exchange = session.ask(session.reading(probe.run_id, offset, flags, context=context))
        if _told(exchange):
            session.hold(
                "context.made-up",
                exchange.status in (400, 403, 404, *((414, 422, 431) if tail else ())),
                exchange,
                expected="status 403 or 404",
                got=f"status {exchange.status}",
            )


def hold_foreign(session: Session, _probe: Probe) -> None:
    """A run of another context is not shown here; there it is shown, or refused, but no other run in its place."""
    elsewhere = [run for run in session.manifest.runs if run.context not in (HERE, session.context)]
    here = {run.id for run in session.manifest.runs if run not in elsewhere} | {view.id for view in session.views}
    for run in [run for run in elsewhere if run.id not in here][:2]:
        exchange = session.ask(session.reading(run.id))
        if _told(exchange):
            hidden = exchange.status in (403, 404)
            got = f"status {exchange.status}"
            session.hold("context.foreign", hidden, exchange, expected="status 403 or 404", got=got)
    _hold_own_here(session, elsewhere)
    # A run whose id is taken here too tells best which context was looked into.
    for run in sorted(elsewhere, key=lambda run: run.id not in here)[:2]:
        if run.context is not None:
            _hold_own(session, run, run.context)
    _hold_other_spellings(session, elsewhere)


_MOST_CONTEXTS = 3
_MOST_SPELLED = 1


def _hold_own_here(session: Session, elsewhere: list[KnownRun]) -> None:
    """A run of here is not shown where none of that id is known."""
    contexts = list(dict.fromkeys(run.context for run in elsewhere if run.context is not None))[:_MOST_CONTEXTS]
    for context in contexts:
        there = {run.id for run in elsewhere if run.context == context}
        view = next((view for view in session.views if view.id not in there), None)
        if view is not None:
            _hold_hidden(session, "context.foreign", session.ask(session.reading(view.id, context=context)))


def _hold_other_spellings(session: Session, elsewhere: list[KnownRun]) -> None:
    """A context is taken whole: what differs from its name is not it."""
    named = {run.context for run in session.manifest.runs}
    done: set[str] = set()
    for run in elsewhere:
        context = run.context or ""
        if not context or context in done or len(done) == _MOST_SPELLED:
            continue
        exchange = session.ask(session.reading(run.id, context=context))
        if exchange.status != 200:
            continue  # what may not be seen under the right name tells nothing under a wrong one
        done.add(context)
        drawn = session.random.choice(
            [context[:-1], f"x{context}", *(f"{context}{tail}" for tail in ("x", ".", "/", "%20"))]
        )
        for rule, other in (
            ("context.foreign", context[: max(len(context) // 2, 1)]),
            ("context.foreign", drawn),
            ("context.case", context.swapcase()),
        ):
            if other and other not in named:
                _hold_hidden(session, rule, session.ask(session.reading(run.id, context=other)))


def _hold_hidden(session: Session, rule: str, exchange: Exchange) -> None:
    if _told(exchange):
        hidden, got = exchange.status in (400, 403, 404, 422), f"status {exchange.status}"
        session.hold(rule, hidden, exchange, expected="status 403 or 404", got=got)


def _hold_own(session: Session, run: KnownRun, context: str) -> None:
    exchange = session.ask(session.reading(run.id, context=context))
    if not _told(exchange):
        return
    page = session.as_page(exchange, run.id, 0, NO_FLAGS)
    if run.readable is False:
        _hold_hidden(session, "context.foreign", exchange)
        return
    if not isinstance(page, Page):
        refused, got = exchange.status in (403, 404), f"status {exchange.status}"
        session.hold("context.own", refused, exchange, expected="the run, or status 403 or 404", got=got)
        return
    found = wrong_fact(session, run, page)
    # A page may hold fewer files than the run, and says so.
    if found is None and run.files is not None and not page.more and len(page.files) != run.files:
        found = ((session.contract.pagination.items,), f"{run.files} files", f"{len(page.files)} files")
    if run.properties or run.status or run.files is not None:
        path, expected, got = found or ((), "", "")
        session.hold("context.own", found is None, exchange, path=path, expected=expected, got=got)


def _told(exchange: Exchange) -> bool:
    """Whether the server has said something about what was asked."""
    return bool(exchange.status) and exchange.status < 500 and not exchange.busy
