"""A foreign client walks our reference server: the vendor's SDK, by its documented loop, sees the same data.

Needs an interpreter that has the SDK, named by RUN_RESULTS_SDK_PYTHON; `make interop` makes one and runs this.
"""

import json
import os
import subprocess
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from run_results_conformance.server.contract import load_contract
from run_results_conformance.server.reference import ReferenceServer, Token
from run_results_conformance.server.runs import MemoryRun, MemoryStore
from run_results_conformance.server.serving import serve
from run_results_conformance.server.synthetic import SyntheticRun
from run_results_conformance.server.terms import JsonObject

# Read at once: a fixture keeps such variables out of the tests.
SDK_PYTHON = os.environ.get("RUN_RESULTS_SDK_PYTHON")
pytestmark = pytest.mark.skipif(
    not SDK_PYTHON, reason="RUN_RESULTS_SDK_PYTHON names no interpreter that has the vendor's SDK; see `make interop`"
)

TOKEN = "t0k3n-for-the-sdk"
FLAGS = tuple(load_contract().flags)
COMBINATIONS = [chosen for count in range(len(FLAGS) + 1) for chosen in combinations(FLAGS, count)]
WORLD = "world"
ODD_ID = "Prüflauf 3/4 + 100%25"
PAGE_SIZE = 4
STATUSES = ("CANCELLED", "COMPLETE", "FAILED", "PAUSED", "RUNNING", "STOPPED_AT_CHECKPOINT")


def with_messages(value: Any) -> Any:
    """The value with a text for every null message of an edit, which the SDK refuses."""
    if isinstance(value, dict):
        return {
            name: [{**change, "message": change.get("message") or "none"} for change in part]
            if name == "modifications"
            else with_messages(part)
            for name, part in value.items()
        }
    return [with_messages(part) for part in value] if isinstance(value, list) else value


def held(seed: int, files: int, run_id: str, status: str = "COMPLETE") -> MemoryRun:
    """A computed run that the SDK can read."""
    run = SyntheticRun(seed, files, status=status, run_id=run_id)
    return MemoryRun(with_messages(run.header), with_messages(run.files(0, files)))


def null_message() -> MemoryRun:
    """A run with one edit whose message is null."""
    document = {
        "class_edit_history": [
            {"timestamp": "08/27/2025 00:58:39", "user_id": "u", "modifications": [{"message": None}]}
        ]
    }
    return MemoryRun({"id": "null-message", "status": "COMPLETE"}, [{"documents": [document]}])


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[ReferenceServer, str]]:
    """A reference server with everything that the walks want, and its address."""
    store = MemoryStore([held(5, 30, WORLD), held(6, 3, ODD_ID), held(7, 0, "empty"), null_message()])
    for seed, status in enumerate(STATUSES):
        store.add(held(10 + seed, 2, status.lower(), status))
    store.add(MemoryRun({"id": "odd-status", "status": "ARCHIVED"}, []))
    store.add(MemoryRun({"id": "bare", "status": "COMPLETE"}, [{"documents": [{"fields": [{}]}]}]))
    store.add(held(20, 5, "in-context"), context="acme-lending")
    app = ReferenceServer(store, Token(TOKEN, frozenset({"acme-lending"})), page_size=PAGE_SIZE)
    with serve(app) as served:
        yield app, served.url


