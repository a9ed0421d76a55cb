"""Runs schemathesis against a server, within limits of requests and time."""

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from run_results_conformance.server.contract import Contract, load_contract
from run_results_conformance.verifier.budget import Budget
from run_results_conformance.verifier.checks.exchange import check_exchange
from run_results_conformance.verifier.connection import Address, Connection
from run_results_conformance.verifier.manifest import Manifest
from run_results_conformance.verifier.report import Report
from run_results_conformance.verifier.rules import select
from run_results_conformance.verifier.session import Session
from run_results_conformance.verifier.spec_view import spec_view_of

from . import settings
from .findings import OURS, Findings
from .tailored import tailored

if TYPE_CHECKING:
    from schemathesis import Case, CheckContext, HookContext, Response
    from schemathesis.schemas import BaseSchema

    AnyCase = Case[Any]

_AGENT = "run-results-conformance"
_GRACE = 2.0  # more seconds for the last request under way


def fuzz(
    url: str,
    token: str,
    *,
    runs: Sequence[str] = (),
    context: str | None = None,
    allow_insecure: bool = False,
    seed: int = 0,
    max_examples: int = 60,
    max_requests: int = 600,
    max_seconds: float = 120.0,
    timeout: float = 10.0,
    latency: float = 2.0,
    policy: bool = False,
    contract: Contract | None = None,
) -> Report:
    """Lets schemathesis test the server at a base URL, and reports what its checks or our rules found.

    `runs` are ids of runs that can be read; without them the ids in the contract's examples are tried. `context` is
    sent as IB-Context. About 90 requests for results and 190 for the list of runs, if the server has one, have boundary
    values; `max_examples` random ones of each follow. At most
    `max_requests` are sent (a check under way may add two), within `max_seconds`, and each may take `timeout`
    seconds. Where that is too few, boundary values and random ones of both operations each get a part. `latency` is
    the time in which answers should come, in seconds. With `policy`, broken rules of level POLICY are breaches.

    Raises AddressError if the URL cannot be a base URL, or is plain http to another computer without `allow_insecure`,
    ValueError if a limit is not positive, and ImportError without
    schemathesis.
    """
    if min(max_examples, max_requests, max_seconds, timeout, latency) <= 0:
        raise ValueError("limits must be positive")
    contract = contract or load_contract()
    address = Address.of(url)
    address.check_encrypted(allow_insecure=allow_insecure)
    ids = tuple(dict.fromkeys(runs)) or tuple(str(each) for each in _run_id(contract).examples.values())
    session = Session(
        Connection(address, token, timeout=timeout),  # schemathesis sends over its own
        token,
        spec_view_of(contract),
        Manifest.of_ids(*ids),
        check_exchange=check_exchange,
        rules=select(),
        # `Findings` counts what schemathesis sends.
        budget=Budget(max_requests=1 << 31, max_seconds=max_seconds + timeout + _GRACE),
        context=context,
        seed=seed,
        latency=latency,
    )
    findings = Findings(session, ids, max_requests, time.monotonic() + max_seconds)
    findings.find_run_lists()
    operations = 2 if findings.with_lists else 1
    examples = max(1, min(max_examples, findings.max_requests // (2 * operations)))
    findings.boundaries = max(1, findings.max_requests - findings.requests - operations * examples)
    config = {
        "seed": seed,
        "continue-on-failure": True,
        "request-timeout": timeout,
        "max-redirects": 0,
        "workers": 1,
        # Without a cache, so that a second run sends the same requests as the first.
        "cache": {"enabled": False},
        # Without shrinking: it sends hundreds of requests, and the failures are small anyway.
        "generation": {"max-examples": examples, "deterministic": False, "no-shrink": True, "database": "none"},
        "output": {"truncation": {"max-recorded-payload-size": 0}},
        # By default it sends POST, PUT, DELETE and others to the runs themselves, to see them refused.
        "phases": {"stateful": {"enabled": False}, "coverage": {"unexpected-methods": []}},
        "checks": settings.checks(),
    }
    headers = {
        "Authorization": f"Bearer {token}",
        "User-Agent": _AGENT,
        "Accept": "application/json",
        "Accept-Encoding": "identity",
    }
    if context is not None:
        headers[session.spec.context_parameter.name] = context
    started = time.monotonic()
    with settings.exclusive(), settings.own_profile():
        document = tailored(contract, ids, context=context, with_lists=findings.with_lists)
        schema = settings.load(document, config, url, headers)
        _run(findings, schema, max_seconds + timeout + _GRACE)
    return findings.report(address, seconds=time.monotonic() - started, seed=seed, policy=policy)


def _run_id(contract: Contract) -> Any:
    return next(each for each in contract.parameters.values() if each.place == "path")


def _run(findings: Findings, schema: "BaseSchema", seconds: float) -> None:
    """Runs schemathesis with our check, for at most so many seconds."""
    from schemathesis import engine
    from schemathesis.checks import CHECKS

    def check(context: "CheckContext", response: "Response", case: "AnyCase") -> bool | None:
        findings.check(context, response, case)
        return None

    def filter_case(_context: "HookContext", case: "AnyCase") -> bool:
        return findings.takes(case)

    schema.hook(filter_case)
    check.__name__ = OURS
    CHECKS.register(check)
    stream = engine.from_schema(schema).execute()
    findings.stop = stream.stop
    failures: list[BaseException] = []

    def consume() -> None:
        try:
            for event in stream:
                findings.record(event)
        except BaseException as error:  # noqa: BLE001 - it is reported
            failures.append(error)

    # In a daemon thread that can be abandoned: if a server never finishes an answer, the library waits for ever.
    thread = threading.Thread(target=consume, name="run-results-fuzz", daemon=True)
    try:
        thread.start()
        thread.join(seconds)
        if thread.is_alive():
            stream.stop()
            findings.obstacles.append("an answer did not come to its end in time")
    finally:
        CHECKS.unregister(OURS)
    findings.obstacles += [f"schemathesis failed ({type(error).__name__}): {error}" for error in failures]


@contextmanager
def standard_server() -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Starts the reference server with the standard runs; gives its base URL, its token and the id of a run."""
    from run_results_conformance.faults import STANDARD_PAGE_SIZE, STANDARD_RUN, STANDARD_TOKEN, standard_store
    from run_results_conformance.server.reference import ReferenceServer
    from run_results_conformance.server.serving import serve

    server = ReferenceServer(standard_store(), STANDARD_TOKEN, page_size=STANDARD_PAGE_SIZE)
    with serve(server) as served:
        yield served.url, STANDARD_TOKEN.value, (STANDARD_RUN,)
