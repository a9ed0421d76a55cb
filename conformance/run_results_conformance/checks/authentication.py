"""Who may ask: every way to come without the token, and the ways of coming with it that must work."""

from run_results_conformance.wire import BASIC_TOKEN, LOWER_TOKEN, SHORTER_TOKEN, TOKEN, UPPER_TOKEN

from .probe import Probe
from .session import NO_FLAGS, Exchange, Session

_WRONG = "Bearer another-token-that-nobody-has"


def _hold_refused(session: Session, rule: str, exchange: Exchange) -> None:
    if exchange.status and not exchange.busy:
        session.hold(rule, exchange.status == 401, exchange, expected="status 401", got=f"status {exchange.status}")


def hold_required(session: Session, probe: Probe) -> None:
    """Without a token there is nothing, whatever is asked for and however."""
    run_id, flags = probe.run_id, session.lens.flags
    for request in (
        session.reading(run_id, authorization=None),
        session.reading(run_id, probe.offset, flags, authorization=None, context="any-context"),
        session.reading(run_id, 2**40, authorization=None),
    ):
        _hold_refused(session, "authentication.required", session.ask(request))
    head = session.ask(session.reading(run_id, authorization=None, method="HEAD"))
    if head.status not in (404, 405, 501):  # a server may have no HEAD
        _hold_refused(session, "authentication.required", head)
    for unknown in probe.unknown_ids[:1]:
        _hold_refused(
            session, "authentication.before-lookup", session.ask(session.reading(unknown, authorization=None))
        )


def hold_exact(session: Session, probe: Probe) -> None:
    """No other token is taken for this one."""
    others = [
        _WRONG,
        f"Bearer {SHORTER_TOKEN}",
        f"Bearer {TOKEN}x",
        f"Bearer x{TOKEN}",
        f"Bearer {TOKEN} x",
        "Bearer caf\xe9",
    ]
    if session.token_has["lower"]:
        others.append(f"Bearer {UPPER_TOKEN}")
    elif session.token_has["upper"]:
        others.append(f"Bearer {LOWER_TOKEN}")
    for number, authorization in enumerate(others):
        # With and without flags: a short cut may be taken for one of them only.
        flags = session.lens.flags if number % 2 else NO_FLAGS
        request = session.reading(probe.run_id, probe.offset, flags, authorization=authorization)
        _hold_refused(session, "authentication.exact", session.ask(request))


def hold_empty(session: Session, probe: Probe) -> None:
    """A header without a token is no token."""
    for authorization in ("", "Bearer"):
        request = session.reading(probe.run_id, probe.offset, authorization=authorization)
        _hold_refused(session, "authentication.empty", session.ask(request))


def hold_scheme(session: Session, probe: Probe) -> None:
    """The scheme is Bearer, in any case, and nothing else."""
    for authorization in (f"Basic {BASIC_TOKEN}", f"Token {TOKEN}", TOKEN, f"Bearer{TOKEN}"):
        request = session.reading(probe.run_id, probe.offset, authorization=authorization)
        _hold_refused(session, "authentication.scheme", session.ask(request))
    for scheme in ("bearer", "BEARER"):
        exchange = session.ask(session.reading(probe.run_id, probe.offset, authorization=f"{scheme} {TOKEN}"))
        if exchange.status and not exchange.busy:
            session.hold(
                "authentication.scheme-case",
                session.same_answer(exchange, probe.exchange),
                exchange,
                expected=f"the answer to Bearer, status {probe.exchange.status}",
                got=f"status {exchange.status}",
                run=probe.view,
            )


def hold_header_only(session: Session, probe: Probe) -> None:
    """The token is looked for in its header only."""
    if not session.wire.address.local or session.safe:
        return
    query = "&".join(f"{name}={TOKEN}" for name in ("access_token", "token", "api_key"))
    extra = (("X-API-Key", TOKEN), ("X-Auth-Token", TOKEN), ("Cookie", f"token={TOKEN}; access_token={TOKEN}"))
    request = session.reading(probe.run_id, probe.offset, query=query, authorization=None, extra=extra)
    _hold_refused(session, "authentication.header-only", session.ask(request))


def hold_doubled(session: Session, probe: Probe) -> None:
    """Two headers do not say who asks."""
    for pair in ((f"Bearer {TOKEN}", _WRONG), (_WRONG, f"Bearer {TOKEN}")):
        exchange = session.ask(session.reading(probe.run_id, probe.offset, authorization=pair))
        if exchange.status and not exchange.busy:
            session.hold(
                "authentication.doubled",
                exchange.status in (400, 401),
                exchange,
                expected="status 400 or 401",
                got=f"status {exchange.status}",
            )
