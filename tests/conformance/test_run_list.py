"""The reference server's list of runs, asked over real sockets; every answer is validated by the client in conftest."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from run_results_conformance import (
    Contract,
    MemoryRun,
    MemoryStore,
    ReferenceServer,
    SqliteStore,
    SyntheticRun,
    Token,
    UnfinishedRun,
    example_store,
    read_folder,
    write_sqlite,
)
from run_results_conformance.server.runs import by_polls

# What conftest hands out; its classes cannot be imported from here.
Api = Any
Opener = Any

SECOND = 10**9
NOW = 1_756_300_000
DAY = 24 * 3600


def run(run_id: str, started: float, status: str = "COMPLETE", **listing: Any) -> MemoryRun:
    """A run that started so many seconds after `NOW`."""
    start = NOW * SECOND + round(started * SECOND)
    finish = None if status == "RUNNING" else start + SECOND
    header = {"id": run_id, "status": status, "message": None, "start_timestamp": start, "finish_timestamp": finish}
    return MemoryRun(header, [], listing=listing)


RUNS = (
    run("old", -DAY - 1),
    run("edge", -DAY),
    run("tax", -500, app_id="a1", app_name="Tax forms", username="mira", output_workspace="lending", batch_id=7),
    run("tax-too", -400, "FAILED", app_id="a1", app_name="Tax forms", username="ida", output_workspace="audit"),
    run("busy", -400, "RUNNING", app_id="a2", deployment_id="d1", input_dir="inbox", tags=["new"]),
    run("late", -0.5),
    run("now", 0),
)


@pytest.fixture(scope="module")
def api(opened: Opener, token: str) -> Iterator[Api]:
    store = MemoryStore(RUNS)
    store.add(run("elsewhere", -10), context="acme-lending")
    with opened(ReferenceServer(store, token, page_size=50, clock=lambda: NOW)) as found:
        yield found


def ids(answer: Any) -> list[str]:
    assert answer.status == 200, answer.body
    return [each["id"] for each in answer.body["runs"]]


ALL = "from_timestamp=0&order=ASCENDING"


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["late", "tax-too", "busy", "tax", "edge"]),
        ("order=ASCENDING", ["edge", "tax", "busy", "tax-too", "late"]),
        ("sort_by=start_timestamp&order=DESCENDING", ["late", "tax-too", "busy", "tax", "edge"]),
        ("sort_by=status&order=ASCENDING", ["edge", "tax", "late", "tax-too", "busy"]),
        (f"{ALL}&to_timestamp={NOW + 1}", ["old", "edge", "tax", "busy", "tax-too", "late", "now"]),
        (ALL, ["old", "edge", "tax", "busy", "tax-too", "late"]),
        (f"{ALL}&to_timestamp={NOW}", ["old", "edge", "tax", "busy", "tax-too", "late"]),
        (f"order=ASCENDING&from_timestamp={NOW - 500}&to_timestamp={NOW - 400}", ["tax"]),
        (f"from_timestamp={NOW - 1}", ["late"]),
        (f"from_timestamp={NOW}&to_timestamp={NOW - 1}", []),
        (f"from_timestamp={NOW}&to_timestamp={NOW}", []),
        (f"{ALL}&app_id=a1", ["tax", "tax-too"]),
        (f"{ALL}&app_name=Tax+forms&username=mira", ["tax"]),
        (f"{ALL}&deployment_id=d1", ["busy"]),
        (f"{ALL}&run_id=late", ["late"]),
        (f"{ALL}&run_id=elsewhere", []),
        (f"{ALL}&status=FAILED", ["tax-too"]),
        (f"{ALL}&status=FAILED&status=RUNNING", ["busy", "tax-too"]),
        (f"{ALL}&status=NO_SUCH_STATUS", []),
        (f"{ALL}&output_workspaces=audit&output_workspaces=lending", ["tax", "tax-too"]),
        (f"{ALL}&limit=2", ["old", "edge"]),
        (f"{ALL}&limit=2&offset=4", ["tax-too", "late"]),
        (f"{ALL}&offset=6", []),
        (f"{ALL}&offset={2**63 - 1}&limit={2**63 - 1}", []),
        (f"{ALL}&unknown=1&limit=1", ["old"]),
    ],
)
def test_what_is_listed(api: Api, query: str, found: list[str]) -> None:
    """Window, filters, order, limit and offset choose the runs; the window has its beginning, and not its end."""
    assert ids(api.list(query)) == found


def test_what_the_list_has_of_a_run(api: Api) -> None:
    """A run has the contract's names, what is known of it, and nothing that is made up."""
    (tax,) = api.list(f"{ALL}&run_id=tax").body["runs"]
    start = (NOW - 500) * SECOND
    assert tax == {
        "id": "tax", "status": "COMPLETE", "start_timestamp": start, "finish_timestamp": start + SECOND, "msg": None,
        "app_id": "a1", "batch_id": 7,
    }  # fmt: skip
    (busy,) = api.list(f"{ALL}&run_id=busy").body["runs"]
    assert busy["finish_timestamp"] is None
    assert (busy["deployment_id"], busy["input_dir"], busy["tags"]) == ("d1", "inbox", ["new"])


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("limit=0", "limit"),
        ("limit=-1", "limit"),
        ("limit=ten", "limit"),
        ("limit=1&limit=1", "limit"),
        ("offset=-1", "offset"),
        (f"offset={2**63}", "offset"),
        ("from_timestamp=-1", "from_timestamp"),
        ("from_timestamp=1756256319482113024", "from_timestamp"),
        ("to_timestamp=yesterday", "to_timestamp"),
        ("order=ascending", "order"),
        ("order=ASCENDING&order=ASCENDING", "order"),
        ("sort_by=id", "sort_by"),
        ("app_id=", "app_id"),
        ("status=", "status"),
        ("status=FAILED&status=", "status"),
    ],
)
def test_wrong_parameters(api: Api, query: str, name: str) -> None:
    """A value that the contract does not allow is refused, with the parameter's name; nanoseconds are no seconds."""
    answer = api.list(query)
    assert answer.status == 400
    assert name in answer.body["message"]


