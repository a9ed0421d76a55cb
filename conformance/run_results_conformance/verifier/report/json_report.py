"""The report as JSON, for programs."""

import json

from run_results_conformance.server.terms import JsonObject

from .model import Failure, Report, Verdict


def to_json(report: Report) -> str:
    """The report as JSON text."""
    return json.dumps(_document(report), ensure_ascii=False, indent=2) + "\n"


def _document(report: Report) -> JsonObject:
    return {
        "url": report.url,
        "runs": list(report.runs),
        "operations": [{"operation": name, "outcome": outcome} for name, outcome in report.operations],
        "exit_code": report.exit_code,
        "conclusion": report.conclusion,
        "requests": report.requests,
        "seconds": round(report.seconds, 3),
        "seed": report.seed,
        "policy": report.policy,
        "obstacles": list(report.obstacles),
        "unread": list(report.unread),
        "notes": list(report.notes),
        "rules": [_of_verdict(verdict) for verdict in report.verdicts],
    }


def _of_verdict(verdict: Verdict) -> JsonObject:
    rule = verdict.rule
    return {
        "id": rule.id,
        "level": rule.level.value,
        "outcome": verdict.outcome.value,
        "judged": verdict.judged,
        "broken": verdict.broken,
        "reason": verdict.reason,
        "check": rule.check,
        "failure": rule.failure,
        "sentence": rule.sentence,
        "source": rule.source,
        "failures": [_of_failure(failure) for failure in verdict.failures],
    }


def _of_failure(failure: Failure) -> JsonObject:
    return {
        "case": failure.case,
        "request": failure.request,
        "status": failure.status,
        "excerpt": failure.excerpt,
        "path": failure.path,
        "expected": failure.expected,
        "got": failure.got,
    }
