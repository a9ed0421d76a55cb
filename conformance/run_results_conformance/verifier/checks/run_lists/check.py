"""The order in which lists of runs are judged, and what is asked for.

The runs of one window, oldest first, are read in a walk. Everything else is compared with them: pages, filters, orders.
"""

from run_results_conformance.verifier.budget import OutOfRequests, Unresponsive
from run_results_conformance.verifier.checks.authentication import WRONG_TOKEN, ask_with_wrong_token, judge_401
from run_results_conformance.verifier.checks.judging import REFUSED, judge_status
from run_results_conformance.verifier.exchange import Exchange
from run_results_conformance.verifier.rules import RULES
from run_results_conformance.verifier.session import Session

from .comparisons import (
    check_default_window,
    check_filters,
    check_made_up,
    check_orders,
    check_pages,
    check_repetition,
    check_runs,
    check_windows,
)
from .listing import read_listing
from .questions import Questions
from .walk import Walk, find_window, read_walk, window_request

JUDGED, NOT_OFFERED, LEFT_OUT = "judged", "not offered", "left out"
"""What becomes of an operation."""

_NOT_OFFERED = (404, 405, 501)
_REFUSED = (
    ("offset", "-1"),
    ("limit", "0"),
    ("from_timestamp", "yesterday"),
    ("to_timestamp", "1.5"),
    ("order", "sideways"),
    ("sort_by", "favourites"),
)


_STEPS = (check_pages, check_orders, check_filters, check_windows, check_made_up, check_runs)


def find_run_lists(session: Session) -> str:
    """Whether the server lists runs; if it does not, the rules of the family are given the reason. Asks once.

    The operation is an addition to the public contract: a server that does not have it breaks nothing.
    """
    rules = [rule.id for rule in RULES if rule.family == "runs"]
    if not session.spec.has_run_lists or not session.tally.wants(*rules):
        return LEFT_OUT
    request = session.request.list_runs()
    exchange = session.ask(request, judged=False)
    if exchange.status not in _NOT_OFFERED:
        return JUDGED
    operation = f"GET {session.spec.run_lists.contract.path}"
    session.tally.give_reason_to(rules, f"not offered: {operation} was answered with status {exchange.status}")
    session.notes.append(f"this server does not offer {operation} (status {exchange.status}), which is an addition")
    return NOT_OFFERED


def check_run_lists(session: Session) -> None:
    """Judges the operation that lists runs, as far as its share of the requests allows."""
    rules = [rule.id for rule in RULES if rule.family == "runs"]
    try:
        _check(session, Questions(session))
        reason = "needs other runs in the lists of runs"
    except OutOfRequests:
        reason = "the requests for lists of runs were spent; see --max-requests"
    except Unresponsive as stopped:
        reason = f"{stopped}, while lists of runs were judged"
        session.notes.append(reason)
    session.tally.give_reason_to(rules, reason)


def _check(session: Session, questions: Questions) -> None:
    first = session.ask(session.request.list_runs())
    default = questions.read(first.request)
    if default is None:
        session.tally.give_reason_to(
            [rule.id for rule in RULES if rule.family == "runs"],
            f"a request without parameters was answered with {_seen(first)}",
        )
        return
    _check_tokens(session, first)
    _check_refused(session)
    window = find_window(session, default)
    if not check_repetition(session, questions, window_request(questions, window)):
        return
    walk = read_walk(questions, window, first.request)
    if walk is not None:
        for step in _STEPS:
            step(session, questions, walk)
        _check_context(session, walk)
    check_default_window(session, questions, first, default)


def _seen(exchange: Exchange) -> str:
    if exchange.status == 200:
        return "what is no list of runs"
    return f"status {exchange.status}" if exchange.status else "nothing"


# --- Who asks, and how ------------------------------------------------------------------------------------------


def _check_tokens(session: Session, first: Exchange) -> None:
    """Without a token, and with a wrong one, no runs are listed."""
    if not session.tally.wants("runs.authentication"):
        return
    for authorization in (None, WRONG_TOKEN):
        request = session.request.list_runs(authorization=authorization)
        exchange = ask_with_wrong_token(session, request, lambda: session.ask(first.request, fresh=True))
        judge_401(session, "runs.authentication", exchange)


def _check_refused(session: Session) -> None:
    """What is no value of a parameter is refused."""
    known = session.spec.run_lists.contract.parameters
    for name, text in _REFUSED if session.tally.wants("runs.refused") else ():
        if name in known:
            judge_status(session, "runs.refused", session.ask(session.request.list_runs([(name, text)])), REFUSED)


def _check_context(session: Session, walk: Walk) -> None:
    """A context that does not exist has no runs."""
    context = f"no-such-context-{session.random.randrange(10**6)}"
    request = session.request.list_runs(walk.requests[0].parameters or (), context=context)
    exchange = session.ask(request)
    if (listing := read_listing(exchange)) is not None and listing.runs:
        exchange = session.ask(request, fresh=True)
        listing = read_listing(exchange)
    if exchange.decided:
        runs = listing.runs if listing is not None else ()
        session.judge("runs.context", not runs, exchange, path=("runs",), expected="no run", got=f"{len(runs)} runs")