def test_other_refusals(api: Api) -> None:
    """Token, method and path are refused as they are for the results."""
    assert api.list(headers=()).status == 401
    assert api.target("/v2/apps/runs", method="POST").status == 405
    assert api.target("/v2/apps/runs/").status == 404
    assert api.target("/v2/apps/runs", method="HEAD").raw == b""


def test_contexts(api: Api, opened: Opener, token: str) -> None:
    """Only the runs of the context that the request acts in are listed, and only if the token may act there."""
    auth = ("Authorization", f"Bearer {token}")
    assert ids(api.list(headers=(auth, ("IB-Context", "acme-lending")))) == ["elsewhere"]
    store = MemoryStore([run("here", -1)], context="home")
    server = ReferenceServer(store, Token("t", frozenset(), "home"), clock=lambda: NOW)
    with opened(server) as other:
        bearer = ("Authorization", "Bearer t")
        assert ids(other.list(headers=(bearer,))) == ["here"]
        assert other.list(headers=(bearer, ("IB-Context", "acme"))).status == 403


def test_a_page_is_never_larger_than_the_server_allows(opened: Opener, token: str) -> None:
    """The server's own size of a page holds for the list, too, whatever limit is asked for."""
    with opened(ReferenceServer(MemoryStore(RUNS), token, page_size=2, clock=lambda: NOW)) as api:
        pages = [ids(api.list(f"{ALL}&limit=5&offset={offset}")) for offset in (0, 2, 4, 6)]
    assert pages == [["old", "edge"], ["tax", "busy"], ["tax-too", "late"], []]


def test_the_list_changes_between_two_requests(opened: Opener, token: str) -> None:
    """Runs that are added, removed or replaced are seen by the next request; so is the progress of a run."""
    store = MemoryStore(RUNS)
    with opened(ReferenceServer(store, token, clock=lambda: NOW)) as api:
        before = ids(api.list(ALL))
        store.remove("edge")
        store.replace(run("tax-too", -400, "COMPLETE"))
        store.add(run("new", -1))
        assert before == ["old", "edge", "tax", "busy", "tax-too", "late"]
        assert ids(api.list(ALL)) == ["old", "tax", "busy", "tax-too", "new", "late"]
        assert ids(api.list(f"{ALL}&status=FAILED")) == []
        store.add(UnfinishedRun(SyntheticRun(7, 2, run_id="moving"), by_polls(1)))
        statuses = [api.list("from_timestamp=0&run_id=moving").body["runs"][0]["status"] for _ in range(2)]
    assert statuses == ["RUNNING", "COMPLETE"]
    with pytest.raises(KeyError):
        store.remove("edge")


def test_runs_without_status_or_start_are_not_listed(opened: Opener, token: str) -> None:
    """The list promises status and start of every run, and the server makes up neither."""
    runs = [MemoryRun({"id": "a", "status": "COMPLETE"}, []), MemoryRun({"id": "b", "start_timestamp": 1}, [])]
    with opened(ReferenceServer(MemoryStore(runs), token)) as api:
        assert ids(api.list(ALL)) == []
        assert api.run("a").status == 200


def test_every_store_is_listed(opened: Opener, token: str, tmp_path: Path) -> None:
    """Runs of a folder, of a packed file and synthetic ones are listed, with what is known of them."""
    whole = SyntheticRun(3, 2)
    content = {**whole.header, "files": whole.files(0, 2), "x-listing": whole.listing}
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "one.json").write_text(json.dumps(content))
    folder = read_folder(tmp_path / "runs")
    assert write_sqlite(folder, tmp_path / "runs.sqlite") == 1
    with SqliteStore(tmp_path / "runs.sqlite") as packed:
        answers: list[Any] = []
        for store in (MemoryStore([whole]), folder, packed):
            with opened(ReferenceServer(store, token)) as api:
                answers.append(api.list(ALL).body)
    assert answers[0] == answers[1] == answers[2]
    (listed,) = answers[0]["runs"]
    assert listed["start_timestamp"] == whole.header["start_timestamp"]
    assert whole.header["batch_id"] == f"batch-{listed['batch_id']:05}"
    assert listed["app_id"] == "app-0"


def test_examples_of_parameters_are_answered(opened: Opener, token: str, contract: Contract) -> None:
    """Every example of a parameter of the list is accepted."""
    with opened(ReferenceServer(example_store(files=1), token)) as api:
        for parameter in contract.operations["list_runs"].parameters.values():
            for value in parameter.examples.values() if parameter.place == "query" else ():
                texts = value if isinstance(value, list) else [value]
                assert api.list("&".join(f"{parameter.name}={text}".replace(" ", "+") for text in texts)).status == 200


def test_a_contract_without_the_list(opened: Opener, token: str, contract: Contract) -> None:
    """A server of a contract that has only the results does not offer the list."""
    paths = {path: item for path, item in contract.document["paths"].items() if path == contract.path}
    alone = Contract({**contract.document, "paths": paths})
    with opened(ReferenceServer(MemoryStore(RUNS), token, contract=alone)) as api:
        assert api.list().status == 404
        assert api.run("tax").status == 200
