"""The report as lines of text, for a terminal, a pipe or a file."""

from collections.abc import Iterator

from run_results_conformance.verifier.rules import FAMILIES

from .model import Outcome, Report, Verdict, count

Styled = tuple[str, str]
"""A piece of text and the rich style that it has on a terminal."""

_MOST_NAMED = 12  # rules that are listed by their ids
_MOST_LINES = 6  # of one text
_STYLES = {Outcome.KEPT: "green", Outcome.BROKEN: "red", Outcome.NOT_JUDGED: "yellow"}


def to_text(report: Report, *, verbose: bool = False) -> str:
    """The report as plain text."""
    return "".join(f"{plain(line)}\n" for line in terminal_lines(report, verbose=verbose))


def plain(line: list[Styled]) -> str:
    """A line without its styles."""
    return "".join(text for text, _ in line)


def terminal_lines(report: Report, *, verbose: bool = False) -> Iterator[list[Styled]]:
    """The report in lines for people. With `verbose` the rules that were kept are listed too."""
    before, url, after = report.summary.partition(report.url)
    yield [(before, ""), (url, "bold"), (after, "")]
    for verdict in report.broken:
        yield []
        yield from verdict_lines(report, verdict)
    for title, lines in report.remarks:
        yield []
        yield [(title, "bold")]
        yield from ([(f"  {line}", "")] for line in lines)
    if report.not_judged:
        yield []
        yield [("Rules that were not judged, and why", "bold")]
        yield from _reasons(report)
    if verbose:
        yield []
        yield from _outcomes(report)
    yield []
    yield [(report.conclusion, ("bold green", "bold red", "bold yellow")[report.exit_code])]
    yield [(report.effort, "dim")]


def verdict_lines(report: Report, verdict: Verdict) -> Iterator[list[Styled]]:
    """A broken rule in lines: the promise, and the smallest cases."""
    rule = verdict.rule
    yield [
        (rule.failure, "bold red" if report.is_breach(verdict) else "bold yellow"),
        (f"  {rule.id}  {rule.level}, {verdict.broken} of {verdict.judged} times", "dim"),
    ]
    yield [(f"  {rule.sentence}", "italic"), (f" ({rule.source})", "dim")]
    for failure in verdict.failures:
        yield []
        for label, text in failure.lines():
            first, *more = text.splitlines() or [""]
            yield [(f"    {label:9}", "dim"), (first, "")]
            yield from ([(f"    {'':9}{line}", "dim")] for line in more[: _MOST_LINES - 1])


def _reasons(report: Report) -> Iterator[list[Styled]]:
    """The rules that were not judged, together by the reason."""
    for reason, verdicts in report.reasons.items():
        rules = [verdict.rule.id for verdict in verdicts]
        named = ", ".join(rules) if len(rules) <= _MOST_NAMED else count(len(rules), "rule")
        yield [(f"  {named}: {reason}", "dim")]


def _outcomes(report: Report) -> Iterator[list[Styled]]:
    for family in FAMILIES:
        for verdict in report.verdicts:
            if verdict.rule.family == family and not verdict.skipped:
                yield [
                    (f"  {verdict.outcome:10} ", _STYLES[verdict.outcome]),
                    (f"{verdict.rule.id} ", ""),
                    (f"{verdict.judged}", "dim"),
                ]
