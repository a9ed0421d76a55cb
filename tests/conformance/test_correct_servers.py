"""Correct servers that look unusual are not accused, and a server that fails once is accused of that alone."""

import os
import time
from collections.abc import Callable
from email.utils import formatdate
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import Response

from run_results_conformance import MemoryStore, ReferenceServer, SyntheticRun, serve
from run_results_conformance.faults import STANDARD_PAGE_SIZE, STANDARD_TOKEN, faulty, standard_store
from run_results_conformance.server.contract import load_contract
from run_results_conformance.server.reference import Refusal
from run_results_conformance.server.runs import MemoryRun
from run_results_conformance.verifier.budget import retry_after
from run_results_conformance.verifier.checks.exchange import check_results
from run_results_conformance.verifier.connection import Answer
from run_results_conformance.verifier.spec_view import spec_view_of
from run_results_conformance.verifier.verification import verify

from .verifier_kit import RUN, STORE, TOKEN, broken, explain, kept, verified

THOROUGH = os.environ.get("HYPOTHESIS_PROFILE") == "thorough"
SEEDS = range(20) if THOROUGH else range(1)

pytestmark = pytest.mark.usefixtures("quick_turns")

UNUSUAL = ("unknown-run-403", "slash-redirected", "range-answered", "complete-under-review", "reviewed-meanwhile")


@pytest.mark.parametrize("variant", UNUSUAL)
def test_unusual_and_correct(variant: str) -> None:
    """403 for an unknown run, an empty redirect, 206 to a range, a review that goes on: none of it is a breach."""
    for seed in SEEDS:
        with serve(faulty(variant, standard_store(), STANDARD_TOKEN, page_size=STANDARD_PAGE_SIZE)) as served:
            runs = ["run-standard", "run-single", "run-paused"]
            report = verify(served.url, STANDARD_TOKEN.value, runs=runs, seed=seed, latency=60)
        assert broken(report) == [], explain(report)
        assert report.exit_code == 0, explain(report)


@pytest.mark.parametrize(
    ("status", "review", "rule"),
    [
        ("COMPLETE", {"review_completed": False}, None),
        ("COMPLETE", {"review_completed": True}, "state.complete"),
        ("COMPLETE", {}, "state.complete"),
        ("FAILED", {}, "state.ended"),
        ("FAILED", {"review_completed": False}, "state.ended"),
        ("CANCELLED", {"review_completed": False}, "state.ended"),
        ("PAUSED", {}, None),
    ],
)
def test_whose_finish_time_may_be_null(status: str, review: dict[str, bool], rule: str | None) -> None:
    """Of runs that are over, only one that is COMPLETE and under review may have a null finish time."""
    spec = spec_view_of(load_contract())
    answer: dict[str, Any] = {"status": status, "finish_timestamp": None, "files": [], "has_more": False, **review}
    every = check_results(spec, answer, spec.inspect(answer, frozenset()))
    found = [each.rule for each in every if not each.kept and each.rule.startswith("state.")]
    assert found == ([rule] if rule else [])


# --- Ids that exist -------------------------------------------------------------------------------------------

NUMBERED = MemoryStore(
    [SyntheticRun(n, 3, run_id=str(n), documents_per_file=1, fields_per_document=3) for n in range(110)]
)


@pytest.mark.parametrize("run_id", ["9", "109", "7", "42"] if THOROUGH else ["9", "109"])
def test_the_neighbour_is_a_run(run_id: str) -> None:
    """With short or sequential ids an altered id names another run: it is no fault that it is answered."""
    for seed in SEEDS:
        report = verified(ReferenceServer(NUMBERED, TOKEN, page_size=2), manifest=None, runs=[run_id], seed=seed)
        assert broken(report) == [], explain(report)
        assert report.exit_code == 0, explain(report)
        assert "inputs.run-id-exact" in kept(report)


def test_the_neighbour_is_a_run_that_started_at_the_same_time() -> None:
    """Runs that somebody wrote by hand may all have one start: they are told apart by their files."""
    runs = MemoryStore(
        [
            MemoryRun({"id": run_id, "status": "COMPLETE", "start_timestamp": 1_700_000_000_000_000_000}, files)
            for run_id, files in (
                ("a", [{"original_file_name": "one.pdf"}]),
                ("b", [{"original_file_name": "two.pdf"}, {"original_file_name": "one.pdf"}]),
            )
        ]
    )
    for run_id in ("a", "b"):
        report = verified(
            ReferenceServer(runs, TOKEN, page_size=2), manifest=None, runs=[run_id], only=["inputs.run-id-exact"]
        )
        assert broken(report) == [], explain(report)


class Careless(ReferenceServer):
    """Reads the leading digits of an id, and answers with the id that was asked for."""

    def find_run(self, run_id: str, context: str | None) -> Any:
        digits = "".join(character for character in run_id if character.isdigit())
        run = self.store.find(run_id, context) or self.store.find(digits, context)
        if run is None:
            return super().find_run(run_id, context)
        files = run.files(0, run.file_count)
        return type(
            "Echo", (), {"header": {**run.header, "id": run_id}, "file_count": len(files), "files": run.files}
        )()


