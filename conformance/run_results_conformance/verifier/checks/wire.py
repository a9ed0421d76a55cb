"""The family `wire`: one well-formed answer to each request, one well-formed JSON text in it."""

import re
from collections.abc import Iterator

from run_results_conformance.verifier.body import NOTHING
from run_results_conformance.verifier.comparison import compare, judge_same
from run_results_conformance.verifier.exchange import Exchange, Judgement
from run_results_conformance.verifier.request_builder import accepts_gzip
from run_results_conformance.verifier.session import Session

from .baseline import Baseline
from .judging import NO_HEAD
from .repetition import check_again

_CONTENT_TYPE = re.compile(r"[ \t]*application/json[ \t]*(?:;[ \t]*(?P<parameters>.*))?", re.IGNORECASE | re.DOTALL)
_CHARSET = re.compile(r"""charset[ \t]*=[ \t]*["']?(?P<charset>[^"';, \t]+)""", re.IGNORECASE)
_TEXT_RULES = ("wire.utf8", "wire.bom", "wire.json", "wire.duplicate-keys", "wire.numbers", "wire.surrogates")


# --- Every exchange -----------------------------------------------------------------------------------------


def check_transfer(exchange: Exchange) -> Iterator[Judgement]:
    """An answer came, with as many bytes as its head says."""
    answer = exchange.answer
    yield Judgement("wire.answered", answer.fault is None or answer.missing > 0, got=answer.fault or "")
    if answer.status:
        yield Judgement(
            "wire.length",
            answer.missing == 0 and answer.extra == 0,
            expected="as many bytes as the head says",
            got=f"{answer.missing} bytes fewer" if answer.missing else f"{answer.extra} bytes more",
        )


def is_part(exchange: Exchange) -> bool:
    """Whether a request asked for a range of bytes, and got that part (RFC 9110, 14.2 and 15.3.7)."""
    asked = any(name.lower() == "range" for name, _ in exchange.request.headers)
    return asked and exchange.status == 206 and bool(exchange.answer.header("content-range"))


def check_head(exchange: Exchange) -> Iterator[Judgement]:
    """The status of success, and no compression that the request does not accept."""
    answer = exchange.answer
    if exchange.request.method == "GET":
        right = answer.status == 200 or answer.status >= 300 or is_part(exchange)
        yield Judgement("wire.status", right, expected=200, got=answer.status)
    if not accepts_gzip(exchange.request):
        codings = [value for value in answer.header("content-encoding") if value.strip().lower() != "identity"]
        yield Judgement("wire.coding", not codings, expected="no Content-Encoding", got=", ".join(codings))


def check_text(exchange: Exchange) -> Iterator[Judgement]:
    """The media type, and the body as JSON text."""
    kinds = exchange.answer.header("content-type")
    found = _CONTENT_TYPE.fullmatch(kinds[0]) if len(kinds) == 1 else None
    charset = _CHARSET.search((found and found["parameters"]) or "")
    right = found is not None and (charset is None or charset["charset"].lower() in ("utf-8", "utf8"))
    yield Judgement(
        "wire.content-type", right, expected="application/json, in UTF-8", got=", ".join(kinds) or "no header"
    )
    unreadable = exchange.body.value is NOTHING
    if unreadable and exchange.answer.header("content-encoding"):
        return  # for wire.coding and wire.gzip: these bytes are no text
    problems = exchange.body.problems
    for rule in _TEXT_RULES:
        if rule in problems or not unreadable:
            yield Judgement(rule, rule not in problems, got=problems.get(rule, ""))


# --- Requests of their own ----------------------------------------------------------------------------------


def check_head_method(session: Session, baseline: Baseline) -> None:
    """HEAD is answered like GET, without the body."""
    exchange = session.ask(session.request(baseline.run_id, baseline.offset or None, method="HEAD"))
    if exchange.status not in NO_HEAD:
        compare(session, baseline.run, _look_at_head, exchange, session.ask(baseline.exchange.request))
    check_again(session, baseline.run, baseline.exchange, "a request with HEAD")


def _look_at_head(head: Exchange, get: Exchange) -> Judgement | None:
    if not (head.decided and get.decided):
        return None
    expected, got = (each.answer.header("content-length") for each in (get, head))
    return Judgement(
        "wire.head",
        head.status == get.status and (not got or not expected or got == expected),
        expected=f"status {get.status}, Content-Length {', '.join(expected)}",
        got=f"status {head.status}, Content-Length {', '.join(got)}",
    )


def check_gzip(session: Session, baseline: Baseline) -> None:
    """A compressed answer says the same as one without compression."""
    page = baseline.page(session, session.spec.flags)
    if page is None:
        return
    request = session.request(baseline.run_id, baseline.offset or None, session.spec.flags, coding="gzip")
    exchange = session.ask(request)
    if not exchange.decided:
        return
    codings = [value.strip().lower() for value in exchange.answer.header("content-encoding")]
    if codings not in ([], ["gzip"], ["x-gzip"], ["identity"]):
        session.judge("wire.gzip", False, exchange, expected="gzip or nothing", got=", ".join(codings))
        return
    judge_same(session, "wire.gzip", exchange, page.exchange, "the answer without compression", run=baseline.run)
