"""What pages of CI show: SARIF for code scanning, a summary in Markdown, and annotations."""

import json
import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve
from click.testing import CliRunner
from markdown_it import MarkdownIt
from pydantic_sarif.model import StaticAnalysisResultsFormatSarifVersion210JsonSchema as Sarif
from starlette.types import ASGIApp

from run_results_conformance import MemoryStore, ReferenceServer, SyntheticRun, serve
from run_results_conformance.cli import main
from run_results_conformance.faults import faulty
from run_results_conformance.verifier.report import Failure, Verdict, to_annotations, to_sarif, to_summary
from run_results_conformance.verifier.report.rule_places import SPEC_FILE, help_link, spec_line
from run_results_conformance.verifier.rules import BY_ID, RULES

from .report_kit import NASTY, report

TOKEN = "t0ken-of-the-pages-of-CI"
STORE = MemoryStore([SyntheticRun(1, 5, run_id="r-1")])
SPEC = (Path(__file__).parents[2] / SPEC_FILE).read_text("utf-8").splitlines()


class Hostile(ReferenceServer):
    """Answers errors with the token, and with what GitHub, Markdown and HTML would obey."""

    def dump(self, body: Any) -> bytes:
        text = f"x\n::add-mask::e\n##[error]no\n```\n<b>[a](http://b) | {TOKEN} %0A::error::no"
        return super().dump(body) if "files" in body else json.dumps({"message": [text]}).encode()


@pytest.fixture(scope="module")
def urls() -> Iterator[dict[str, str]]:
    servers: dict[str, ASGIApp] = {
        "conforming": ReferenceServer(STORE, TOKEN, page_size=2),
        "failing": faulty("include-review-results-ignored", STORE, TOKEN, page_size=2),
        "hostile": Hostile(STORE, TOKEN, page_size=2),
    }
    with ExitStack() as stack:
        served = {name: stack.enter_context(serve(app)).url for name, app in servers.items()}
        yield {**served, "unreachable": "http://127.0.0.1:1", "wrong call": "http://host.example"}


def check(url: str, folder: Path, *options: str, actions: bool = False) -> tuple[int, str, Any, str]:
    """The exit code, what was printed, the SARIF, which fits its schema, and the summary. The token is in none."""
    sarif, summary = folder / "report.sarif", folder / "summary.md"
    words = ["check", url, "--run", "r-1", *options, "--sarif", str(sarif), "--summary", str(summary)]
    environment = {"RUN_RESULTS_TOKEN": TOKEN, "GITHUB_ACTIONS": "true" if actions else None}
    result = CliRunner(env=environment).invoke(main, words)
    texts = [path.read_text("utf-8") for path in (sarif, summary)]
    for text in (result.output, *texts):
        assert TOKEN[1:-1].lower() not in text.lower()
    document = json.loads(texts[0])
    Sarif.model_validate(document)
    return result.exit_code, result.output, document["runs"][0], texts[1]


@pytest.mark.parametrize(
    ("server", "code", "results"),
    [("conforming", 0, 0), ("failing", 1, 3), ("unreachable", 2, 0), ("wrong call", 2, 0)],
)
def test_every_outcome_has_its_reports(
    urls: dict[str, str], tmp_path: Path, server: str, code: int, results: int
) -> None:
    """SARIF fits its schema and says as much as the exit code; the summary says it first; annotations say it, too."""
    found, output, run, summary = check(urls[server], tmp_path, "--only", "flags", actions=True)
    assert found == code == run["invocations"][0]["exitCode"], output
    assert run["invocations"][0]["executionSuccessful"] is (code != 2)
    assert len(run["results"]) == results
    errors = [note for note in run["invocations"][0]["toolExecutionNotifications"] if note["level"] == "error"]
    assert bool(errors) is (code == 2)
    assert summary.startswith(f"## {('The server conforms', 'The server breaks', 'The server could not be')[code]}")
    annotations = re.findall(r"^::error title=([^:]*)::", output, re.MULTILINE)
    assert annotations == [[], ["AskedForMissing (flags.present)"], ["run-results-conformance"]][code]


