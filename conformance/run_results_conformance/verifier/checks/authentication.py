"""The family `authentication`: which requests are let in.

Those with the scheme Bearer and exactly a valid token in exactly one Authorization header, and no others. Of each kind
of wrong request the most important ones are always sent, and of the others some that are drawn.
"""

from collections.abc import Callable

from run_results_conformance.verifier.budget import Unresponsive
from run_results_conformance.verifier.comparison import judge_same
from run_results_conformance.verifier.connection import Request
from run_results_conformance.verifier.connection.token import (
    BASIC_TOKEN,
    LOWER_TOKEN,
    SHORTER_TOKEN,
    TAIL_OF_TOKEN,
    TOKEN,
    UPPER_TOKEN,
)
from run_results_conformance.verifier.exchange import NO_FLAGS, Exchange
from run_results_conformance.verifier.session import Session

from .baseline import Baseline
from .judging import NO_HEAD
from .walk import read_further

_LOCKED = (401, 403, 423)
WRONG_TOKEN = "Bearer another-token-that-nobody-has"  # noqa: S105
"""A token that nobody has, in its header."""
_TRUSTED = (
    ("X-Forwarded-For", "127.0.0.1"),
    ("X-Real-IP", "127.0.0.1"),
    ("Forwarded", "for=127.0.0.1"),
    ("X-Forwarded-User", "admin"),
    ("X-Remote-User", "admin"),
    ("X-Internal", "true"),
)


def _ask(session: Session, baseline: Baseline, request: Request) -> Exchange | None:
    """The exchange of a request without the right token, None where no more of them may be sent.

    After a few of them the right token is tried, with a page that is still to be read. Where it is refused, the server
    has locked somebody out: that ends the verification. Raises OutOfRequests, Unresponsive.
    """
    readable = baseline.exchange.status == 200
    return ask_with_wrong_token(session, request, (lambda: _prove(session, baseline)) if readable else None)


def ask_with_wrong_token(session: Session, request: Request, prove: Callable[[], Exchange] | None) -> Exchange | None:
    """The exchange of a request without the right token, None where no more of them may be sent.

    After a few of them `prove` sends the right token. Raises OutOfRequests; Unresponsive where that one is refused.
    """
    wrong = session.wrong_tokens
    if wrong.left <= 0:
        return None
    exchange = session.ask(request, once=True)
    if wrong.note(exchange.status) and prove is not None:
        proof = prove()
        if proof.status in _LOCKED:
            words = f"the right token is refused (status {proof.status}) after {wrong.sent} requests without it: "
            raise Unresponsive(f"{words}the server may have locked it out, and no more are sent; see --wrong-tokens")
    return exchange


def _prove(session: Session, baseline: Baseline) -> Exchange:
    """A request with the right token: for a page that was not read yet, where there is one."""
    rich = baseline.rich.run
    # Runs with long pages may have more of them; those that have not finished may soon be others.
    others = sorted(session.runs, key=lambda run: (-len(run.first.files), run.final))
    for run in (rich, *others):
        exchange = read_further(session, run)
        if exchange is not None:
            return exchange
    return session.ask(baseline.exchange.request, fresh=True)


def judge_401(session: Session, rule: str, exchange: Exchange | None) -> None:
    """Judges that a request without the right token was refused as such."""
    if exchange is not None and exchange.decided:
        session.judge(rule, exchange.status == 401, exchange, expected="status 401", got=f"status {exchange.status}")


def check_no_token(session: Session, baseline: Baseline) -> None:
    """Without a token every request is refused, whatever it is for and whoever the caller claims to be."""
    run_id, flags = baseline.run_id, session.spec.flags
    for request in (
        session.request(run_id, authorization=None),
        session.request(run_id, baseline.offset, flags, authorization=None, context="any-context", extra=_TRUSTED),
    ):
        session.connection.renew()  # one copy of the server may be set up otherwise
        judge_401(session, "authentication.required", _ask(session, baseline, request))
    session.connection.renew()
    head = _ask(session, baseline, session.request(run_id, authorization=None, method="HEAD"))
    if head is not None and head.status not in NO_HEAD:
        judge_401(session, "authentication.required", head)
    late = session.request(run_id, max(baseline.offset, 1), authorization=None)
    judge_401(session, "authentication.required", _ask(session, baseline, late))
    for unknown in baseline.unknown_ids[:1]:
        query = f"{session.contract.pagination.offset}=-1"
        wrong = session.request(unknown, query=query, authorization=None)
        judge_401(session, "authentication.before-lookup", _ask(session, baseline, wrong))