class EmptyForAll(ReferenceServer):
    """Answers every id that it does not know with a run without files."""

    def find_run(self, run_id: str, context: str | None) -> Any:
        run = self.store.find(run_id, context)
        return run or MemoryRun({"id": run_id, "status": "COMPLETE", "start_timestamp": 1_700_000_000_000_000_000}, [])


@pytest.mark.parametrize("server", [Careless, EmptyForAll])
@pytest.mark.parametrize("run_id", ["42", "109"])
def test_an_id_that_no_run_has(server: type[ReferenceServer], run_id: str) -> None:
    """A server that shows the run under an id that is not its own, or a run for every id, is found out nevertheless."""
    report = verified(server(NUMBERED, TOKEN, page_size=2), manifest=None, runs=[run_id], only=["inputs.run-id-exact"])
    assert broken(report) == ["inputs.run-id-exact"], explain(report)


# --- Busy, or failing once ------------------------------------------------------------------------------------


class Failing(ReferenceServer):
    """Fails at one request; what it answers then is as the contract wants it."""

    refusal = Refusal(502, "The server behind this one did not answer")
    moment = 0
    asked = -1

    def respond(self, request: Request) -> Response:
        self.asked += 1
        return self.error(self.refusal) if self.asked == self.moment else super().respond(request)


def test_one_failure_is_one_breach() -> None:
    """One 500, 502 or 504, whichever request it hits, is named by its rule and blamed on nothing else."""
    for number, moment in enumerate(range(200) if THOROUGH else (0, 9, 101)):
        server = Failing(STORE, TOKEN, page_size=3)
        server.moment, server.refusal = moment, Refusal((500, 502, 504)[number % 3], "It did not work")
        report = verified(server, manifest=None, runs=[RUN, "run-paused"])
        assert broken(report) in ([], ["errors.server-error"]), explain(report)
        assert broken(report) or server.asked < moment
        assert report.obstacles == (), explain(report)


class Limited(ReferenceServer):
    """Has no time for some requests, and says when to come back, or does not."""

    headers: Callable[[], dict[str, str]] = staticmethod(dict)
    moments: tuple[int, ...] = (5, 30)
    asked = -1

    def respond(self, request: Request) -> Response:
        self.asked += 1
        if self.asked in self.moments:
            return self.error(Refusal(429, "Too many requests", type(self).headers()))
        return super().respond(request)


def test_a_date_is_waited_for() -> None:
    """A Retry-After that is a date is waited for, as one in seconds is."""
    until = time.time() + 1

    class Dated(Limited):
        headers = staticmethod(lambda: {"Retry-After": formatdate(until + 1, usegmt=True)})

        def respond(self, request: Request) -> Response:
            limited = self.asked >= 4 and time.time() < until
            self.moments = (self.asked + 1,) if limited else ()
            return super().respond(request)

    report = verified(Dated(STORE, TOKEN, page_size=3), manifest=None, runs=[RUN])
    assert (report.exit_code, broken(report)) == (0, []), explain(report)


def test_429_without_a_time() -> None:
    """A 429 without Retry-After costs a short wait, and nothing goes unjudged for it."""

    class Often(Limited):
        moments = tuple(range(3, 200, 9))

    report = verified(Often(STORE, TOKEN, page_size=3), manifest=None, runs=[RUN])
    assert (report.exit_code, broken(report)) == (0, []), explain(report)


def test_a_long_wait_is_said() -> None:
    """A server that asks for more time than there is ends the verification, which says so: nobody stopped answering."""

    class Tomorrow(Limited):
        headers = staticmethod(lambda: {"Retry-After": "86400"})

    report = verified(Tomorrow(STORE, TOKEN, page_size=3), manifest=None, runs=[RUN])
    assert (report.exit_code, broken(report)) == (2, [])
    assert "asks to be left alone for 86400 s" in report.obstacles[0]
    assert "stopped answering" not in " ".join(report.obstacles)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ((), None),
        ((("Retry-After", "7"),), 7),
        ((("Retry-After", "1.5"),), 1.5),
        ((("Retry-After", "soon"),), None),
        ((("Retry-After", "Sun, 06 Nov 1994 08:49:37 GMT"),), 0),
        ((("Retry-After", "Sun, 06 Nov 1994 08:49:37 GMT"), ("Date", "Sun, 06 Nov 1994 08:49:07 GMT")), 30),
        ((("Retry-After", "Sun, 06 Nov 1994 08:49:07 GMT"), ("Date", "Sun, 06 Nov 1994 08:49:37 GMT")), 0),
    ],
)
def test_retry_after(headers: Any, seconds: float | None) -> None:
    """The wait is read from seconds, and from a date by the clock of the server."""
    assert retry_after(Answer(429, headers)) == seconds
