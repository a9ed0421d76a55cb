"""What docs/power.md promises: faults are found, and no correct server is accused.

`make power` takes the whole measurement; this is a sample for every run of the tests.
"""

import os

import pytest
from benchmarks.power.faults import judge, judge_all, sample
from benchmarks.power.mutants import judge as judge_mutant
from benchmarks.power.mutations import find_mutants
from benchmarks.power.page import PAGE, power_page
from benchmarks.power.servers import HONEST
from benchmarks.power.summary import Job, Outcome, accused, missed, summarize
from benchmarks.power.tools import BY_ID, OWN_TOOLS, SUITE

from run_results_conformance.faults import CORRECT, FAMILIES, FAULTS

THOROUGH = os.environ.get("HYPOTHESIS_PROFILE") == "thorough"
SAMPLED = 200 if THOROUGH else 5
SLOW = {"latency.budget"}  # may be the machine's
LATE = (
    *("box-edge-null-late", "has-more-while-running", "failed-run-first-page-only"),
    *("status-complete-at-end", "has-more-not-when-unfinished", "alert-msg-null-late"),
)
CORRECT_SAMPLED = CORRECT[:: max(1, len(CORRECT) // (8 if THOROUGH else 2))]


@pytest.fixture(scope="module")
def outcomes() -> dict[Job, Outcome]:
    """What the verifier reports about a sample of the catalogue: faults of every family, and correct variants."""
    names = [HONEST, *(fault.name for fault in sample(SAMPLED)), *(variant.name for variant in CORRECT_SAMPLED)]
    return {job: judge(job) for job in (Job(SUITE, name) for name in names)}


def test_sampled_faults_are_found(outcomes: dict[Job, Outcome]) -> None:
    """With a manifest the verifier finds every fault of a sample; the thorough one holds every family."""
    if THOROUGH:
        assert {fault.family for fault in sample(SAMPLED)} == set(FAMILIES)
    assert [fault.name for fault in missed(outcomes, SUITE)] == []


@pytest.mark.parametrize("name", LATE if THOROUGH else LATE[:1])
def test_faults_on_late_pages_are_found(name: str) -> None:
    """200 requests for results reach the last pages of every run, finished or not, whatever else they are for."""
    assert judge(Job(SUITE, name)).complaints


def test_no_correct_server_is_accused(outcomes: dict[Job, Outcome]) -> None:
    """No correct variant of the sample fails, nor does the reference server, and each is judged completely."""
    assert accused(outcomes, SUITE) == {}
    correct = {HONEST, *(variant.name for variant in CORRECT)}
    assert [job.server for job, outcome in outcomes.items() if outcome.undecided and job.server in correct] == []


def test_a_server_costs_at_most_200_requests(outcomes: dict[Job, Outcome]) -> None:
    """No server of the sample is sent more than 250 requests."""
    assert max(outcome.requests for outcome in outcomes.values()) <= 250


def test_the_same_seed_gives_the_same_verdict(outcomes: dict[Job, Outcome]) -> None:
    """A server that is judged again with the same seed is judged the same."""
    for name in (HONEST, sample(1)[0].name):
        again, before = judge(Job(SUITE, name)), outcomes[Job(SUITE, name)]
        assert (again.complaints, again.requests) == (before.complaints, before.requests)
        assert again.remarks - SLOW == before.remarks - SLOW


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_the_measurement_runs() -> None:
    """Jobs in their own processes give outcomes, and the summary counts what was found, missed and accused."""
    fault, variant = next(fault for fault in FAULTS if fault.level == "MUST"), CORRECT[0]
    outcomes = judge_all([Job(BY_ID, fault.name)])
    assert outcomes[Job(BY_ID, fault.name)].requests > 10
    outcomes |= {Job(SUITE, fault.name): Outcome(), Job(SUITE, variant.name): Outcome(frozenset({"state.id"}))}
    tools = summarize(outcomes, OWN_TOOLS, {HONEST: [Outcome()] * 2}, minutes=1)["tools"]
    assert tools[BY_ID]["found"]["MUST"] == {fault.family: [1, 1]}
    assert tools[SUITE]["missed"] == [fault.name]
    assert tools[SUITE]["accused"] == {variant.name: ["state.id"]}


def test_a_mutant_is_built_served_and_found() -> None:
    """The reference server breaks nothing; with one change in its source the verifier fails it."""
    honest = judge_mutant(None)
    assert (honest.complaints, honest.remarks - SLOW, honest.undecided) == (frozenset(), frozenset(), "")
    mutant = next(each for each in find_mutants() if "ReferenceServer.has_more" in each.id and each.after.count("<="))
    assert "paging.has-more" in judge_mutant(mutant).complaints


def test_the_page_is_fresh() -> None:
    """docs/power.md says what is in benchmarks/power/results: `python -m benchmarks.power.page` writes it."""
    assert PAGE.read_text("utf-8") == power_page()