def check_other_tokens(session: Session, baseline: Baseline) -> None:
    """No other token is accepted."""
    others = [
        f"Bearer {SHORTER_TOKEN}",
        f"Bearer {TAIL_OF_TOKEN}",
        f"Bearer {SHORTER_TOKEN}{session.other_last_character}",
        f"Bearer {TOKEN} x",
        f"Bearer x{TOKEN}",
        f'Bearer "{TOKEN}"',
        "Bearer caf\xe9",
        session.random.choice([WRONG_TOKEN, *(f"Bearer {TOKEN}{tail}" for tail in ("=", "x", ",x", ";x"))]),
    ]
    if session.token_has["lower"]:
        others.append(f"Bearer {UPPER_TOKEN}")
    elif session.token_has["upper"]:
        others.append(f"Bearer {LOWER_TOKEN}")
    for number, authorization in enumerate(others):
        # With and without flags: a server may check the token for one of them only.
        flags = session.spec.flags if number % 2 else NO_FLAGS
        request = session.request(baseline.run_id, baseline.offset, flags, authorization=authorization)
        judge_401(session, "authentication.exact", _ask(session, baseline, request))


def check_empty_token(session: Session, baseline: Baseline) -> None:
    """An Authorization header without a token is refused."""
    for authorization in ("", "Bearer"):
        request = session.request(baseline.run_id, baseline.offset, authorization=authorization)
        judge_401(session, "authentication.empty", _ask(session, baseline, request))


_OTHER_SCHEMES = ("Digest", "ApiKey", "JWT", "OAuth", "MAC", "XBearer", "Bear", "Negotiate", "PrivateToken")


def check_schemes(session: Session, baseline: Baseline) -> None:
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
        request = session.request(baseline.run_id, baseline.offset, authorization=authorization)
        judge_401(session, "authentication.scheme", _ask(session, baseline, request))
    for scheme in ("bearer", "BEARER"):
        exchange = session.ask(session.request(baseline.run_id, baseline.offset, authorization=f"{scheme} {TOKEN}"))
        expected = f"the answer to Bearer, status {baseline.exchange.status}"
        judge_same(session, "authentication.scheme-case", exchange, baseline.exchange, expected, run=baseline.run)


def check_other_places(session: Session, baseline: Baseline) -> None:
    """A token in the query, in a cookie or in another header is refused."""
    if not session.connection.address.local or session.safe:
        return
    query = "&".join(f"{name}={TOKEN}" for name in ("access_token", "token", "api_key"))
    extra = (
        *((name, TOKEN) for name in ("X-API-Key", "X-Auth-Token", "X-Access-Token")),
        *((name, f"Bearer {TOKEN}") for name in ("Proxy-Authorization", "X-Authorization")),
        ("Cookie", f"token={TOKEN}; access_token={TOKEN}; session={TOKEN}"),
    )
    request = session.request(baseline.run_id, baseline.offset, query=query, authorization=None, extra=extra)
    judge_401(session, "authentication.header-only", _ask(session, baseline, request))


def check_two_tokens(session: Session, baseline: Baseline) -> None:
    """Two Authorization headers do not say who sends the request: it is refused."""
    right = f"Bearer {TOKEN}"
    # The right one stands first and last: a server may read either.
    request = session.request(baseline.run_id, baseline.offset, authorization=(right, WRONG_TOKEN, right))
    exchange = _ask(session, baseline, request)
    if exchange is not None and exchange.decided:
        refused, got = exchange.status in (400, 401), f"status {exchange.status}"
        session.judge("authentication.doubled", refused, exchange, expected="status 400 or 401", got=got)