def test_sarif_has_every_rule_and_failure() -> None:
    """Each rule is described, with its sentence and where it comes from; each failure is a result with its request."""
    run = json.loads(to_sarif(report()))["runs"][0]
    described = run["tool"]["driver"]["rules"]
    assert [each["id"] for each in described] == [rule.id for rule in RULES]
    for rule, each in zip(RULES, described, strict=True):
        assert each["shortDescription"]["text"] == rule.sentence
        assert rule.source in each["help"]["text"]
        assert each.get("helpUri", "") == help_link(rule)
        assert each["defaultConfiguration"]["level"] == {"MUST": "error", "POLICY": "warning"}[rule.level]
    assert [(each["ruleId"], each["level"]) for each in run["results"]] == [
        ("paging.suffix", "error"),
        ("inputs.doubled", "warning"),
    ]
    for each in run["results"]:
        assert described[each["ruleIndex"]]["id"] == each["ruleId"]
        assert NASTY in each["message"]["text"]
    strict = json.loads(to_sarif(report(policy=True)))["runs"][0]
    assert [each["level"] for each in strict["results"]] == ["error", "error"]
    notes = strict["invocations"][0]["toolExecutionNotifications"]
    assert {"id": "names.exact"} in [note.get("associatedRule") for note in notes]


def test_links_of_rules() -> None:
    """A rule that rests on a standard has a link to it."""
    assert help_link(BY_ID["wire.json"]) == "https://www.rfc-editor.org/rfc/rfc8259.html#section-2"
    assert help_link(BY_ID["errors.discreet"]) == "https://cwe.mitre.org/data/definitions/209.html"
    assert help_link(BY_ID["shape.results"]) == ""


def test_sarif_points_to_the_spec() -> None:
    """The line of a rule is that of the schema, parameter or answer that its source names, else of its operation."""
    operations = {"  /v2/apps/runs/{run_id}/results:": False, "  /v2/apps/runs:": True}
    lines = {SPEC.index(head) + 2: lists for head, lists in operations.items()}
    for rule in RULES:
        line = spec_line(rule)
        named = SPEC[line - 1].strip().rstrip(":")
        if line in lines:
            assert lines[line] is (rule.family == "runs")
        else:
            assert re.search(rf"\b{named}\b", rule.source), rule
    assert SPEC[spec_line(BY_ID["shape.results"]) - 1] == "    RunResults:"
    assert SPEC[spec_line(BY_ID["state.id"]) - 1] == "        id:"
    assert SPEC[spec_line(BY_ID["runs.limit"]) - 1] == "    Limit:"
    assert SPEC[spec_line(BY_ID["inputs.offset-read"]) - 1] == "    FileOffset:"
    physical = json.loads(to_sarif(report()))["runs"][0]["results"][0]["locations"][0]["physicalLocation"]
    assert physical["artifactLocation"]["uri"] == SPEC_FILE
    assert physical["region"]["startLine"] == spec_line(BY_ID["paging.suffix"])


def test_fingerprints_are_stable() -> None:
    """The same place has the same fingerprint in each run and page; two places of a rule, or two rules, never have."""

    def prints(*failures: Failure) -> list[str]:
        verdict = Verdict(BY_ID["shape.results"], 9, len(failures), failures)
        run = json.loads(to_sarif(evolve(report(()), verdicts=(verdict,))))["runs"][0]
        return [each["partialFingerprints"]["primaryLocationLineHash"] for each in run["results"]]

    def failure(path: str, case: str = "run 'a', offset 0", rule: str = "shape.results") -> Failure:
        return Failure(rule, case, "curl a", 200, "", path, "1", "2")

    first = prints(failure("$.files[9].documents[0].id"))
    assert first == prints(failure("$.files[10].documents[3].id", "run 'b', offset 20"))
    assert first != prints(failure("$.files[9].documents[0].name"))
    assert first != prints(failure("$.files[9].documents[0].id", rule="state.id"))
    assert len(set(prints(failure("$"), failure("$"), failure("$.a")))) == 3


