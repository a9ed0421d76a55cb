"""The report as one page of HTML that loads nothing and runs nothing."""

from collections.abc import Iterator
from datetime import UTC, datetime
from html import escape
from importlib.resources import files

from run_results_conformance.verifier.rules import FAMILIES

from .model import Outcome, Report, Verdict, count

_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"  # so that nothing can load
)
_CLASSES = {Outcome.KEPT: "kept", Outcome.BROKEN: "broken", Outcome.NOT_JUDGED: "open"}


def to_html(report: Report, made: datetime | None = None) -> str:
    """The report as one page of HTML. `made` is the time that it shows; now, if it is not given."""
    return "\n".join([*_head(report), *_body(report, made or datetime.now(UTC)), "</body>", "</html>", ""])


def _head(report: Report) -> Iterator[str]:
    style = files(__package__ or "").joinpath("html_report.css").read_text("utf-8")
    yield "<!doctype html>"
    yield '<html lang="en">'
    yield "<head>"
    yield '<meta charset="utf-8">'
    yield f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield '<meta name="referrer" content="no-referrer">'
    yield '<meta name="color-scheme" content="light dark">'
    yield f"<title>{escape(report.conclusion)}</title>"
    yield f"<style>{style}</style>"
    yield "</head>"
    yield "<body>"


def _body(report: Report, made: datetime) -> Iterator[str]:
    from run_results import __version__  # the reference server runs without the client

    yield f'<header class="{("kept", "broken", "open")[report.exit_code]}">'
    yield f"<h1>{escape(report.conclusion)}</h1>"
    yield f"<p>{escape(report.summary)}</p>"
    facts = {
        "Runs": ", ".join(report.runs) or "none",
        "Effort": report.effort,
        "Verified": f"{made.astimezone(UTC):%Y-%m-%d %H:%M} UTC",
        "With": f"run-results-conformance {__version__}",
    }
    yield f"<dl>{''.join(f'<div><dt>{name}</dt><dd>{escape(text)}</dd></div>' for name, text in facts.items())}</dl>"
    yield "</header>"
    for title, lines in report.remarks:
        yield f"<h2>{title}</h2><ul>{''.join(f'<li>{escape(line)}</li>' for line in lines)}</ul>"
    if report.broken:
        yield "<h2>Broken</h2>"
        yield from (_broken_rule(report, verdict) for verdict in report.broken)
    if report.reasons:
        yield "<h2>Not judged, and why</h2>"
        yield from (_reason(reason, verdicts) for reason, verdicts in report.reasons.items())
    yield "<h2>Every rule</h2>"
    for family, sentence in FAMILIES.items():
        if verdicts := [verdict for verdict in report.verdicts if verdict.rule.family == family]:
            yield from _family(family, sentence, verdicts)


def _broken_rule(report: Report, verdict: Verdict) -> str:
    rule = verdict.rule
    parts = [
        f"<section class={'breach' if report.is_breach(verdict) else 'policy'}>",
        f"<h3>{escape(rule.failure)} <code>{escape(rule.id)}</code></h3>",
        f"<p>{escape(rule.sentence)} <span class=small>{escape(rule.source)}; {rule.level}, "
        f"{verdict.broken} of {verdict.judged} times</span></p>",
    ]
    for failure in verdict.failures:
        lines = (f"<dt>{label}</dt><dd>{_failure_text(label, text)}</dd>" for label, text in failure.lines())
        parts.append(f"<dl class=case>{''.join(lines)}</dl>")
    return "".join([*parts, "</section>"])


def _failure_text(label: str, text: str) -> str:
    tag = {"at": "code", "request": "pre", "answer": "pre"}.get(label)
    return f"<{tag}>{escape(text)}</{tag}>" if tag else escape(text)


def _reason(reason: str, verdicts: tuple[Verdict, ...]) -> str:
    rules = "".join(
        f"<li><code>{escape(verdict.rule.id)}</code> <span class=small>{escape(verdict.rule.sentence)}</span></li>"
        for verdict in verdicts
    )
    title = f"{escape(reason or 'no reason')} <span class=small>{count(len(verdicts), 'rule')}</span>"
    return f"<details><summary>{title}</summary><ul>{rules}</ul></details>"


def _family(family: str, sentence: str, verdicts: list[Verdict]) -> Iterator[str]:
    outcomes = [verdict.outcome for verdict in verdicts]
    numbers = (f"{outcomes.count(outcome)} {outcome}" for outcome in Outcome if outcome in outcomes)
    yield f"<h3>{escape(family)} <span class=small>{', '.join(numbers)}</span></h3>"
    yield f"<p class=small>{escape(sentence)}</p>"
    yield "<table><thead><tr><th>Rule</th><th>Level</th><th>Outcome</th><th>Judged</th></tr></thead><tbody>"
    yield from map(_row, verdicts)
    yield "</tbody></table>"


def _row(verdict: Verdict) -> str:
    rule = verdict.rule
    return (
        f"<tr><td><code>{escape(rule.id)}</code><br><span class=small>{escape(rule.sentence)}</span></td>"
        f"<td>{rule.level}</td><td class={_CLASSES[verdict.outcome]}>{verdict.outcome}</td>"
        f"<td>{count(verdict.judged, 'time') if verdict.judged else '–'}</td></tr>"
    )
