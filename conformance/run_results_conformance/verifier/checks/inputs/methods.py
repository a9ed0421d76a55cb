"""Methods: the operation is GET."""

from run_results_conformance.verifier.checks.baseline import Baseline, made_up_id
from run_results_conformance.verifier.connection import Request
from run_results_conformance.verifier.exchange import Exchange
from run_results_conformance.verifier.session import Session

METHOD_RULES = ("inputs.method", "inputs.method-405", "errors.allow")
"""The rules that only other methods can break."""


def check_methods(session: Session, baseline: Baseline) -> None:
    """No other method succeeds. They go to an id that has just answered 404, and only where they are allowed.

    A server may look for the run before it looks at the method: then 404 is right for every method. If it refuses
    one of them with 405, it looks at the method first, and should refuse all of them so.
    """
    if not session.connection.guard.unsafe_methods or session.tally.judged("inputs.method"):
        return  # once is enough: which methods a server takes does not depend on the run
    run_id = _absent_id(session, baseline)
    if run_id is None:
        for rule in METHOD_RULES:
            session.tally.give_reason(rule, "needs an id that is answered with 404: other methods are sent to no other")
        return
    exchanges: list[Exchange] = []
    for method in ("POST", "PUT", "DELETE", "BREW"):
        exchanges += _ask_if_allowed(session, session.request(run_id, method=method))
    # What TRACE sends comes back: it must not hold the token (RFC 9110, 9.3.8).
    traced = _ask_if_allowed(session, session.request(run_id, method="TRACE", authorization=None))
    for exchange in (*exchanges, *traced):
        refused = exchange.status >= 400
        if exchange.status:
            session.judge("inputs.method", refused, exchange, expected="status 405", got=f"status {exchange.status}")
    overriding = (("X-HTTP-Method-Override", "GET"), ("X-HTTP-Method", "GET"), ("X-Method-Override", "GET"))
    if all(exchange.status >= 400 for exchange in exchanges):
        session.ask(session.request(run_id, extra=overriding))  # with these headers too it must not exist
        exchanges += _ask_if_allowed(session, session.request(run_id, method="POST", extra=overriding))
    method_first = any(exchange.status == 405 for exchange in exchanges)
    for exchange in exchanges:
        if exchange.status >= 400 and not exchange.busy and (method_first or exchange.status != 404):
            right = exchange.status in (405, 501)
            session.judge("inputs.method-405", right, exchange, expected="status 405", got=f"status {exchange.status}")


def _absent_id(session: Session, baseline: Baseline) -> str | None:
    """An id that is answered with 404 now: one that was earlier may name a run by now."""
    candidates = (*baseline.unknown_ids, made_up_id(session, baseline.run_id))
    return next((each for each in candidates if session.ask(session.request(each), fresh=True).status == 404), None)


def _ask_if_allowed(session: Session, request: Request) -> list[Exchange]:
    return [session.ask(request)] if session.connection.guard.allows(request) else []
