"""What the verifier sends is what it says that it sends, and it locks nobody out."""

import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from attrs import frozen
from click.testing import CliRunner
from starlette.requests import Request
from starlette.responses import Response

from run_results_conformance import ReferenceServer
from run_results_conformance.cli.check import check
from run_results_conformance.server.contract import load_contract
from run_results_conformance.server.reference import Refusal
from run_results_conformance.verifier.manifest import Manifest
from run_results_conformance.verifier.rules import markdown
from run_results_conformance.verifier.traffic import MOST_WRONG_TOKENS, TRAFFIC, as_list

from .verifier_kit import MANIFEST, RUN, STORE, TOKEN, broken, explain, verified

ROOT = Path(__file__).parents[2]
RIGHT = f"Bearer {TOKEN}"
FLAGS = load_contract().flags
RUNS = {run_id for context, run_id in STORE if context is None}

pytestmark = pytest.mark.usefixtures("quick_turns")


@frozen
class Sent:
    """A request as a server gets it."""

    method: str
    path: str
    query: str
    headers: tuple[tuple[str, str], ...]

    def values(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key == name]

    @property
    def run_id(self) -> str | None:
        found = re.fullmatch("/v2/apps/runs/([^/]*)/results", self.path)
        return None if found is None else unquote(found[1], errors="replace")

    @property
    def plain_query(self) -> bool:
        parts = [part.partition("=") for part in self.query.split("&") if part]
        names = [name for name, _, _ in parts]
        known = all(
            (name in FLAGS and value in ("true", "false"))
            or (name == "file_offset" and re.fullmatch(r"0|[1-9][0-9]{0,18}", value) is not None)
            for name, _, value in parts
        )
        return known and len(set(names)) == len(names)

    @property
    def plain_headers(self) -> bool:
        usual = {"host", "authorization", "accept", "accept-encoding", "user-agent", "ib-context", "content-length"}
        agents = self.values("user-agent")
        plain = self.values("accept") == ["application/json"] and agents == ["run-results-conformance"]
        return plain and {name for name, _ in self.headers} <= usual


KINDS: dict[str, Callable[[Sent], bool]] = {
    "other methods": lambda sent: sent.method not in ("GET", "HEAD"),
    "token elsewhere": lambda sent: not sent.values("authorization") and TOKEN in sent.query,
    "wrong tokens": lambda sent: [each.lower() for each in sent.values("authorization")] != [RIGHT.lower()],
    "head": lambda sent: sent.method == "HEAD",
    "lists": lambda sent: sent.path == "/v2/apps/runs",
    "paths": lambda sent: sent.run_id is None,
    "other ids": lambda sent: sent.run_id not in RUNS,
    "other contexts": lambda sent: bool(sent.values("ib-context")),
    "parameters": lambda sent: not sent.plain_query,
    "headers": lambda sent: not sent.plain_headers,
    "pages": lambda sent: sent.method == "GET",
}
"""How a request shows its kind: the first that fits."""


class Recorder:
    """The reference server, or another one, with the requests that it got."""

    def __init__(self, make: Callable[..., Any] = ReferenceServer) -> None:
        self.app = make(STORE, TOKEN, page_size=3)
        self.sent: list[Sent] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"])
        path, query = scope["raw_path"].decode("latin-1"), scope["query_string"].decode("latin-1")
        self.sent.append(Sent(scope["method"], path, query, headers))
        await self.app(scope, receive, send)

    def kinds(self) -> Counter[str]:
        return Counter(next(name for name, fits in KINDS.items() if fits(sent)) for sent in self.sent)

    def wrong(self) -> list[bool]:
        """For each request whether it had no token or a wrong one."""
        return [KINDS["wrong tokens"](sent) for sent in self.sent]


def in_a_row(wrong: list[bool]) -> int:
    return max(map(len, "".join("x" if each else " " for each in wrong).split()), default=0)


