"""Our client and our verifier meet servers that others wrote from the same spec: Prism, and Specmatic's mock.

Needs Node, Java for Specmatic, and the folder in which `npm ci` has been run, named by RUN_RESULTS_NODE_INTEROP;
`make interop` makes it and runs this.
"""

import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from copy import deepcopy
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from run_results import Client, Include
from run_results.errors import PageRepeated, RunMismatch, RunResultsError
from run_results_conformance.server.contract import load_contract
from run_results_conformance.verifier.verification import verify

# Read at once: a fixture keeps such variables out of the tests.
FOLDER = os.environ.get("RUN_RESULTS_NODE_INTEROP")
pytestmark = pytest.mark.skipif(
    not FOLDER, reason="RUN_RESULTS_NODE_INTEROP names no folder with the foreign servers; see `make interop`"
)
MODULES = Path(FOLDER or ".").resolve() / "node_modules"
PRISM = MODULES / "@stoplight/prism-cli/dist/index.js"
SPECMATIC = MODULES / "specmatic/specmatic.jar"

TOKEN = "t0k3n-for-mocks"
START = 90.0  # seconds that a start may take on a busy machine
MOST = 12  # pages of a walk that might not end by itself

Document = dict[str, Any]
Start = Callable[..., str]


def document(*examples: str) -> Document:
    """The contract, with no more than these examples of a page."""
    made: Document = deepcopy(dict(load_contract().document))
    media = made["paths"][load_contract().path]["get"]["responses"]["200"]["content"]["application/json"]
    media["examples"] = {name: media["examples"][name] for name in examples}
    return made


@contextmanager
def running(words: list[str], port: int, log: Path) -> Iterator[str]:
    """A server that was started by a command, once it takes connections; it is ended afterwards."""
    with log.open("wb") as out:
        process = subprocess.Popen(
            words, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, cwd=log.parent
        )
        try:
            deadline = time.monotonic() + START
            while True:
                with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                    break
                if process.poll() is not None or time.monotonic() > deadline:
                    pytest.fail(f"the server did not start:\n{log.read_text(errors='replace')[-2000:]}")
                time.sleep(0.1)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.kill()
            process.wait()


def free_port() -> int:
    """A port that is free at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def mock(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    """Start Prism with a document; gives its URL. Servers stop at the end of the module."""
    node = shutil.which("node") or pytest.skip("Node is not here")
    with ExitStack() as stack:

        def start(spec: Document, *options: str) -> str:
            folder = tmp_path_factory.mktemp("prism")
            (folder / "openapi.json").write_text(json.dumps(spec))
            port = free_port()
            words = [node, str(PRISM), "mock", *options, "-h", "127.0.0.1", "-p", str(port), "openapi.json"]
            return stack.enter_context(running(words, port, folder / "log"))

        yield start


@pytest.fixture(scope="module")
def static(mock: Start) -> str:
    """Prism, answering with the example of a finished run."""
    return mock(document("full"))


@pytest.fixture(scope="module")
def endless(mock: Start) -> str:
    """Prism, answering with the example of a first page whatever it is asked for."""
    return mock(document("firstPage"))


@pytest.fixture(scope="module")
def schematic(mock: Start) -> str:
    """Prism, without an example of a page: it makes one from the schema, the same every time."""
    return mock(document())


@pytest.fixture(scope="module")
def dynamic(mock: Start) -> str:
    """Prism, answering with random pages."""
    return mock(document(), "--dynamic")


@pytest.fixture(scope="module")
def specmatic(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Specmatic's mock, answering with random pages."""
    java = shutil.which("java") or pytest.skip("Java is not here")
    folder = tmp_path_factory.mktemp("specmatic")
    (folder / "openapi.json").write_text(json.dumps(document()))
    port = free_port()
    words = [java, "-jar", str(SPECMATIC), "mock", "--host", "127.0.0.1", "--port", str(port), "openapi.json"]
    with running(words, port, folder / "log") as url:
        yield url


def client(url: str, **settings: Any) -> Client:
    """A client of the mock."""
    return Client(base_url=url, token=TOKEN, **settings)


def walk(url: str, run_id: str) -> tuple[int, RunResultsError | None]:
    """How many pages a walk hands out, and what ends it, if that is an error of ours. Any other error is raised."""
    count = 0
    with client(url) as ours:
        try:
            for _ in islice(ours.pages(run_id, include=Include.ALL), MOST):
                count += 1
        except RunResultsError as error:
            return count, error
    return count, None


