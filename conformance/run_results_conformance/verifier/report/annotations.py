"""The report as workflow commands of GitHub Actions, which shows them as annotations of a job.

Of each kind GitHub shows the first ten of a step: so each rule has one, and the tenth names those that are left.
"""

from collections.abc import Iterator, Sequence

from .model import Report, Verdict

_MOST_SHOWN = 10  # annotations of a kind that GitHub shows of one step
_PROGRAM = "run-results-conformance"

_Annotation = tuple[str, str]  # a title and a text


def to_annotations(report: Report) -> str:
    """A line for each broken rule and each obstacle: breaches and obstacles are errors, the others warnings."""
    errors = [(_PROGRAM, text) for text in report.obstacles]
    errors += [_of_verdict(verdict) for verdict in report.breaches]
    warnings = [_of_verdict(verdict) for verdict in report.broken if not report.is_breach(verdict)]
    return "".join([*_lines("error", errors), *_lines("warning", warnings)])


def _of_verdict(verdict: Verdict) -> _Annotation:
    rule = verdict.rule
    lines = [rule.sentence]
    for failure in verdict.failures[:1]:
        lines += [f"{label}: {text}" for label, text in failure.lines(without=("request", "answer"))]
    return f"{rule.failure} ({rule.id})", "\n".join(lines)


def _lines(kind: str, found: Sequence[_Annotation]) -> Iterator[str]:
    shown = found if len(found) <= _MOST_SHOWN else found[: _MOST_SHOWN - 1]
    rest = found[len(shown) :]
    if rest:
        names = "\n".join(title if title != _PROGRAM else text for title, text in rest)
        shown = [*shown, (_PROGRAM, f"{len(rest)} more:\n{names}")]
    for title, text in shown:
        yield f"::{kind} title={_property(title)}::{_data(text)}\n"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
