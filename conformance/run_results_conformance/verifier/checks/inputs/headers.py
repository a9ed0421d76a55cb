"""Headers: unknown ones have no effect, and IB-Context is checked."""

from typing import Any

from run_results_conformance.verifier.checks.baseline import Baseline
from run_results_conformance.verifier.checks.judging import HIDDEN, judge_status
from run_results_conformance.verifier.checks.richest import RichPage
from run_results_conformance.verifier.comparison import judge_same, same_answer
from run_results_conformance.verifier.connection import Headers, Request
from run_results_conformance.verifier.manifest import HERE
from run_results_conformance.verifier.session import Session

_SERVED = (200,)
_ACCEPTS = ("application/*;q=0.8, text/html", "text/html, */*;q=0.1", "application/json;q=0.5", "APPLICATION/JSON")
_AGENTS = ("curl/8.5.0", "python-httpx/0.28.1", "Mozilla/5.0 (X11; Linux x86_64)", "x")


def check_headers(session: Session, baseline: Baseline) -> None:
    """Headers that the operation does not know change nothing, and a request that accepts JSON gets it."""
    drawn = session.random.choice
    cases: tuple[tuple[tuple[int, ...], dict[str, Any]], ...] = (
        (_SERVED, {"accept": "*/*", "agent": None}),
        (_SERVED, {"accept": drawn((None, *_ACCEPTS)), "agent": drawn(_AGENTS), "coding": "gzip;q=0, identity"}),
        ((200, 400), {"extra": (("X-Latin", "caf\xe9 \xff"),)}),
        (
            (200, 400, 431),
            {"extra": (("X-Long", "a" * 4000), ("X-Twice", "1"), ("X-Twice", "2"), ("X-Forwarded-For", "::1"))},
        ),
        (
            (200, 206, 400),
            {"extra": (("If-None-Match", '"no-such-tag"'), ("Range", "bytes=0-9"), ("Cookie", "a=b; c"))},
        ),
        ((200, 400, 406), {"accept": "text/html;q=0.9, application/xml"}),
    )
    for statuses, options in cases:
        exchange = session.ask(session.request(baseline.run_id, baseline.offset, **options))
        if exchange.status in statuses[1:]:
            judge_status(session, "inputs.headers", exchange, statuses)
        else:  # any other status is accused only if it comes again, and only for this request
            expected = "the answer without the header"
            judge_same(session, "inputs.headers", exchange, baseline.exchange, expected, run=baseline.run)


_LONG_AGO = "Sat, 01 Jan 2000 00:00:00 GMT"  # before any run


def check_other_headers(session: Session, baseline: Baseline) -> None:
    """Headers by which other services choose a language, a part, a page or a path choose nothing here.

    Several are sent in one request. If its answer is another one, each of them is sent alone, to name the one.
    """
    rich, context = baseline.rich, f"no-such-context-{session.random.randrange(10**6)}"
    underscored = session.spec.context_parameter.name.replace("-", "_")
    batches: tuple[Headers, ...] = (
        (("Accept-Language", "de-DE, tr;q=0.8, *;q=0.1"), ("Accept-Charset", "iso-8859-1, utf-8;q=0.5, *;q=0.1")),
        (
            *((name, context) for name in (underscored, "X-Org-Id", "X-Tenant-Id")),
            *((name, "/") for name in ("X-Original-URL", "X-Rewrite-URL", "X-Forwarded-Prefix")),
            ("X-Forwarded-Host", "console.example"),
        ),
        (
            ("If-Modified-Since", _LONG_AGO),
            ("Prefer", "return=minimal"),
            ("Cookie", f"lang=de; locale=de; context={context}; file_offset=1"),
            *((name, "1") for name in ("X-Offset", "X-Api-Version")),
            *((name, "id") for name in ("X-Fields", "X-Fields-Mask")),
            ("X-Timezone", "Asia/Tokyo"),
        ),
    )
    for batch in batches:
        plain, together = (session.ask(_with_headers(session, rich, headers)) for headers in ((), batch))
        if together.decided and not same_answer(session, together, plain):
            for header in batch:
                _judge_header(session, rich, (header,))
        _judge_header(session, rich, batch)


def _with_headers(session: Session, rich: RichPage, headers: Headers) -> Request:
    return session.request(rich.run.id, rich.offset or None, session.spec.flags, extra=headers)


def _judge_header(session: Session, rich: RichPage, headers: Headers) -> None:
    plain, exchange = (session.ask(_with_headers(session, rich, each)) for each in ((), headers))
    if exchange.status in (400, 431) and len(headers) > 1:
        return  # as many as these may be refused
    names = ", ".join(name for name, _ in headers)
    judge_same(session, "inputs.headers", exchange, plain, f"the answer without {names}", run=rich.run)


def check_bad_contexts(session: Session, baseline: Baseline) -> None:
    """What is no context is refused, not replaced by the default one."""
    for context in ("", "caf\xe9"):
        exchange = session.ask(session.request(baseline.run_id, baseline.offset, context=context))
        judge_status(session, "inputs.context-refused", exchange, HIDDEN)
    made_up = f"no-such-context-{session.random.randrange(10**6)}"
    known = [run for run in session.manifest.runs if run.context not in (HERE, None, session.context)]
    # A context that has the run shows which of the two the server takes.
    run_id, own = (known[0].id, known[0].context or "") if known else (baseline.run_id, session.context or made_up)
    exchange = session.ask(session.request(run_id, context=(own, made_up, own)))
    judge_status(session, "inputs.doubled", exchange, HIDDEN)
