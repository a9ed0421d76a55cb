"""The fault server by itself: it does what its catalogue says, keeps to its turns, and always ends."""

import http.client
import json
import re
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from urllib.parse import urlsplit

import pytest

from run_results_conformance.faults.network import ROWS, SITUATIONS, UnknownSituation, fault_server
from run_results_conformance.server.synthetic import SyntheticRun

from .kit import GENEROUS, HEADER, NAMES, RUN_ID, TOKEN, serving

PATH = f"/v2/apps/runs/{RUN_ID}/results"


def ask(url: str, path: str = PATH, token: str = TOKEN) -> tuple[int, bytes]:
    """Status and body, by a foreign client."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=GENEROUS)
    try:
        connection.request("GET", path, headers={"Authorization": f"Bearer {token}"})
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


@pytest.mark.parametrize("name", SITUATIONS)
def test_a_server_ends_whatever_stands_on_its_connections(name: str) -> None:
    """Left in the middle of an answer that nobody reads, a server is gone at once, with its port and its threads."""
    started = time.monotonic()
    with serving(name) as server, socket.socket() as client:
        address = (urlsplit(server.url).hostname, urlsplit(server.url).port)
        if SITUATIONS[name].act or SITUATIONS[name].connect:
            client.connect(address)
            request = (
                f"GET {PATH} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\nAccept-Encoding: gzip\r\n\r\n"
            )
            client.sendall(request.encode())
            client.settimeout(0.02)
            with suppress(OSError):
                client.recv(1)
    assert time.monotonic() - started < GENEROUS
    assert not [thread for thread in threading.enumerate() if thread.name == "run-results-faults"]
    with socket.socket() as late, pytest.raises(OSError, match=r"."):
        late.connect(address)


def test_the_catalogue_says_what_each_situation_is() -> None:
    """Names are in kebab case, each situation says in a sentence what it does, and belongs to a row with a demand."""
    for name, situation in SITUATIONS.items():
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name)
        assert situation.name == name
        assert situation.what.endswith(".")
        assert ROWS[situation.row].demand


def test_a_situation_strikes_in_its_turn() -> None:
    """Honest before `first`, struck `times` times, honest afterwards."""
    with serving("status-503-json", first=1, times=2) as server:
        assert [ask(server.url)[0] for _ in range(5)] == [200, 503, 503, 200, 200]
        assert [request.number for request in server.requests] == [0, 1, 2, 3, 4]
        assert server.requests[0].headers["authorization"] == f"Bearer {TOKEN}"
        assert TOKEN not in repr(server) + repr(server.requests)
    with serving("status-503-json") as server:
        assert [ask(server.url)[0] for _ in range(3)] == [503] * 3


def test_an_honest_server_pages_through_the_run() -> None:
    """What is not struck is the reference server's answer: pages, refusals and all."""
    with serving("silent", times=0) as server:
        pages = [json.loads(ask(server.url, f"{PATH}?file_offset={offset}")[1]) for offset in (0, 3, 6)]
        assert [file["input_file_path"] for page in pages for file in page["files"]] == NAMES
        assert [page["has_more"] for page in pages] == [True, True, False]
        assert all(page | HEADER == page for page in pages)
        assert ask(server.url, token="wrong")[0] == 401
        assert ask(server.url, "/elsewhere")[0] == 404
    with serving("offset-ignored") as server:
        assert ask(server.url, token="wrong")[0] == 401


def test_a_computed_run_can_be_served() -> None:
    """Any run of the reference server's will do."""
    with fault_server("truncated-json", SyntheticRun(seed=3, files=4), token=TOKEN, page_size=2, times=1) as server:
        path = "/v2/apps/runs/synthetic-3/results"
        cut, whole = ask(server.url, path)[1], ask(server.url, path)[1]
    assert whole.startswith(cut)
    assert len(cut) == len(whole) // 2
    assert len(json.loads(whole)["files"]) == 2


def test_an_unknown_situation_names_those_that_are_near() -> None:
    """A slip of the pen is told what it may have meant."""
    with pytest.raises(UnknownSituation, match="reset-in-body"), serving("reset-in-boddy"):
        pass


def test_the_server_imports_neither_client() -> None:
    """Client and server cannot share a bug."""
    program = "import sys, run_results_conformance.faults.network; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=600, check=True)
    assert not {"run_results", "run_results_api", "httpx"} & set(loaded.stdout.split())


def test_requests_that_go_astray_are_recorded() -> None:
    """A client that follows a redirect is seen at the other origin, with what it brought along."""
    with serving("redirect-elsewhere") as server:
        connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=GENEROUS)
        connection.request("GET", PATH, headers={"Authorization": f"Bearer {TOKEN}"})
        response = connection.getresponse()
        response.read()
        connection.close()
        elsewhere = urlsplit(response.headers["Location"])
        assert ask(f"http://127.0.0.1:{elsewhere.port}", elsewhere.path)[0] == 404
        assert [request.headers["authorization"] for request in server.strayed] == [f"Bearer {TOKEN}"]
