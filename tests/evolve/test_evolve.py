"""`evolve` says of each change whom it breaks."""

import json
import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import jsoncompat
import jsonschema_rs
import pytest
from click.testing import CliRunner
from tests import history
from tests.evolve.pairs import GONE, PAIRS, SAFE, SCHEMAS, Edit, Pair, edited

from run_results.answer import read
from run_results.include import Include
from run_results_conformance.cli import main
from run_results_conformance.evolve import (
    CannotJudge,
    Document,
    DocumentError,
    Judgement,
    Verdict,
    as_json,
    as_markdown,
    as_text,
)
from run_results_conformance.evolve import judge as judge_documents
from run_results_conformance.evolve.schema import canonical
from run_results_conformance.evolve.vendor import compare_with_vendor, decisions
from run_results_conformance.server.contract import load_contract

THOROUGH = os.environ.get("HYPOTHESIS_PROFILE") == "thorough"
SAMPLES = 300 if THOROUGH else 5

# The breaks that random answers show sooner or later; others need a value that is made for them.
MET_BY_SAMPLES = (
    "a required property may be absent",
    "a property is new where unknown keys were excluded",
    "unknown keys are allowed",
    "null may come",
    "a reference may be null",
    "an array becomes a string",
    "an integer may have a fraction",
)
BREAKING = ("2025-03-12", "2025-06-26", "2025-06-27", "2026-01-13", "2026-01-15", "2026-08-17")

FILE = (*SCHEMAS, "File", "properties")


def _named(pairs: list[Pair]) -> Any:
    return pytest.mark.parametrize("pair", pairs, ids=lambda pair: pair.name)


@cache
def _judged(name: str) -> Judgement:
    """What the pair of this name is found to be; several tests ask."""
    return judge_documents(*next(pair for pair in PAIRS if pair.name == name).documents())


def _ours(edits: list[Edit] | None = None) -> Document:
    return Document(edited(load_contract().document, edits or []))


@_named(PAIRS)
def test_verdicts_of_a_pair(pair: Pair) -> None:
    """The verdict for readers and the one for senders are those that were written by hand, and the place is named."""
    judgement = _judged(pair.name)
    readers = max((change.readers for change in judgement.changes), default=Verdict.SAFE)
    senders = max((change.senders for change in judgement.changes), default=Verdict.SAFE)
    assert (readers, senders) == (pair.readers, pair.senders), as_text(judgement)
    if pair.place:
        assert any(pair.place in change.place and change.verdict == judgement.verdict for change in judgement.changes)
    if pair.step:
        assert judgement.step == pair.step
    for change in judgement.changes:  # no verdict without a sentence and a place
        assert change.rule.endswith(".")
        assert change.rule[0].isupper()
        assert change.pointer.startswith("#/")


@_named([pair for pair in PAIRS if pair.name not in {"the answer is gone", "the answer has another media type"}])
def test_nothing_changes_backwards_into_silence(pair: Pair) -> None:
    """What is a change in one direction is a change in the other one, too."""
    old, new = pair.documents()
    assert bool(_judged(pair.name).changes) == bool(judge_documents(new, old).changes)


# --- Oracles ------------------------------------------------------------------------------------------------


def _schema(document: Document) -> dict[str, Any] | None:
    """The schema of the answer, with all that it refers to; None where there is no JSON answer."""
    for path, item in document.root["paths"].items():
        content = item["get"]["responses"].get("200", {}).get("content", {}) if path.endswith("results") else {}
        if "application/json" in content:
            return {
                **content["application/json"]["schema"],
                "components": {"schemas": document.root["components"]["schemas"]},
            }
    return None


def _are_of_answers() -> Iterator[Pair]:
    """The pairs that change the schema of the 200 answer, and nothing that a schema cannot say."""
    for pair in PAIRS:
        documents = pair.documents()
        old, new = (_schema(document) for document in documents)
        if old and new and _reached(documents[0], old) != _reached(documents[1], new):
            yield pair


def _reached(document: Document, schema: dict[str, Any]) -> Any:
    return canonical(document, {key: part for key, part in schema.items() if key != "components"})


OF_ANSWERS = list(_are_of_answers())


# What jsoncompat does not look at: extensions, and formats and patterns as promises. It takes each union of objects for
# incompatible with a smaller one; the samples below judge these.
_NOT_IN_A_SCHEMA = (
    "flag",
    "guaranteed",
    "format",
    "field-name rule",
    "pattern",
    "open list",
    "list is opened",
    "one form less",
)


@_named([pair for pair in OF_ANSWERS if not any(words in pair.name for words in _NOT_IN_A_SCHEMA)])
def test_an_independent_judge_agrees_about_readers(pair: Pair) -> None:
    """jsoncompat, which was written by others, says the same: whether every new answer was allowed before."""
    old, new = (json.dumps(_schema(document)) for document in pair.documents())
    compatible = jsoncompat.check_compat(old, new, "serializer")
    assert compatible == (pair.readers is Verdict.SAFE)


