"""`run-results-conformance fuzz`: schemathesis asks, our rules judge, and correct servers are not accused."""

import json
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import anyio
import pytest
from click.testing import CliRunner
from hypothesis import Phase, settings
from starlette.types import Receive, Scope, Send

from run_results_conformance.cli import main
from run_results_conformance.faults import (
    CORRECT,
    STANDARD_PAGE_SIZE,
    STANDARD_RUN,
    STANDARD_TOKEN,
    faulty,
    standard_store,
)
from run_results_conformance.fuzz import fuzz, tailored
from run_results_conformance.server.contract import load_contract
from run_results_conformance.server.reference import ReferenceServer
from run_results_conformance.server.serving import serve
from run_results_conformance.verifier.connection import AddressError
from run_results_conformance.verifier.report import Report, to_json
from run_results_conformance.verifier.rules import BY_ID

pytest.importorskip("schemathesis")

THOROUGH = os.environ.get("HYPOTHESIS_PROFILE") == "thorough"
INNOCENT = CORRECT[:: max(1, len(CORRECT) // (20 if THOROUGH else 2))]
ENOUGH = 400 if THOROUGH else 40
"""Requests; 400 are what the command sends, and take three seconds."""
BOUNDARIES = 320
"""Requests that have most boundary values of each parameter among them."""
MANY = BOUNDARIES if THOROUGH else 160
"""Requests that read some dozens of pages and lists."""


def fuzzed(name: str | None = None, methods: list[str] | None = None, **options: int) -> Report:
    """The report on a server of the catalogue, or on the reference server, which lists the methods of its requests."""
    make = ReferenceServer if name is None else lambda *a, **k: faulty(name, *a, **k)
    server = make(standard_store(), STANDARD_TOKEN, page_size=STANDARD_PAGE_SIZE)

    async def listing(scope: Scope, receive: Receive, send: Send) -> None:
        if methods is not None:
            methods.append(scope["method"])
        await server(scope, receive, send)

    with serve(listing) as served:
        return fuzz(served.url, STANDARD_TOKEN.value, runs=[STANDARD_RUN], **{"max_requests": ENOUGH, **options})


@pytest.fixture(scope="module")
def honest() -> tuple[Report, list[str]]:
    """The report on the reference server, and the methods that it was asked with."""
    methods: list[str] = []
    return fuzzed(methods=methods, max_requests=MANY), methods


@pytest.fixture(scope="module")
def short() -> Report:
    """The report on the reference server after a few requests."""
    return fuzzed(max_requests=60)


def test_the_reference_server_conforms(honest: tuple[Report, list[str]]) -> None:
    """Nothing is found against the reference server, nothing is left open, and pages were read."""
    report, _ = honest
    assert (report.exit_code, report.broken, report.obstacles, report.notes) == (0, (), (), ())
    judged = {verdict.rule.id: verdict.judged for verdict in report.verdicts}
    assert judged["shape.results"] > 20
    assert judged["errors.shape"] > 20
    assert judged["inputs.offset-refused"] > 5
    assert judged["runs.shape"] > 20
    assert judged["runs.refused"] > 5


def path_and_query(report: Report) -> list[str]:
    return [line.rpartition("127.0.0.1:")[2].partition("/")[2] for line in report.asked]


def test_the_same_seed_asks_the_same(short: Report) -> None:
    """With one seed the same requests go out in the same order; with another, others."""
    assert path_and_query(fuzzed(max_requests=60)) == path_and_query(short)
    assert path_and_query(fuzzed(max_requests=60, seed=1)) != path_and_query(short)


def test_the_profile_of_the_process_changes_nothing(short: Report) -> None:
    """Whatever Hypothesis profile the process has, the same requests go out, and the profile is there afterwards."""
    before = settings.get_current_profile_name()
    odd = settings(
        deadline=timedelta(microseconds=1),
        derandomize=True,
        max_examples=1,
        phases=[Phase.explicit],
        suppress_health_check=[],
        report_multiple_bugs=False,
    )
    settings.register_profile("odd", odd)
    settings.load_profile("odd")
    try:
        report = fuzzed(max_requests=60)
        assert settings.get_current_profile_name() == "odd"
        assert settings.default == odd
    finally:
        settings.load_profile(before)
    assert path_and_query(report) == path_and_query(short)
    assert (report.exit_code, report.notes) == (0, ())


def test_few_requests_reach_everything(short: Report) -> None:
    """Both operations get boundary values and random ones, however few requests are allowed in all."""
    asked = path_and_query(short)
    assert len(asked) <= 60
    lists = [line.startswith("v2/apps/runs?") or line == "v2/apps/runs'" for line in asked]
    assert 20 < sum(lists) < 40


@pytest.mark.parametrize("name", [variant.name for variant in INNOCENT])
def test_correct_variants_are_not_accused(name: str) -> None:
    """A server that is correct in another way is not accused."""
    assert fuzzed(name).breaches == ()


@pytest.mark.parametrize(
    ("name", "rule", "enough"),
    [
        ("has-more-text", "shape.results", 40),
        ("offset-negative-as-zero", "inputs.offset-refused", 60),
        ("token-absent", "authentication.required", 40),
        ("content-type-text", "wire.content-type", 40),
        ("list-array", "runs.shape", 40),
        ("list-without-token", "runs.authentication", 40),
        *([("list-without-id", "runs.shape", BOUNDARIES)] if THOROUGH else []),  # most filters leave no run in the list
        ("list-limit-zero-taken", "runs.refused", BOUNDARIES),
    ],
)
def test_faults_are_reported_under_our_rules(name: str, rule: str, enough: int) -> None:
    """What schemathesis or our rules find is reported under our rules."""
    assert rule in {verdict.rule.id for verdict in fuzzed(name, max_requests=enough).breaches}


def test_a_list_that_is_not_offered_is_not_accused() -> None:
    """A server without the list of runs is asked for it once, and the report says that it has none."""
    report = fuzzed("list-not-offered", max_requests=30)
    assert report.breaches == ()
    assert not any(verdict.judged for verdict in report.verdicts if verdict.rule.id.startswith("runs."))
    assert any("does not offer GET /v2/apps/runs" in note for note in report.notes)
    assert sum("/results" not in line for line in report.asked) <= 1


def test_requests_are_bounded() -> None:
    """No more requests are sent than allowed, but for what is under way."""
    asked: list[str] = []
    server = ReferenceServer(standard_store(), STANDARD_TOKEN)

    async def counting(scope: Scope, receive: Receive, send: Send) -> None:
        asked.append(scope["path"])
        await server(scope, receive, send)

    with serve(counting) as served:
        report = fuzz(served.url, STANDARD_TOKEN.value, runs=[STANDARD_RUN], max_requests=10)
    assert len(asked) <= 10 + 4
    assert report.requests <= 10 + 2


def test_only_reads_are_sent(honest: tuple[Report, list[str]]) -> None:
    """schemathesis sends GET and nothing else: no method that could change something."""
    _, methods = honest
    assert len(methods) > 50
    assert set(methods) <= {"GET", "HEAD", "OPTIONS"}


def test_time_is_bounded() -> None:
    """A server that drips its answer for ever is left behind, and said to be so."""

    async def dripping(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
        while True:
            await send({"type": "http.response.body", "body": b" ", "more_body": True})
            await anyio.sleep(0.05)

    with serve(dripping) as served:
        report = fuzz(served.url, "t", runs=["r"], max_seconds=1, timeout=1)
    assert report.exit_code == 2


def test_the_token_is_nowhere(honest: tuple[Report, list[str]]) -> None:
    """No request that is shown holds the token."""
    report, _ = honest
    assert STANDARD_TOKEN.value not in to_json(report) + "".join(report.asked)


def test_a_wrong_token_cannot_be_judged() -> None:
    """Where no page can be read, the report says so instead of passing."""
    with serve(ReferenceServer(standard_store(), STANDARD_TOKEN)) as served:
        report = fuzz(served.url, "another", runs=[STANDARD_RUN], max_requests=30)
    assert report.exit_code == 2


def test_a_list_is_no_page() -> None:
    """Where only the list of runs can be read, the results were not judged, and the report says so."""
    with serve(ReferenceServer(standard_store(), STANDARD_TOKEN)) as served:
        report = fuzz(served.url, STANDARD_TOKEN.value, runs=["no-such-run"], max_requests=60)
    assert any(verdict.judged for verdict in report.verdicts if verdict.rule.id == "runs.shape")
    assert (report.exit_code, report.obstacles) == (2, ("no page was read: name a run that can be read with --run",))


def test_surroundings_do_not_lead_the_token_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy in the environment is not used: nothing answers there, and the server is judged all the same."""
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert fuzzed(max_requests=30).exit_code == 0


def test_limits_and_addresses_are_checked() -> None:
    """Limits that are not positive and URLs that are none raise before anything is sent."""
    with pytest.raises(ValueError, match="positive"):
        fuzz("http://127.0.0.1:9", "t", max_requests=0)
    with pytest.raises(AddressError):
        fuzz("ftp://127.0.0.1", "t")


def test_the_contract_stays_as_it_is() -> None:
    """Tailoring the contract to a deployment changes a copy."""
    before = str(load_contract().document)
    copy = tailored(load_contract(), ["a"], context="c")
    assert list(copy["paths"]) == [load_contract().path, "/v2/apps/runs"]
    assert list(tailored(load_contract(), ["a"], with_lists=False)["paths"]) == [load_contract().path]
    assert str(load_contract().document) == before
    assert str(copy) != before


def test_rules_are_those_of_the_suite(short: Report) -> None:
    """The report speaks of every rule of the catalogue, in its order."""
    assert [verdict.rule.id for verdict in short.verdicts] == list(BY_ID)


def fuzz_command(*arguments: str, token: str | None = None) -> tuple[int, str]:
    result = CliRunner(env={"RUN_RESULTS_TOKEN": token, "RUN_RESULTS_CONTEXT": None}).invoke(main, ["fuzz", *arguments])
    return result.exit_code, result.output


def test_the_command_judges_the_reference_server(tmp_path: Path) -> None:
    """Without a URL the command asks the reference server and finds nothing; it lists what it sent, without token."""
    requests = tmp_path / "requests.txt"
    code, output = fuzz_command("--max-requests", "40", "--requests", str(requests))
    assert code == 0, output
    assert "conforms" in output
    lines = requests.read_text("utf-8").splitlines()
    assert len(lines) > 30
    assert all(line.startswith("curl ") and STANDARD_TOKEN.value not in line for line in lines)


def test_the_command_reports_breaches(tmp_path: Path) -> None:
    """A server that breaks the contract gives exit code 1, and the breach is in the JSON report."""
    report = tmp_path / "report.json"
    with serve(faulty("has-more-text", standard_store(), STANDARD_TOKEN)) as served:
        options = ["--run", STANDARD_RUN, "--max-requests", "40", "--json", str(report)]
        code, output = fuzz_command(served.url, *options, token=STANDARD_TOKEN.value)
    assert code == 1, output
    assert "shape.results" in output
    assert json.loads(report.read_text("utf-8"))["exit_code"] == 1


def test_the_command_wants_a_token() -> None:
    """With a URL and no token in the environment the command says where it looks for one."""
    code, output = fuzz_command("http://127.0.0.1:9")
    assert code == 2
    assert "RUN_RESULTS_TOKEN" in output


def test_the_command_names_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without schemathesis the command ends with code 2 and the line that installs it."""
    monkeypatch.setattr("run_results_conformance.cli.fuzz.find_spec", lambda _name: None)
    code, output = fuzz_command("http://127.0.0.1:9", token="t")
    assert code == 2
    assert "pip install 'run-results[fuzz]'" in output


def test_schemathesis_is_loaded_late() -> None:
    """Importing the module loads neither schemathesis nor requests."""
    code = "import sys, run_results_conformance.fuzz; " + (
        "print(sorted({'schemathesis', 'requests', 'hypothesis'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=600)
    assert done.stdout.strip() == "[]"
