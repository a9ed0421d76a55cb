"""Verifies that a server keeps the contract.

    report = verify("http://127.0.0.1:8000", token, runs=["run-tax-2025"])
    report.exit_code        # 0 conforms, 1 breaches, 2 could not judge

It needs a URL, a token and the id of a run that can be read. It finds out the rest: how many files there are, where
pages begin, what each flag adds. Rules that need more are judged with a `Manifest`. Everything is bounded: requests,
bytes, and time, of each request and of the whole. Two verifications with the same seed send the same requests to
servers that answer alike.
"""

import re
import time
from collections.abc import Collection, Iterable, Iterator

from run_results_conformance.server.contract import Contract, load_contract

from .budget import Budget
from .checks.exchange import check_exchange
from .connection import Address, Connection
from .manifest import HERE, Manifest
from .report import Report
from .rules import select
from .session import Session
from .spec_view import SpecView, spec_view_of
from .steps import Steps
from .traffic import MOST_WRONG_TOKENS

_TOKEN = re.compile(r"[!-~]+")


class VerifyError(ValueError):
    """A verification was asked for that cannot be made: a bad token, context or number. Quotes nothing secret."""


def verify(
    url: str,
    token: str,
    *,
    runs: Iterable[str] = (),
    manifest: Manifest | None = None,
    context: str | None = None,
    allow_insecure: bool = False,
    only: Collection[str] = (),
    skip: Collection[str] = (),
    max_requests: int = 250,
    rate: float | None = None,
    seed: int = 0,
    safe: bool = False,
    wrong_tokens: int = MOST_WRONG_TOKENS,
    unsafe_methods: bool = False,
    timeout: float = 10.0,
    max_seconds: float = 300.0,
    latency: float = 2.0,
    policy: bool = False,
    contract: Contract | None = None,
) -> Report:
    """Verifies the server at a base URL, and reports.

    `runs` are ids of runs that can be read; without them and without a manifest the ids in the examples of the spec are
    tried. `manifest` says what is known of runs. `context` is sent as IB-Context. Plain http to another computer is
    refused unless `allow_insecure`. `only` and `skip` select rules by id
    or family. At most `max_requests` are sent, `rate` of them a second, one at a time. Where the server lists runs,
    a fifth of them, at most 50, are for that.

    Nothing but GET and HEAD is sent, unless `unsafe_methods` are allowed: then POST, PUT, DELETE, TRACE and a
    method that does not exist are sent too, and only to an id that has just answered 404 to a GET, and none once one of
    them was not refused. With `safe` the token is sent nowhere but in its header. At most `wrong_tokens` requests have
    no token or a wrong one: a server may lock somebody out for them. `traffic.TRAFFIC` lists what is sent.

    `timeout` bounds one request and `max_seconds` all of them (without what `rate` waits); `latency` is the budget of
    an answer; all in seconds. With `policy` broken rules of that level are breaches.

    Raises AddressError, UnknownRuleError, SpecError and VerifyError for what the caller got wrong; nothing
    that a server does raises.
    """
    if _TOKEN.fullmatch(token) is None:
        raise VerifyError("the token is empty, or has characters that cannot stand in a header")
    if (
        wrong_tokens < 0
        or max_requests < 1
        or timeout <= 0
        or max_seconds <= 0
        or latency <= 0
        or (rate is not None and rate <= 0)
    ):
        raise VerifyError("limits must be positive")
    if safe and unsafe_methods:
        raise VerifyError("safe and unsafe methods exclude each other")
    address = Address.of(url)
    address.check_encrypted(allow_insecure=allow_insecure)
    spec = spec_view_of(contract or load_contract())
    known = _known_runs(manifest, runs)
    for each in (context, *(run.context for run in known.runs if run.context != HERE)):
        _check_context(spec, each)
    started = time.monotonic()
    with Connection(address, token, timeout=timeout, unsafe_methods=unsafe_methods) as connection:
        session = Session(
            connection,
            token,
            spec,
            known,
            check_exchange=check_exchange,
            rules=select(only, skip),
            budget=Budget(
                max_requests=max_requests,
                max_seconds=max_seconds + (max_requests / rate if rate else 0.0),
                rate=rate,
            ),
            context=context,
            seed=seed,
            safe=safe,
            latency=latency,
            wrong_tokens=wrong_tokens,
        )
        found = Steps(session).run()
    return _report(session, found, seconds=time.monotonic() - started, seed=seed, policy=policy)


def _known_runs(manifest: Manifest | None, ids: Iterable[str]) -> Manifest:
    """The manifest, with those of the ids that it does not have."""
    known = manifest.runs if manifest else ()
    there = {run.id for run in known}
    return Manifest((*known, *Manifest.of_ids(*(each for each in dict.fromkeys(ids) if each not in there)).runs))


def _check_context(spec: SpecView, context: str | None) -> None:
    if context is None:
        return
    try:
        spec.context_parameter.read([context])
    except ValueError as error:
        raise VerifyError(str(error)) from None


def _operations(session: Session, found: Steps) -> Iterator[tuple[str, str]]:
    """The operations of the contract, and what became of each."""
    yield f"GET {session.contract.path}", "judged" if session.runs else "not judged"
    if session.spec.has_run_lists:
        yield f"GET {session.spec.run_lists.contract.path}", found.lists


def _report(session: Session, found: Steps, *, seconds: float, seed: int, policy: bool) -> Report:
    address = session.connection.address
    return Report(
        url=address.origin + address.base,
        runs=tuple(run.id for run in session.runs),
        verdicts=session.tally.verdicts(),
        obstacles=tuple(map(session.sanitizer.show, found.obstacles)),
        unread=tuple(map(session.sanitizer.show, found.unread)),
        notes=tuple(map(session.sanitizer.show, session.notes)),
        requests=session.budget.sent,
        seconds=seconds,
        seed=seed,
        policy=policy,
        asked=tuple(session.curl(exchange.request) for exchange in session.exchanges),
        operations=tuple(_operations(session, found)),
    )