@_named(OF_ANSWERS)
def test_new_answers_are_refused_only_where_readers_break(pair: Pair) -> None:
    """Answers made from the new contract pass an old validator and the client, strictly, unless readers break."""
    old, new = (_schema(document) for document in pair.documents())
    assert old
    validator = jsonschema_rs.validator_for(old, validate_formats=False)
    made = [json.loads(jsoncompat.generate_value(json.dumps(new), 12)) for _ in range(SAMPLES)]
    refused = [answer for answer in made if not validator.is_valid(answer)]
    # The client is generated from today's contract: it is a client of the old one where the old side was not edited.
    broken = [answer for answer in made if not pair.before and _breaches(answer)]
    assert not (refused or broken) or pair.readers is not Verdict.SAFE
    if THOROUGH and pair.name in MET_BY_SAMPLES:
        assert refused


def _breaches(answer: Any) -> list[str]:
    """Where a strict client would refuse an answer. Random answers keep no rule that stands outside the schema."""
    body = json.dumps(answer).encode()
    places = read(body, Include(0)).breaches
    return [
        place.path for place in places if place.expected.startswith(("string", "integer", "number", "array", "object"))
    ]


# --- Documents that cannot be judged --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("keyword", "edit"),
    [
        ("not", ((*SCHEMAS, "Field", "properties", "type", "not"), {"const": "x"})),
        ("if", ((*SCHEMAS, "Field", "if"), {"required": ["value"]})),
        ("patternProperties", ((*SCHEMAS, "CustomKeys", "patternProperties"), {"^x": {"type": "string"}})),
        ("$ref", ((*SCHEMAS, "Field", "properties", "type"), {"$ref": "other.yaml#/Type"})),
        ("$ref", ((*SCHEMAS, "Field", "properties", "type"), {"$ref": "#/components/schemas/Nowhere"})),
        ("type", ((*SCHEMAS, "Field", "properties", "type", "type"), "text")),
        ("readOnly", ((*SCHEMAS, "Field", "properties", "type", "readOnly"), True)),
    ],
)
def test_what_is_not_known_is_not_judged(keyword: str, edit: Edit) -> None:
    """A change that is not understood is an error that names the keyword and the place, never `safe`."""
    with pytest.raises(CannotJudge) as caught:
        judge_documents(_ours(), _ours([edit]))
    assert caught.value.keyword == keyword
    assert caught.value.pointer.startswith("#/")
    assert keyword in str(caught.value)


def test_what_is_not_known_may_stay() -> None:
    """A keyword that is not understood does no harm where it did not change."""
    edits: list[Edit] = [((*SCHEMAS, "Field", "properties", "type", "not"), {"const": "x"})]
    assert judge_documents(_ours(edits), _ours(edits)).step == "none"


# --- The vendor's document ------------------------------------------------------------------------------------


@pytest.mark.parametrize("date", history.dates()[1:])
def test_history(date: str) -> None:
    """Six steps of the public contract broke readers, and the others did not; none broke senders."""
    before = history.dates()[history.dates().index(date) - 1]
    old, new = (Document.parse(json.dumps(history.document(each)), each) for each in (before, date))
    judgement = judge_documents(old, new)
    assert judgement.verdict is (Verdict.BREAKS if date in BREAKING else Verdict.SAFE)
    assert all(change.senders is Verdict.SAFE for change in judgement.changes)


def test_the_vendor_has_not_moved() -> None:
    """Every difference from the vendor's newest public document is one of our decisions, and each is in the docs."""
    vendor = Document.parse(json.dumps(history.document(history.dates()[-1], whole=True)), "vendor")
    report = compare_with_vendor(_ours(), vendor, decisions())
    assert [f"{change.place}: {change.what}" for change in report.news] == []
    assert report.unused == ()
    headings = Path("docs/contract.md").read_text("utf-8").splitlines()
    assert [each.heading for each in decisions() if f"### {each.heading}" not in headings] == []


