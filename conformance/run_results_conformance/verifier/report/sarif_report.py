"""The report as SARIF 2.1.0, for pages that keep findings, as code scanning of GitHub does.

A broken rule has a result for each of its smallest cases. Rules that were kept have none, because such a page shows
every result as a finding; what could not be judged stands in the notifications of the invocation.
"""

import json
from collections import Counter
from collections.abc import Iterator
from hashlib import sha256

from run_results_conformance.server.terms import JsonObject
from run_results_conformance.verifier.rules import Level, Rule

from .model import Failure, Report, Verdict
from .rule_places import SPEC_FILE, help_link, spec_line

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


def to_sarif(report: Report) -> str:
    """The report as SARIF text."""
    from run_results import __version__  # the reference server runs without the client

    rules = [verdict.rule for verdict in report.verdicts]
    driver = {"name": "run-results-conformance", "version": __version__, "rules": list(map(_descriptor, rules))}
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "invocations": [_invocation(report)],
        "results": list(_results(report)),
        "properties": {"url": report.url, "runs": list(report.runs), "conclusion": report.conclusion},
    }
    return json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, ensure_ascii=False, indent=1) + "\n"


def _descriptor(rule: Rule) -> JsonObject:
    link = help_link(rule)
    source = f"[{rule.source}]({link})" if link else rule.source
    return {
        "id": rule.id,
        "name": rule.failure,
        "shortDescription": {"text": rule.sentence},
        "fullDescription": {"text": f"{rule.sentence} ({rule.source})"},
        "defaultConfiguration": {"level": "error" if rule.level is Level.MUST else "warning"},
        "help": {
            "text": f"{rule.sentence}\nIt rests on: {rule.source}.\nTo judge it takes {rule.needs}.",
            "markdown": f"{rule.sentence}\n\nIt rests on {source}. To judge it takes {rule.needs}.",
        },
        **({"helpUri": link} if link else {}),
        "properties": {"tags": [rule.family, rule.level.value]},
    }


def _results(report: Report) -> Iterator[JsonObject]:
    numbers = {verdict.rule.id: number for number, verdict in enumerate(report.verdicts)}
    for verdict in report.broken:
        seen: Counter[str] = Counter()
        for failure in verdict.failures:
            seen[failure.place] += 1
            yield {
                "ruleId": verdict.rule.id,
                "ruleIndex": numbers[verdict.rule.id],
                "level": "error" if report.is_breach(verdict) else "warning",
                "message": {"text": _message(verdict, failure)},
                "locations": [_location(verdict.rule)],
                "partialFingerprints": {"primaryLocationLineHash": f"{_digest(failure)}:{seen[failure.place]}"},
                "properties": {"request": failure.request, "status": failure.status, "path": failure.path},
            }


def _message(verdict: Verdict, failure: Failure) -> str:
    rule = verdict.rule
    lines = [
        f"{rule.failure}: {rule.sentence}",
        *(f"{label}: {text}" for label, text in failure.lines(without=("answer",))),
    ]
    # Braces stay single, although the standard doubles them: pages show them unchanged, and a shell needs those of the
    # request.
    return _unlinked("\n".join(lines))


def _unlinked(text: str) -> str:
    """The text without links: what a server says must not become one."""
    return text.replace("](", "] (")


def _location(rule: Rule) -> JsonObject:
    region = {"startLine": spec_line(rule)}
    return {"physicalLocation": {"artifactLocation": {"uri": SPEC_FILE}, "region": region}}


def _digest(failure: Failure) -> str:
    """The same in each verification that finds this rule broken at this place, whichever run and page show it."""
    return sha256(f"{failure.rule}\0{failure.place}".encode(errors="replace")).hexdigest()[:16]


def _invocation(report: Report) -> JsonObject:
    return {
        "executionSuccessful": report.exit_code != 2,
        "exitCode": report.exit_code,
        "exitCodeDescription": report.conclusion,
        "toolExecutionNotifications": list(_notifications(report)),
    }


def _notifications(report: Report) -> Iterator[JsonObject]:
    for level, texts in (("error", report.obstacles), ("warning", report.unread), ("note", report.notes)):
        for text in texts:
            yield {"level": level, "message": {"text": _unlinked(text)}}
    for verdict in report.not_judged:
        text = _unlinked(f"not judged: {verdict.reason or 'no reason'}")
        yield {"level": "note", "message": {"text": text}, "associatedRule": {"id": verdict.rule.id}}