@pytest.mark.parametrize(
    ("options", "never"),
    [
        ({}, set()),
        ({"unsafe_methods": False}, {"other methods"}),
        ({"unsafe_methods": False, "safe": True}, {"other methods", "token elsewhere"}),
        ({"unsafe_methods": False, "wrong_tokens": 0}, {"other methods", "token elsewhere", "wrong tokens"}),
    ],
)
def test_the_list_is_what_is_sent(options: dict[str, Any], never: set[str]) -> None:
    """Every kind of the list is sent, unless an option leaves it out, and within its bounds."""
    assert KINDS.keys() == {each.name for each in TRAFFIC}
    server = Recorder()
    report = verified(server, manifest=Manifest((*MANIFEST.runs,)), **options)
    assert (report.exit_code, broken(report)) == (0, []), explain(report)
    kinds = server.kinds()
    assert kinds.keys() == KINDS.keys() - never
    assert {sent.method for sent in server.sent} <= {"GET", "HEAD"} or "other methods" not in never
    # TRACE has no token, so that it can come back without harm: it goes where there is nothing to lock.
    assert sum(server.wrong()) <= MOST_WRONG_TOKENS + kinds["other methods"]
    assert in_a_row(server.wrong()) <= 3
    assert kinds["lists"] <= 50
    assert max(len(sent.path) for sent in server.sent) <= 3000 + len("/v2/apps/runs//results")
    assert max(len(part) for sent in server.sent for part in sent.query.split("&")) <= 100 + len("file_offset=")
    assert max(len(value) for sent in server.sent for _, value in sent.headers) <= 4000


def test_the_texts_say_what_is_sent() -> None:
    """docs/rules.md, to which the README and docs/verifier.md lead, and `check --help` have the whole list."""
    assert "\n".join(["## What is sent", "", "One request at a time:", "", *as_list()]) in markdown()
    assert (ROOT / "docs" / "rules.md").read_text("utf-8") == markdown()
    assert "](docs/verifier.md)" in (ROOT / "README.md").read_text("utf-8")
    assert "](rules.md#what-is-sent)" in (ROOT / "docs" / "verifier.md").read_text("utf-8")
    shown = " ".join(CliRunner().invoke(check, ["--help"]).output.split())
    for each in TRAFFIC:
        assert each.words in shown.replace("- ", "-"), each.name


class Locking(ReferenceServer):
    """Locks a token out after so many wrong ones, in a row or in all, with a status."""

    most, status, for_good = 4, 403, False
    wrong = 0

    def respond(self, request: Request) -> Response:
        right = request.headers.getlist("authorization") and request.headers["authorization"].lower() == RIGHT.lower()
        if self.wrong >= self.most and (self.for_good or not right):
            return self.error(Refusal(self.status, "Locked"))
        self.wrong = self.wrong + 1 if not right else self.wrong if self.for_good else 0
        return super().respond(request)


def test_nobody_is_locked_out_for_wrong_tokens_in_a_row() -> None:
    """A server that locks after four wrong tokens in a row locks nobody."""
    report = verified(Locking(STORE, TOKEN, page_size=3), manifest=None, runs=[RUN], unsafe_methods=False)
    assert (report.exit_code, broken(report)) == (0, []), explain(report)


def test_a_lock_ends_the_verification() -> None:
    """Where the right token is refused after wrong ones, no more are sent, and the report says so."""

    class ForGood(Locking):
        most, for_good = 8, True

    server = Recorder(ForGood)
    report = verified(server, manifest=None, runs=[RUN], unsafe_methods=False, only=["authentication"])
    assert (report.exit_code, broken(report)) == (2, []), explain(report)
    assert "may have locked it out" in report.obstacles[0]
    assert sum(server.wrong()) <= 10


def test_429_to_a_wrong_token() -> None:
    """A server that limits wrong tokens with 429 is not sent the same one again, nor any other."""

    class Limiting(Locking):
        most, status = 2, 429

    server = Recorder(Limiting)
    report = verified(server, manifest=None, runs=[RUN], unsafe_methods=False)
    assert (report.exit_code, broken(report)) == (0, []), explain(report)
    assert sum(server.wrong()) == 3
    reasons = {verdict.rule.id: verdict.reason for verdict in report.verdicts if not verdict.judged}
    assert "answered a wrong token with 429" in reasons["authentication.exact"]
