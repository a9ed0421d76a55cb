"""What a verification did not read is said, with how many requests would read it."""

import json
import os
import re

import pytest

from run_results_conformance import MemoryStore, ReferenceServer, SyntheticRun
from run_results_conformance.verifier.manifest import KnownRun, Manifest
from run_results_conformance.verifier.report import to_html, to_json, to_text

from .verifier_kit import TOKEN, broken, explain, of_results, verified

THOROUGH = os.environ.get("HYPOTHESIS_PROFILE") == "thorough"
pytestmark = pytest.mark.usefixtures("quick_turns")


def store(runs: int, files: int) -> MemoryStore:
    return MemoryStore(
        [
            SyntheticRun(seed, files, run_id=f"run-{seed}", documents_per_file=1, fields_per_document=2)
            for seed in range(runs)
        ]
    )


@pytest.mark.parametrize(("runs", "files", "known"), [(6, 30, False), (1, 150, True)] if THOROUGH else [(3, 45, False)])
def test_the_suggested_requests_are_enough(runs: int, files: int, known: bool) -> None:
    """Walks that the requests cut are named; with as many requests as the report suggests, every file is read."""
    ids = [f"run-{seed}" for seed in range(runs)]
    manifest = Manifest(tuple(KnownRun(run_id, files=files) for run_id in ids)) if known else Manifest.of_ids(*ids)
    server = ReferenceServer(store(runs, files), TOKEN, page_size=3)
    report = verified(server, manifest=manifest)
    assert report.exit_code == 0, explain(report)
    assert of_results(report) == 200
    assert report.conclusion.startswith("The server conforms, as far as its runs were read: ")
    *lines, advice = report.unread
    assert len(lines) <= runs
    assert all(re.match(r"run run-\d: ", line) for line in lines)
    for _ in range(3):  # an end that is not known yet is found on the way
        enough = int(advice.rpartition(" ")[2])
        report = verified(server, manifest=manifest, max_requests=enough)
        assert report.requests <= enough
        if not report.unread:
            break
        assert "at least" in advice
        advice = report.unread[-1]
    assert report.unread == (), report.unread
    assert report.conclusion.startswith("The server conforms: ")


def test_every_form_says_what_was_not_read() -> None:
    """Text, HTML and JSON say which files were not read; where all were, none of them says anything."""
    report = verified(ReferenceServer(store(1, 200), TOKEN, page_size=1), manifest=None, runs=["run-0"])
    for line in report.unread:
        assert line in to_text(report)
        assert line in to_html(report)
    assert json.loads(to_json(report))["unread"] == list(report.unread)
    report = verified(ReferenceServer(store(1, 5), TOKEN, page_size=3), manifest=None, runs=["run-0"])
    assert report.unread == ()
    assert "Not read" not in to_text(report)


def test_runs_that_were_not_read_are_counted() -> None:
    """Of more runs than the requests are enough for some are read, and the report says how many requests would do."""
    ids = [f"run-{seed}" for seed in range(20)]
    server = ReferenceServer(store(20, 4), TOKEN, page_size=3)
    report = verified(server, manifest=None, runs=ids)
    (note,) = [note for note in report.notes if "runs were read" in note]
    assert note == "12 of 20 runs were read; for all of them, allow --max-requests 370"
    assert len(verified(server, manifest=None, runs=ids, max_requests=370).runs) == 20


def test_nothing_readable_is_no_verdict() -> None:
    """Where no run can be read, no rule counts as kept: the error answers of a server say nothing of it."""
    report = verified(ReferenceServer(store(1, 3), TOKEN), manifest=None, runs=["nobody's"])
    assert report.exit_code == 2
    assert report.conclusion == "The server could not be judged: 0 rules broken, and no run could be read."
    assert "kept" not in to_text(report)
    assert broken(report) == []
