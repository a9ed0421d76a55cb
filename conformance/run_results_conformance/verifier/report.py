"""What a verification found, and how it is shown: on a terminal, as JUnit XML, as JSON, as one HTML page.

Everything that came from a server is data to all of them: control characters are spelled out, markup is
escaped, and length is bounded. The token is nowhere: it was taken out before a `Failure` was made.
"""

import json
import re
from collections.abc import Iterator
from html import escape
from typing import Any
from xml.sax.saxutils import escape as escape_xml
from xml.sax.saxutils import quoteattr

from attrs import frozen

from run_results_conformance.server.contract import JsonObject

from .rules import FAMILIES, RULES, Level, Rule

_LONGEST = 600
_LONGEST_SHOWN = 1 << 16


def shorten(text: str, limit: int = _LONGEST) -> str:
    """The text in printable characters, cut where it is longer than the limit."""
    cut = text if len(text) <= limit else f"{text[:limit]}… ({len(text)} characters)"
    return "".join(c if c.isprintable() else "\n" if c == "\n" else _spelled(c) for c in cut)


def _spelled(character: str) -> str:
    code = ord(character)
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}" if code < 65536 else f"\\U{code:08x}"


def show_value(value: Any) -> str:
    """A value as text: strings as they are, anything else as JSON where it can be."""
    if isinstance(value, str):
        return value[:_LONGEST_SHOWN]
    try:
        return json.dumps(value, ensure_ascii=False)[:_LONGEST_SHOWN]
    except (TypeError, ValueError, RecursionError):
        return repr(value)[:_LONGEST_SHOWN]


@frozen
class Failure:
    """One case of a broken rule: what was asked, what came, and where it differs from what the rule says.

    `case` says in words what was asked for, `request` is a curl line with `$RUN_RESULTS_TOKEN` for the token,
    `status` is 0 where no answer came, `excerpt` the beginning of the answer, `path` a JSON path.
    """

    rule: str
    case: str
    request: str
    status: int
    excerpt: str
    path: str
    expected: str
    got: str


@frozen
class Verdict:
    """What came of one rule: how often it was judged, how often it was broken, the smallest failures.

    `reason` says why it was not judged, where it was not.
    """

    rule: Rule
    judged: int
    broken: int
    failures: tuple[Failure, ...]
    reason: str = ""
    skipped: bool = False

    @property
    def outcome(self) -> str:
        """`kept`, `broken` or `not judged`."""
        return "broken" if self.broken else "kept" if self.judged else "not judged"


@frozen
class Report:
    """What a verification found.

    `obstacles` say why something that should have been judged was not; `notes` what else a reader should know.
    With `policy` a broken POLICY rule counts as a breach. `asked` are the requests in their order, as curl lines.
    """

    url: str
    runs: tuple[str, ...]
    verdicts: tuple[Verdict, ...]
    obstacles: tuple[str, ...]
    notes: tuple[str, ...]
    requests: int
    seconds: float
    seed: int
    policy: bool = False
    asked: tuple[str, ...] = ()

    @property
    def broken(self) -> tuple[Verdict, ...]:
        """The rules that were broken, those of level MUST first."""
        found = [verdict for verdict in self.verdicts if verdict.broken]
        return tuple(sorted(found, key=lambda verdict: verdict.rule.level is not Level.MUST))

    @property
    def breaches(self) -> tuple[Verdict, ...]:
        """The broken rules that make the verification fail."""
        return tuple(verdict for verdict in self.broken if self.policy or verdict.rule.level is Level.MUST)

    @property
    def exit_code(self) -> int:
        """0: the server conforms, 1: there are breaches, 2: it could not be judged."""
        return 1 if self.breaches else 2 if self.obstacles else 0

    @property
    def conclusion(self) -> str:
        """The verdict in one sentence."""
        kept = sum(verdict.outcome == "kept" for verdict in self.verdicts)
        open_ = sum(verdict.outcome == "not judged" and not verdict.skipped for verdict in self.verdicts)
        counts = f"{kept} rules kept, {len(self.broken)} broken, {open_} not judged"
        words = ("The server conforms", "The server breaks the contract", "The server could not be judged")
        return f"{words[self.exit_code]}: {counts}."

    def document(self) -> JsonObject:
        """The report as JSON: what `--json` writes."""
        return {
            "url": self.url,
            "runs": list(self.runs),
            "exit_code": self.exit_code,
            "conclusion": self.conclusion,
            "requests": self.requests,
            "seconds": round(self.seconds, 3),
            "seed": self.seed,
            "policy": self.policy,
            "obstacles": list(self.obstacles),
            "notes": list(self.notes),
            "rules": [_verdict_document(verdict) for verdict in self.verdicts],
        }


