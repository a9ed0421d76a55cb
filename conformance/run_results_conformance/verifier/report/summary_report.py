"""The report as a Markdown summary, for the page of a job in CI, as GitHub shows it.

What came from a server stands in blocks of code, or has every mark of Markdown escaped: it makes no link, picture or
table, and ends no block.
"""

import re
from collections.abc import Iterator

from run_results_conformance.verifier.rules import FAMILIES

from .model import Outcome, Report, Verdict, count

LARGEST_SUMMARY = 1 << 20
"""Bytes that GitHub takes from one step; of a larger summary it shows nothing."""

_LEFT_OUT = "\nThe rest is left out, because a summary has at most so many bytes. The other reports have it.\n"
_PUNCTUATION = re.compile(r"[!-/:-@\[-`{-~]")


def to_summary(report: Report, most_bytes: int = LARGEST_SUMMARY) -> str:
    """The report in Markdown, in at most so many bytes: whole blocks of it, and a sentence where some are left out."""
    blocks = list(_blocks(report))
    sizes = [len(block.encode(errors="replace")) for block in blocks]
    if sum(sizes) <= most_bytes:
        return "".join(blocks)
    room = most_bytes - len(_LEFT_OUT)
    kept: list[str] = []
    for block, size in zip(blocks, sizes, strict=True):
        room -= size
        if room < 0:
            break
        kept.append(block)
    return "".join([*kept, _LEFT_OUT]) if most_bytes >= len(_LEFT_OUT) else ""


def _blocks(report: Report) -> Iterator[str]:
    yield f"## {_inline(report.conclusion)}\n\n{_inline(report.summary)}. {_inline(report.effort)}.\n"
    if report.verdicts:
        yield _numbers(report)
    for title, lines in report.remarks:
        yield f"\n### {title}\n\n"
        yield from (f"- {_inline(line)}\n" for line in lines)
    if report.broken:
        yield "\n### Broken\n"
    for verdict in report.broken:
        yield from _broken_rule(report, verdict)
    if report.reasons:
        yield "\n### Not judged, and why\n\n"
    for reason, verdicts in report.reasons.items():
        rules = ", ".join(f"`{verdict.rule.id}`" for verdict in verdicts)
        yield f"- {_inline(reason or 'no reason')}: {rules}\n"


def _numbers(report: Report) -> str:
    lines = [f"\n| rules | {' | '.join(Outcome)} |", "|---|--:|--:|--:|"]
    for family in FAMILIES:
        outcomes = [each.outcome for each in report.verdicts if each.rule.family == family and not each.skipped]
        if outcomes:
            lines.append(f"| {family} | {' | '.join(str(outcomes.count(outcome) or '') for outcome in Outcome)} |")
    return "\n".join([*lines, ""])


def _broken_rule(report: Report, verdict: Verdict) -> Iterator[str]:
    rule = verdict.rule
    title = f"\n#### {rule.failure} `{rule.id}`\n\n{_inline(rule.sentence)} ({_inline(rule.source)})\n\n"
    kind = "" if report.is_breach(verdict) else ", does not count as a breach"
    yield f"{title}{rule.level}{kind}: broken {verdict.broken} of {count(verdict.judged, 'time')}.\n"
    for failure in verdict.failures:
        yield _code("\n".join(f"{label:9}{text}" for label, text in failure.lines(without=("answer",))))


def _code(text: str) -> str:
    """A block of code, whose fence is longer than any in the text."""
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"\n{fence}text\n{text}\n{fence}\n"


def _inline(text: str) -> str:
    """A text in one line, without any mark of Markdown or HTML."""
    return _PUNCTUATION.sub(lambda mark: f"\\{mark[0]}", " ".join(text.split()))