def test_what_a_server_says_is_data(urls: dict[str, str], tmp_path: Path) -> None:
    """GitHub follows no command, Markdown has no mark and SARIF no link that came from a server."""
    code, output, run, summary = check(urls["hostile"], tmp_path, "--only", "errors", actions=True)
    assert code == 1
    begin, word = next(re.finditer(r"::stop-commands::([0-9a-f]{32})\n", output)).group(0, 1)
    assert output.startswith(begin)
    shown, _, rest = output.removeprefix(begin).partition(f"::{word}::\n")
    assert "add-mask" in shown
    assert all(re.fullmatch(r"::(?:error|warning) title=[^:,]+::.*", line) for line in rest.splitlines())
    assert "](" not in json.dumps(run["results"])
    assert_harmless(summary)


def assert_harmless(summary: str) -> None:
    """What Markdown makes of a summary is no HTML, link or picture of a server."""
    tokens = MarkdownIt("commonmark", {"html": True}).enable("table").parse(summary)
    flat = [each for token in tokens for each in (token, *(token.children or ()))]
    kinds = {token.type for token in flat}
    assert not kinds & {"html_block", "html_inline", "link_open", "image", "blockquote_open", "hr", "code_block"}
    heads = [token.content for token in tokens if token.type == "inline" and token.level == 1 and "\n" in token.content]
    assert heads == []


def test_summary_is_markdown_and_bounded() -> None:
    """Hostile texts stand in it as text, wherever they come from; a limit leaves out whole blocks and says so."""
    verdicts = tuple(
        evolve(each, reason=f"{NASTY} [a](b)") if each.rule.id == "names.exact" else each for each in report().verdicts
    )
    found = evolve(
        report(), url=f"{NASTY} *x*", obstacles=("# <x>", "![a](b)"), notes=("a\n\n---\n",), verdicts=verdicts
    )
    text = to_summary(found)
    assert_harmless(text)
    assert "NotTheTail" in text
    assert "2 of 7 times" in text
    long = "ü`" * 3000
    many = tuple(
        Verdict(rule, 1, 1, tuple(Failure(rule.id, long, long, 200, long, "$", long, long) for _ in range(3)))
        for rule in RULES
    )
    bounded = to_summary(evolve(report(), verdicts=many))
    assert 900_000 < len(bounded.encode()) <= 1 << 20
    assert "The rest is left out" in bounded
    assert_harmless(bounded)
    assert to_summary(found, 10) == ""


def test_summary_is_added(urls: dict[str, str], tmp_path: Path) -> None:
    """Two commands of a step share its summary; what stood there before counts for the limit."""
    check(urls["wrong call"], tmp_path)
    *_, summary = check(urls["wrong call"], tmp_path)
    assert summary.count("## The server could not be judged") == 2
    (tmp_path / "summary.md").write_text("x" * ((1 << 20) - 5), "utf-8")
    *_, summary = check(urls["wrong call"], tmp_path)
    assert len(summary.encode()) <= 1 << 20


def test_annotations_do_not_flood() -> None:
    """GitHub shows ten of a kind: each rule has one, and the tenth names the rest; values are escaped."""
    every = tuple(Verdict(rule, 1, 1, (Failure(rule.id, "50%\r\n", "c", 200, "e", "$", "a", "b"),)) for rule in RULES)
    lines = to_annotations(evolve(report(), verdicts=every)).splitlines()
    errors = [line for line in lines if line.startswith("::error title=")]
    warnings = [line for line in lines if line.startswith("::warning title=")]
    assert (len(errors), len(warnings), len(lines)) == (10, 10, 20)
    assert all(rule.id in "\n".join(lines) for rule in RULES)
    assert "50%25%0D%0A" in errors[0]
    assert to_annotations(report(())) == ""


def test_elsewhere_there_are_no_commands(urls: dict[str, str], tmp_path: Path) -> None:
    """Outside GitHub Actions nothing is printed for it, and a verification is the same."""
    _, output, _, _ = check(urls["failing"], tmp_path, "--only", "flags.present")
    assert "::" not in output
