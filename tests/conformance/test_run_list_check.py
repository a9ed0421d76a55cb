"""`check` judges the list of runs: breaches are found, correct servers are not accused, and no server must have it."""

import json
import os
import time
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from typing import Any

import pytest
from starlette.requests import Request

from run_results_conformance import MemoryStore, ReferenceServer, serve
from run_results_conformance.faults import (
    CORRECT,
    FAULTS,
    STANDARD_PAGE_SIZE,
    STANDARD_RUN,
    STANDARD_TOKEN,
    Fault,
    Variant,
    faulty,
    standard_store,
)
from run_results_conformance.faults.lists.family import WALK, lists
from run_results_conformance.faults.standard import asking
from run_results_conformance.server.runs import MemoryRun
from run_results_conformance.verifier.budget import share_of_lists, with_lists
from run_results_conformance.verifier.report import Report, to_html, to_json, to_junit, to_text
from run_results_conformance.verifier.rules import BY_ID, RULES, Level
from run_results_conformance.verifier.verification import verify

from .test_faults import Client, opened
from .verifier_kit import RUN, STORE, TOKEN, broken, explain, kept, of_results, verified

pytestmark = pytest.mark.usefixtures("quick_turns")

THOROUGH = os.environ.get("HYPOTHESIS_PROFILE") == "thorough"
FAMILY = {rule.id for rule in RULES if rule.family == "runs"}
KNOWN = (STANDARD_RUN, "run-failed", "run-running")
HOUR = 3600


def checked(name: str, **options: Any) -> Report:
    """What is found of the fault or the correct variant of this name."""
    with serve(faulty(name, standard_store(), STANDARD_TOKEN, page_size=STANDARD_PAGE_SIZE)) as served:
        return verify(served.url, STANDARD_TOKEN.value, runs=KNOWN, latency=60, **options)


# --- Every fault and every correct variant ---------------------------------------------------------------------

OF_LISTS = [fault for fault in FAULTS if fault.family == "runs"]
SOME = OF_LISTS if THOROUGH else OF_LISTS[::9]
VARIANTS = [variant for variant in CORRECT if variant.name.startswith("list-")]
# Those that no answer to the requests below shows: a change later on, and a clock, with which no run is listed.
UNSEEN = {"list-run-deleted", "list-run-finished", "list-clock-ahead"}


@pytest.mark.parametrize("fault", SOME, ids=lambda fault: fault.name)
def test_a_fault_is_found(fault: Fault) -> None:
    """Every fault of the family fails the server, by rules of the family or those of every answer; ids are enough."""
    report = checked(fault.name, only=["runs", "errors"])
    assert report.exit_code == 1, explain(report)
    assert {rule for rule in broken(report) if BY_ID[rule].level is Level.MUST} <= FAMILY | {"errors.server-error"}


@pytest.mark.parametrize("variant", VARIANTS if THOROUGH else VARIANTS[::4], ids=lambda variant: variant.name)
def test_a_correct_variant_is_not_accused(variant: Variant) -> None:
    """A correct variant of the list breaks no rule, of whatever family."""
    report = checked(variant.name, max_requests=250 if THOROUGH else 200)
    assert (report.exit_code, broken(report)) == (0, []), explain(report)


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.name)
def test_a_correct_variant_differs(variant: Variant) -> None:
    """A correct variant of the list differs from the reference server in some list, and in no results."""
    questions = (
        *WALK,
        lists(),
        lists({"limit": "100"}),
        lists({"limit": "0"}),
        lists({"from_timestamp": "1743173217", "order": "ASCENDING"}),
        lists({"to_timestamp": "1743173217", "order": "DESCENDING"}),
        lists(context="no-such-context"),
    )

    def ask(client: Client) -> Sequence[object]:
        return [client.ask(question).meaning for question in questions]

    store = standard_store()
    with opened(ReferenceServer(store, STANDARD_TOKEN, page_size=STANDARD_PAGE_SIZE)) as client:
        honest, page = ask(client), client.ask(asking()).meaning
    with opened(faulty(variant.name, store, STANDARD_TOKEN, page_size=STANDARD_PAGE_SIZE)) as client:
        assert (ask(client) != honest) is (variant.name not in UNSEEN)
        assert client.ask(asking()).meaning == page


# --- Servers without lists ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["list-not-offered", "list-not-offered-405", "list-not-offered-501"])
def test_a_server_need_not_list_runs(name: str) -> None:
    """A server that answers the operation with 404, 405 or 501 breaks nothing: its rules are unjudged, and say why."""
    report = checked(name, only=["runs", "errors", "wire"] if THOROUGH or name == "list-not-offered" else ["runs"])
    assert (report.exit_code, broken(report)) == (0, []), explain(report)
    unjudged = {verdict.rule.id: verdict.reason for verdict in report.not_judged if verdict.rule.id in FAMILY}
    assert unjudged.keys() == FAMILY
    (reason,) = set(unjudged.values())
    assert reason.startswith("not offered: GET /v2/apps/runs was answered with status ")
    assert report.requests - of_results(report) == 1
    assert f"18 rules: {reason}" in to_text(report)
    assert f"{reason}" in to_html(report)
    cases = [case for case in ET.fromstring(to_junit(report)).iter("testcase") if case.get("classname") == "runs"]
    assert {skipped.get("message") for case in cases for skipped in case.iter("skipped")} == {reason}
    assert len(cases) == len(FAMILY)
    operations = json.loads(to_json(report))["operations"]
    assert [each["outcome"] for each in operations] == ["judged", "not offered"]


