"""Our client walks the runs of every faulty server: a whole run, a typed error, or a report; else it is declared."""

from collections.abc import Mapping
from itertools import islice
from typing import Any

import pytest

from run_results import Client, Include, RetryPolicy
from run_results.errors import RunResultsError
from run_results_conformance import load_contract, serve
from run_results_conformance.faults import (
    FAMILIES,
    FAULTS,
    STANDARD_PAGE_SIZE,
    STANDARD_TOKEN,
    faulty,
    standard_store,
)

MOST = 12  # pages of a walk; the longest honest one has five
POLICY = RetryPolicy(attempts=2, base=0.001, max_retry_after=1.0)
STORE = standard_store()
RUNS = [run_id for context, run_id in STORE if context is None]
CONTRACT = load_contract()
ALL = frozenset(CONTRACT.flags)


def stored(run_id: str) -> Mapping[str, Any]:
    """What an honest server answers of a run, all pages in one."""
    run = STORE.find(run_id, None)
    assert run is not None
    page: Mapping[str, Any] = CONTRACT.project({**run.header, "files": list(run.files(0, run.file_count))}, ALL)
    return page


HONEST = {run_id: stored(run_id) for run_id in RUNS}


def outcome(client: Client, run_id: str) -> str:
    """What a walk comes to: `whole`, `error`, `reported`, or `unseen` where the caller holds something else."""
    files: list[Any] = []
    reported = whole = False
    try:
        for page in islice(client.pages(run_id, include=Include.ALL), MOST):
            files += page.raw["files"]
            reported = reported or bool(page.breaches)
            header = {name: part for name, part in page.raw.items() if name not in ("files", "has_more")}
            whole = {**header, "files": HONEST[run_id]["files"]} == HONEST[run_id]
    except RunResultsError:
        return "error"
    if whole and files == HONEST[run_id]["files"]:
        return "whole"
    return "reported" if reported else "unseen"


def walked(name: str) -> set[str]:
    """The outcomes of walks through all runs of a faulty server. What is not of our family is raised."""
    app = faulty(name, STORE, STANDARD_TOKEN, page_size=STANDARD_PAGE_SIZE)
    settings = {"token": STANDARD_TOKEN.value, "retry": POLICY, "timeout": 20.0}
    with serve(app) as served, Client(base_url=served.url, **settings) as client:
        return {outcome(client, run_id) for run_id in RUNS}


# What nobody can see who has no more than the answers, by family or by name, and why.
UNDETECTABLE = {
    "paging": "files left out, or in another order, in every answer: length and order are the server's to say",
    "flags": "members are optional, and the answer under other flags is not asked for",
    "names": "another valid name: the project's names are not in the answers",
    "state": "another plausible state of the run",
    "stability": "each page is asked for once",
    "flag-two-lost": "of two flags one is not heard: the same as for flags",
    "gzip-of-other-values": "other plausible values",
    "option-index-negative": "a run whose answer differs and is not reported: to be looked into",
}


@pytest.mark.parametrize("family", FAMILIES)
def test_each_fault_ends_in_our_words(family: str) -> None:
    """No walk hangs or raises a foreign error, and what it cannot see is declared."""
    silent = {fault.name for fault in FAULTS if fault.family == family and "unseen" in walked(fault.name)}
    assert family in UNDETECTABLE or silent <= UNDETECTABLE.keys()