def test_prism_example_is_walked_whole(static: str) -> None:
    """The files of the example come once, in order, and every part of them is there."""
    expected = load_contract().examples["full"]
    with client(static) as ours:
        pages = list(ours.pages("run-tax-2025", include=Include.ALL))
    assert [page.raw["files"] for page in pages] == [expected["files"]]
    assert [file.original_file_name for page in pages for file in page.files] == [
        file["original_file_name"] for file in expected["files"]
    ]
    assert not pages[0].breaches


def test_prism_rounds_nanoseconds(static: str) -> None:
    """Prism's timestamps have passed through JavaScript's numbers: near the example's, and not the same."""
    expected = load_contract().examples["full"]
    with client(static) as ours:
        run = ours.page("run-tax-2025").run
    for name in ("start_timestamp", "finish_timestamp"):
        assert getattr(run, name) != expected[name]
        assert float(getattr(run, name)) == float(expected[name])


def test_prism_without_end_is_called_by_its_name(endless: str) -> None:
    """A page that comes again for ever with has_more true is PageRepeated, after two requests."""
    pages, error = walk(endless, "run-licences-3")
    assert (pages, type(error)) == (1, PageRepeated)
    assert error is not None
    assert error.resume_offset == 2


def test_prism_from_the_schema_is_called_by_its_name(schematic: str) -> None:
    """A page made from the schema alone has has_more true; the walk ends with PageRepeated too."""
    with client(schematic) as ours:
        made = ours.page("string")
    assert made.has_more
    pages, error = walk(schematic, "string")
    assert (pages, type(error)) == (1, PageRepeated)


def test_prism_at_random_ends_in_our_words(dynamic: str) -> None:
    """Random pages end a walk by themselves or by an error of ours, never by a foreign one, and never hang."""
    outcomes = [walk(dynamic, "r") for _ in range(10)]
    assert all(pages <= MOST for pages, _ in outcomes)
    # The id of a random page is nobody's.
    assert {type(error) for _, error in outcomes if error is not None} >= {RunMismatch}


def test_prism_at_random_clamps_int64(dynamic: str) -> None:
    """Prism's random integers stay within those that JavaScript can hold, whatever the spec's int64 allows."""
    found = []
    for _ in range(20):
        with client(dynamic) as ours, pytest.raises(RunMismatch):
            ours.page("r")
        found.append(_get(dynamic)["start_timestamp"])
    assert all(0 <= number < 2**53 for number in found)


def _get(url: str) -> dict[str, Any]:
    """The JSON of a page as the mock sends it."""
    import httpx

    headers = {"Authorization": f"Bearer {TOKEN}"}
    found = httpx.get(f"{url}/v2/apps/runs/r/results", headers=headers, trust_env=False, timeout=30)
    found.raise_for_status()
    page: dict[str, Any] = {"start_timestamp": 0, **found.json()}
    return page


def test_specmatic_at_random_ends_in_our_words(specmatic: str) -> None:
    """A page of a run that nobody asked for is RunMismatch: Specmatic makes up the id."""
    outcomes = [walk(specmatic, "r") for _ in range(10)]
    assert {(pages, type(error)) for pages, error in outcomes} == {(0, RunMismatch)}


@pytest.mark.parametrize("mocked", ["endless", "dynamic", "specmatic"])
def test_a_mock_is_no_server(mocked: str, request: pytest.FixtureRequest) -> None:
    """The verifier tells a mock from a server, within its budget of requests."""
    report = verify(request.getfixturevalue(mocked), TOKEN, runs=["run-licences-3"], max_requests=200)
    assert report.exit_code == 1
    assert report.requests <= 200


def test_the_verifier_sees_that_a_walk_never_ends(mock: Start) -> None:
    """Of a mock that repeats its page the verifier says which law of paging is broken."""
    # One of its own: Prism ends at some of the verifier's requests, and that of other tests is gone by now.
    report = verify(mock(document("firstPage")), TOKEN, runs=["run-licences-3"], max_requests=200)
    assert {verdict.rule.id for verdict in report.breaches} & {
        "paging.suffix",
        "paging.no-repeat",
        "paging.termination",
    }