def test_news_of_the_vendor_are_listed_alone() -> None:
    """What the vendor changes is listed, and nothing else is."""
    document = history.document(history.dates()[-1], whole=True)
    path = next(iter(document["paths"]))
    answer = document["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    answer["properties"]["page_count"] = {"type": "integer"}
    answer["properties"]["batch_id"]["nullable"] = True
    document["paths"] = {path.replace("/v2", "/api/v2").replace("{run_id}", "{id}"): document["paths"][path]}
    report = compare_with_vendor(_ours(), Document.parse(json.dumps(document), "vendor"), decisions())
    news = sorted((change.place.rsplit(" ", 1)[-1], change.what) for change in report.news)
    assert news == [("$.batch_id", "may also be null"), ("$.page_count", "is new")]


def test_an_addition_that_the_vendor_does_not_have_is_left_out() -> None:
    """Without the list of runs in the vendor's document there is nothing to compare it with."""
    document = history.document(history.dates()[-1], whole=True)
    for item in ({"post": document["paths"]["/v2/apps/runs"]["post"]}, None):
        document["paths"] = {**document["paths"], "/v2/apps/runs": item}
        if item is None:
            del document["paths"]["/v2/apps/runs"]
        report = compare_with_vendor(_ours(), Document.parse(json.dumps(document), "vendor"), decisions())
        assert report.news == ()
        assert {each.heading for each in report.unused} == {"The list of runs"}


# --- The command ----------------------------------------------------------------------------------------------


def _written(folder: Path, name: str, document: Document) -> str:
    path = folder / name
    path.write_text(json.dumps(document.root), "utf-8")
    return str(path)


@pytest.mark.parametrize(
    ("name", "code"), [("only words change", 0), ("a property is gone", 1), ("an open list has a new value", 3)]
)
def test_exit_codes(tmp_path: Path, name: str, code: int) -> None:
    """The exit code says the verdict: 0 safe, 1 somebody breaks, 3 only caution."""
    pair = next(pair for pair in PAIRS if pair.name == name)
    old, new = (
        _written(tmp_path, f"{side}.json", document) for side, document in zip("ab", pair.documents(), strict=True)
    )
    for form in (["--format", "text"], ["--format", "json"], ["--json"], ["--format", "markdown"]):
        result = CliRunner().invoke(main, ["evolve", old, new, *form])
        assert result.exit_code == code, result.output
        if form[-1].endswith("json"):
            assert json.loads(result.output)["verdict"] == ["safe", "breaks", None, "caution"][code]
        else:
            assert "is due" in result.output
    assert CliRunner().invoke(main, ["evolve", old, new, "--json", "--format", "markdown"]).exit_code == 2


def test_yaml_is_read_as_yaml_12(tmp_path: Path) -> None:
    """A key `on` is a text, and our own document compared with itself has no change."""
    result = CliRunner().invoke(main, ["evolve", "openapi.yaml", "openapi.yaml", "--text"])
    assert result.exit_code == 0
    assert "say the same" in result.output
    path = tmp_path / "on.yaml"
    path.write_text("openapi: 3.1.0\npaths: {}\nx: {on: no}\n", "utf-8")
    assert Document.read(path).root["x"] == {"on": "no"}


@pytest.mark.parametrize("text", ["", "[]", "{", "openapi: 2.0\npaths: {}", "a: b: c", "openapi: 3.1.0"])
def test_a_file_that_is_no_document_is_named(tmp_path: Path, text: str) -> None:
    """A file that is no OpenAPI document is an error with its name, and exit code 2."""
    path = tmp_path / "bad.yaml"
    path.write_text(text, "utf-8")
    with pytest.raises(DocumentError, match=r"bad\.yaml"):
        Document.read(path)
    result = CliRunner().invoke(main, ["evolve", str(path), "openapi.yaml"])
    assert result.exit_code == 2
    assert "bad.yaml" in result.stderr


def test_a_changelog_fragment_has_every_change() -> None:
    """The fragment lists each change under a heading of Keep a Changelog, and marks what breaks."""
    pair = next(pair for pair in PAIRS if pair.name == "a property is renamed")
    judgement = judge_documents(*pair.documents())
    text = as_markdown(judgement)
    assert "### Removed" in text
    assert "### Added" in text
    assert "**Breaks readers:**" in text
    assert json.loads(as_json(judgement))["changelog"] in text


@pytest.mark.parametrize(
    ("before", "edits", "heading"),
    [
        ([((*FILE, "min_format"), {"type": "string"})], [((*FILE, "min_format"), GONE)], "Removed"),
        ([((*FILE, "pattern"), {"type": "string"})], [((*FILE, "pattern", "deprecated"), True)], "Deprecated"),
        ([((*FILE, "a"), {"enum": ["max"]})], [((*FILE, "a", "enum"), ["max", "is gone"])], "Added"),
        ([((*FILE, "a"), {"enum": ["max", "b"]})], [((*FILE, "a", "enum"), ["b"])], "Removed"),
        ([((*FILE, "a"), {"type": "string", "pattern": "x"})], [((*FILE, "a", "pattern"), GONE)], "Changed"),
        ([((*FILE, "a"), {"type": "string"})], [((*FILE, "a", "format"), "is new")], "Changed"),
        ([], [((*FILE, "max_score"), {"type": "number"})], "Added"),
        ([], [(("paths", "/min"), {"get": {"responses": {}}})], "Added"),
        ([(("paths", "/min"), {"get": {"responses": {}}})], [(("paths", "/min"), GONE)], "Removed"),
    ],
)  # fmt: skip
def test_the_heading_belongs_to_the_change(before: list[Edit], edits: list[Edit], heading: str) -> None:
    """Each change knows its heading, whatever the names and values in its words are."""
    changes = judge_documents(*Pair("", edits, SAFE, SAFE, before=before).documents()).changes
    assert {change.heading for change in changes} == {heading}


def test_the_version_that_is_due() -> None:
    """A break is a major step, before 1.0.0 a minor one; an addition is a minor step, and words are a patch."""
    due: list[str] = []
    for version in ("0.3.1", "1.4.2"):
        for name in ("a property is gone", "a property is new", "only words change"):
            pair = next(pair for pair in PAIRS if pair.name == name)
            old, new = (Document({**each.root, "info": {"version": version}}) for each in pair.documents())
            due.append(judge_documents(old, new).due)
    assert due == ["0.4.0", "0.4.0", "0.3.2", "2.0.0", "1.5.0", "1.4.3"]
