"""The suite's power, in short: a sample of the faults is found, and nobody innocent is accused.

`make power` takes the whole measurement; this one is for every run of the tests.
"""

from itertools import islice
from pathlib import Path
from time import monotonic

import pytest
from benchmarks.power.power import (
    BY_ID,
    HONEST,
    SUITE,
    Job,
    Outcome,
    accused,
    judge,
    manifest_for,
    page,
    sample,
    survivors,
    unique_kills,
    write_section,
)

from run_results_conformance.faults import CORRECT, FAMILIES, FAULTS
from run_results_conformance.verifier.rules import RULES

SAMPLED = 60
INNOCENT = 12


@pytest.fixture(scope="module")
def outcomes() -> dict[Job, Outcome]:
    """What the suite makes of a sample of the catalogue: faults of every family, and correct variants."""
    step = max(1, len(CORRECT) // INNOCENT)
    names = [
        HONEST,
        *(fault.name for fault in sample(SAMPLED)),
        *islice((variant.name for variant in CORRECT[::step]), INNOCENT),
    ]
    return {job: judge(job) for job in (Job(SUITE, name) for name in names)}


def test_sampled_faults_are_found(outcomes: dict[Job, Outcome]) -> None:
    """Every fault of the sample is found."""
    assert [fault.name for fault in survivors(outcomes, SUITE)] == []


def test_nobody_innocent_is_accused(outcomes: dict[Job, Outcome]) -> None:
    """No correct variant of the sample fails, nor does the reference server."""
    assert accused(outcomes, SUITE) == {}
    assert [job.server for job, outcome in outcomes.items() if outcome.open and job.server not in _faults()] == []


def test_a_server_costs_at_most_200_requests(outcomes: dict[Job, Outcome]) -> None:
    """No server of the sample is asked more than 200 requests."""
    assert max(outcome.requests for outcome in outcomes.values()) <= 200


def test_the_same_seed_gives_the_same_verdict(outcomes: dict[Job, Outcome]) -> None:
    """A server that is judged again is judged the same."""
    for name in (HONEST, sample(1)[0].name):
        again = judge(Job(SUITE, name))
        before = outcomes[Job(SUITE, name)]
        assert (again.complaints, again.remarks, again.requests) == (before.complaints, before.remarks, before.requests)


def test_a_sample_holds_every_family() -> None:
    """A sample is the same every time, takes from all families in turn, and holds no fault twice."""
    drawn = sample(SAMPLED)
    assert drawn == sample(SAMPLED)
    assert {fault.family for fault in drawn} == set(FAMILIES)
    assert len({fault.name for fault in sample(len(FAULTS))}) == len(FAULTS)


def test_a_policy_fault_is_found_by_a_remark() -> None:
    """What the contract is silent about may be found by a remark; what it forbids has to fail the server."""
    must = next(fault for fault in FAULTS if fault.level == "MUST")
    policy = next(fault for fault in FAULTS if fault.level == "POLICY")
    remark = Outcome(remarks=frozenset({"inputs.doubled"}))
    assert remark.finds(policy)
    assert not remark.finds(must)


def test_a_unique_kill_is_a_fault_that_one_rule_finds() -> None:
    """A fault counts for a rule when no other rule has found it, with all that is known or with ids alone."""
    one, two = (fault.name for fault in islice((each for each in FAULTS if each.level == "MUST"), 2))
    rule, other = RULES[0].id, RULES[1].id
    kills = unique_kills(
        {
            Job(SUITE, one): Outcome(frozenset({rule, other})),
            Job(BY_ID, one): Outcome(frozenset({rule})),
            Job(SUITE, two): Outcome(frozenset({rule, other})),
        }
    )
    assert {name: found for name, found in kills.items() if found} == {rule: {one}}


def test_a_correct_variant_is_not_held_against_what_it_disclaims() -> None:
    """A variant with another status than its store has is judged without the status being known."""
    disclaiming = next(variant for variant in CORRECT if "status" in variant.unlike)
    started = monotonic()
    assert not judge(Job(SUITE, disclaiming.name)).complaints
    assert monotonic() - started < 30
    assert all(run.status is not None for run in manifest_for(FAULTS[0].name, "http://127.0.0.1:9").runs)


def test_the_page_tells_the_kills_and_the_survivors() -> None:
    """The page has a row for every family, and names what was missed and who was accused."""
    found, missed, innocent = FAULTS[0].name, FAULTS[1].name, CORRECT[0].name
    outcomes = {
        Job(SUITE, found): Outcome(frozenset({RULES[0].id}), requests=10, seconds=0.5),
        Job(SUITE, missed): Outcome(),
        Job(SUITE, innocent): Outcome(frozenset({"state.id"})),
        Job(SUITE, HONEST): Outcome(requests=190, seconds=0.4),
    }
    text = page(outcomes, [SUITE], {HONEST: [Outcome()] * 3}, 60.0)
    assert all(f"| {family} |" in text for family in FAMILIES)
    assert f"missed 1: `{missed}`" in text
    assert f"`{innocent}`: state.id" in text


def test_a_section_is_replaced_and_the_rest_stays(tmp_path: Path) -> None:
    """Writing a section leaves what stands around it, and a page without the section is an error."""
    path = tmp_path / "page.md"
    path.write_text("before\n<!-- a: written by the run -->\nold\n<!-- a: end -->\nafter\n")
    for _ in range(2):
        write_section(path, "a", "new")
        assert path.read_text() == "before\n<!-- a: written by the run -->\n\nnew\n\n<!-- a: end -->\nafter\n"
    with pytest.raises(ValueError, match="no section 'b'"):
        write_section(path, "b", "new")


def _faults() -> set[str]:
    return {fault.name for fault in FAULTS}
