"""Our client walks the runs of every faulty server, and each walk comes to one of these ends.

The whole run, as an honest server has it; a typed error; drift on a page; with the project's names, a name that none of
them becomes; or an answer that by the verifier's own rules an honest server of another run could have given. The last
is what no client can see, and which families come to it is declared, with the reason.
"""

import os
from collections import Counter
from collections.abc import Mapping
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

import httpx
import pytest

from run_results import Client, Include, NameMap, Page, RetryPolicy
from run_results.errors import NameCollisionError, RunResultsError, UnknownNameError
from run_results_conformance import load_contract, serve
from run_results_conformance.faults import (
    FAMILIES,
    FAULTS,
    STANDARD_PAGE_SIZE,
    STANDARD_TOKEN,
    faulty,
    standard_store,
)
from run_results_conformance.verifier.checks.exchange import check_results
from run_results_conformance.verifier.rules import RULES
from run_results_conformance.verifier.spec_view import spec_view_of

MOST = 12  # pages of a walk; the longest honest one has five
POLICY = RetryPolicy(attempts=2, base=0.001, max_retry_after=1.0)
STORE = standard_store()
# Those that the client can ask for: an id with a slash is refused before anything is sent.
RUNS = [run_id for context, run_id in STORE if context is None and "/" not in run_id]
THOROUGH = os.environ.get("HYPOTHESIS_PROFILE") == "thorough"
BY_TURNS = ["run-standard", "run-names", "run-running", "run-failed"]
CONTRACT = load_contract()
ALL = frozenset(CONTRACT.flags)
MUST = {rule.id for rule in RULES if rule.level == "MUST"}

# Why an answer that differs can be beyond the client, by family.
UNSEEN = {
    "shape": "another value that the contract allows in this place",
    "wire": "another value that the contract allows in this place",
    "paging": "missing, additional or other files, if all pages agree: only the server knows the files of a run",
    "flags": "values and files that change with a flag: a client does not also ask without the flag",
    "names": "two of the project's names that have the same API name",
    "state": "another possible state; in a run of one page, a value that would differ on other pages",
    "content": "parts that may be absent: a client does not know that the run has them",
    "stability": "an answer that would be different the next time: a client asks for each page once",
    "memory": "an answer that would be different after another request, or over another connection",
}


@cache
def honest(run_id: str) -> Mapping[str, Any]:
    """What an honest server answers of a run, all pages in one."""
    run = STORE.find(run_id, None)
    assert run is not None
    page: Mapping[str, Any] = CONTRACT.project({**run.header, "files": list(run.files(0, run.file_count))}, ALL)
    return page


@cache
def names_of(run_id: str) -> NameMap:
    """The project's own names of a run, as its owner knows them."""
    run = STORE.find(run_id, None)
    assert run is not None
    by_class: dict[str, list[str]] = {}
    for file in run.files(0, run.file_count):
        for document in file.get("documents", ()):
            of_class = by_class.setdefault(document.get("class_name") or "", [])
            of_class += [field["field_name"] for field in document.get("fields", ()) if "field_name" in field]
    in_case = [case["name"] for case in run.header.get("case_info", {}).get("fields", ())]
    return NameMap([*in_case, *by_class.pop("", [])], by_class=by_class)


def names_are_known(page: Page, names: NameMap) -> bool:
    """Whether every field of a page has a name of the project's; a meeting of two of them is none that is unknown."""
    asked = [(case.name, None) for case in (page.run.case_info and page.run.case_info.fields) or ()]
    for file in page.files:
        for document in file.documents or ():
            asked += [(field.field_name, document.class_name or None) for field in document.fields or ()]
    for name, class_name in asked:
        try:
            names.project_name(str(name), class_name)
        except NameCollisionError:
            pass
        except UnknownNameError:
            return False
    return True


def is_sound(pages: list[Page]) -> bool:
    """Whether an honest server of some run could have given these answers, by the verifier's rules for single ones."""
    spec = spec_view_of(CONTRACT)
    answers = [page.raw for page in pages]
    alone = (seen for answer in answers for seen in check_results(spec, answer, spec.inspect(answer, ALL)))
    headers = [{key: part for key, part in answer.items() if key not in ("files", "has_more")} for answer in answers]
    return all(seen.kept or seen.rule not in MUST for seen in alone) and all(header == headers[0] for header in headers)


def end_of_walk(client: Client, run_id: str) -> str:
    """What a walk comes to: `whole`, `error`, `drift`, `name`, `sound` (see above), or `silent`, which is a loss."""
    pages: list[Page] = []
    try:
        pages += islice(client.pages(run_id, include=Include.ALL), MOST)
    except RunResultsError:
        return "error"
    expected, beside = honest(run_id), {"files": [], "has_more": None}
    answers = [page.raw for page in pages]
    files = [file for answer in answers for file in answer["files"]]
    if files == expected["files"] and all({**answer, **beside} == {**expected, **beside} for answer in answers):
        return "whole"
    if any(page.drift for page in pages):
        return "drift"
    if not all(names_are_known(page, names_of(run_id)) for page in pages):
        return "name"
    return "sound" if is_sound(pages) else "silent"


def ends_of(name: str, runs: list[str], http: httpx.Client) -> set[str]:
    """The ends of walks through these runs of a faulty server. What is not of our family is raised."""
    app = faulty(name, STORE, STANDARD_TOKEN, page_size=STANDARD_PAGE_SIZE)
    with (
        serve(app) as served,
        Client(base_url=served.url, token=STANDARD_TOKEN.value, retry=POLICY, timeout=20.0, http_client=http) as client,
    ):
        return {end_of_walk(client, run_id) for run_id in runs}


def test_the_page_says_what_cannot_be_seen() -> None:
    """The declared families and reasons are those of docs/testing.md, word for word."""
    page = (Path(__file__).parents[2] / "docs" / "testing.md").read_text("utf-8")
    rows = page.partition("| family | what cannot be seen |")[2].partition("\n\n")[0].strip().splitlines()[1:]
    assert rows == [f"| {family} | {reason} |" for family, reason in UNSEEN.items()]


@pytest.mark.parametrize("family", FAMILIES)
def test_no_fault_is_a_silent_loss(family: str) -> None:
    """No walk hangs, raises a foreign error or passes over what could be seen; what cannot be seen is declared.

    By default each server is asked for one run, another each time; thoroughly for all of them.
    """
    faults = [fault.name for fault in FAULTS if fault.family == family]
    with httpx.Client(trust_env=False, verify=False) as http:
        ends = {
            name: ends_of(name, RUNS if THOROUGH else [BY_TURNS[turn % len(BY_TURNS)]], http)
            for turn, name in enumerate(faults)
        }
    assert [name for name, seen in ends.items() if "silent" in seen] == []
    unseen = [name for name, seen in ends.items() if "sound" in seen]
    assert family in UNSEEN or not unseen
    if THOROUGH:  # all runs were walked: a reason that nothing needs has no place in the list
        assert unseen or family not in UNSEEN
        print(family, dict(Counter(end for seen in ends.values() for end in seen)))