def _verdict_document(verdict: Verdict) -> JsonObject:
    rule = verdict.rule
    return {
        "id": rule.id,
        "level": rule.level.value,
        "outcome": verdict.outcome,
        "judged": verdict.judged,
        "broken": verdict.broken,
        "reason": verdict.reason,
        "check": rule.check,
        "failure": rule.failure,
        "sentence": rule.sentence,
        "source": rule.source,
        "failures": [
            {
                "case": failure.case,
                "request": failure.request,
                "status": failure.status,
                "excerpt": failure.excerpt,
                "path": failure.path,
                "expected": failure.expected,
                "got": failure.got,
            }
            for failure in verdict.failures
        ],
    }


def to_json(report: Report) -> str:
    """The report as JSON text."""
    return json.dumps(report.document(), ensure_ascii=False, indent=2) + "\n"


# --- Terminal -----------------------------------------------------------------------------------------------

Styled = tuple[str, str]
"""A piece of text and the rich style that it has on a terminal."""


def terminal_lines(report: Report, *, verbose: bool = False) -> Iterator[list[Styled]]:
    """The report in lines for people. In a pipe the styles are dropped and the text stays as it is."""
    yield [("Verified ", ""), (report.url, "bold"), (f" by {_plural(len(report.runs), 'run')}", "")]
    for verdict in report.broken:
        yield []
        yield from _verdict_lines(verdict, report)
    for title, lines in (("Could not be judged", report.obstacles), ("Notes", report.notes)):
        if lines:
            yield []
            yield [(title, "bold")]
            for line in lines:
                yield [(f"  {line}", "")]
    open_rules = [verdict for verdict in report.verdicts if verdict.outcome == "not judged" and not verdict.skipped]
    if open_rules:
        yield []
        yield [("Rules that were not judged, and why", "bold")]
        reasons: dict[str, list[str]] = {}
        for verdict in open_rules:
            reasons.setdefault(verdict.reason, []).append(verdict.rule.id)
        for reason, rules in reasons.items():
            named = ", ".join(rules) if len(rules) <= _MOST_NAMED else _plural(len(rules), "rule")
            yield [(f"  {named}: {reason}", "dim")]
    if verbose:
        yield []
        for family in FAMILIES:
            for verdict in report.verdicts:
                if verdict.rule.family == family and not verdict.skipped:
                    yield [
                        (f"  {verdict.outcome:10} ", _style(verdict)),
                        (f"{verdict.rule.id} ", ""),
                        (f"{verdict.judged}", "dim"),
                    ]
    yield []
    yield [(report.conclusion, ("bold green", "bold red", "bold yellow")[report.exit_code])]
    yield [(f"{_plural(report.requests, 'request')} in {report.seconds:.1f} s, seed {report.seed}", "dim")]


_MOST_NAMED = 12


def _verdict_lines(verdict: Verdict, report: Report) -> Iterator[list[Styled]]:
    rule = verdict.rule
    counted = f"{verdict.broken} of {verdict.judged} times"
    yield [
        (rule.failure, "bold red" if verdict in report.breaches else "bold yellow"),
        (f"  {rule.id}  {rule.level}, {counted}", "dim"),
    ]
    yield [(f"  {rule.sentence}", "italic"), (f" ({rule.source})", "dim")]
    for failure in verdict.failures:
        yield []
        for name, text in (
            ("case", failure.case),
            ("at", failure.path if failure.path != "$" else ""),
            ("expected", failure.expected),
            ("got", failure.got),
            ("request", failure.request),
            ("answer", failure.excerpt),
        ):
            if text:
                lines = text.splitlines() or [""]
                yield [(f"    {name:9}", "dim"), (lines[0], "")]
                for line in lines[1:6]:
                    yield [(f"    {'':9}{line}", "dim")]


def _style(verdict: Verdict) -> str:
    return {"kept": "green", "broken": "red"}.get(verdict.outcome, "yellow")


