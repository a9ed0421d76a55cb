"""The report as JUnit XML, for CI: a suite for each family, a case for each rule."""

import re
from collections.abc import Sequence
from xml.sax.saxutils import escape, quoteattr

from run_results_conformance.verifier.rules import FAMILIES

from .model import Outcome, Report, Verdict
from .text_report import plain, verdict_lines

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def to_junit(report: Report) -> str:
    """The report as JUnit XML.

    Breaches are failures; a broken POLICY rule that is no breach is a case with output; obstacles are errors, so that
    no build passes by them.
    """
    suites = [_family_suite(report, family) for family in FAMILIES] + [_obstacle_suite(report)]
    numbers = _numbers(len(report.verdicts) + len(report.obstacles), len(report.breaches), len(report.obstacles))
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<testsuites name="run-results-conformance" {numbers} time="{report.seconds:.3f}">\n'
        + "".join(suites)
        + "</testsuites>\n"
    )


def _family_suite(report: Report, family: str) -> str:
    verdicts = [verdict for verdict in report.verdicts if verdict.rule.family == family]
    failures = sum(map(report.is_breach, verdicts))
    skipped = sum(verdict.outcome is Outcome.NOT_JUDGED for verdict in verdicts)
    cases = [_case(family, each.rule.check, _case_content(report, each), each.seconds) for each in verdicts]
    return _suite(family, _numbers(len(verdicts), failures, 0), skipped, cases, sum(each.seconds for each in verdicts))


def _obstacle_suite(report: Report) -> str:
    cases = [_case("verification", text, f"<error message={_attribute(text)}/>") for text in report.obstacles]
    return _suite("verification", _numbers(len(cases), 0, len(cases)), 0, cases)


def _case_content(report: Report, verdict: Verdict) -> str:
    rule = verdict.rule
    if verdict.outcome is Outcome.NOT_JUDGED:
        return f"<skipped message={_attribute(verdict.reason)}/>"
    if verdict.outcome is Outcome.KEPT:
        return ""
    text = escape(_as_xml("\n".join(map(plain, verdict_lines(report, verdict)))))
    if not report.is_breach(verdict):
        return f"<system-out>{text}</system-out>"
    message = _attribute(f"{rule.failure}: {rule.sentence}")
    return f"<failure type={_attribute(rule.failure)} message={message}>{text}</failure>"


def _numbers(tests: int, failures: int, errors: int) -> str:
    return f'tests="{tests}" failures="{failures}" errors="{errors}"'


def _suite(name: str, numbers: str, skipped: int, cases: Sequence[str], seconds: float = 0.0) -> str:
    head = f'  <testsuite name={_attribute(name)} {numbers} skipped="{skipped}" time="{seconds:.3f}">'
    return f"{head}\n{''.join(cases)}  </testsuite>\n"


def _case(family: str, name: str, content: str, seconds: float = 0.0) -> str:
    head = f'    <testcase classname={_attribute(family)} name={_attribute(name)} time="{seconds:.3f}"'
    return f"{head}>\n      {content}\n    </testcase>\n" if content else f"{head}/>\n"


def _attribute(text: str) -> str:
    return quoteattr(_as_xml(text))


def _as_xml(text: str) -> str:
    """The text without the characters that XML cannot hold."""
    return _NOT_XML.sub("\ufffd", text)
