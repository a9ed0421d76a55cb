"""Mutants of the reference server: what is changed, and that the verifier sees it."""

import ast
from collections import Counter

import pytest
from benchmarks.power.mutants import MODULES, explained, find_mutants, judge, kind_of, page, reached_lines
from benchmarks.power.power import Outcome
from benchmarks.power.processes import Ended

MUTANTS = {mutant.id: mutant for mutant in find_mutants()}


def test_names_are_unique() -> None:
    """Every mutant has a name of its own, and is found in the same order every time."""
    mutants = find_mutants()
    assert len(MUTANTS) == len(mutants) > 400
    assert mutants == find_mutants()
    assert {mutant.module for mutant in mutants} == set(MODULES)


def test_words_for_people_are_not_mutated() -> None:
    """What a message says is open, so no mutant changes it; annotations and documentation are left alone too."""
    texts = [mutant.before for mutant in MUTANTS.values() if mutant.before.startswith(("'", '"'))]
    assert not [text for text in texts if "Run not found" in text or "valid bearer token" in text]
    assert not [mutant for mutant in MUTANTS.values() if '"""' in mutant.before]


def test_every_change_is_python() -> None:
    """What a mutant shows of itself can be read as Python, blocks and comprehensions aside."""
    heads = ("if ", "while ", "for ", "return ", "raise ", "pass")
    for mutant in MUTANTS.values():
        if not mutant.after.startswith(heads):
            ast.parse(mutant.after, mode="exec")


def test_the_honest_server_lives() -> None:
    """Without a change nothing is found, so that what is found is the change."""
    honest = judge(None)
    assert (honest.complaints, honest.remarks, honest.open) == (frozenset(), frozenset(), "")


@pytest.mark.parametrize(
    ("words", "rule"),
    [
        (("reference", "ReferenceServer.has_more:", "< run.file_count -> ", "<="), "paging.has-more"),
        (("contract", "_compile_step:", "name.replace(old, new) -> name.replace(old)"), "errors.server-error"),
        (("reference", "ReferenceServer.error:", "refusal.status, refusal.headers)"), "wire.content-type"),
    ],
)
def test_mutants_are_judged(words: tuple[str, ...], rule: str) -> None:
    """A mutant that breaks a law is found by it."""
    found = [mutant for mutant in MUTANTS.values() if all(word in mutant.id for word in words)]
    assert any(rule in judge(mutant).complaints for mutant in found[:2])


def test_only_lines_that_run_are_mutated() -> None:
    """A line that no request reaches has no mutants: nobody could tell them from the honest server."""
    reached = reached_lines()
    mutants = find_mutants(reached)
    assert 0.7 * len(MUTANTS) < len(mutants) < len(MUTANTS)
    assert all(reached[module] for module in MODULES)


def test_what_is_explained_exists() -> None:
    """Every explanation is of a mutant that there is, by its exact name, of a known kind, and has a reason."""
    assert sorted(explained().keys() - MUTANTS.keys()) == []
    assert {kind for kind, _ in explained().values()} <= {"equivalent", "allowed", "unseen"}
    assert all(reason and not reason.endswith(".") for _, reason in explained().values())


def test_the_page_counts_what_died() -> None:
    """Equivalent and allowed mutants do not count, those that hang or cannot be judged are dead."""
    mutants = iter(MUTANTS.values())
    outcomes = {
        next(mutants): Outcome(frozenset({"paging.suffix"})),
        next(mutants): Ended("it took too long"),
        next(mutants): Outcome(open="the token was refused"),
        next(each for each in mutants if kind_of(each) == "open"): Outcome(),
        next(each for each in MUTANTS.values() if kind_of(each) == "equivalent"): Outcome(),
    }
    text, share = page(outcomes, 60.0)
    assert share == 75.0
    assert Counter(text.split())["paging.suffix"] + text.count("`paging.suffix` (1)") >= 1
