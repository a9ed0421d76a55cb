"""The report as one page of HTML that loads nothing and runs nothing."""

from collections.abc import Iterator
from html import escape

from .model import Outcome, Report, Verdict

_STYLE = """
:root { color-scheme: light dark; --line: #8884; --bad: #c0392b; --good: #1e8449; --open: #b7950b; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.2rem; margin-top: 2rem; } h3 { margin: 0; font-size: 1rem; }
table { border-collapse: collapse; width: 100%; } td, th { text-align: left; vertical-align: top; }
td, th { padding: .25rem .75rem .25rem 0; border-bottom: 1px solid var(--line); }
pre { white-space: pre-wrap; overflow-wrap: anywhere; background: #8881; padding: .5rem; margin: 0; font-size: .85rem; }
section.breach { border-left: 4px solid var(--bad); padding-left: 1rem; margin: 1.5rem 0; }
section.policy { border-left: 4px solid var(--open); padding-left: 1rem; margin: 1.5rem 0; }
.kept { color: var(--good); } .broken { color: var(--bad); } .open { color: var(--open); }
.small { font-size: .85rem; opacity: .8; } dl { display: grid; grid-template-columns: 6rem 1fr; gap: .25rem 1rem; }
dt { opacity: .7; } dd { margin: 0; min-width: 0; }
"""

_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"  # so that nothing can load
)
_CLASSES = {Outcome.KEPT: "kept", Outcome.BROKEN: "broken", Outcome.NOT_JUDGED: "open"}


def to_html(report: Report) -> str:
    """The report as one page of HTML."""
    return "\n".join([*_head(report), *_body(report), "</body>", "</html>", ""])


def _head(report: Report) -> Iterator[str]:
    yield "<!doctype html>"
    yield '<html lang="en">'
    yield "<head>"
    yield '<meta charset="utf-8">'
    yield f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield '<meta name="referrer" content="no-referrer">'
    yield f"<title>{escape(report.conclusion)}</title>"
    yield f"<style>{_STYLE}</style>"
    yield "</head>"
    yield "<body>"


def _body(report: Report) -> Iterator[str]:
    yield f'<h1 class="{("kept", "broken", "open")[report.exit_code]}">{escape(report.conclusion)}</h1>'
    runs = f"runs: {escape(', '.join(report.runs)) or 'none'}"
    yield f"<p>{escape(report.summary)}<br><span class=small>{escape(report.effort)}, {runs}</span></p>"
    for title, lines in report.remarks:
        yield f"<h2>{title}</h2><ul>{''.join(f'<li>{escape(line)}</li>' for line in lines)}</ul>"
    if report.broken:
        yield "<h2>Broken</h2>"
        yield from (_broken_rule(report, verdict) for verdict in report.broken)
    yield "<h2>Every rule</h2>"
    yield "<table><tr><th>rule</th><th>level</th><th>outcome</th><th>judged</th></tr>"
    yield from map(_row, report.verdicts)
    yield "</table>"


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
        parts.append(f"<dl>{''.join(lines)}</dl>")
    return "".join([*parts, "</section>"])


def _failure_text(label: str, text: str) -> str:
    tag = {"at": "code", "request": "pre", "answer": "pre"}.get(label)
    return f"<{tag}>{escape(text)}</{tag}>" if tag else escape(text)


def _row(verdict: Verdict) -> str:
    rule = verdict.rule
    reason = f"<br><span class=small>{escape(verdict.reason)}</span>" if verdict.reason else ""
    return (
        f"<tr><td><code>{escape(rule.id)}</code><br><span class=small>{escape(rule.sentence)}</span></td>"
        f"<td>{rule.level}</td><td class={_CLASSES[verdict.outcome]}>{verdict.outcome}{reason}</td>"
        f"<td>{verdict.judged}</td></tr>"
    )
