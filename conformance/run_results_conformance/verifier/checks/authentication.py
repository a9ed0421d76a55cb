"""Who may ask: every way to come without the token, and the ways of coming with it that must work.

One law: let in is nothing but the scheme Bearer, with exactly a valid token, in exactly one Authorization header.
Of each family of ways around it the most telling are always tried, and of the others some that are drawn.
"""

from run_results_conformance.verifier.connection import (
    BASIC_TOKEN,
    LOWER_TOKEN,
    SHORTER_TOKEN,
    TAIL_OF_TOKEN,
    TOKEN,
    UPPER_TOKEN,
)
from run_results_conformance.verifier.session import NO_FLAGS, Exchange, Session

from .probe import Probe

_WRONG = "Bearer another-token-that-nobody-has"
_TRUSTED = (
    ("X-Forwarded-For", "127.0.0.1"),
    ("X-Real-IP", "127.0.0.1"),
    ("Forwarded", "for=127.0.0.1"),
    ("X-Forwarded-User", "admin"),
    ("X-Remote-User", "admin"),
    ("X-Internal", "true"),
)


def _hold_refused(session: Session, rule: str, exchange: Exchange) -> None:
    if exchange.status and not exchange.busy:
        session.hold(rule, exchange.status == 401, exchange, expected="status 401", got=f"status {exchange.status}")


def hold_required(session: Session, probe: Probe) -> None:
    """Without a token there is nothing, whatever is asked for and however, whoever the caller says to be."""
    run_id, flags = probe.run_id, session.lens.flags
    for request in (
        session.reading(run_id, authorization=None),
        session.reading(run_id, probe.offset, flags, authorization=None, context="any-context", extra=_TRUSTED),
    ):
        _hold_refused(session, "authentication.required", session.ask(request))
    head = session.ask(session.reading(run_id, authorization=None, method="HEAD"))
    if head.status not in (404, 405, 501):  # a server may have no HEAD
        _hold_refused(session, "authentication.required", head)
    late = session.reading(run_id, max(probe.offset, 1), authorization=None)
    _hold_refused(session, "authentication.required", session.ask(late))
    for unknown in probe.unknown_ids[:1]:
        query = f"{session.contract.pagination.offset}=-1"
        wrong = session.reading(unknown, query=query, authorization=None)
        _hold_refused(session, "authentication.before-lookup", session.ask(wrong))


def hold_exact(session: Session, probe: Probe) -> None:
    """No other token is taken for this one."""
    others = [
        f"Bearer {SHORTER_TOKEN}",
        f"Bearer {TAIL_OF_TOKEN}",
        f"Bearer {SHORTER_TOKEN}{session.other_end}",
        f"Bearer {TOKEN} x",
        f"Bearer x{TOKEN}",
        f'Bearer "{TOKEN}"',
        "Bearer caf\xe9",
        session.random.choice([_WRONG, *(f"Bearer {TOKEN}{tail}" for tail in ("=", "x", ",x", ";x"))]),
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


_OTHER_SCHEMES = ("Digest", "ApiKey", "JWT", "OAuth", "MAC", "XBearer", "Bear", "Negotiate", "PrivateToken")


def hold_scheme(session: Session, probe: Probe) -> None:
    """The scheme is Bearer, in any case, and nothing else."""
    for authorization in (
        f"Basic {TOKEN}",
        f"Token {TOKEN}",
        f"BearerX {TOKEN}",
        TOKEN,
        session.random.choice(
            [
                f"Basic {BASIC_TOKEN}",
                *(f"{scheme} {TOKEN}" for scheme in _OTHER_SCHEMES),
                f"Bearer{TOKEN}",
                f"Bearer:{TOKEN}",
            ]
        ),
    ):
        request = session.reading(probe.run_id, probe.offset, authorization=authorization)
        _hold_refused(session, "authentication.scheme", session.ask(request))
    for scheme in ("bearer", "BEARER"):
        exchange = session.ask(session.reading(probe.run_id, probe.offset, authorization=f"{scheme} {TOKEN}"))
        expected = f"the answer to Bearer, status {probe.exchange.status}"
        session.hold_same("authentication.scheme-case", exchange, probe.exchange, expected, run=probe.view)


def hold_header_only(session: Session, probe: Probe) -> None:
    """The token is looked for in its header only."""
    if not session.wire.address.local or session.safe:
        return
    query = "&".join(f"{name}={TOKEN}" for name in ("access_token", "token", "api_key"))
    extra = (
        *((name, TOKEN) for name in ("X-API-Key", "X-Auth-Token", "X-Access-Token")),
        *((name, f"Bearer {TOKEN}") for name in ("Proxy-Authorization", "X-Authorization")),
        ("Cookie", f"token={TOKEN}; access_token={TOKEN}; session={TOKEN}"),
    )
    request = session.reading(probe.run_id, probe.offset, query=query, authorization=None, extra=extra)
    _hold_refused(session, "authentication.header-only", session.ask(request))


def hold_doubled(session: Session, probe: Probe) -> None:
    """Two headers do not say who asks, whichever of them is looked at."""
    right = f"Bearer {TOKEN}"
    for several in ((right, _WRONG, right),):
        exchange = session.ask(session.reading(probe.run_id, probe.offset, authorization=several))
        if exchange.status and not exchange.busy:
            session.hold(
                "authentication.doubled",
                exchange.status in (400, 401),
                exchange,
                expected="status 400 or 401",
                got=f"status {exchange.status}",
            )
