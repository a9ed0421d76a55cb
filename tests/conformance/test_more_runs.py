"""A run that is added never loses a rule: what any run allows to judge is judged."""

import os
from functools import cache
from itertools import permutations
from random import Random

import pytest

from run_results_conformance import MemoryStore, ReferenceServer, SyntheticRun, UnfinishedRun, serve
from run_results_conformance.server.runs import MemoryRun
from run_results_conformance.verifier.report import Report
from run_results_conformance.verifier.verification import verify

from .verifier_kit import TOKEN, broken, explain

THOROUGH = os.environ.get("HYPOTHESIS_PROFILE") == "thorough"

pytestmark = pytest.mark.usefixtures("quick_turns")


def _runs() -> MemoryStore:
    """One run of every kind: of no file, of one, of several on one page and on many, without fields, and unfinished."""

    def run(seed: int, files: int, run_id: str, status: str = "COMPLETE") -> SyntheticRun:
        return SyntheticRun(seed, files, run_id=run_id, status=status, documents_per_file=1, fields_per_document=5)

    plain = [{"input_file_path": f"{number}.pdf", "original_file_name": f"{number}.pdf"} for number in range(3)]
    store = MemoryStore(
        [
            run(1, 0, "empty"),
            run(2, 1, "single"),
            run(3, 12, "long"),
            run(4, 3, "paused", "PAUSED"),
            run(5, 5, "running", "RUNNING"),
            run(6, 2, "failed", "FAILED"),
            MemoryRun({"id": "plain", "status": "COMPLETE"}, plain),
        ]
    )
    asked = iter(range(10_000))
    store.add(UnfinishedRun(run(7, 40, "grows"), lambda: min(1 + next(asked), 39) / 40))
    return store


NAMES = tuple(run_id for _, run_id in _runs())


def judged(*run_ids: str) -> frozenset[str]:
    return frozenset(verdict.rule.id for verdict in _verified(*run_ids).verdicts if verdict.judged)


@cache
def _verified(*run_ids: str) -> Report:
    with serve(ReferenceServer(_runs(), TOKEN, page_size=3)) as served:
        report = verify(served.url, TOKEN, runs=run_ids, latency=60)
    assert broken(report) == [], explain(report)
    return report


PAIRS = (
    list(permutations(NAMES, 2))
    if THOROUGH
    else [("paused", "empty"), ("empty", "paused"), ("running", "empty"), ("plain", "single"), ("empty", "grows")]
)


@pytest.mark.parametrize(("one", "added"), PAIRS)
def test_a_run_more_loses_no_rule(one: str, added: str) -> None:
    """Whatever is judged with one run is judged with another beside it."""
    assert judged(one) - judged(one, added) == set(), explain(_verified(one, added))


def test_an_empty_run_hides_no_offset() -> None:
    """Spellings of offsets are judged with the run that has files, though a run that is final has none."""
    assert "inputs.offset-read" in judged("paused")
    assert "inputs.offset-read" in judged("paused", "empty")


@pytest.mark.skipif(not THOROUGH, reason="verifies with many sets of three runs: see `make thorough`")
def test_two_runs_more_lose_no_rule() -> None:
    """Nor do two more runs."""
    for one, *others in Random(0).sample(list(permutations(NAMES, 3)), 40):
        assert judged(one) - judged(one, *others) == set(), explain(_verified(one, *others))