def test_reports_name_both_operations() -> None:
    """JSON says what became of each operation; nothing is asked of one whose rules are left out."""
    report = verified(ReferenceServer(STORE, TOKEN, page_size=3), only=["runs"])
    assert json.loads(to_json(report))["operations"] == [
        {"operation": "GET /v2/apps/runs/{run_id}/results", "outcome": "judged"},
        {"operation": "GET /v2/apps/runs", "outcome": "judged"},
    ]
    report = verified(ReferenceServer(STORE, TOKEN, page_size=3), skip=["runs"], only=["paging.end", "runs"])
    assert [outcome for _, outcome in report.operations] == ["judged", "left out"]
    assert of_results(report) == report.requests


# --- What it costs ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("most", [250, 100])
def test_lists_have_a_share_of_the_requests(most: int) -> None:
    """Lists take at most a fifth of the requests, and at most fifty; the results keep what they had without them."""
    report = verified(ReferenceServer(STORE, TOKEN, page_size=1), manifest=None, runs=[RUN], max_requests=most)
    assert broken(report) == [], explain(report)
    assert 0 < report.requests - of_results(report) <= share_of_lists(most)
    assert report.requests <= most


def test_enough_requests_are_named() -> None:
    """With as many requests as are named, enough are left when those for lists are taken away, and few more."""
    for wanted in range(1, 500):
        allowed = with_lists(wanted)
        assert wanted <= allowed - share_of_lists(allowed) <= wanted + 2


# --- Lists that are unusual, and right -----------------------------------------------------------------------------


def run_of(name: str, start: float, status: str = "COMPLETE") -> MemoryRun:
    """A run of one file. `start` is in seconds."""
    began = int(start * 10**9)
    finish = {} if status in ("RUNNING", "PAUSED") else {"finish_timestamp": began + 10**9}
    header = {"id": name, "status": status, "start_timestamp": began, **finish}
    return MemoryRun(header, [{"original_file_name": f"{name}.pdf", "documents": []}])


def judged(app: Any, *known: str, only: Sequence[str] = ("runs",)) -> Report:
    return verified(app, manifest=None, runs=known, only=only, seed=1)


@pytest.mark.parametrize("page_size", [2, 50])
def test_runs_with_the_same_start(page_size: int) -> None:
    """Runs with the same start are listed in any order, whether it stays the same or not."""

    class AnyOrder(ReferenceServer):
        asked = 0

        def find_runs(self, query: Any, context: str | None) -> Any:
            self.asked += 1
            found = super().find_runs(query, context)
            turned = sorted(found, key=lambda run: run["id"], reverse=self.asked % 3 == 1)
            falling = [run["start_timestamp"] for run in found] != sorted(run["start_timestamp"] for run in found)
            return sorted(turned, key=lambda run: run["start_timestamp"], reverse=falling)

    starts = (0, 0, 0, 60, 90, 90, 120)
    store = MemoryStore([run_of(f"r{index}", 1_750_000_000 + start) for index, start in enumerate(starts)])
    for server in (ReferenceServer, AnyOrder):
        report = judged(server(store, TOKEN, page_size=page_size), "r0", only=["runs.suffix", "runs.end", "runs.order"])
        assert broken(report) == [], explain(report)


def test_many_runs_are_read_in_part() -> None:
    """Of a long list the first pages are read, and everything is compared within them."""
    store = MemoryStore([run_of(f"r{index}", 1_750_000_000 + 60 * index) for index in range(300)])
    report = judged(ReferenceServer(store, TOKEN, page_size=100), "r0", "r299")
    assert broken(report) == [], explain(report)
    assert {"runs.suffix", "runs.end", "runs.every-match", "runs.order", "runs.same-run"} <= kept(report)


def test_a_breach_that_is_gone_is_none() -> None:
    """An answer that breaks a rule once, and is right when it is asked for again, counts for nothing."""

    class Once(ReferenceServer):
        asked = 0

        def slice_list(self, runs: Any, offset: int, size: int) -> Any:
            self.asked += 1
            found = super().slice_list(runs, offset, size)
            return [*found, *found[:1]] if self.asked in (1, 9, 17) else found

    report = verified(Once(STORE, TOKEN, page_size=3), only=["runs"])
    assert broken(report) == [], explain(report)


@pytest.mark.parametrize(
    ("hours", "verdict"), [(24, []), (2, ["runs.default-window"]), (24 * 40, ["runs.default-window"])]
)
def test_the_default_window_is_a_day(hours: int, verdict: list[str]) -> None:
    """A default window that is shorter than a day, or longer, is found where the runs of the last day show it."""

    class Other(ReferenceServer):
        def read_list_parameters(self, request: Request) -> Any:
            values = super().read_list_parameters(request)
            if "timestamp" not in str(request.scope["query_string"]):
                values["from_timestamp"] = int(time.time()) - hours * HOUR
            return values

    now = time.time()
    store = MemoryStore([run_of(f"r{ago}", now - ago * HOUR) for ago in (1, 3, 9, 23, 50, 900)])
    report = judged(Other(store, TOKEN, page_size=50), "r1", only=["runs.default-window"])
    assert broken(report) == verdict, explain(report)


def test_a_window_in_another_unit() -> None:
    """A server that takes the window for milliseconds lists runs without a window, and none with one: a breach."""

    class Milliseconds(ReferenceServer):
        def read_list_parameters(self, request: Request) -> Any:
            values = super().read_list_parameters(request)
            given = {name: value // 1000 for name, value in values.items() if "timestamp" in name and value is not None}
            return {**values, **given}

    store = MemoryStore([run_of(f"r{ago}", time.time() - ago * HOUR) for ago in (1, 3, 9)])
    report = judged(Milliseconds(store, TOKEN, page_size=50), "r1")
    assert broken(report) == ["runs.every-match"], explain(report)