def sdk(url: str, *walks: dict[str, Any], token: str = TOKEN) -> list[dict[str, Any]]:
    """What the SDK makes of these walks."""
    assert SDK_PYTHON
    done = subprocess.run(
        [SDK_PYTHON, "-I", Path(__file__).with_name("walk_with_sdk.py")],
        input=json.dumps({"url": url, "token": token, "walks": walks}),
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    outcomes: list[dict[str, Any]] = json.loads(done.stdout)
    return outcomes


def answers(
    app: ReferenceServer, run_id: str, flags: tuple[str, ...], start: int = 0, context: str | None = None
) -> Any:
    """The server's own pages of a walk, without a socket."""
    run = app.store.find(run_id, context)
    assert run is not None
    pages: list[JsonObject] = []
    more = True
    while more:
        files = app.slice(run, start, PAGE_SIZE)
        more = app.has_more(run, start, files)
        pages.append(app.project(app.assemble(run, files, more), frozenset(flags)))
        start += len(files)
    return json.loads(json.dumps(pages))


def differences(came: Any, seen: Any, place: str = "$") -> Iterator[tuple[str, str]]:
    """Where what the SDK shows is not what the server answered, and how."""
    if isinstance(came, dict) and isinstance(seen, dict):
        yield from ((f"{place}.{name}", f"{came[name]!r} is lost") for name in came.keys() - seen.keys())
        yield from ((f"{place}.{name}", f"{seen[name]!r} is made up") for name in seen.keys() - came.keys())
        for name in came.keys() & seen.keys():
            yield from differences(came[name], seen[name], f"{place}.{name}")
    elif isinstance(came, list) and isinstance(seen, list) and len(came) == len(seen):
        for before, after in zip(came, seen, strict=True):
            yield from differences(before, after, f"{place}[]")
    elif came != seen or isinstance(came, bool) is not isinstance(seen, bool):
        yield place, f"{came!r} became {seen!r}"


NULL_OPTION = ("$[].case_info.fields[].chosen_field", "None is lost")


def test_the_same_data(server: tuple[ReferenceServer, str]) -> None:
    """Under all sixteen combinations of flags the SDK sees every page, value and name of a run that the server has."""
    app, url = server
    outcomes = sdk(url, *({"run_id": WORLD, "flags": flags} for flags in COMBINATIONS))
    for flags, outcome in zip(COMBINATIONS, outcomes, strict=True):
        came = answers(app, WORLD, flags)
        assert len(came) == 8
        assert set(differences(came, outcome["pages"])) <= {NULL_OPTION}, flags


def test_every_status_and_start(server: tuple[ReferenceServer, str]) -> None:
    """So it is for runs of every status, an empty run, an odd id, another context, and starts up to past the end."""
    app, url = server
    walks: list[dict[str, Any]] = [
        *({"run_id": status.lower(), "flags": FLAGS} for status in STATUSES),
        *({"run_id": WORLD, "start": start} for start in (0, 1, 4, 29, 30, 31, 2**63 - 1)),
        {"run_id": "empty"},
        {"run_id": ODD_ID},
        {"run_id": "in-context", "context": "acme-lending", "flags": FLAGS},
    ]
    for walk, outcome in zip(walks, sdk(url, *walks), strict=True):
        flags, start, context = walk.get("flags", ()), walk.get("start", 0), walk.get("context")
        came = answers(app, walk["run_id"], flags, start, context)
        assert set(differences(came, outcome["pages"])) <= {NULL_OPTION}, walk


def test_refusals(server: tuple[ReferenceServer, str]) -> None:
    """The SDK tells our refusals apart by their status."""
    _, url = server
    walks = [
        {"run_id": "no-such-run"},
        {"run_id": WORLD, "start": -1},
        {"run_id": WORLD, "context": "another"},
    ]
    told = [(outcome["error"], outcome["status"]) for outcome in sdk(url, *walks)]
    told += [(outcome["error"], outcome["status"]) for outcome in sdk(url, {"run_id": WORLD}, token="another")]
    assert told == [
        ("NotFoundException", 404),
        ("BadRequestException", 400),
        ("ForbiddenException", 403),
        ("UnauthorizedException", 401),
    ]


def test_what_the_sdk_cannot_see(server: tuple[ReferenceServer, str]) -> None:
    """What the contract allows and the SDK refuses or confuses is known, so that a new version shows as a change."""
    app, url = server
    null, odd, bare = sdk(
        url,
        {"run_id": "null-message", "flags": ("include_review_results",)},
        {"run_id": "odd-status"},
        {"run_id": "bare"},
    )
    assert (null["error"], "message" in null["text"]) == ("ValidationError", True), "a null message of an edit"
    assert (odd["error"], "status" in odd["text"]) == ("ValidationError", True), "a status that was added later"
    # Absent and null are one to the SDK.
    assert set(differences(answers(app, "bare", ()), bare["pages"])) == {
        ("$[].message", "None is made up"),
        ("$[].finish_timestamp", "None is made up"),
        ("$[].files[].documents[].class_name", "None is made up"),
    }
