"""A run that changes by itself while it is verified: its server is not accused."""

import os
from collections.abc import Callable
from itertools import count, product
from typing import Any

import pytest

from run_results_conformance import MemoryStore, ReferenceServer, SyntheticRun, UnfinishedRun, serve
from run_results_conformance.faults import STANDARD_PAGE_SIZE, STANDARD_TOKEN, faulty, standard_store
from run_results_conformance.faults.steps import Call, edited
from run_results_conformance.verifier.verification import verify

from .verifier_kit import RUN, STORE, TOKEN, broken, explain, of_results

THOROUGH = os.environ.get("HYPOTHESIS_PROFILE") == "thorough"
SEEDS = (0, 1, 2) if THOROUGH else (0,)

pytestmark = pytest.mark.usefixtures("quick_turns")


def _correct_fields(_call: Call, page: Any) -> None:
    """Every value gets another text, and a line in its history where that is shown."""
    for file in page["files"]:
        for document in file["documents"]:
            for field in document["fields"]:
                field["value"] += "!"
                if "edit_history" in field:
                    field["edit_history"] = [{"timestamp": "08/27/2025 00:58:39", "user_id": "reviewer-1"}]


def _reclassify_one(call: Call, page: Any) -> None:
    """One document of the run's last file but one gets another class."""
    for index, file in enumerate(page["files"], call.offset):
        if index == call.total - 2:
            file["documents"][0]["class_name"] = "Another"


def _review(_call: Call, page: Any) -> None:
    """The review of the run is taken up again, and its finish time moves."""
    page["review_completed"] = not page.get("review_completed")
    if page.get("finish_timestamp"):
        page["finish_timestamp"] += 1


EDITS: dict[str, Callable[[Call, Any], None]] = {
    "values": _correct_fields,
    "class": _reclassify_one,
    "review": _review,
}


def _moments(edit: str) -> range:
    """All of them, or a few that are others for every edit."""
    return range(200) if THOROUGH else range(3 + 22 * list(EDITS).index(edit), 200, 100)


@pytest.mark.parametrize("edit", EDITS)
def test_an_edit_at_any_moment(edit: str) -> None:
    """A reviewer may edit a run that is COMPLETE between any two requests: nobody is accused of it."""
    noted, moments = 0, _moments(edit)
    for moment in moments:
        for seed in SEEDS:

            def since(call: Call, moment: int = moment) -> bool:
                return call.run_id == RUN and call.number >= moment

            with serve(edited(EDITS[edit], when=since)(STORE, TOKEN, page_size=3)) as served:
                report = verify(served.url, TOKEN, runs=[RUN, "run-paused"], seed=seed, latency=60)
            assert broken(report) == [], f"edited before request {moment}: {explain(report)}"
            assert report.exit_code == 0, f"edited before request {moment}: {explain(report)}"
            assert of_results(report) <= 200
            noted += any("moved while it was looked at" in note for note in report.notes)
    assert noted > len(moments) // 2


@pytest.mark.parametrize(("every", "page_size"), product(range(1, 33), (2, 3)) if THOROUGH else [(3, 2)])
def test_a_run_that_grows_beside_others(every: int, page_size: int) -> None:
    """A run that is RUNNING, has one file and grows is no reason to accuse a server, whatever is read beside it."""

    def run(seed: int, files: int, run_id: str, status: str = "COMPLETE") -> SyntheticRun:
        return SyntheticRun(seed, files, run_id=run_id, status=status, documents_per_file=1, fields_per_document=6)

    store = MemoryStore([run(1, 10, "done"), run(2, 4, "done-too"), run(3, 2, "paused", "PAUSED")])
    asked = count()

    class Counting(ReferenceServer):
        def check_method(self, request: Any) -> None:
            next(asked)  # every request takes time, whichever run it is for
            super().check_method(request)

    def progress() -> float:
        return min((1 + next(asked) // every) / 12, 0.99)

    store.add(UnfinishedRun(run(9, 12, "grows"), progress))
    for seed in SEEDS:
        with serve(Counting(store, TOKEN, page_size=page_size)) as served:
            report = verify(served.url, TOKEN, runs=["done", "done-too", "paused", "grows"], seed=seed, latency=60)
        assert broken(report) == [], explain(report)
        assert report.exit_code == 0, explain(report)


FLICKERING = ("files-turn", "asked-again-at-once", "run-flickers", "values-flicker", "fields-turn", "timestamps-drift")


@pytest.mark.parametrize("fault", FLICKERING if THOROUGH else FLICKERING[:3])
def test_determinism_is_judged_first(fault: str) -> None:
    """What is not deterministic is not blamed on flags, compression, offsets or headers."""
    for seed in (0, 1, 2, 3) if THOROUGH else (0,):
        store = standard_store()
        with serve(faulty(fault, store, STANDARD_TOKEN, page_size=STANDARD_PAGE_SIZE)) as served:
            runs = [run_id for context, run_id in store if context is None]
            report = verify(served.url, STANDARD_TOKEN.value, runs=runs, seed=seed, latency=60)
        assert broken(report) == ["paging.deterministic"], explain(report)
