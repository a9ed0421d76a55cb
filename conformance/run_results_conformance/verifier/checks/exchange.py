"""The rules that one exchange can break. They are judged for every exchange, whichever check made the request."""

from collections.abc import Iterator
from typing import Any

from run_results_conformance.verifier.body import NOTHING
from run_results_conformance.verifier.exchange import Exchange, Judgement
from run_results_conformance.verifier.session import Session
from run_results_conformance.verifier.spec_view import Inspection, SpecView

from . import errors, state, wire


def check_exchange(session: Session, exchange: Exchange) -> Iterator[Judgement]:
    """What the rules for single exchanges say of one."""
    answer = exchange.answer
    if answer.refused:
        return
    yield from wire.check_transfer(exchange)
    if not answer.status:
        return
    yield Judgement(
        "latency.budget", answer.seconds <= session.latency, expected=f"at most {session.latency} s", got="more"
    )
    yield from wire.check_head(exchange)
    yield from errors.check_head(session, exchange)
    # A redirect is about another place, and needs no body; a part of an answer is no JSON.
    if answer.fault or exchange.request.method == "HEAD" or 300 <= answer.status < 400 or wire.is_part(exchange):
        return
    yield from wire.check_text(exchange)
    if answer.status != 200:
        yield from errors.check_body(session, exchange)
    elif exchange.body.value is NOTHING or exchange.request.method != "GET":
        return
    elif exchange.request.parameters is not None:
        yield from check_list(session.spec, exchange.body.value)
    else:
        yield from check_results(session.spec, exchange.body.value, exchange.inspection)
        yield from state.check_id(session, exchange)


def check_list(spec: SpecView, value: Any) -> Iterator[Judgement]:
    """What the rules say of the body of a 200 that lists runs: its shape, and whether its statuses are known ones."""
    view = spec.run_lists
    findings = [*view.schema_findings(200, value), *view.inspect(value, None).findings]
    for finding in findings:
        yield Judgement("runs.shape", False, finding.path, finding.expected, finding.got)
    if not findings:
        yield Judgement("runs.shape", True)
        for index, run in enumerate(value["runs"]):
            yield from state.check_status(spec, run["status"], ("runs", index, "status"))


def check_results(spec: SpecView, value: Any, inspection: Inspection | None) -> Iterator[Judgement]:
    """What the rules say of the body of a 200: its shape, its flags and names, what it says of the run."""
    findings = spec.schema_findings(200, value)
    if not findings:
        yield Judgement("shape.results", True)
    if inspection is not None:
        findings = [*findings, *inspection.findings]
        for rule in sorted(inspection.applicable - {finding.rule for finding in inspection.findings}):
            yield Judgement(rule, True)
    for finding in findings:
        yield Judgement(finding.rule, False, finding.path, finding.expected, finding.got)
    if isinstance(value, dict):
        yield from state.check_state(spec, value)
