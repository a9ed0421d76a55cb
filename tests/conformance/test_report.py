"""Reports: what came from a server is data in all of them."""

import json
import re
import xml.etree.ElementTree as ET
from datetime import UTC, datetime
from html.parser import HTMLParser

import pytest
from attrs import evolve

from run_results import __version__
from run_results_conformance.verifier.report import (
    Report,
    Verdict,
    to_html,
    to_json,
    to_junit,
    to_text,
)
from run_results_conformance.verifier.rules import BY_ID, RULES
from run_results_conformance.verifier.sanitizer import printable, value_text

from .report_kit import NASTY, report


class Page(HTMLParser):
    """Collects the tags and attributes of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


def test_html_loads_and_runs_nothing() -> None:
    """The page has a strict policy, no script, no link, no image and no handler, whatever a server said."""
    text = to_html(report())
    page = Page()
    page.feed(text)
    tags = {tag for tag, _ in page.tags}
    assert not tags & {"script", "link", "img", "iframe", "object", "embed", "form", "a", "svg", "base", "b"}
    policy = next(attributes["content"] for tag, attributes in page.tags if "http-equiv" in attributes)
    assert policy == "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
    assert not [name for _, attributes in page.tags for name in attributes if name.startswith("on") or name == "src"]
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
    assert all(f"<code>{rule.id}</code>" in text for rule in RULES)


def test_html_says_when_with_what_and_why_not() -> None:
    """The page has the date, the version, and the rules that were not judged once, by the reason."""
    verdicts = [
        Verdict(rule, 0, 0, (), "needs a <manifest>" if at % 2 else "needs a second run") if at < 7 else verdict
        for at, (rule, verdict) in enumerate(zip(RULES, report(()).verdicts, strict=True))
    ]
    found = evolve(report(), verdicts=tuple(verdicts))
    assert {reason: len(group) for reason, group in found.reasons.items()} == {
        "needs a second run": 4,
        "needs a <manifest>": 3,
        "needs <more>": 1,
    }
    text = to_html(found, datetime(2026, 3, 1, 12, 30, tzinfo=UTC))
    assert "2026-03-01 12:30 UTC" in text
    assert f"run-results-conformance {__version__}" in text
    assert text.count("needs a &lt;manifest&gt;") == 1
    (group,) = re.findall(r"<summary>needs a second run.*?</details>", text, re.DOTALL)
    assert re.findall(r"<code>(.*?)</code>", group) == [rule.id for rule in RULES[:7:2]]
    assert "4 rules" in group
    assert "prefers-color-scheme: dark" in text
    assert f"{datetime.now(UTC):%Y-}" in to_html(found)


@pytest.mark.parametrize("policy", [False, True])
def test_junit_is_xml(policy: bool) -> None:
    """JUnit has a case for each rule: breaches fail, rules that were not judged are skipped, with the reason."""
    root = ET.fromstring(to_junit(report(policy=policy)))
    cases = {case.get("name"): case for case in root.iter("testcase")}
    assert len(cases) == len(RULES) == int(root.get("tests", ""))
    failed = {name for name, case in cases.items() if case.find("failure") is not None}
    assert failed == {"every_offset_gives_the_tail"} | ({"doubled_parameters_are_refused"} if policy else set())
    assert int(root.get("failures", "")) == len(failed)
    skipped = cases["every_name_is_made_by_the_rule"].find("skipped")
    assert skipped is not None
    assert skipped.get("message") == "needs <more>"
    failure = cases["every_offset_gives_the_tail"].find("failure")
    assert failure is not None
    assert failure.get("type") == "NotTheTail"
    assert "<script>" in (failure.text or "")


def test_junit_reports_obstacles_as_errors() -> None:
    """What stood in the way of judging is an error, so that no build is green by it."""
    root = ET.fromstring(
        to_junit(Report("u", (), report(()).verdicts, ("no <run>",), (), requests=1, seconds=0, seed=0))
    )
    assert root.get("errors") == "1"
    assert [error.get("message") for error in root.iter("error")] == ["no <run>"]


def test_json_round_trips() -> None:
    """The JSON report is JSON, and has everything that the report has."""
    found = report()
    document = json.loads(to_json(found).encode(errors="replace"))
    assert document["exit_code"] == 1
    assert document["seed"] == 3
    assert [rule["id"] for rule in document["rules"]] == [rule.id for rule in RULES]
    broken = {rule["id"]: rule for rule in document["rules"] if rule["outcome"] == "broken"}
    assert broken.keys() == {"paging.suffix", "inputs.doubled"}
    assert broken["paging.suffix"]["failures"][0].keys() == {
        "case",
        "request",
        "status",
        "excerpt",
        "path",
        "expected",
        "got",
    }


def test_text_says_it_all() -> None:
    """The report for people names the failure, the sentence, its source, the request, the place and both values."""
    text = to_text(report(), verbose=True)
    rule = BY_ID["paging.suffix"]
    for part in (rule.failure, rule.id, rule.sentence, rule.source, "expected", "got", "request", "answer", "2 of 7"):
        assert part in text
    assert text.index("NotTheTail") < text.index("DoubledParameter")  # what must be before what should
    assert "names.exact: needs <more>" in text
    assert text.splitlines()[-1] == "12 requests in 0.5 s, seed 3"


@pytest.mark.parametrize(
    ("broken", "policy", "obstacles", "code"),
    [
        ((), False, (), 0),
        ((), False, ("x",), 2),
        (("inputs.doubled",), False, (), 0),
        (("inputs.doubled",), True, (), 1),
        (("inputs.doubled",), False, ("x",), 2),
        (("paging.end",), False, ("x",), 1),
    ],
)
def test_exit_codes(broken: tuple[str, ...], policy: bool, obstacles: tuple[str, ...], code: int) -> None:
    """0 conforms, 1 breaches, 2 could not judge; a breach that was seen outweighs what was not."""
    found = report(broken, policy)
    found = Report("u", (), found.verdicts, obstacles, (), requests=1, seconds=0, seed=0, policy=policy)
    assert found.exit_code == code
    assert found.conclusion.startswith(
        ("The server conforms", "The server breaks the contract", "The server could not be judged")[code]
    )


def test_nothing_was_verified() -> None:
    """Where no run could be read, the first line says so, and claims no verification."""
    found = Report("http://h", (), report(()).verdicts, ("no run",), (), requests=1, seconds=0, seed=0)
    assert to_text(found).splitlines()[0] == "Could not verify http://h: no run could be read"
    assert to_text(report()).splitlines()[0] == "Verified http://127.0.0.1:1 with 1 run"


def test_values_are_bounded_and_printable() -> None:
    """However long or odd a value is, what is shown of it is short, and no terminal obeys it."""
    assert len(printable("x" * 10**6)) < 700
    assert printable("a\x1b[31mb\u202ec\x00\nd") == "a\\x1b[31mb\\u202ec\\x00\nd"
    assert value_text({"b": [1, None, "é"]}) == '{"b": [1, null, "é"]}'
    assert value_text("a text") == "a text"
    assert value_text(object()).startswith("<object")
    assert len(value_text("y" * 10**6)) < 70_000
    assert not re.search(r"[\x00-\x08\x1b]", printable(NASTY))