def _plural(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def to_text(report: Report, *, verbose: bool = False) -> str:
    """The report as plain text."""
    return "\n".join("".join(text for text, _ in line) for line in terminal_lines(report, verbose=verbose)) + "\n"


# --- JUnit --------------------------------------------------------------------------------------------------

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def to_junit(report: Report) -> str:
    """The report as JUnit XML: a suite for each family, a case for each rule."""

    def attribute(text: str) -> str:
        return quoteattr(_NOT_XML.sub("\ufffd", text))

    def content(text: str) -> str:
        return escape_xml(_NOT_XML.sub("\ufffd", text))

    suites: list[str] = []
    for family in FAMILIES:
        verdicts = [verdict for verdict in report.verdicts if verdict.rule.family == family]
        cases: list[str] = []
        for verdict in verdicts:
            rule = verdict.rule
            head = f"    <testcase classname={attribute(f'{family}')} name={attribute(rule.check)}"
            if verdict in report.breaches:
                text = "\n".join("".join(part for part, _ in line) for line in _verdict_lines(verdict, report))
                message = attribute(f"{rule.failure}: {rule.sentence}")
                cases.append(
                    f"{head}>\n      <failure type={attribute(rule.failure)} message={message}>"
                    f"{content(text)}</failure>\n    </testcase>"
                )
            elif verdict.outcome == "not judged":
                cases.append(f"{head}>\n      <skipped message={attribute(verdict.reason)}/>\n    </testcase>")
            elif verdict.broken:
                text = "\n".join("".join(part for part, _ in line) for line in _verdict_lines(verdict, report))
                cases.append(f"{head}>\n      <system-out>{content(text)}</system-out>\n    </testcase>")
            else:
                cases.append(f"{head}/>")
        failures = sum(verdict in report.breaches for verdict in verdicts)
        skipped = sum(verdict.outcome == "not judged" for verdict in verdicts)
        suites.append(
            f'  <testsuite name={attribute(family)} tests="{len(verdicts)}" failures="{failures}" '
            f'errors="0" skipped="{skipped}">\n' + "\n".join(cases) + "\n  </testsuite>"
        )
    obstacles = "".join(
        f'    <testcase classname="verification" name={attribute(text)}>\n      <error message={attribute(text)}/>\n'
        "    </testcase>\n"
        for text in report.obstacles
    )
    suites.append(
        f'  <testsuite name="verification" tests="{len(report.obstacles)}" failures="0" '
        f'errors="{len(report.obstacles)}" skipped="0">\n{obstacles}  </testsuite>'
    )
    tests = len(RULES) + len(report.obstacles)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<testsuites name="run-results-conformance" tests="{tests}" failures="{len(report.breaches)}" '
        f'errors="{len(report.obstacles)}" time="{report.seconds:.3f}">\n' + "\n".join(suites) + "\n</testsuites>\n"
    )


# --- HTML ---------------------------------------------------------------------------------------------------

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


def to_html(report: Report) -> str:
    """The report as one page of HTML that loads nothing and runs nothing."""
    parts = [
        "<!doctype html>",
        '<html lang="en">',
        "<head>",
        '<meta charset="utf-8">',
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; "
        "base-uri 'none'; form-action 'none'\">",
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta name="referrer" content="no-referrer">',
        f"<title>{escape(report.conclusion)}</title>",
        f"<style>{_STYLE}</style>",
        "</head>",
        "<body>",
        f'<h1 class="{("kept", "broken", "open")[report.exit_code]}">{escape(report.conclusion)}</h1>',
        f"<p>{escape(report.url)}<br><span class=small>{_plural(report.requests, 'request')} in "
        f"{report.seconds:.1f} s, seed {report.seed}, runs: {escape(', '.join(report.runs)) or 'none'}</span></p>",
    ]
    for title, lines in (("Could not be judged", report.obstacles), ("Notes", report.notes)):
        if lines:
            parts.append(f"<h2>{title}</h2><ul>{''.join(f'<li>{escape(line)}</li>' for line in lines)}</ul>")
    if report.broken:
        parts.append("<h2>Broken</h2>")
        parts += [_breach_html(verdict, report) for verdict in report.broken]
    parts.append("<h2>Every rule</h2><table><tr><th>rule</th><th>level</th><th>outcome</th><th>judged</th></tr>")
    for verdict in report.verdicts:
        kind = {"kept": "kept", "broken": "broken"}.get(verdict.outcome, "open")
        reason = f"<br><span class=small>{escape(verdict.reason)}</span>" if verdict.reason else ""
        parts.append(
            f"<tr><td><code>{escape(verdict.rule.id)}</code><br>"
            f"<span class=small>{escape(verdict.rule.sentence)}</span></td>"
            f"<td>{verdict.rule.level}</td><td class={kind}>{verdict.outcome}{reason}</td>"
            f"<td>{verdict.judged}</td></tr>"
        )
    return "\n".join([*parts, "</table>", "</body>", "</html>", ""])


def _breach_html(verdict: Verdict, report: Report) -> str:
    rule = verdict.rule
    kind = "breach" if verdict in report.breaches else "policy"
    parts = [
        f"<section class={kind}><h3>{escape(rule.failure)} <code>{escape(rule.id)}</code></h3>"
        f"<p>{escape(rule.sentence)} <span class=small>{escape(rule.source)}; {rule.level}, "
        f"{verdict.broken} of {verdict.judged} times</span></p>"
    ]
    for failure in verdict.failures:
        rows = (
            ("case", escape(failure.case)),
            ("at", f"<code>{escape(failure.path)}</code>"),
            ("expected", escape(failure.expected)),
            ("got", escape(failure.got)),
            ("request", f"<pre>{escape(failure.request)}</pre>"),
            ("answer", f"<pre>{escape(failure.excerpt)}</pre>" if failure.excerpt else ""),
        )
        parts.append("<dl>" + "".join(f"<dt>{name}</dt><dd>{html}</dd>" for name, html in rows if html) + "</dl>")
    return "".join([*parts, "</section>"])
