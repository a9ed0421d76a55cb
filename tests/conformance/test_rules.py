"""The rule catalogue."""

import re
from pathlib import Path

import pytest

from run_results_conformance import load_contract
from run_results_conformance.verifier.checks import CHECKS
from run_results_conformance.verifier.rules import BY_ID, FAMILIES, RULES, Level, UnknownRuleError, markdown, select

DOCS = Path(__file__).parents[2] / "docs"


def test_the_page_is_fresh() -> None:
    """docs/rules.md is what the catalogue says: make it with `run-results-conformance rules --markdown`."""
    assert (DOCS / "rules.md").read_text("utf-8") == markdown()


def test_rules_are_told_apart() -> None:
    """Ids, checks and failures are unique, and named as they should be."""
    for words in ([rule.id for rule in RULES], [rule.check for rule in RULES], [rule.failure for rule in RULES]):
        assert len(set(words)) == len(RULES)
    for rule in RULES:
        assert re.fullmatch(r"[a-z]+\.[a-z0-9-]+", rule.id)
        assert re.fullmatch(r"[a-z0-9_]+", rule.check)
        assert re.fullmatch(r"[A-Z][A-Za-z0-9]+", rule.failure)
        assert rule.sentence.endswith((".", "?")), rule.id
        assert "|" not in markdown().splitlines()[3]


def test_families_are_the_families() -> None:
    """Every family has rules, every rule a family, and the catalogue is ordered by them."""
    assert list(dict.fromkeys(rule.family for rule in RULES)) == list(FAMILIES)


def test_every_rule_rests_on_something() -> None:
    """A MUST names the spec, the vendor's page, a decision or a standard; whatever it names of the spec is there."""
    contract = load_contract()
    text = str(contract.document)
    for rule in RULES:
        assert rule.source
        if rule.level is Level.MUST:
            assert re.search(r"openapi\.yaml|vendor's page|docs/contract\.md|RFC \d{4}, \d", rule.source), rule.id
    for word in (
        "RunResults",
        "FileOffset",
        "ApiFieldName",
        "x-field-name-rule",
        "WwwAuthenticate",
        "x-extensible-enum",
    ):
        assert word in text


def test_checks_name_rules_that_exist() -> None:
    """Every rule that a check says it judges is in the catalogue."""
    assert {rule for check in CHECKS for rule in check.rules} <= BY_ID.keys()


def test_selecting() -> None:
    """Rules are selected by id and by family; any other word is an error that quotes it."""
    assert select() == BY_ID.keys()
    assert select(["paging"], ["paging.suffix"]) == {
        rule.id for rule in RULES if rule.family == "paging" and rule.id != "paging.suffix"
    }
    assert select(["wire.bom", "names"]) >= {"wire.bom", "names.valid"}
    for words in (["pagin"], ["paging.sufix"], [""]):
        with pytest.raises(UnknownRuleError):
            select(words)
        with pytest.raises(UnknownRuleError):
            select((), words)
