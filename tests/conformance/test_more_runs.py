"""Naming more runs never hides a fault: what is found with one run is found with that run and others."""

import os

import pytest

from run_results_conformance import serve
from run_results_conformance.faults import FAULTS, STANDARD_PAGE_SIZE, STANDARD_TOKEN, Fault, faulty, standard_store
from run_results_conformance.verifier.report import Report
from run_results_conformance.verifier.rules import BY_ID
from run_results_conformance.verifier.verification import verify

pytestmark = pytest.mark.usefixtures("quick_turns")

FIRST, MORE = "run-standard", ("run-names", "run-single")
THOROUGH = os.environ.get("HYPOTHESIS_PROFILE") == "thorough"
NAMED = ("two-flags-lose-case-failures", "three-flags-lose-case-edits", "language-of-values", "copy-with-other-values")
SAMPLED = [fault for fault in FAULTS if fault.level == "MUST"][3::19] if THOROUGH else []


def _found(fault: Fault, *runs: str) -> tuple[frozenset[str], Report]:
    app = faulty(fault.name, standard_store(), STANDARD_TOKEN, page_size=STANDARD_PAGE_SIZE)
    with serve(app) as served:
        report = verify(served.url, STANDARD_TOKEN.value, runs=runs, latency=60)
    return frozenset(verdict.rule.id for verdict in report.broken if BY_ID[verdict.rule.id].level == "MUST"), report


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(fault, id=fault.name)
        for fault in FAULTS
        if fault.name in NAMED[: None if THOROUGH else 2] or fault in SAMPLED
    ],
)
def test_more_runs_hide_nothing(fault: Fault) -> None:
    """A fault that is found in one run is found where others, lighter ones too, are named beside it."""
    alone, _ = _found(fault, FIRST)
    together, report = _found(fault, *MORE, FIRST)
    assert bool(alone) <= bool(together), (alone, report.unread)
