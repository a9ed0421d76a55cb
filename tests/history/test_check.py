"""`run-results-conformance check` tells a server of an earlier version from one that breaks the contract."""

import copy
import os
import re
from collections.abc import Callable
from typing import Any

import pytest
from click.testing import CliRunner

from run_results_conformance import MemoryStore, ReferenceServer, load_contract, serve
from run_results_conformance.cli import main
from run_results_conformance.server.runs import MemoryRun
from run_results_conformance.verifier.report import Report
from run_results_conformance.verifier.verification import verify
from run_results_conformance.verifier.versions import Version, earlier_versions, places_of, version_of

from . import FILES, RUN_ID, answer, dates, shapes

TOKEN = "a-token-of-old"
THOROUGH = os.environ.get("HYPOTHESIS_PROFILE") == "thorough"
FLAGS = frozenset(load_contract().flags)
VERSIONS = {version.since: version for version in earlier_versions(load_contract())}


def version_at(date: str) -> Version | None:
    """The version that held on this day; None for that of today."""
    return next((each for each in VERSIONS.values() if each.since <= date < each.until), None)


@pytest.mark.parametrize("date", dates())
def test_each_version_has_its_places(date: str) -> None:
    """What is undone from the contract of today gives the names that the public contract had on that day."""
    version = version_at(date)
    contract = load_contract() if version is None else version.contract
    named = {tuple(place.replace("[]", "").split(".")[1:]) for place in shapes(date)} - {()}
    assert places_of(contract) == named


@pytest.mark.parametrize("date", dates())
def test_each_version_is_recognized_by_its_answers(date: str) -> None:
    """The version is found where the contract of today would accuse; where that accuses nobody, nothing is said."""
    found = version_of(load_contract(), [(answer(date), FLAGS)])
    assert found is version_at(date)


class OldServer(ReferenceServer):
    """Answers with what a version has, and with nothing else; `change` breaks that."""

    change: Callable[[dict[str, Any]], object] = staticmethod(lambda page: None)

    def project(self, page: dict[str, Any], flags: frozenset[str]) -> dict[str, Any]:
        """The answer of the version."""
        page = copy.deepcopy(super().project(page, flags))
        if ("id",) not in places_of(self.contract):
            del page["id"]
        self.change(page)
        return page


def old_server(date: str, change: Callable[[dict[str, Any]], object] = lambda page: None) -> OldServer:
    """A server of this version."""
    version = version_at(date)
    page = answer(date, 0, FILES)
    del page["has_more"]
    run = MemoryRun({**page, "id": RUN_ID}, page.pop("files"))
    contract = load_contract() if version is None else version.contract
    server = OldServer(MemoryStore([run]), TOKEN, contract=contract, page_size=2)
    server.change = change
    return server


def verified_at(date: str, change: Callable[[dict[str, Any]], object] = lambda page: None) -> Report:
    """What the verifier says of a server of this version."""
    with serve(old_server(date, change)) as served:
        return verify(served.url, TOKEN, runs=[RUN_ID], latency=60)


def notes(report: Report) -> list[str]:
    """What the report says of versions."""
    return [note for note in report.notes if "contract of" in note]


@pytest.mark.parametrize("date", dates() if THOROUGH else dates()[::3])
def test_the_command_names_the_version(date: str) -> None:
    """`check` accuses a server of no version: it exits with 0, and says which version it is unless it is today's."""
    with serve(old_server(date)) as served:
        command = ["check", served.url, "--run", RUN_ID, "--latency", "60", "--timeout", "60"]
        result = CliRunner(env={"RUN_RESULTS_TOKEN": TOKEN, "RUN_RESULTS_CONTEXT": None}).invoke(main, command)
    version = version_at(date)
    assert result.exit_code == 0, result.output
    said = re.findall("this server speaks the contract of ([0-9-]+), which held until", result.output)
    assert said == ([] if version is None else [version.since])


@pytest.mark.parametrize("date", dates()[:: 5 if THOROUGH else 8])
def test_a_breach_of_an_earlier_version_is_one(date: str) -> None:
    """Besides the shapes of its version a server must keep the contract: a number for a value is a breach."""

    def change(page: dict[str, Any]) -> None:
        for file in page["files"]:
            file["documents"][0]["fields"][0]["value"] = 7

    report = verified_at(date, change)
    assert [verdict.rule.id for verdict in report.breaches] == ["shape.results"]
    assert {failure.path.rpartition(".")[2] for failure in report.breaches[0].failures} == {"value"}


def test_a_shape_of_two_times_is_a_breach() -> None:
    """An array of PDF paths in an answer with an id was in no version."""

    def change(page: dict[str, Any]) -> None:
        for file in page["files"]:
            for document in file["documents"]:
                if "post_processed_pdf_path" in document:
                    document["post_processed_pdf_path"] = [document["post_processed_pdf_path"]]

    report = verified_at(dates()[-1], change)
    assert [verdict.rule.id for verdict in report.breaches] == ["shape.results"]
    assert notes(report) == []
