"""What the tests of the reference server share: a plain foreign client that checks every answer it gets."""

import http.client
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import cache
from typing import Any
from urllib.parse import quote

import jsonschema_rs
import pytest
from attrs import define, frozen

from run_results_conformance import Contract, ReferenceServer, load_contract, serve

TOKEN = "a-token.of_the~tests+/=="


@pytest.fixture(autouse=True)
def _outside_github(monkeypatch: pytest.MonkeyPatch) -> None:
    """The commands print more in GitHub Actions, where these tests may run."""
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)


AUTH = ("Authorization", f"Bearer {TOKEN}")


@cache
def validator(operation: str, status: int) -> jsonschema_rs.Validator:
    return jsonschema_rs.validator_for(load_contract().operations[operation].validation_schema(status))


@frozen
class Answer:
    status: int
    headers: http.client.HTTPMessage
    raw: bytes

    @property
    def body(self) -> Any:
        return json.loads(self.raw)


@define
class Api:
    """Asks a served application over a real socket, and holds every answer against the contract."""

    host: str
    port: int

    def target(
        self, path: str, query: str = "", *, method: str = "GET", headers: Sequence[tuple[str, str]] = (AUTH,)
    ) -> Answer:
        """Sends the target exactly as given: nothing is encoded, joined or corrected on the way."""
        connection = http.client.HTTPConnection(self.host, self.port, timeout=120)
        try:
            connection.putrequest(method, path + (f"?{query}" if query else ""), skip_accept_encoding=True)
            for name, value in headers:
                connection.putheader(name, value)
            connection.endheaders()
            response = connection.getresponse()
            answer = Answer(response.status, response.headers, response.read())
        finally:
            connection.close()
        assert answer.headers["Content-Type"] == "application/json"
        if method != "HEAD" and "Content-Encoding" not in answer.headers:
            check = validator("list_runs" if path.endswith("/apps/runs") else "get_run_results", answer.status)
            errors = [f"{error.instance_path}: {error.message}" for error in check.iter_errors(answer.body)]
            assert errors == []
        return answer

    def run(
        self,
        run_id: str,
        query: str = "",
        *,
        method: str = "GET",
        headers: Sequence[tuple[str, str]] = (AUTH,),
    ) -> Answer:
        """Asks for the results of a run."""
        return self.target(f"/v2/apps/runs/{quote(run_id, safe='')}/results", query, method=method, headers=headers)

    def list(self, query: str = "", *, headers: Sequence[tuple[str, str]] = (AUTH,)) -> Answer:
        """Asks for the list of runs."""
        return self.target("/v2/apps/runs", query, headers=headers)


Opener = Callable[[ReferenceServer], AbstractContextManager[Api]]


@contextmanager
def open_api(app: ReferenceServer) -> Iterator[Api]:
    with serve(app) as served:
        yield Api(served.host, served.port)


@pytest.fixture(scope="session")
def opened() -> Opener:
    """Serves an application for the length of a `with`."""
    return open_api


@pytest.fixture(scope="session")
def contract() -> Contract:
    return load_contract()


@pytest.fixture(scope="session")
def token() -> str:
    return TOKEN


@pytest.fixture
def quick_turns() -> Iterator[None]:
    """Server and verifier are threads of one process here, and should not wait 5 ms for each other's turn."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(0.0002)
    yield
    sys.setswitchinterval(before)
